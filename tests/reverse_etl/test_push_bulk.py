"""Many records at once: Bulk API jobs over real HTTP, what they cannot carry or leave undone, and crashes."""

from __future__ import annotations

from typing import Any

import pytest
from push_support import diff_row
from push_world import PushWorld

import reverse_etl.salesforce_bulk
from crm_sync.clients.salesforce_ingest import IngestJobs
from reverse_etl.operations import Operation
from reverse_etl.salesforce_bulk import SalesforceBulk
from sandbox import control

TYPES = {"NumberOfEmployees": "number", "AnnualRevenue": "number"}


def _creates(count: int) -> list[dict[str, Any]]:
    return [
        diff_row(
            "salesforce", "contact", "create", f"l{n:03}", hubspot_id=f"{n}",
            changes={"LastName": f'Lee "{n}",\nJr', "Email": f"P{n}@Example.com"},
            all_fields=["Email", "LastName", "Title"], snapshot_modified_at=None,
        )
        for n in range(count)
    ]  # fmt: skip


def _updates(crms: PushWorld, count: int) -> list[dict[str, Any]]:
    ids = [crms.create("salesforce", "Contact", LastName=f"L{n}", Title="Old", Phone="1") for n in range(count)]
    return [
        diff_row(
            "salesforce", "contact", "update", f"l{n:03}", record_id=one, changes={"Title": "New"},
            previous={"Title": "Old"}, snapshot_modified_at=crms.modified_at("salesforce", "Contact", one),
        )
        for n, one in enumerate(ids)
    ]  # fmt: skip


def _outcomes(crms: PushWorld) -> dict[str, tuple[str, str | None]]:
    return {row["link_id"]: (row["outcome"], row["error_code"]) for row in crms.attempts}


def test_creates_above_the_threshold_are_one_job_and_a_bad_row_fails_alone(crms: PushWorld) -> None:
    rows = _creates(12)
    rows[3]["changes"] = {"FirstName": "nameless"}
    crms.diffs(*rows)
    report = crms.push(bulk_threshold=11)
    assert (report.records("succeeded"), report.records("rejected")) == (11, 1)
    assert _outcomes(crms)["l003"] == ("rejected", "REQUIRED_FIELD_MISSING")
    contacts = {one["HubSpot_Record_ID__c"]: one for one in crms.records("salesforce", "Contact")}
    assert contacts["5"]["LastName"] == 'Lee "5",\nJr'
    stored = {row["link_id"]: row for row in crms.attempts}["l005"]
    assert stored["stored"] == {"LastName": 'Lee "5",\nJr', "Email": "p5@example.com", "Title": None}
    assert stored["salesforce_id"] == contacts["5"]["Id"]
    assert stored["bulk_job_id"].startswith("750")
    assert not any("/composite/sobjects/{object}/{field}" in path for path in crms.calls("salesforce"))
    assert report.purposes["salesforce"]["read_backs"] == 1
    crms.push("again", bulk_threshold=11)
    assert len(crms.records("salesforce", "Contact")) == 11


def test_updates_clear_keep_and_type_their_values_and_stale_ones_are_left(crms: PushWorld) -> None:
    ids = [crms.create("salesforce", "Account", Name=f"A{n}", Phone="1", Site="x") for n in range(5)]
    snapshot = [crms.modified_at("salesforce", "Account", one) for one in ids]
    changes: list[dict[str, str | None]] = [
        {"Phone": None},
        {"NumberOfEmployees": "250.0", "AnnualRevenue": "1200.00"},
        {"Phone": "#N/A"},  # a text that would clear the field in a job
        {"Description": "x" * 32_001},  # longer than a job takes
        {"Site": "y"},
    ]
    previous = [{"Phone": "1"}, {}, {"Phone": "1"}, {}, {"Site": "x"}]
    crms.edit("salesforce", "Account", ids[4], Site="by a person")
    crms.diffs(
        *[
            diff_row(
                "salesforce", "company", "update", f"l{n}", record_id=one, changes=changes[n], previous=previous[n],
                field_types=TYPES, snapshot_modified_at=snapshot[n],
            )
            for n, one in enumerate(ids)
        ]
    )  # fmt: skip
    crms.push(bulk_threshold=4)
    accounts = {one["Id"]: one for one in crms.records("salesforce", "Account")}
    first, second, third, fourth, fifth = (accounts[one] for one in ids)
    assert (first["Phone"], first["Site"]) == (None, "x")
    assert (second["NumberOfEmployees"], second["AnnualRevenue"], second["Phone"]) == (250, 1200, "1")
    assert third["Phone"] == "#N/A"
    assert fifth["Site"] == "by a person"
    found = _outcomes(crms)
    assert found["l4"] == ("stale", "RECORD_CHANGED")
    assert {found[f"l{n}"][0] for n in range(3)} == {"succeeded"}
    # too long for the field, as collections say; a job would not have said why
    assert (found["l3"], fourth["Description"]) == (("rejected", "STRING_TOO_LONG"), None)


