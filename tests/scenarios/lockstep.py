"""Scenarios that share one world and its cycles, since a cycle costs seconds.

A scenario of a group is a generator: each `yield` is a sync, with the options that it names, and gives its result. A
group advances its scenarios to their next `yield`, runs one sync for all of them, and so on until all have ended; then
one more, that writes nothing. Each scenario stays a test of its own name: what it raises fails it alone; a sync that
fails, fails all.

Owns the steps, and what keeps scenarios apart: each sees the world as its `Share`, which holds the records that carry
the scenario's mark. A sync after the end of a scenario has to leave its records alone.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Collection, Generator, Iterable, Mapping
from typing import Any

import pytest
from world import Pair, Values, World

from crm_sync.cycle import CycleResult
from crm_sync.plan import PlannedOperation
from sandbox import control

Steps = Generator[Mapping[str, Any] | None, CycleResult, None]
Scenario = Callable[["Share"], Steps]
#: The exception of each scenario that failed.
Outcome = dict[str, BaseException]
FAILURES = (Exception, pytest.fail.Exception)


class Share(World):
    """A world as one of several scenarios sees it: what it counts and lists are that scenario's own records.

    A record is its own when the scenario made it, or when the record carries the scenario's mark (`own`) in any text.
    """

    def __init__(self, world: World, mark: str) -> None:
        self.world = world
        self.mark = mark
        self.state_dir, self.folder, self.began, self.objects = (
            world.state_dir,
            world.folder,
            world.began,
            world.objects,
        )
        self._seen = {"hubspot": 0, "salesforce": 0}
        self._ids: set[str] = set()

    @property
    def project(self) -> Any:
        """The seeds are the world's: who changes them, changes them for all."""
        return self.world.project

    @project.setter
    def project(self, project: Any) -> None:
        self.world.project = project

    def own(self, name: str) -> str:
        """A name that no other scenario uses: of a person or company, of a deal, in an address or domain."""
        return f"{name}.{self.mark}"

    def sync(self, **options: Any) -> CycleResult:
        raise AssertionError("A scenario of a group has no sync of its own: it yields.")

    def create(
        self, object_: str, hubspot: Values | None = None, salesforce: Values | None = None, minutes_ago: float = 50
    ) -> Pair:
        pair = super().create(object_, hubspot, salesforce, minutes_ago)
        self._ids |= {id_ for id_ in (pair.hubspot_id, pair.salesforce_id) if id_}
        return pair

    def count(self, object_: str) -> tuple[int, int]:
        """How many living records of this scenario there are in HubSpot and in Salesforce."""
        hubspot, salesforce = (
            sum(self._holds(record) for record in control.records(self.state_dir, crm, name))
            for crm, name in zip(control.CRMS, self.objects[object_], strict=True)
        )
        return hubspot, salesforce

    def api_writes(self) -> list[dict[str, Any]]:
        """What the sync has changed in this scenario's records since the last call of this."""
        self._all_ids()
        writes = [write for write in super().api_writes() if self._holds(write)]
        self._ids |= {write["id"] for write in writes}
        return writes

    def own_rows(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Rows of the published health file that hold an id of one of this scenario's records."""
        ids = self._all_ids()
        return [row for row in self.query(sql, *parameters) if ids.intersection(map(str, row))]

    def link_statuses(self) -> dict[str | None, str]:
        """What became of this scenario's links, by HubSpot id."""
        rows = self.own_rows("select hubspot_id, salesforce_id, status from matching.links")
        assert len({row[0] for row in rows}) == len(rows), rows
        return {hubspot_id: status for hubspot_id, _, status in rows}

    def issues(self, issue_type: str) -> list[dict[str, Any]]:
        """The open data-quality issues of one type: of this scenario's records, and of no record but the mapping."""
        ids = self._all_ids()
        listed = [(issue, {issue["hubspot_id"], issue["salesforce_id"]}) for issue in super().issues(issue_type)]
        return [issue for issue, named in listed if named == {None} or ids & (named - {None})]

    def planned(self) -> list[PlannedOperation]:
        """What the next sync would write to this scenario's records."""
        plan = self.plan().plan
        assert plan is not None
        ids = self._all_ids()
        return [one for one in plan.operations if ids & {one.hubspot_id, one.salesforce_id}]

    def quiet_step(self) -> Steps:
        """A sync that leaves this scenario's records alone, and does not even repeat what they hold."""
        self.api_writes()
        result = yield
        assert self.api_writes() == []
        attempts = "select record_id, hubspot_id, salesforce_id from journal.push_attempts where run_id = ?"
        assert self.own_rows(attempts, result.run_id) == []

    def _all_ids(self) -> set[str]:
        """Of the records that it made, and of those that a sync made of them."""
        self._ids |= {id_ for _, id_, record in living(self.world) if self._holds(record)}
        return self._ids

    def _holds(self, record: Mapping[str, Any]) -> bool:
        text = json.dumps({key: value for key, value in record.items() if key not in ("seq", "at")})
        return self.mark in text.casefold() or not self._ids.isdisjoint(re.findall(r"\w+", text))


def living(world: World) -> list[tuple[str, str, dict[str, Any]]]:
    """Every record of the synced objects that is not deleted: its CRM, its id, and what it holds."""
    kinds = {(crm, name) for names in world.objects.values() for crm, name in zip(control.CRMS, names, strict=True)}
    return [
        (crm, str(record.get("id") or record.get("Id")), record)
        for crm, name in sorted(kinds)
        for record in control.records(world.state_dir, crm, name)
    ]


class Group:
    """Scenarios of one world, by name; `prepare` lays its seeds and what else they all need."""

    def __init__(self, name: str, prepare: Callable[[World], None] | None = None) -> None:
        self.name = name
        self.prepare = prepare
        self.scenarios: dict[str, Scenario] = {}

    def scenario(self, scenario: Scenario) -> Callable[..., None]:
        """Make a generator a scenario of this group, and a test of its own name."""
        if not inspect.isgeneratorfunction(scenario):
            raise TypeError(f"{scenario.__name__} never yields, so it is no scenario of a group.")
        name = scenario.__name__
        self.scenarios[name] = scenario

        def test(lockstep: Callable[[Group], Outcome], group: Group) -> None:
            if error := lockstep(group).get(name):
                raise error

        test.__name__, test.__qualname__, test.__doc__ = name, name, scenario.__doc__
        test.__module__ = scenario.__module__
        test.group = self  # type: ignore[attr-defined]
        # By this id tests/conftest.py leaves a group to one process.
        return pytest.mark.parametrize("group", [pytest.param(self, id=f"in {self.name}")])(test)

    def run(self, world: World, names: Collection[str]) -> Outcome:
        """Run those of its scenarios that are asked for, in lock-step."""
        if self.prepare:
            self.prepare(world)
        shares = {
            name: Share(world, f"scenario{number:02}") for number, name in enumerate(self.scenarios) if name in names
        }
        return _Run(world, shares, {name: self.scenarios[name](share) for name, share in shares.items()}).outcome()


def selected(group: Group, items: Iterable[pytest.Item]) -> set[str]:
    """Names of the scenarios of a group among the tests of a session."""
    functions = [getattr(item, "function", None) for item in items]
    return {function.__name__ for function in functions if getattr(function, "group", None) is group}


class _Run:
    """One run of a group: who still has steps to go, and who has failed."""

    def __init__(self, world: World, shares: Mapping[str, Share], steps: Mapping[str, Steps]) -> None:
        self.world = world
        self.shares = shares
        self.waiting = dict(steps)
        self.options: dict[str, Any] = {}
        self.errors: Outcome = {}

    def outcome(self) -> Outcome:
        result: CycleResult | None = None
        while self.waiting:
            self.options = {}
            for name in list(self.waiting):
                self._advance(name, result)
            if len(self.errors) == len(self.shares):
                return self.errors
            try:
                result = self._sync()
            except FAILURES as error:
                self._fail(error)
                return self.errors
        self._look_for_strays()
        return self.errors

    def _advance(self, name: str, result: CycleResult | None) -> None:
        """Let a scenario look and edit up to its next sync."""
        __tracebackhide__ = True
        try:
            self.options |= self.waiting[name].send(result) or {}  # type: ignore[arg-type]  # None starts it
        except StopIteration:
            del self.waiting[name]
        except FAILURES as error:
            del self.waiting[name]
            self._fail(error, name)

    def _sync(self) -> CycleResult:
        """One sync for all. It leaves alone what belongs to scenarios that have ended: the last one, everything."""
        is_last = not self.waiting
        watched = {name: share for name, share in self.shares.items() if is_last or self._has_ended(name)}
        for world in (self.world, *watched.values()):
            world.api_writes()
        result = self.world.sync(**self.options)
        claimed = []
        for name, share in watched.items():
            if writes := share.api_writes():
                claimed += writes
                self._fail(AssertionError(f"A sync after the end of this scenario wrote: {writes}"), name)
        if is_last:
            others = [write for write in self.world.api_writes() if write not in claimed]
            if others or result.pushed is None or (result.pushed.records("succeeded") and not claimed):
                self._fail(AssertionError(f"The last sync was not quiet: {result.pushed}, {others}"))
        return result

    def _has_ended(self, name: str) -> bool:
        return name not in self.waiting and name not in self.errors

    def _look_for_strays(self) -> None:
        """Every record is somebody's: one that a sync made too many may lack what would tell whose it is."""
        for crm, id_, record in living(self.world):
            marks = {mark for share in self.shares.values() if (mark := share.mark) in json.dumps(record).casefold()}
            if len(marks) != 1:
                self._fail(AssertionError(f"{crm} {id_} belongs to {sorted(marks) or 'nobody'}: {record}"))

    def _fail(self, error: BaseException, *names: str) -> None:
        """The first failure of a scenario stays; without names it is everybody's."""
        for name in names or self.shares:
            self.errors.setdefault(name, error)


#: Scenarios of any module that run with the default mapping and need nothing special of either CRM.
DEFAULTS = Group("defaults")
