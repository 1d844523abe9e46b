"""Set-up and extraction over HTTP against the stand-in CRMs, with the repository's own seeds."""

from __future__ import annotations

import socket
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest
from sandbox_world import Sandbox

from crm_sync.errors import ConfigError, CycleFailed
from crm_sync.setup import apply_setup, inspect_setup
from pipelines import extract
from reverse_etl.journal import Journal
from sandbox import control

SEEDS = Path(__file__).parents[2] / "dbt_project" / "seeds"


def test_set_up_makes_what_is_missing_and_then_finds_nothing(sandbox: Sandbox) -> None:
    applied = sandbox.set_up()
    assert {(item.crm, item.kind) for item in applied} == {
        ("hubspot", "property"),
        ("salesforce", "field"),
        ("salesforce", "permission"),
    }
    clients = sandbox.clients()
    assert inspect_setup(clients, sandbox.mappings) == []
    assert apply_setup(clients, applied) == applied  # again: everything is there, and that is no error
    fields = {field["name"]: field for field in clients.salesforce.describe("Contact")["fields"]}
    key = fields["HubSpot_Record_ID__c"]
    assert (key["externalId"], key["unique"], key["updateable"]) == (True, True, True)


def test_a_field_that_is_only_invisible_is_not_made_again(sandbox: Sandbox) -> None:
    clients = sandbox.clients()
    metadata = {"label": "Key", "type": "Text", "length": 32, "externalId": True, "unique": True}
    clients.salesforce.tooling_create_custom_field("Contact.HubSpot_Record_ID__c", metadata)
    items = inspect_setup(clients, sandbox.mappings)
    assert [item.kind for item in items if item.object == "Contact"] == ["permission"]
    apply_setup(clients, items)
    assert inspect_setup(clients, sandbox.mappings) == []


def test_a_property_that_does_not_fit_is_left_to_a_person(sandbox: Sandbox) -> None:
    body = {
        "name": "salesforce_record_id",
        "label": "x",
        "type": "string",
        "fieldType": "text",
        "groupName": "contactinformation",
    }
    clients = sandbox.clients()
    clients.hubspot.create_property("contacts", body)
    items = inspect_setup(clients, sandbox.mappings)
    [by_hand] = [item for item in items if item.kind == "by_hand"]
    assert "unique" in by_hand.description
    assert by_hand not in apply_setup(clients, items)


def test_edits_deletes_and_merges_arrive_incrementally(sandbox: Sandbox) -> None:
    state_dir = sandbox.state_dir
    names = ("ann", "bob", "cid")
    people = {name: sandbox.create("hubspot", "contacts", email=f"{name}@x.example", lastname=name) for name in names}
    twins = {name: sandbox.create("salesforce", "Contact", Email=f"{name}@x.example", LastName=name) for name in names}
    first = sandbox.extract()
    assert all(read.is_full for read in first.objects)
    control.edit(state_dir, "hubspot", "contacts", people["ann"], {"jobtitle": "CEO"})
    control.edit(state_dir, "salesforce", "Contact", twins["ann"], {"Title": "VP Sales"})
    control.delete(state_dir, "hubspot", "contacts", people["bob"])
    control.delete(state_dir, "salesforce", "Contact", twins["bob"])
    control.act(state_dir, "hubspot", "merge", object="contacts", id=people["cid"], into=people["ann"])
    control.act(state_dir, "salesforce", "merge", object="Contact", master=twins["ann"], losers=[twins["cid"]])
    second = sandbox.extract()
    assert not any(read.is_full for read in second.objects if read.object in ("contacts", "Contact"))
    assert sandbox.rows(
        "select id, is_deleted, properties->>'Title', merged_into_id from raw_salesforce.records order by id"
    ) == sorted(
        [
            (twins["ann"], False, "VP Sales", None),
            (twins["bob"], True, None, None),
            (twins["cid"], True, None, twins["ann"]),
        ]
    )
    survivors = sandbox.rows("select id, properties->>'jobtitle' from raw_hubspot.records where not is_deleted")
    assert [title for _, title in survivors] == ["CEO"]
    merged = dict(sandbox.rows("select id, merged_into_id from raw_hubspot.records where is_deleted"))
    assert merged[people["cid"]] == survivors[0][0]
    assert merged[people["bob"]] is None


