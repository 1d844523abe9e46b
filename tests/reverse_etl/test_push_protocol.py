"""The protocol over CRMs in memory: order, references, stale checks, unknown outcomes, failing CRMs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pytest
from push_support import MemoryWriter, attempts_of, diff_row, make_diffs, outcomes_of, raising

from crm_sync.clients.errors import NoResponse, NotSent, Refused, ServerTrouble
from crm_sync.errors import GuardStop
from reverse_etl import push as push_module
from reverse_etl.journal import Journal
from reverse_etl.operations import Attempt, Operation, Outcome
from reverse_etl.report import PushReport

LATER = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


class World:
    """A warehouse, two CRMs in memory, and a push between them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.connection = duckdb.connect()
        self.journal = Journal(self.connection)
        self.hubspot = MemoryWriter("hubspot")
        self.salesforce = MemoryWriter("salesforce")
        writers = {"hubspot": self.hubspot, "salesforce": self.salesforce}
        monkeypatch.setattr(push_module, "build_writers", lambda *_: writers)

    def diffs(self, *rows: dict[str, Any]) -> None:
        by_target: dict[str, list[dict[str, Any]]] = {"hubspot": [], "salesforce": []}
        for row in rows:
            by_target[row["operation_id"].partition("-")[0]].append(row)
        make_diffs(self.connection, **by_target)

    def push(self, run_id: str = "run", **options: Any) -> PushReport:
        defaults: dict[str, Any] = {"linked_counts": {}, "journal": self.journal}
        return push_module.push(self.connection, None, run_id=run_id, **{**defaults, **options})  # type: ignore[arg-type]

    @property
    def outcomes(self) -> dict[str, str | None]:
        return outcomes_of(self.connection)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


def _reference(link_id: str, object_: str, **ids: str) -> dict[str, Any]:
    return {"link_id": link_id, "object": object_, **ids}


def _company_and_contact() -> list[dict[str, Any]]:
    """A company and its contact to be created in Salesforce, and the contact to be stamped in HubSpot."""
    return [
        diff_row("salesforce", "company", "create", "c", hubspot_id="10", changes={"Name": "Acme"}),
        diff_row(
            "salesforce",
            "contact",
            "create",
            "p",
            hubspot_id="20",
            changes={"LastName": "Lee", "AccountId": None},
            references={"AccountId": _reference("c", "company", hubspot_id="10")},
        ),
        diff_row(
            "hubspot",
            "contact",
            "update",
            "p",
            record_id="20",
            changes={"salesforce_record_id": None},
            references={"salesforce_record_id": _reference("p", "contact", hubspot_id="20")},
        ),
    ]


def test_children_get_the_ids_of_parents_created_in_the_same_run(world: World) -> None:
    world.hubspot.add("20")
    world.diffs(*_company_and_contact())
    report = world.push()
    account, contact = world.salesforce.by_key["10"], world.salesforce.by_key["20"]
    assert world.salesforce.records[contact]["AccountId"] == account
    assert world.hubspot.records["20"]["salesforce_record_id"] == contact
    assert report.records("succeeded") == 3
    assert not report.failed_crms
    stamp = next(row for row in attempts_of(world.connection) if row["target"] == "hubspot")
    assert stamp["changes"] == {"salesforce_record_id": contact}


def test_a_hubspot_contact_refers_to_a_company_created_in_hubspot_in_the_same_run(world: World) -> None:
    world.diffs(
        diff_row("hubspot", "company", "create", "c", salesforce_id="001", changes={"name": "Acme"}),
        diff_row(
            "hubspot",
            "contact",
            "create",
            "p",
            salesforce_id="003",
            changes={"lastname": "Lee"},
            references={"associations.companies": _reference("c", "company", salesforce_id="001")},
        ),
    )
    world.push()
    company = world.hubspot.by_key["001"]
    assert world.hubspot.records[world.hubspot.by_key["003"]]["associations.companies"] == company


