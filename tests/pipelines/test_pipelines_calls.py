"""What a cycle asks of the CRMs while nothing happens, and what it reads again as soon as something does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sandbox_world import Sandbox

from crm_sync.clients import ApiError
from crm_sync.errors import CycleFailed
from pipelines import Schedule
from sandbox import control

QUIET = Schedule(metadata=timedelta(minutes=60), sweeps=timedelta(minutes=5))
SEARCH, COMPOSITE = "POST /crm/v3/objects/{object_type}/search", "POST /services/data/{version}/composite"
DESCRIBE = "GET /services/data/{version}/sobjects/{object}/describe"
PROPERTIES = "GET /crm/v3/properties/{object_type}"


@pytest.fixture
def synced(sandbox: Sandbox) -> Sandbox:
    """A person in both CRMs, a company and a deal, all read."""
    company = sandbox.create("hubspot", "companies", name="Acme", domain="acme.example")
    sandbox.create("hubspot", "contacts", email="ann@acme.example", **{"associations.companies": company})
    sandbox.create("hubspot", "deals", dealname="Big", dealstage="appointmentscheduled", pipeline="default")
    sandbox.create("salesforce", "Contact", Email="ann@acme.example", LastName="A")
    sandbox.create("salesforce", "Lead", LastName="A", Company="Acme")
    sandbox.extract()
    return sandbox


def contact(sandbox: Sandbox) -> str:
    return str(sandbox.rows("select id from raw_hubspot.records where object = 'contacts'")[0][0])


def test_without_news_a_call_per_hubspot_object_and_one_of_salesforce_and_with_news_all_metadata(
    synced: Sandbox,
) -> None:
    assert (len(synced.mappings.hubspot_objects), len(synced.mappings.salesforce_objects)) == (3, 4)
    edits: list[Callable[[], Any]] = [
        lambda: control.edit(synced.state_dir, "hubspot", "contacts", contact(synced), {"jobtitle": "CEO"}),
        lambda: synced.create("salesforce", "Account", Name="New"),
    ]
    for edit in edits:
        assert synced.calls(schedule=QUIET) == ({SEARCH: 3}, {COMPOSITE: 1})
        edit()
        hubspot, salesforce = synced.calls(schedule=QUIET)
        assert (hubspot[PROPERTIES], hubspot[SEARCH], salesforce[DESCRIBE], salesforce[COMPOSITE]) == (3, 3, 4, 1)
        assert hubspot["GET /crm/v3/objects/{object_type}"] == 0  # archived ones have their own time
    assert synced.rows("select count(*) from raw_salesforce.records where properties->>'Name' = 'New'") == [(1,)]


def test_metadata_and_what_no_time_tells_are_read_again_when_they_are_old(synced: Sandbox) -> None:
    deal = synced.rows("select id from raw_hubspot.records where object = 'deals'")[0][0]
    control.delete(synced.state_dir, "hubspot", "deals", deal)
    company = synced.rows("select id from raw_hubspot.records where object = 'companies'")[0][0]
    control.edit(synced.state_dir, "hubspot", "contacts", contact(synced), {"associations.companies": None})
    is_deleted = f"select is_deleted from raw_hubspot.records where id = '{deal}'"
    is_present = f"select bool_or(is_present) from raw_hubspot.associations where to_id = '{company}'"
    synced.extract(schedule=QUIET, minutes_later=1)
    assert synced.rows(is_deleted) == [(False,)]
    synced.extract(schedule=QUIET, minutes_later=6)
    assert synced.rows(is_deleted) == [(True,)]
    assert synced.rows(is_present) == [(False,)]
    hubspot, salesforce = synced.calls(schedule=QUIET, minutes_later=8)
    assert (hubspot, salesforce) == ({SEARCH: 3}, {COMPOSITE: 1})
    hubspot, salesforce = synced.calls(schedule=QUIET, minutes_later=68)
    assert (hubspot[PROPERTIES], salesforce[DESCRIBE]) == (3, 4)


def test_a_delete_is_seen_however_long_ago_the_archived_were_looked_at(synced: Sandbox) -> None:
    deal = synced.rows("select id from raw_hubspot.records where object = 'deals'")[0][0]
    control.delete(synced.state_dir, "hubspot", "deals", deal)
    never = Schedule(metadata=timedelta(days=9), sweeps=timedelta(days=9))
    synced.create("hubspot", "deals", dealname="Next", dealstage="appointmentscheduled")
    synced.extract(schedule=never, minutes_later=6 * 60)  # the object is read, and its watermark moves on
    synced.extract(schedule=QUIET, minutes_later=7 * 60)
    assert synced.rows(f"select is_deleted from raw_hubspot.records where id = '{deal}'") == [(True,)]


def test_a_field_that_is_refused_makes_metadata_be_read_and_is_absent(synced: Sandbox) -> None:
    control.change_metadata(synced.state_dir, "salesforce", action="hide", object="Contact", field="Title")
    record = synced.create("salesforce", "Contact", LastName="Bea", Title="CEO")
    refused = {"kind": "status", "status": 404, "path": "*/composite"}  # as if it were switched off, too
    control.set_faults(synced.state_dir, "salesforce", {"rules": [refused]})
    try:
        hubspot, salesforce = synced.calls(schedule=QUIET)
    finally:
        control.clear_faults(synced.state_dir, "salesforce")
    assert (hubspot[PROPERTIES], salesforce[DESCRIBE]) == (3, 4)
    assert salesforce["GET /services/data/{version}/queryAll"] >= 5  # each object by itself, Contact again
    stored = f"from raw_salesforce.records where id = '{record}'"
    assert synced.rows(f"select properties->>'LastName', list_contains(json_keys(properties), 'Title') {stored}") == [
        ("Bea", False)
    ]


def test_a_field_that_has_come_is_read_of_all_records_in_the_run_that_has_news(synced: Sandbox) -> None:
    control.change_metadata(synced.state_dir, "hubspot", action="hide", object="contacts", field="jobtitle")
    control.edit(synced.state_dir, "hubspot", "contacts", contact(synced), {"jobtitle": "CEO"})
    synced.extract()
    control.change_metadata(synced.state_dir, "hubspot", action="show", object="contacts", field="jobtitle")
    synced.create("salesforce", "Account", Name="New")
    report = synced.extract(schedule=QUIET)
    assert [read.object for read in report.objects if read.is_full and read.crm == "hubspot"] == ["contacts"]
    assert synced.rows("select properties->>'jobtitle' from raw_hubspot.records where object = 'contacts'") == [
        ("CEO",)
    ]


def test_metadata_that_cannot_be_read_leaves_the_news_for_the_next_run(synced: Sandbox) -> None:
    control.edit(synced.state_dir, "hubspot", "contacts", contact(synced), {"jobtitle": "CEO"})
    control.set_faults(
        synced.state_dir, "salesforce", {"rules": [{"kind": "status", "status": 503, "path": "*/describe"}]}
    )
    try:
        with pytest.raises(CycleFailed) as caught:
            synced.extract(synced.clients(max_elapsed_seconds=0.1), schedule=QUIET)
    finally:
        control.clear_faults(synced.state_dir, "salesforce")
    assert isinstance(caught.value.__cause__, ApiError)
    assert synced.rows("select properties->>'jobtitle' from raw_hubspot.records where object = 'contacts'") == [
        ("CEO",)
    ]  # landed, and not decided yet