def test_what_was_archived_by_us_and_restored_at_once_is_landed_as_living(sandbox: Sandbox) -> None:
    """A restore moves no time: that the archived list lacks the record is all that tells of it."""
    ids = {
        name: sandbox.create("hubspot", "contacts", email=f"{name}@example.com") for name in ("back", "gone", "other")
    }
    sandbox.extract()
    with duckdb.connect(str(sandbox.warehouse_path)) as connection:
        Journal(connection)
        for name in ("back", "gone"):
            connection.execute(
                "insert into journal.push_attempts (attempt_id, target, crm_object, operation, record_id, outcome,"
                " outcome_at) values (?, 'hubspot', 'contacts', 'archive', ?, 'succeeded', now())",
                [name, ids[name]],
            )
    sandbox.clients().hubspot.batch("contacts", "archive", [{"id": ids["gone"]}])
    sandbox.extract(minutes_later=1)
    landed = "select id, is_deleted, loaded_at > (select max(outcome_at) from journal.push_attempts)" \
        " from raw_hubspot.records where object = 'contacts' order by id"  # fmt: skip
    assert sandbox.rows(landed) == [(ids["back"], False, True), (ids["gone"], True, True), (ids["other"], False, False)]
    sandbox.extract(minutes_later=2)
    (loaded,) = sandbox.rows("select count(distinct loaded_at) from raw_hubspot.records where object = 'contacts'")
    assert loaded == (2,)  # once is enough


def test_associations_are_landed_with_their_primary(sandbox: Sandbox) -> None:
    company = sandbox.create("hubspot", "companies", name="Acme", domain="acme.example")
    contact = sandbox.create(
        "hubspot", "contacts", email="ann@acme.example", lastname="A", **{"associations.companies": company}
    )
    sandbox.extract()
    rows = sandbox.rows(
        "select from_id, to_id, is_primary from raw_hubspot.associations where from_object = 'contacts' "
        "and is_present order by is_primary"
    )
    assert rows == [(contact, company, False), (contact, company, True)]


def test_a_hidden_field_is_absent_and_read_in_full_when_it_returns(sandbox: Sandbox) -> None:
    state_dir = sandbox.state_dir
    record = sandbox.create("salesforce", "Contact", LastName="Ann", Title="CEO")
    contact = sandbox.create("hubspot", "contacts", email="a@x.example", jobtitle="CEO")
    sandbox.extract()
    for crm, object_, name in (("salesforce", "Contact", "Title"), ("hubspot", "contacts", "jobtitle")):
        control.change_metadata(state_dir, crm, action="hide", object=object_, field=name)
    control.edit(state_dir, "salesforce", "Contact", record, {"LastName": "Anna"})
    control.edit(state_dir, "hubspot", "contacts", contact, {"lastname": "Anna"})
    sandbox.extract()
    for schema, name, table in (("raw_salesforce", "Title", "fields"), ("raw_hubspot", "jobtitle", "properties")):
        assert sandbox.rows(f"select list_contains(json_keys(properties), '{name}') from {schema}.records") == [
            (False,)
        ]
        assert sandbox.rows(
            f"select loaded_at < (select max(loaded_at) from {schema}.{table}) from {schema}.{table} "
            f"where name = '{name}' and object in ('Contact', 'contacts')"
        ) == [(True,)]
    for crm, object_, name in (("salesforce", "Contact", "Title"), ("hubspot", "contacts", "jobtitle")):
        control.change_metadata(state_dir, crm, action="show", object=object_, field=name)
    report = sandbox.extract()
    assert {read.object for read in report.objects if read.is_full and read.records} == {"Contact", "contacts"}
    assert sandbox.rows("select properties->>'Title' from raw_salesforce.records") == [("CEO",)]


