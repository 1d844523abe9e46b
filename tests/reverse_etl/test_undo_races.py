"""An undo while people work: what they touch between its steps stays, and so does what it belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from push_support import diff_row
from push_world import PushWorld

import reverse_etl.undo
from crm_sync.cli_control import undo_lines
from reverse_etl.operations import ARCHIVE, Operation
from reverse_etl.undo import Undone, undo

_MAPPINGS = """
create schema staging; create schema matching;
create table staging.stg_object_mappings as
    select * from (values ('company', 'Account', 10), ('contact', 'Contact', 20)) as t (object, salesforce_object, push_order);
create table staging.stg_field_mappings as
    select * from (values
        ('company', 'name', 'Name', 'text', 'text', 'value', true, null),
        ('contact', 'jobtitle', 'Title', 'text', 'text', 'value', true, null),
        ('contact', 'lastname', 'LastName', 'text', 'text', 'value', true, null),
        ('contact', 'associations.companies', 'AccountId', 'text', 'reference', 'reference', true, 'company')
    ) as t (object, hubspot_property, salesforce_field, hubspot_type, salesforce_type, kind, is_active, references_object);
create table staging.stg_records (side text, record_id text, is_deleted boolean);
create table matching.links (object text, status text, run_id text);
"""  # noqa: E501


@pytest.fixture
def run(crms: PushWorld) -> PushWorld:
    """A run that has created an account with a contact in it, and changed another contact."""
    crms.connection.execute(_MAPPINGS)
    old = crms.create("salesforce", "Contact", LastName="Old", Title="Before")
    crms.diffs(
        diff_row("salesforce", "company", "create", "c", hubspot_id="10", changes={"Name": "Acme"}),
        diff_row(
            "salesforce", "contact", "create", "p", hubspot_id="11",
            changes={"LastName": "Lee", "Title": "Pilot"}, references={"AccountId": {"link_id": "c"}},
        ),
        diff_row(
            "salesforce", "contact", "update", "u", record_id=old, changes={"Title": "After"},
            previous={"Title": "Before"}, snapshot_modified_at=crms.modified_at("salesforce", "Contact", old),
        ),
    )  # fmt: skip
    crms.push("r1")
    return crms


def _undo(crms: PushWorld, undo_run_id: str = "u1", run_id: str = "r1") -> Undone:
    return undo(crms.connection, crms.clients, run_id=run_id, undo_run_id=undo_run_id, journal=crms.journal)


def _titles(crms: PushWorld) -> dict[str, Any]:
    return {one["LastName"]: one["Title"] for one in crms.records("salesforce", "Contact")}


def test_an_undo_takes_children_before_parents(run: PushWorld) -> None:
    preview = undo(run.connection, run.clients, run_id="r1", undo_run_id="u0", journal=run.journal, pushes=False)
    assert "Would put back 3 records of the run r1:" in next(undo_lines(preview, "u0"))
    assert _titles(run) == {"Old": "After", "Lee": "Pilot"}
    undone = _undo(run)
    assert undone.skipped == ()
    assert _titles(run) == {"Old": "Before"}
    assert run.records("salesforce", "Account") == []
    archived = [row["crm_object"] for row in run.attempts if row["operation"] == "archive"]
    assert archived == ["Contact", "Account"]
    # once more: nothing is left to put back
    again = _undo(run, "u2")
    assert (again.plan.operations, again.skipped) == ([], ())


def test_a_child_that_is_edited_while_the_undo_runs_keeps_its_parent(
    run: PushWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = reverse_etl.undo._push

    def edit_then_push(
        connection: Any, clients: Any, journal: Any, run_id: str, operations: Sequence[Operation], *rest: Any
    ) -> Any:
        for operation in operations:
            if operation.operation == ARCHIVE and operation.crm_object == "Contact":
                run.edit("salesforce", "Contact", operation.record_id or "", Title="Captain")
        return real(connection, clients, journal, run_id, operations, *rest)

    monkeypatch.setattr(reverse_etl.undo, "_push", edit_then_push)
    undone = _undo(run)
    assert _titles(run) == {"Old": "Before", "Lee": "Captain"}
    assert [one["Name"] for one in run.records("salesforce", "Account")] == ["Acme"]
    told = "\n".join(undo_lines(undone, "u1"))
    assert "Run r1: 1 writes were put back (as run u1, which can be undone)." in told
    assert "2 left as they are:" in told
    assert "edited since it was created" in told
    reasons = {one.crm_object: one.reason for one in undone.skipped}
    assert reasons == {"Contact": "edited since it was created", "Account": "other records refer to it"}


def test_an_undo_of_many_records_is_read_and_written_in_few_calls(crms: PushWorld) -> None:
    """Above the threshold through a Bulk job, like any push."""
    crms.connection.execute(_MAPPINGS)
    ids = [crms.create("salesforce", "Contact", LastName="L", Title="Before") for _ in range(230)]
    crms.diffs(
        *[
            diff_row("salesforce", "contact", "update", f"u{n}", record_id=one, changes={"Title": "After"},
                     previous={"Title": "Before"}, snapshot_modified_at=None)
            for n, one in enumerate(ids)
        ]
    )  # fmt: skip
    crms.push("r1")
    before = crms.clients.salesforce.calls
    undo(
        crms.connection, crms.clients, run_id="r1", undo_run_id="u1", journal=crms.journal, bulk_threshold=229
    )  # fmt: skip
    assert {one["Title"] for one in crms.records("salesforce", "Contact")} == {"Before"}
    jobs = {row["bulk_job_id"] for row in crms.attempts if row["run_id"] == "u1"}
    assert len(jobs) == 1
    # to plan, to check, to read back, and what a job takes with a look or two at how far it is
    assert crms.clients.salesforce.calls - before <= 3 + 5 + 3


def test_an_id_in_the_answer_of_a_crm_stays_an_id_in_soql(run: PushWorld) -> None:
    """Should a record's id hold a quote, it is still text in the query for what refers to it."""
    asked: list[str] = []
    client = run.clients.salesforce
    real = client.query

    def query(soql: str, all_rows: bool = False) -> Any:
        asked.append(soql)
        return real(soql, all_rows)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client, "query", query)
        _undo(run)
    (children,) = {soql for soql in asked if "AccountId IN" in soql}
    account = next(row["record_id"] for row in run.attempts if row["operation"] == "create")
    assert children == f"SELECT Id, AccountId FROM Contact WHERE AccountId IN ('{account}')"
