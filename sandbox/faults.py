"""The fault plan: which requests of a stand-in CRM go wrong, how, and when.

Owns: reading a plan, deciding per request, counting. Refuses: to know any CRM's API, and to send anything
(`sandbox.traffic` carries a fault out). A plan lives in memory: a restarted server behaves again.

A plan is a JSON object `{"seed"?: n, "rules": [rule, ...]}`. Every rule has a `kind` and may say

- where: `method` (one or a list), `path` (one glob or a list of them, matched against the path template and the path;
  `!` in front excludes), `contains` (text in the request body). Without `path` it is every path but the login;
- when, counted over the requests that match: `skip` n, `first` n, `nth` (one or a list), `every` n, `times` (at most so
  many), `probability` (drawn from the seed), `between` [from, to] (seconds since the plan was set, or ISO times on the
  CRM's clock). What is left out does not restrict.

The first rule that strikes wins; the others only count the request.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Collection, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any

from sandbox.organisation import ControlError, Settings

KINDS: dict[str, frozenset[str]] = {
    "status": frozenset({"status", "body", "retry_after", "after_effect"}),
    "rate_limit": frozenset({"policy", "retry_after"}),
    "reset_before": frozenset(),
    "reset_after": frozenset(),
    "slow": frozenset({"delay_ms"}),
    "slow_body": frozenset({"delay_ms", "chunks"}),
    "truncated": frozenset({"share"}),
    "malformed": frozenset({"share", "body"}),
    "expired_token": frozenset(),
    "row_lock": frozenset({"share"}),
    "index_lag": frozenset({"delay_ms"}),
}
"""Each kind of fault and the options it takes; sandbox/README.md says what they do."""

_EVERYWHERE = frozenset(
    {"kind", "name", "method", "path", "contains"}
    | {"skip", "first", "nth", "every", "times", "probability", "between"}
)  # fmt: skip
LOG_LENGTH = 1000


@dataclass(frozen=True)
class Rule:
    """One rule of a plan."""

    name: str
    kind: str
    methods: frozenset[str] = frozenset()
    paths: tuple[str, ...] = ()
    contains: bytes = b""
    skip: int = 0
    first: int = 0
    nth: frozenset[int] = frozenset()
    every: int = 0
    times: int = 0
    probability: float = 1.0
    between: tuple[float, float] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    def matches(self, request: Request, seconds: float, login_paths: Collection[str]) -> bool:
        """Whether this is a request that the rule speaks of."""
        if self.methods and request.method not in self.methods:
            return False
        if self.between is not None and not self.between[0] <= seconds < self.between[1]:
            return False
        if self.contains and self.contains not in request.body:
            return False
        wanted = [glob for glob in self.paths if not glob.startswith("!")]
        refused = [glob[1:] for glob in self.paths if glob.startswith("!")]
        if not wanted:
            refused += login_paths
            wanted = ["*"]
        return request.is_at(wanted) and not request.is_at(refused)

    def is_due(self, call: int, injected: int, draw: float) -> bool:
        """Whether the nth matching request is to go wrong."""
        number = call - self.skip
        return (
            number > 0
            and (not self.first or number <= self.first)
            and (not self.nth or number in self.nth)
            and (not self.every or number % self.every == 0)
            and (not self.times or injected < self.times)
            and draw < self.probability
        )

    def number(self, option: str, default: float) -> float:
        return float(self.options.get(option, default))


CURRENT: ContextVar[Rule | None] = ContextVar("sandbox_fault", default=None)
"""The fault of the request in hand, for those that strike inside a CRM (`row_lock`, `index_lag`)."""


@dataclass(frozen=True)
class Request:
    """What a rule looks at."""

    method: str
    path: str
    template: str
    body: bytes

    def is_at(self, globs: Collection[str]) -> bool:
        return any(fnmatchcase(self.template, glob) or fnmatchcase(self.path, glob) for glob in globs)


class FaultPlan:
    """The plan in force and what came of it."""

    def __init__(self, settings: Settings, kinds: Collection[str], login_paths: Collection[str]) -> None:
        self._settings = settings
        self._kinds = sorted(kinds)
        self._login_paths = login_paths
        self.clear()

    @property
    def is_active(self) -> bool:
        return bool(self._rules)

    def clear(self) -> None:
        """Behave again, and forget the counts."""
        self.set({"rules": []})

    def set(self, plan: Mapping[str, Any]) -> None:
        """Replace the plan; ControlError says what is wrong with it, and then the former one stays."""
        unknown = set(plan) - {"seed", "rules"}
        if unknown or not isinstance(plan.get("rules", []), list):
            raise ControlError(f'A fault plan is {{"seed", "rules": [...]}}; not understood: {sorted(unknown)}.')
        started = self._settings.now_ms() / 1000
        rules = [self._read(item, index, started) for index, item in enumerate(plan.get("rules", []))]
        names = [rule.name for rule in rules]
        if len(set(names)) < len(names):
            raise ControlError(f"Two fault rules have the same name: {sorted(names)}.")
        self._seed = plan.get("seed", 0)
        self._given = list(plan.get("rules", []))
        self._rules, self._started = rules, started
        self._randoms = [random.Random(f"{self._seed}:{index}") for index in range(len(rules))]
        self._calls = [0] * len(rules)
        self._injected = [0] * len(rules)
        self._log: deque[dict[str, Any]] = deque(maxlen=LOG_LENGTH)

    def strike(self, method: str, path: str, template: str, body: bytes) -> Rule | None:
        """Count a request; the rule that makes it go wrong, if any."""
        request = Request(method, path, template, body)
        seconds = self._settings.now_ms() / 1000 - self._started
        chosen: int | None = None
        for index, rule in enumerate(self._rules):
            if not rule.matches(request, seconds, self._login_paths):
                continue
            self._calls[index] += 1
            draw = self._randoms[index].random()
            if chosen is None and rule.is_due(self._calls[index], self._injected[index], draw):
                chosen = index
        if chosen is None:
            return None
        self._injected[chosen] += 1
        rule = self._rules[chosen]
        at = self._settings.now().isoformat(timespec="milliseconds")
        self._log.append({"at": at, "rule": rule.name, "kind": rule.kind, "method": method, "path": path})
        return rule

    def report(self) -> dict[str, Any]:
        """The plan, per rule how many requests matched and how many went wrong, and the latest of these."""
        counts = zip(self._given, self._rules, self._calls, self._injected, strict=True)
        rules = [{**given, "name": rule.name, "calls": calls, "injected": n} for given, rule, calls, n in counts]
        return {"seed": self._seed, "rules": rules, "injected": sum(self._injected), "log": list(self._log)}

    # reading a rule ---------------------------------------------------------------------------------------

    def _read(self, item: Any, index: int, started: float) -> Rule:
        if not isinstance(item, Mapping):
            raise ControlError("A fault rule must be a JSON object.")
        kind = str(item.get("kind"))
        if kind not in self._kinds:
            raise ControlError(f'Unknown kind of fault "{kind}": use one of {", ".join(self._kinds)}.')
        unknown = set(item) - _EVERYWHERE - KINDS[kind]
        if unknown:
            raise ControlError(f"A fault rule of kind {kind} has no {', '.join(sorted(unknown))}.")
        if kind == "status" and not 200 <= int(item.get("status") or 0) <= 599:
            raise ControlError('A fault rule of kind status needs a "status" from 200 to 599.')
        try:
            return Rule(
                name=str(item.get("name") or f"{index + 1} {kind}"),
                kind=kind,
                methods=frozenset(text.upper() for text in _listed(item.get("method"))),
                paths=tuple(_listed(item.get("path"))),
                contains=str(item.get("contains") or "").encode(),
                skip=int(item.get("skip", 0)),
                first=int(item.get("first", 0)),
                nth=frozenset(map(int, _listed(item.get("nth")))),
                every=int(item.get("every", 0)),
                times=int(item.get("times", 0)),
                probability=float(item.get("probability", 1)),
                between=_between(item.get("between"), started),
                options={name: item[name] for name in KINDS[kind] if name in item},
            )
        except (TypeError, ValueError) as error:
            raise ControlError(f"A fault rule of kind {kind} cannot be read: {error}") from error


def _listed(value: Any) -> list[Any]:
    if value in (None, "", "*"):
        return []
    return list(value) if isinstance(value, list) else [value]


def _between(value: Any, started: float) -> tuple[float, float] | None:
    """From and to in seconds since the plan was set."""
    if value is None:
        return None
    if not isinstance(value, list) or len(value) != 2:
        raise ValueError("between must be [from, to]")
    start, end = (_seconds(each, started) for each in value)
    return start, end


def _seconds(value: Any, started: float) -> float:
    if isinstance(value, str):
        moment = datetime.fromisoformat(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - started
    return float(value)
