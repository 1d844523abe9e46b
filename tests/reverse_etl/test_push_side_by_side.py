"""Batches side by side: what goes at once, what waits, and what happens when something breaks meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any

import pytest
from push_support import attempts_of, diff_row
from test_push_protocol import World

import reverse_etl.crew
from crm_sync.clients.errors import NotSent, ServerTrouble
from reverse_etl.crew import Crew, Unit
from reverse_etl.operations import Operation


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    world = World(monkeypatch)
    for crm in (world.hubspot, world.salesforce):
        crm.at_once, crm.unit = 4, 400
    return world


class Watched:
    """Sees which batches of a CRM are under way at the same time."""

    def __init__(self, crm: Any, meeting: threading.Barrier | None = None) -> None:
        self.overlaps: list[set[str]] = []
        self._under_way: list[set[str]] = []
        self._lock = threading.Lock()
        self._meeting = meeting
        crm.on_send, crm.on_sent = self._begin, self._end

    def _begin(self, operations: Sequence[Operation]) -> None:
        parents = {operation.parent or "" for operation in operations}
        with self._lock:
            self.overlaps += [parents & others for others in self._under_way]
            self._under_way.append(parents)
        if self._meeting is not None:
            self._meeting.wait()

    def _end(self, operations: Sequence[Operation]) -> None:
        with self._lock:
            self._under_way.remove({operation.parent or "" for operation in operations})


def _updates(world: World, count: int, **changes: str) -> list[dict[str, Any]]:
    for number in range(count):
        world.salesforce.add(f"003{number}", Title="Old")
    return [
        diff_row(
            "salesforce", "contact", "update", f"l{number:04}", record_id=f"003{number}",
            changes={"Title": "New", **changes}, previous={"Title": "Old"},
        )
        for number in range(count)
    ]  # fmt: skip


def test_batches_of_one_kind_go_out_side_by_side(world: World) -> None:
    """Each waits for the others to be under way: one after the other, none would ever end."""
    Watched(world.salesforce, threading.Barrier(4, timeout=20))
    world.diffs(*_updates(world, 400))
    assert world.push().records("succeeded") == 400
    assert [len(batch) for batch in world.salesforce.sent] == [100] * 4


def test_both_crms_are_written_at_once_and_hubspot_waits_for_ids_only(world: World) -> None:
    meeting = threading.Barrier(2, timeout=20)
    made: list[tuple[str, str]] = []

    def meet(name: str, operations: Sequence[Operation]) -> None:
        if operations[0].operation == "create":
            meeting.wait()
        made.append((name, operations[0].operation))

    world.hubspot.on_send = lambda operations: meet("hubspot", operations)
    world.salesforce.on_send = lambda operations: meet("salesforce", operations)
    world.hubspot.add("20")
    world.diffs(
        diff_row("salesforce", "contact", "create", "p", hubspot_id="20", changes={"LastName": "Lee"}),
        diff_row("hubspot", "contact", "create", "q", salesforce_id="003", changes={"lastname": "Kim"}),
        diff_row(
            "hubspot", "contact", "update", "p", record_id="20",
            changes={}, references={"salesforce_record_id": {"link_id": "p", "object": "contact"}},
        ),
    )  # fmt: skip
    assert world.push().records("succeeded") == 3
    assert sorted(made[:2]) == [("hubspot", "create"), ("salesforce", "create")]
    assert world.hubspot.records["20"]["salesforce_record_id"] == world.salesforce.by_key["20"]


def test_children_of_one_parent_are_never_in_two_batches_at_once(world: World) -> None:
    """Salesforce locks an account while its contacts are written. 90 children each, dealt out in turn, of which some
    come to that account just now and the others were in it when they were read."""
    rows = _updates(world, 360)
    for number, row in enumerate(rows[:200]):
        row["changes"] = {**row["changes"], "AccountId": f"001{number % 4}"}
        row["previous"] = {**row["previous"], "AccountId": None}
    world.connection.execute(
        """
        create schema raw_salesforce;
        create table raw_salesforce.records as
        select 'Contact' as object, '003' || n as id, json_object('AccountId', '001' || (n % 4)) as properties
        from range(360) as numbers (n)
        """
    )
    watched = Watched(world.salesforce)
    world.diffs(*rows)
    assert world.push().records("succeeded") == 360
    assert len(world.salesforce.sent) == 4
    assert not any(watched.overlaps)
    parents = [{operation.parent for operation in batch} for batch in world.salesforce.sent]
    assert all(len(found) <= 2 for found in parents)


def test_one_record_is_never_written_twice_at_once(world: World) -> None:
    world.salesforce.unit = 1
    world.salesforce.add("003", Title="Old", Phone=None)
    twice = [
        diff_row("salesforce", "contact", "update", name, record_id="003", changes={name: "1"}, previous={})
        for name in ("Phone", "Fax", "Title2")
    ]
    busy = threading.Lock()

    def alone(operations: Sequence[Operation]) -> None:
        assert busy.acquire(blocking=False)

    world.salesforce.on_send = alone
    world.salesforce.on_sent = lambda operations: busy.release()
    world.diffs(*twice)
    assert world.push().records("succeeded") == 3


def test_what_fails_side_by_side_is_one_trouble(world: World) -> None:
    """An outage of a second meets several calls at once; what comes after it goes on."""
    failing = threading.Semaphore(4)

    def fail_four(operations: Sequence[Operation]) -> None:
        if failing.acquire(blocking=False):
            raise ServerTrouble("oops", status=503)

    world.salesforce.on_send = fail_four
    world.diffs(*_updates(world, 800))
    report = world.push()
    assert not report.failed_crms
    assert (report.records("succeeded"), report.records("retryable")) == (400, 400)


def test_a_crm_that_cannot_be_reached_is_called_by_no_further_thread(world: World) -> None:
    def refuse(operations: Sequence[Operation]) -> None:
        raise NotSent("no connection")

    world.salesforce.on_send = refuse
    world.diffs(*_updates(world, 4_000))
    report = world.push()
    assert report.failed_crms == ("salesforce",)
    assert report.records("retryable") + report.records("not_attempted") == 4_000
    assert len(world.salesforce.sent) <= 2 * world.salesforce.at_once
    assert {row["outcome"] for row in attempts_of(world.connection)} == {"retryable"}


def test_a_mistake_in_a_call_ends_the_work_when_the_others_have_ended() -> None:
    ended = threading.Event()
    began = threading.Event()

    def slow() -> None:
        began.set()
        ended.wait(0.2)
        ended.set()

    def wrong() -> None:
        began.wait(5)
        raise ZeroDivisionError

    def unit() -> Unit:
        yield [slow, wrong]
        raise AssertionError("never reached")

    def work() -> None:
        with Crew({"crm": 2}) as crew:
            crew.begin("crm", unit(), lambda: None)
            while crew.is_busy:
                crew.wait()

    with pytest.raises(ZeroDivisionError):
        work()
    assert ended.is_set()


def test_somebody_who_asks_to_stop_does_not_wait_for_calls_that_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reverse_etl.crew, "_PATIENCE_SECONDS", 0.05)
    release = threading.Event()
    began = threading.Barrier(4, timeout=20)

    def hang() -> None:
        began.wait()
        release.wait(20)

    def interrupt() -> None:
        began.wait()
        raise KeyboardInterrupt

    def unit() -> Unit:
        yield [hang, hang, hang, interrupt, *[lambda: pytest.fail("no further call is made")] * 4]

    def work() -> None:
        with Crew({"crm": 4}) as crew:
            crew.begin("crm", unit(), lambda: None)
            while crew.is_busy:
                crew.wait()

    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        work()
    assert time.monotonic() - started < 10
    release.set()
