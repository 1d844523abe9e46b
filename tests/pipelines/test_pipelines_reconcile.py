"""Reconcile and computed fields over HTTP: what incremental reads cannot see, planted in the stand-in CRMs."""

from __future__ import annotations

import shutil
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from sandbox_world import Sandbox

from crm_sync.mappings import load_mappings
from pipelines import Schedule
from sandbox import control

SEEDS = Path(__file__).parents[2] / "dbt_project" / "seeds"
RECONCILE = Schedule(reconcile_now=True)
LONG_AGO, EARLIER = (datetime.now(UTC).replace(microsecond=0) - timedelta(days=days) for days in (9, 2))
EARLIER_MS = int(timedelta(days=2) / timedelta(milliseconds=1))


@pytest.fixture
def people(sandbox: Sandbox) -> dict[str, tuple[str, str]]:
    """Five people in both CRMs, untouched for days, and one in each that keeps the watermark young; all read."""
    state_dir, ids = sandbox.state_dir, {}
    for name in ("ann", "bob", "cid", "dan", "eva"):
        contact = control.create(
            state_dir, "hubspot", "contacts", {"email": f"{name}@x.example", "lastname": name}, at=LONG_AGO
        )
        twin = control.create(state_dir, "salesforce", "Contact", {"LastName": name}, at=LONG_AGO)
        ids[name] = (str(contact["id"]), str(twin["Id"]))
    sandbox.create("hubspot", "contacts", email="new@x.example", lastname="new")
    sandbox.create("salesforce", "Contact", LastName="new")
    sandbox.extract()
    return ids


def found(report: Any, object_: str) -> dict[str, int]:
    """The drift of one object, kinds without any left out."""
    return {
        kind: count
        for drift in report.drifts
        if drift.object == object_
        for kind, count in drift.records.items()
        if count
    }


def landed(sandbox: Sandbox, schema: str, name: str) -> dict[str, Any]:
    rows = sandbox.rows(f"select id, is_deleted, properties->>'{name}' from {schema}.records")
    return {record_id: None if is_deleted else value for record_id, is_deleted, value in rows}


def test_what_incremental_reads_missed_is_found_and_read_again(
    sandbox: Sandbox, people: dict[str, tuple[str, str]]
) -> None:
    """Records that were stamped, or became visible, before the watermark and after the read that should have seen
    them: a long transaction, an index that lags for days, a restored backup."""
    state_dir = sandbox.state_dir
    control.edit(state_dir, "hubspot", "contacts", people["ann"][0], {"jobtitle": "CEO"}, at=EARLIER)
    late = str(control.create(state_dir, "hubspot", "contacts", {"email": "l@x.example"}, at=EARLIER)["id"])
    control.change_settings(state_dir, "salesforce", commit_lag_ms=EARLIER_MS)
    control.edit(state_dir, "salesforce", "Contact", people["ann"][1], {"Title": "CEO"})
    twin = sandbox.create("salesforce", "Contact", LastName="late", Title="CTO")
    control.change_settings(state_dir, "salesforce", commit_lag_ms=0)
    assert sandbox.extract().drifts == ()
    assert landed(sandbox, "raw_hubspot", "jobtitle")[people["ann"][0]] is None
    assert landed(sandbox, "raw_salesforce", "Title")[people["ann"][1]] is None

    report = sandbox.extract(schedule=RECONCILE)
    assert found(report, "contacts") == {"new": 1, "changed": 1}
    assert found(report, "Contact") == {"new": 1, "changed": 1}
    assert landed(sandbox, "raw_hubspot", "jobtitle")[people["ann"][0]] == "CEO"
    assert late in landed(sandbox, "raw_hubspot", "jobtitle")
    titles = landed(sandbox, "raw_salesforce", "Title")
    assert (titles[people["ann"][1]], titles[twin]) == ("CEO", "CTO")
    again = sandbox.extract(schedule=RECONCILE)
    assert [found(again, name) for name in ("contacts", "Contact")] == [{}, {}]


