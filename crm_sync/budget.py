"""The API budget: how many of a CRM's daily calls this sync may make.

Owns the rule and its memory: what the runs of the last 24 hours have called is in `journal.runs` (of a killed run by
way of `call_count.py`), the daily limit is read from the CRM's own answers. The clients ask before every call, so
that the budget is never exceeded; a run that has spent it stops where it is, and the next one goes on there. Because
a push writes parents before children and records before activities, what is left undone is what matters least; and
what is not urgent (reconciles, computed fields) waits as soon as the budget is short.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import duckdb

from crm_sync.acceptance import is_accepted
from crm_sync.call_count import CallCount
from crm_sync.clients import ApiLimits, Clients
from crm_sync.clients.errors import BudgetSpent, explain
from crm_sync.config import Project
from crm_sync.errors import ConfigError
from crm_sync.wording import CRM_NAMES

CRMS = ("hubspot", "salesforce")
DEFAULT_SHARE = 0.8
#: This much of the daily limit is always left to others.
LEFT_TO_OTHERS = 0.05
#: With less than this share of the budget left, only what is urgent is read.
SHORT = 0.25
#: Fewer calls than these are not worth starting a run for.
FEWEST_CALLS = 20

_CALLED = """
select crm.key, sum(cast(crm.value ->> '$.calls' as bigint)) filter (where runs.started_at > $since),
    arg_max(cast(crm.value ->> '$.daily_limit' as bigint), runs.started_at)
from journal.runs as runs cross join lateral json_each(runs.api_calls) as crm
where runs.api_calls is not null
group by crm.key
"""


@dataclass(frozen=True)
class Called:
    """The calls of earlier runs within 24 hours, and the daily limit that the newest of all runs has seen."""

    calls: int = 0
    daily_limit: int | None = None


class Budget:
    """One CRM's budget in one run. Thread-safe."""

    def __init__(
        self, crm: str, share: float, before: Called, *, is_accepted: bool = False, count: CallCount | None = None
    ) -> None:
        self.crm = crm
        self._share = share
        self._before = before
        self._is_accepted = is_accepted
        self._made = 0
        self._count = count
        self._lock = threading.Lock()

    def take(self, limits: ApiLimits) -> str | None:
        """Count a call that is about to be made; why it must not be made, if it must not."""
        with self._lock:
            limit = limits.daily_limit or self._before.daily_limit
            if limit is not None and not self._is_accepted:
                own = self._before.calls + self._made
                allowed = int(limit * self._share)
                if own >= allowed:
                    return f"this sync has made {own:,} of the {allowed:,} calls that it may make a day"
                if limits.daily_used is not None and limits.daily_used >= int(limit * (1 - LEFT_TO_OTHERS)):
                    return f"{limits.daily_used:,} of the {limit:,} calls of the day are used by all integrations"
            self._made += 1
        if self._count is not None:
            self._count.add(self.crm)
        return None

    @property
    def left(self) -> int | None:
        """The calls left before the run's first; None where the limit is not known yet."""
        limit = self._before.daily_limit
        if limit is None or self._is_accepted:
            return None
        return max(0, int(limit * self._share) - self._before.calls)

    @property
    def is_short(self) -> bool:
        """Whether only what is urgent should be called for."""
        limit = self._before.daily_limit
        return self.left is not None and limit is not None and self.left < limit * self._share * SHORT

    def require_some(self) -> None:
        """Raise GuardStop when a run is not worth starting."""
        if self.left is not None and self.left < FEWEST_CALLS:
            spent = f"{self._before.calls:,} calls were made within 24 hours"
            raise explain(BudgetSpent(spent, crm=CRM_NAMES[self.crm]))


def read_budgets(
    connection: duckdb.DuckDBPyConnection,
    project: Project,
    accepted: Collection[str],
    now: datetime,
    count: CallCount | None = None,
) -> dict[str, Budget]:
    """The budget of each CRM, by the variables `<crm>_api_budget_share` and the journal; `count` hears of each call."""
    rows = connection.execute(_CALLED, {"since": now - timedelta(hours=24)}).fetchall()
    called = {crm: Called(calls or 0, limit) for crm, calls, limit in rows}
    return {
        crm: Budget(
            crm,
            _share(project, crm),
            called.get(crm, Called()),
            is_accepted=is_accepted(f"{crm}.api_budget", accepted),
            count=count,
        )
        for crm in CRMS
    }


def apply_budgets(clients: Clients, budgets: Mapping[str, Budget]) -> None:
    """Let the clients ask before every call."""
    clients.hubspot.api.budget = budgets["hubspot"]
    clients.salesforce.api.budget = budgets["salesforce"]


def _share(project: Project, crm: str) -> float:
    name = f"{crm}_api_budget_share"
    share = project.variable(name, DEFAULT_SHARE)
    if not 0 < share <= 1:
        raise ConfigError(f"The variable {name} in dbt_project.yml is {share}.", "Write a share from 0 to 1, e.g. 0.8.")
    return share