def test_children_of_a_failed_parent_are_blocked_and_others_are_not(world: World) -> None:
    def refuse(operations: Sequence[Operation]) -> None:
        if any(operation.object == "company" for operation in operations):
            raise Refused("Required fields are missing: [Name]", status=400, code="REQUIRED_FIELD_MISSING")

    world.salesforce.on_send = refuse
    world.hubspot.add("20")
    other = diff_row("salesforce", "contact", "create", "q", hubspot_id="21", changes={"LastName": "Kim"})
    world.diffs(*_company_and_contact(), other)
    report = world.push()
    assert world.outcomes == {
        "salesforce-company-create-c": "rejected",
        "salesforce-contact-create-p": "blocked",
        "hubspot-contact-update-p": "blocked",
        "salesforce-contact-create-q": "succeeded",
    }
    assert report.records("blocked") == 2


def test_a_parent_created_by_an_earlier_run_is_found_in_the_journal(world: World) -> None:
    earlier = Operation("x", "salesforce", "company", 1, "create", "Account", None, "c", "10", None, {})
    attempt = Attempt("earlier", earlier, LATER)
    world.journal.begin_attempts([attempt])
    world.journal.record_outcomes([(attempt, Outcome("x", "succeeded", record_id="001Z"))], LATER)
    world.hubspot.add("20")
    world.diffs(*_company_and_contact()[1:])
    world.push()
    assert world.salesforce.records[world.salesforce.by_key["20"]]["AccountId"] == "001Z"


def test_records_of_one_object_that_refer_to_each_other(world: World) -> None:
    """A parent company may come after its child in the stage; two that need each other are blocked."""

    def company(link_id: str, key: str, parent: str) -> dict[str, Any]:
        return diff_row(
            "salesforce",
            "company",
            "create",
            link_id,
            hubspot_id=key,
            changes={"Name": key},
            references={"ParentId": _reference(parent, "company")},
        )

    top = diff_row("salesforce", "company", "create", "z", hubspot_id="1", changes={"Name": "top"})
    world.diffs(company("a", "3", "b"), company("b", "2", "z"), top, company("m", "8", "n"), company("n", "9", "m"))
    world.push()
    records, by_key = world.salesforce.records, world.salesforce.by_key
    assert records[by_key["3"]]["ParentId"] == by_key["2"]
    assert records[by_key["2"]]["ParentId"] == by_key["1"]
    assert [world.outcomes[f"salesforce-company-create-{link}"] for link in "mn"] == ["blocked", "blocked"]


def _update(link_id: str, record_id: str, **values: Any) -> dict[str, Any]:
    defaults = {"changes": {"Title": "New"}, "previous": {"Title": "Old"}}
    return diff_row("salesforce", "contact", "update", link_id, record_id=record_id, **{**defaults, **values})


@pytest.mark.parametrize(
    ("held", "modified", "outcome"),
    [
        ("Old", None, "succeeded"),
        ("Old", LATER, "succeeded"),
        ("Edited", LATER, "stale"),
        (None, LATER, "stale"),
    ],
)
def test_a_field_edited_since_the_snapshot_is_left(
    world: World, held: str | None, modified: datetime | None, outcome: str
) -> None:
    world.salesforce.add("003", **({"modified": modified} if modified else {}), Title=held, Phone="1")  # type: ignore[arg-type]
    world.diffs(_update("l", "003"))
    world.push()
    assert world.outcomes == {"salesforce-contact-update-l": outcome}
    assert world.salesforce.records["003"]["Title"] == ("New" if outcome == "succeeded" else held)


def test_a_deleted_record_is_stale_and_its_neighbour_is_written(world: World) -> None:
    world.salesforce.add("003A", Title="Old")
    world.diffs(_update("a", "003A"), _update("b", "003B"))
    report = world.push()
    assert (report.records("succeeded"), report.records("stale")) == (1, 1)
    gone = next(row for row in attempts_of(world.connection) if row["outcome"] == "stale")
    assert gone["error_code"] == "RECORD_GONE"


def test_blank_in_any_form_is_not_a_change(world: World) -> None:
    world.salesforce.add("003", modified=LATER, Title="")
    world.diffs(_update("l", "003", previous={}))
    world.push()
    assert world.outcomes == {"salesforce-contact-update-l": "succeeded"}