def test_records_that_vanished_are_deleted_only_when_their_crm_says_so(
    sandbox: Sandbox, people: dict[str, tuple[str, str]]
) -> None:
    state_dir, clients = sandbox.state_dir, sandbox.clients()
    gone = {"id": people["bob"][0], "properties": {"email": "bob@x.example"}, "updatedAt": EARLIER.isoformat()}
    control.load(state_dir, "hubspot", {"contacts": [{**gone, "archived": True}]})
    clients.hubspot.api.request(
        "POST", "/crm/v3/objects/contacts/gdpr-delete", json={"objectId": people["cid"][0]},
        retry_unknown=False, expect=(204,),
    )  # fmt: skip
    control.delete(state_dir, "salesforce", "Contact", people["bob"][1], at=EARLIER)
    control.change_metadata(state_dir, "salesforce", invisible_record=people["cid"][1])
    sandbox.extract()
    assert landed(sandbox, "raw_hubspot", "lastname")[people["cid"][0]] == "cid"

    report = sandbox.extract(schedule=RECONCILE)
    names = landed(sandbox, "raw_hubspot", "lastname")
    assert [names[people[name][0]] for name in ("ann", "bob", "cid")] == ["ann", None, None]
    assert found(report, "contacts") == {"deleted": 2}
    names = landed(sandbox, "raw_salesforce", "LastName")
    assert [names[people[name][1]] for name in ("ann", "bob", "cid")] == ["ann", None, "cid"]
    assert found(report, "Contact") == {"deleted": 1, "untraceable": 1}
    assert sandbox.rows(
        "select examples ->> 0 from raw_salesforce.drift where kind = 'untraceable' and records > 0"
    ) == [(people["cid"][1],)]


def test_a_full_read_finds_the_same_without_a_list(sandbox: Sandbox, people: dict[str, tuple[str, str]]) -> None:
    state_dir = sandbox.state_dir
    control.edit(state_dir, "hubspot", "contacts", people["ann"][0], {"jobtitle": "CEO"}, at=EARLIER)
    control.act(state_dir, "hubspot", "merge", object="contacts", id=people["bob"][0], into=people["ann"][0])
    control.delete(state_dir, "salesforce", "Contact", people["bob"][1], at=EARLIER)
    report = sandbox.extract(full=True)
    assert landed(sandbox, "raw_hubspot", "lastname")[people["bob"][0]] is None
    assert landed(sandbox, "raw_salesforce", "LastName")[people["bob"][1]] is None
    assert found(report, "Contact") == {}  # the read itself has brought the deletion
    again = {drift.object: drift for drift in sandbox.extract(schedule=RECONCILE).drifts}
    assert (again["contacts"].compared, again["contacts"].total, again["Contact"].total) == (5, 0, 0)


def test_a_reconcile_comes_on_its_own_schedule_and_costs_few_calls(
    sandbox: Sandbox, people: dict[str, tuple[str, str]]
) -> None:
    weekly, hourly = Schedule(reconcile=timedelta(days=7)), Schedule(reconcile=timedelta(0))
    assert sandbox.extract(schedule=weekly).drifts == ()  # the first read has seen everything
    for crm in control.CRMS:
        control.reset_calls(sandbox.state_dir, crm)
    sandbox.extract(schedule=weekly)
    before = (
        Counter(control.calls(sandbox.state_dir, "hubspot")),
        Counter(control.calls(sandbox.state_dir, "salesforce")),
    )
    for crm in control.CRMS:
        control.reset_calls(sandbox.state_dir, crm)
    report = sandbox.extract(schedule=hourly)
    assert {drift.object for drift in report.drifts} == {read.object for read in report.objects}
    after = (
        Counter(control.calls(sandbox.state_dir, "hubspot")),
        Counter(control.calls(sandbox.state_dir, "salesforce")),
    )
    # a page of ids of each object that has records, and nothing else
    assert after[0] - before[0] == {"GET /crm/v3/objects/{object_type}": 1}
    assert after[1] - before[1] == {"GET /services/data/{version}/query": 1}