def test_what_a_job_left_undone_or_locked_goes_through_in_the_same_push(
    crms: PushWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = _updates(crms, 6)
    control.change_metadata(crms.state_dir, "salesforce", lock=rows[0]["record_id"], times=1)
    control.change_settings(crms.state_dir, "salesforce", bulk_delay_ms=0)
    crms.diffs(*rows)
    crms.push(bulk_threshold=5)
    assert set(_outcomes(crms).values()) == {("succeeded", None)}

    # a job that an administrator aborts
    rows = _updates(crms, 6)
    crms.diffs(*rows)
    real = IngestJobs.close
    control.change_settings(crms.state_dir, "salesforce", bulk_delay_ms=60_000)

    def close_and_abort(jobs: IngestJobs, job_id: str) -> None:
        real(jobs, job_id)
        jobs.abort(job_id)

    monkeypatch.setattr(IngestJobs, "close", close_and_abort)
    crms.push("aborted", bulk_threshold=5)
    control.change_settings(crms.state_dir, "salesforce", bulk_delay_ms=0)
    assert {row["outcome"] for row in crms.attempts} == {"succeeded"}


def test_a_job_that_fails_as_a_whole_is_done_by_collections(crms: PushWorld) -> None:
    rows = _updates(crms, 6)
    control.change_metadata(crms.state_dir, "salesforce", action="lock_field", object="Contact", field="Department")
    control.change_metadata(crms.state_dir, "salesforce", action="hide", object="Contact", field="Fax")
    rows[5]["changes"] = {"Fax": "1"}
    crms.diffs(*rows)
    crms.push(bulk_threshold=5)
    found = _outcomes(crms)
    assert {found[f"l{n:03}"] for n in range(5)} == {("succeeded", None)}
    assert found["l005"] == ("rejected", "INVALID_FIELD")


def test_a_duplicate_rule_names_the_record_in_the_way_although_a_job_does_not(crms: PushWorld) -> None:
    existing = crms.create("salesforce", "Contact", LastName="Lee", Email="p1@example.com")
    control.change_metadata(crms.state_dir, "salesforce", duplicate_rule="Contact", on=True)
    rows = _creates(4)
    rows[1]["changes"] = {"LastName": "Lee", "Email": "p1@example.com"}
    crms.diffs(*rows)
    crms.push(bulk_threshold=3)
    found = {row["link_id"]: (row["outcome"], row["existing_id"]) for row in crms.attempts}
    assert found["l001"] == ("stale", existing)
    assert found["l002"] == ("succeeded", None)


class Killed(BaseException):
    """The process dies."""


@pytest.mark.parametrize(
    ("step", "when"),
    [
        ("create", "after"),
        ("upload", "before"),
        ("upload", "after"),
        ("close", "before"),
        ("close", "after"),
        ("info", "after"),
        ("results", "before"),
    ],
)
def test_a_killed_run_finds_its_job_again(
    crms: PushWorld, monkeypatch: pytest.MonkeyPatch, step: str, when: str
) -> None:
    """The job's id is known before it gets its data; it is waited for, or aborted, before its records are read."""
    control.change_settings(crms.state_dir, "salesforce", bulk_delay_ms=150)
    crms.diffs(*_creates(5))
    with monkeypatch.context() as patch:
        real = getattr(IngestJobs, step)

        def dying(*arguments: Any, **options: Any) -> Any:
            if when == "after":
                real(*arguments, **options)
            raise Killed

        patch.setattr(IngestJobs, step, dying)
        with pytest.raises(Killed):
            crms.push("crashed", bulk_threshold=4)
    began = [row for row in crms.attempts if row["outcome"] is None]
    assert len(began) == (0 if step == "create" else 5)
    assert all(row["bulk_job_id"] for row in began)
    crms.push("next", bulk_threshold=4)
    control.change_settings(crms.state_dir, "salesforce", bulk_delay_ms=0)
    assert not [row for row in crms.attempts if row["outcome"] is None]
    crms.push("last", bulk_threshold=4)
    assert len(crms.records("salesforce", "Contact")) == 5
    made = [write for write in crms.api_writes("salesforce") if write["operation"] == "create"]
    assert len(made) == 5
    is_made_by_the_first = step in ("info", "results") or (step, when) == ("close", "after")
    first = {row["outcome"] for row in crms.attempts if row["run_id"] == "crashed"}
    assert first == (set() if step == "create" else {"succeeded" if is_made_by_the_first else "retryable"})


def test_a_job_at_work_for_too_long_is_left_to_the_next_run(crms: PushWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    control.change_settings(crms.state_dir, "salesforce", bulk_delay_ms=700)
    crms.diffs(*_creates(3))
    with monkeypatch.context() as patch:
        patch.setattr(reverse_etl.salesforce_bulk, "_PATIENCE_SECONDS", 0.0)
        report = crms.push("first", bulk_threshold=2)
    assert report.records("unknown") == 3
    assert {row["error_code"] for row in crms.attempts} == {"BULK_RUNNING"}
    report = crms.push("next", bulk_threshold=2)
    control.change_settings(crms.state_dir, "salesforce", bulk_delay_ms=0)
    assert report.resolved == {"succeeded": 3}
    assert report.records("succeeded") == 0
    assert len(crms.records("salesforce", "Contact")) == 3


def test_a_table_that_is_too_large_becomes_several_jobs() -> None:
    class Jobs:
        opened = 0

        def create(self, *_: Any) -> str:
            self.opened += 1
            return f"750{self.opened}"

    changes = {"Title": "x" * 50}
    operations = [
        Operation(f"o{n}", "salesforce", "contact", 1, "update", "Contact", f"003{n}", "l", None, None, changes)
        for n in range(10)
    ]
    jobs = SalesforceBulk(Jobs(), largest_upload=200).open(operations)  # type: ignore[arg-type]
    assert [one.operation_id for job in jobs for one in job.operations] == [f"o{n}" for n in range(10)]
    assert len(jobs) == 4
    for job in jobs:
        assert len(job.data) <= 200
        assert job.data.startswith(b'"Id","Title"\n')