def test_a_young_snapshot_may_go_unchecked(world: World) -> None:
    world.salesforce.add("003", modified=LATER, Title="Edited")
    world.diffs(_update("l", "003"))
    options = {"verify_after_seconds": 60, "snapshot_at": {"salesforce": LATER}}
    world.push(now=lambda: LATER + timedelta(seconds=59), **options)
    assert world.salesforce.calls == 1
    assert world.salesforce.records["003"]["Title"] == "New"


def test_two_operations_on_one_record_go_into_two_batches(world: World) -> None:
    world.salesforce.add("003", Title="Old", Phone=None)
    world.diffs(_update("a", "003"), _update("b", "003", changes={"Phone": "1"}, previous={}))
    world.push()
    assert [len(batch) for batch in world.salesforce.sent] == [1, 1]
    assert world.salesforce.records["003"] == {"Title": "New", "Phone": "1"}


def test_a_guard_stop_makes_no_call(world: World) -> None:
    world.salesforce.add("003", Title="Old")
    world.diffs(_update("l", "003"))
    limit = {"target": "salesforce", "object": "contact", "operation": "update", "max_records": "0"}
    with pytest.raises(GuardStop):
        world.push(limits=[limit])
    assert world.salesforce.calls == world.hubspot.calls == 0
    assert attempts_of(world.connection) == []
    world.push(limits=[limit], accepted=["salesforce.contact.update"])
    assert world.salesforce.records["003"]["Title"] == "New"


def test_the_attempt_is_in_the_journal_before_the_call(world: World) -> None:
    seen: list[str | None] = []
    world.salesforce.on_send = lambda operations: seen.extend(
        outcome for (outcome,) in world.connection.execute("select outcome from journal.push_attempts").fetchall()
    )
    world.salesforce.add("003", Title="Old")
    world.diffs(_update("l", "003"))
    world.push()
    assert seen == [None]


# ------------------------------------------------------------ unknown outcomes


def test_no_answer_after_the_effect_is_found_to_have_succeeded(world: World) -> None:
    world.salesforce.on_sent = raising(NoResponse("silence"))
    world.salesforce.add("003", Title="Old")
    world.diffs(_update("l", "003"))
    report = world.push()
    assert world.outcomes == {"salesforce-contact-update-l": "succeeded"}
    assert not report.failed_crms
    assert attempts_of(world.connection)[0]["stored"] == {"Title": "New"}


def test_no_answer_before_the_effect_is_found_not_to_have_been_made(world: World) -> None:
    world.salesforce.on_send = raising(NoResponse("silence"))
    world.salesforce.add("003", Title="Old")
    world.diffs(_update("l", "003"))
    world.push()
    assert world.outcomes == {"salesforce-contact-update-l": "retryable"}
    assert world.salesforce.records["003"]["Title"] == "Old"


class Killed(BaseException):
    """The process dies."""


@pytest.mark.parametrize("point", ["before", "after"])
def test_after_a_crash_the_next_push_learns_by_reading(world: World, point: str) -> None:
    def die(*_: Any) -> None:
        raise Killed

    if point == "before":
        world.salesforce.on_send = die
    else:
        world.salesforce.on_sent = die
    world.hubspot.add("20")
    world.diffs(*_company_and_contact())
    with pytest.raises(Killed):
        world.push("crashed")
    assert world.outcomes == {"salesforce-company-create-c": None}
    world.salesforce.on_send = world.salesforce.on_sent = lambda operations: None
    report = world.push("next")
    first = attempts_of(world.connection)[0]
    assert (first["run_id"], first["outcome"]) == ("crashed", "succeeded" if point == "after" else "retryable")
    assert report.resolved == {first["outcome"]: 1}
    assert len(world.salesforce.records) == 2
    contact = world.salesforce.by_key["20"]
    assert world.salesforce.records[contact]["AccountId"] == world.salesforce.by_key["10"]