def test_computed_fields_that_an_inclusion_rule_asks_for_are_read_again_of_all_records(
    sandbox: Sandbox, people: dict[str, tuple[str, str]], tmp_path: Path
) -> None:
    """What nobody may write is bookkeeping of HubSpot's own: it changes without a modification."""
    shutil.copytree(SEEDS, tmp_path / "seeds")
    rules = tmp_path / "seeds" / "inclusion_rules.csv"
    rules.write_text(rules.read_text(encoding="utf-8") + "contact,hubspot,9,notes_last_updated,is_known,,\n", "utf-8")
    sandbox.mappings = load_mappings(tmp_path / "seeds")
    sandbox.extract()  # a property more: everything is read, once
    record = {"id": people["ann"][0], "updatedAt": EARLIER.isoformat(), "createdAt": LONG_AGO.isoformat()}
    properties = {"email": "ann@x.example", "notes_last_updated": "2026-03-04T05:06:07Z"}
    control.load(sandbox.state_dir, "hubspot", {"contacts": [record | {"properties": properties}]})
    hourly = Schedule(computed=timedelta(hours=1))
    sandbox.extract(schedule=hourly)
    assert landed(sandbox, "raw_hubspot", "notes_last_updated")[people["ann"][0]] is None  # not yet its turn
    report = sandbox.extract(schedule=Schedule(computed=timedelta(0)))
    assert landed(sandbox, "raw_hubspot", "notes_last_updated")[people["ann"][0]] == "2026-03-04T05:06:07Z"
    # the one that was edited within the lookback, and the one whose bookkeeping changed
    assert {read.object: read.records for read in report.objects}["contacts"] == 2


@pytest.mark.parametrize("linked", [("ann",), ("ann", "bob", "cid")])
def test_formulas_of_linked_records_are_compared_by_id_or_where_many_are_linked_by_a_list(
    sandbox: Sandbox, tmp_path: Path, linked: tuple[str, ...]
) -> None:
    state_dir = sandbox.state_dir
    metadata = {"type": "Text", "formula": "UPPER(Account.Name)"}
    control.change_metadata(
        state_dir, "salesforce", action="add_field", object="Contact", name="Badge__c", metadata=metadata
    )
    shutil.copytree(SEEDS, tmp_path / "seeds")
    rows = tmp_path / "seeds" / "field_mappings.csv"
    rows.write_text(rows.read_text(encoding="utf-8") + "contact,company,Badge__c,always_salesforce,,,,,,,\n", "utf-8")
    sandbox.mappings = load_mappings(tmp_path / "seeds")
    account = str(control.create(state_dir, "salesforce", "Account", {"Name": "Acme"}, at=LONG_AGO)["Id"])
    ids = {
        name: str(
            control.create(state_dir, "salesforce", "Contact", {"LastName": name, "AccountId": account}, at=LONG_AGO)[
                "Id"
            ]
        )
        for name in ("ann", "bob", "cid", "dan", "eva")
    }
    sandbox.create("salesforce", "Contact", LastName="young")
    sandbox.extract()
    _decided(sandbox, [ids[name] for name in linked])
    control.edit(state_dir, "salesforce", "Account", account, {"Name": "Apex"})
    control.reset_calls(state_dir, "salesforce")
    sandbox.extract(schedule=Schedule(computed=timedelta(0)))
    badges = landed(sandbox, "raw_salesforce", "Badge__c")
    assert {badges[ids[name]] for name in linked} == {"APEX"}
    # by a list the others' have come along; by id nobody asks for them
    assert badges[ids["eva"]] == ("APEX" if len(linked) > 1 else "ACME")
    calls = control.calls(state_dir, "salesforce")
    assert calls["GET /services/data/{version}/query"] == (3 if len(linked) > 1 else 2)


def _decided(sandbox: Sandbox, linked: list[str]) -> None:
    """What a decision leaves behind: links in scope."""
    with duckdb.connect(str(sandbox.warehouse_path)) as connection:
        connection.execute("create schema matching; create schema staging; create schema inclusion")
        connection.execute(
            "create table staging.stg_object_mappings as select 'contact' as object, 'contacts' as hubspot_object,"
            " 'Contact' as salesforce_object"
        )
        connection.execute(
            "create table matching.links as select 'contact' as object, '1' as hubspot_id,"
            " unnest(?) as salesforce_id, 'linked' as status",
            [linked],
        )
        connection.execute(
            "create table inclusion.records_included as select object, 'salesforce' as side,"
            " salesforce_id as record_id, true as is_included from matching.links"
        )