def test_metadata_of_both_crms_is_landed(sandbox: Sandbox) -> None:
    sandbox.extract()
    [(options,)] = sandbox.rows(
        "select (options->0)->>'value' is not null from raw_hubspot.properties "
        "where object = 'contacts' and name = 'lifecyclestage'"
    )
    assert options
    assert sandbox.rows(
        "select stage_label from raw_hubspot.pipelines where stage_id = 'closedwon' and is_closed and probability = 1"
    )
    assert sandbox.rows("select 1 from raw_hubspot.owners where not is_archived")
    assert sandbox.rows("select length from raw_salesforce.fields where object = 'Contact' and name = 'LastName'") == [
        (80,)
    ]
    assert sandbox.rows(
        "select 1 from raw_salesforce.picklist_values where object = 'Opportunity' and field = 'StageName' "
        "and value = 'Closed Won' and is_active"
    )
    assert sandbox.rows(
        "select users.username from raw_salesforce.users join raw_salesforce.org on users.id = org.user_id"
    ) == [("integration@demo.example",)]


def test_sessions_that_end_midway_are_renewed(sandbox: Sandbox) -> None:
    clients = sandbox.clients()
    clients.salesforce.describe("Contact")
    control.act(sandbox.state_dir, "salesforce", "expire_sessions")
    assert clients.salesforce.describe("Contact")["fields"]


@pytest.mark.parametrize("crm", ["hubspot", "salesforce"])
def test_wrong_credentials_are_a_configuration_error(sandbox: Sandbox, crm: str) -> None:
    if crm == "hubspot":
        sandbox.hubspot = replace(sandbox.hubspot, access_token="pat-wrong")
    else:
        sandbox.salesforce = replace(sandbox.salesforce, client_secret="wrong")
    with pytest.raises(ConfigError, match=f"(?i){crm} refused the credentials"):
        sandbox.extract()


def test_an_unreachable_crm_fails_the_cycle(sandbox: Sandbox) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    sandbox.hubspot = replace(sandbox.hubspot, base_url=f"http://127.0.0.1:{port}")
    settings: Any = SimpleNamespace(warehouse_path=sandbox.warehouse_path)
    clients = sandbox.clients(max_elapsed_seconds=1.0)
    with pytest.raises(CycleFailed, match="HubSpot cannot be reached"):
        extract(settings, sandbox.mappings, clients, now=datetime.now(UTC))


def test_25000_records_of_one_millisecond_are_all_read_over_http(sandbox: Sandbox) -> None:
    """Both CRMs' ways of paging meet their worst case: an import that stamps everything alike."""
    state_dir, count = sandbox.state_dir, 25_000
    now = datetime.now(UTC).replace(microsecond=0)
    old, stamp = (moment.isoformat().replace("+00:00", ".000Z") for moment in (now - timedelta(days=2), now))
    for crm in control.CRMS:
        control.change_settings(state_dir, crm, rate_limits=False)
    first = {"id": "1", "properties": {"email": "old@x.example"}, "createdAt": old, "updatedAt": old}
    control.load(state_dir, "hubspot", {"contacts": [first]})
    control.create(state_dir, "salesforce", "Contact", {"LastName": "old"}, at=now - timedelta(days=2))
    sandbox.extract()
    imported = (first | {"id": str(1_000 + n), "properties": {"email": f"{n}@x.example"}, "updatedAt": stamp}
                for n in range(count))  # fmt: skip
    control.load(state_dir, "hubspot", {"contacts": imported})
    twins = ({"LastName": f"n{n}", "SystemModstamp": stamp, "LastModifiedDate": stamp} for n in range(count))
    control.load(state_dir, "salesforce", {"Contact": twins})

    waited = 0.0

    def skip(seconds: float) -> None:
        nonlocal waited
        waited += seconds

    clients = sandbox.clients(clock=lambda: monotonic() + waited, sleep=skip)
    report = sandbox.extract(clients=clients)
    reads = {read.object: read for read in report.objects}
    for schema, object_ in (("raw_hubspot", "contacts"), ("raw_salesforce", "Contact")):
        assert not reads[object_].is_full
        assert sandbox.rows(f"select count(*), count(distinct modified_at) from {schema}.records") == [(count + 1, 2)]
    assert reads["contacts"].api_calls <= count / 100
    assert reads["Contact"].api_calls <= count / 1_000