def test_a_create_found_to_have_been_made_is_not_written_over(world: World) -> None:
    """Somebody may have edited the new record since the crash."""

    def die(*_: Any) -> None:
        raise Killed

    world.salesforce.on_sent = die
    world.diffs(_company_and_contact()[0])
    with pytest.raises(Killed):
        world.push("crashed")
    world.salesforce.on_sent = lambda operations: None
    world.salesforce.records[world.salesforce.by_key["10"]]["Name"] = "Acme Ltd"
    world.push("next")
    assert world.salesforce.records[world.salesforce.by_key["10"]]["Name"] == "Acme Ltd"


# ------------------------------------------------------------ failing CRMs


def test_an_unreachable_crm_is_left_alone_and_the_other_goes_on(world: World) -> None:
    world.salesforce.on_read = raising(NotSent("no connection"))
    world.salesforce.on_send = raising(NotSent("no connection"))
    world.hubspot.add("20")
    world.hubspot.add("30", jobtitle="Old")
    independent = diff_row(
        "hubspot", "contact", "update", "h", record_id="30", changes={"jobtitle": "New"}, previous={"jobtitle": "Old"}
    )
    world.diffs(*_company_and_contact(), _update("u", "003"), independent)
    report = world.push()
    assert report.failed_crms == ("salesforce",)
    assert world.hubspot.records["30"]["jobtitle"] == "New"
    assert world.outcomes == {
        "salesforce-company-create-c": "retryable",
        "salesforce-contact-create-p": "blocked",
        "hubspot-contact-update-p": "blocked",
        "hubspot-contact-update-h": "succeeded",
    }
    assert report.records("not_attempted", "salesforce") == 1
    assert world.salesforce.calls == 1


def test_server_trouble_twice_running_stops_the_crm(world: World) -> None:
    world.salesforce.on_send = raising(ServerTrouble("oops", status=503, code="SERVER_UNAVAILABLE"))
    for number in range(300):
        world.salesforce.add(f"003{number}", Title="Old")
    world.diffs(*[_update(f"l{number:03}", f"003{number}") for number in range(300)])
    report = world.push()
    assert report.failed_crms == ("salesforce",)
    assert len(world.salesforce.sent) == 2
    assert report.records("not_attempted") == 100
    assert report.records("retryable") == 200


def test_a_record_that_the_crm_stumbles_over_is_isolated(world: World) -> None:
    """The client reports a 500 on an update as a call without answer, since it may have had its effect."""

    def stumble(operations: Sequence[Operation]) -> None:
        if any(operation.record_id == "00313" for operation in operations):
            raise NoResponse("it is unknown whether it was made") from ServerTrouble("oops", status=500)

    world.salesforce.on_send = stumble
    for number in range(100):
        world.salesforce.add(f"003{number}", Title="Old")
    world.diffs(*[_update(f"l{number:03}", f"003{number}") for number in range(100)])
    report = world.push()
    assert not report.failed_crms
    assert report.records("succeeded") == 99
    bad = next(row for row in attempts_of(world.connection) if row["outcome"] == "retryable")
    assert (bad["record_id"], bad["error_code"]) == ("00313", "SERVER_ERROR")
    assert len(world.salesforce.sent) < 20


def test_a_crm_that_always_fails_is_not_asked_for_ever(world: World) -> None:
    world.salesforce.on_send = raising(ServerTrouble("oops", status=500))
    for number in range(300):
        world.salesforce.add(f"003{number}", Title="Old")
    world.diffs(*[_update(f"l{number:03}", f"003{number}") for number in range(300)])
    report = world.push()
    assert report.failed_crms == ("salesforce",)
    assert len(world.salesforce.sent) <= 42
    assert report.records("retryable") == 200


def test_progress_is_told(world: World) -> None:
    told: list[tuple[int, int]] = []
    for number in range(150):
        world.salesforce.add(f"003{number}", Title="Old")
    world.diffs(*[_update(f"l{number}", f"003{number}") for number in range(150)])
    world.push(on_progress=lambda progress: told.append((progress.done, progress.total)))
    assert told == [(100, 150), (150, 150)]


def test_missing_diff_tables_are_an_empty_push(world: World) -> None:
    report = world.push()
    assert report.counts == ()
