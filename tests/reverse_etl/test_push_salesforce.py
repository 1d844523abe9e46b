"""Pushing to Salesforce over real HTTP: collections, typed values, duplicates, locks, read-backs."""

from __future__ import annotations

from typing import Any

import pytest
from push_support import diff_row
from push_world import PushWorld

import reverse_etl.salesforce
from crm_sync.clients import SalesforceClient
from sandbox import control

TYPES = {
    "Amount": "number",
    "NumberOfEmployees": "number",
    "CloseDate": "date",
    "DoNotCall": "boolean",
}


def _create(object_: str, link_id: str, key: str, **values: Any) -> dict[str, Any]:
    defaults = {"hubspot_id": key, "field_types": TYPES, "snapshot_modified_at": None}
    return diff_row("salesforce", object_, "create", link_id, **{**defaults, **values})


def _update(crms: PushWorld, crm_object: str, link_id: str, record_id: str, **values: Any) -> dict[str, Any]:
    object_ = {"Account": "company", "Contact": "contact", "Opportunity": "deal"}[crm_object]
    snapshot = crms.modified_at("salesforce", crm_object, record_id)
    defaults = {"record_id": record_id, "snapshot_modified_at": snapshot, "field_types": TYPES}
    return diff_row("salesforce", object_, "update", link_id, **{**defaults, **values})


def test_company_contact_and_deal_are_created_with_typed_values(crms: PushWorld) -> None:
    account = {"link_id": "c", "object": "company"}
    company_changes = {"Name": " Acme  ", "NumberOfEmployees": "250.0"}
    crms.diffs(
        _create("company", "c", "10", changes=company_changes),
        _create(
            "contact",
            "p",
            "20",
            changes={"LastName": "O'Neill", "Email": "ANN@Example.com"},
            references={"AccountId": account},
            all_fields=["AccountId", "Email", "LastName", "LeadSource", "OwnerId"],
        ),
        _create(
            "deal",
            "d",
            "30",
            changes={"Name": "Big", "StageName": "Prospecting", "CloseDate": "2028-02-29", "Amount": "0.10"},
            references={"AccountId": account},
        ),
    )
    report = crms.push()
    assert report.records("succeeded") == 3
    company = crms.records("salesforce", "Account")[0]
    assert company["NumberOfEmployees"] == 250
    assert company["HubSpot_Record_ID__c"] == "10"
    by_link = {row["link_id"]: row for row in crms.attempts}
    assert by_link["c"]["stored"]["Name"] == "Acme"
    contact = by_link["p"]["stored"]
    assert (contact["AccountId"], contact["Email"]) == (company["Id"], "ann@example.com")
    assert contact["OwnerId"].startswith("005")
    assert contact["LeadSource"] is None
    assert by_link["p"]["salesforce_id"] == by_link["p"]["record_id"]
    assert by_link["p"]["target_modified_at"] == crms.modified_at("salesforce", "Contact", by_link["p"]["record_id"])
    deal = crms.records("salesforce", "Opportunity")[0]
    assert (deal["CloseDate"], deal["Amount"], deal["AccountId"]) == ("2028-02-29", 0.1, company["Id"])
    crms.push("again")
    assert len(crms.records("salesforce", "Contact")) == 1


def test_a_rejected_row_leaves_its_neighbours(crms: PushWorld) -> None:
    rows = [_create("contact", f"l{n:03}", str(n), changes={"LastName": f"N{n}"}) for n in range(250)]
    rows[3]["changes"] = {"FirstName": "nameless"}
    rows[4]["changes"] = {"LastName": "x" * 81}
    rows[5]["changes"] = {"LastName": "x", "No_Such__c": "1"}
    crms.diffs(*rows)
    report = crms.push()
    assert (report.records("succeeded"), report.records("rejected")) == (247, 3)
    codes = {row["link_id"]: row["error_code"] for row in crms.attempts if row["outcome"] == "rejected"}
    assert codes == {"l003": "REQUIRED_FIELD_MISSING", "l004": "STRING_TOO_LONG", "l005": "INVALID_FIELD"}
    assert report.api_calls["salesforce"] == 3  # two upserts, one reading back
    assert report.purposes["salesforce"] == {"writes": 2, "stale_checks": 0, "read_backs": 1, "resolutions": 0}


def test_a_call_refused_as_a_whole_is_halved(crms: PushWorld) -> None:
    """A text where a date belongs makes the whole request unreadable to Salesforce."""
    rows = [
        _create("deal", f"l{n}", str(n), changes={"Name": "x", "StageName": "Prospecting", "CloseDate": "2026-01-01"})
        for n in range(8)
    ]
    rows[5]["changes"] = {"Name": "x", "StageName": "Prospecting", "CloseDate": "soon"}
    crms.diffs(*rows)
    report = crms.push()
    assert (report.records("succeeded"), report.records("rejected")) == (7, 1)
    bad = next(row for row in crms.attempts if row["outcome"] == "rejected")
    assert (bad["link_id"], bad["error_code"]) == ("l5", "JSON_PARSER_ERROR")


def test_an_edit_within_the_second_of_the_snapshot_is_seen(crms: PushWorld) -> None:
    """Salesforce's times are whole seconds: that the time has not moved says nothing of this second."""
    record_id = crms.create("salesforce", "Contact", LastName="Lee", Title="Old")
    snapshot = crms.modified_at("salesforce", "Contact", record_id)
    assert snapshot is not None
    control.edit(crms.state_dir, "salesforce", "Contact", record_id, {"Title": "Newer"}, at=snapshot)
    assert crms.modified_at("salesforce", "Contact", record_id) == snapshot
    crms.diffs(
        diff_row(
            "salesforce",
            "contact",
            "update",
            "l",
            record_id=record_id,
            changes={"Title": "Ours"},
            previous={"Title": "Old"},
            snapshot_modified_at=snapshot,
        )
    )
    crms.push()
    assert crms.outcomes == {"salesforce-contact-update-l": "stale"}
    assert crms.values("salesforce", "Contact", record_id)["Title"] == "Newer"


def test_null_clears_and_only_changed_fields_are_sent(crms: PushWorld) -> None:
    record_id = crms.create("salesforce", "Contact", LastName="Lee", Title="CEO", Phone="1")
    crms.diffs(_update(crms, "Contact", "l", record_id, changes={"Title": None}, previous={"Title": "CEO"}))
    crms.push()
    assert crms.values("salesforce", "Contact", record_id)["Title"] is None
    (write,) = crms.api_writes("salesforce")
    assert write["changes"] == {"Title": ["CEO", None]}
    assert crms.attempts[0]["stored"] == {"Title": None}


def test_what_a_trigger_makes_of_a_phone_becomes_the_base(crms: PushWorld) -> None:
    control.change_metadata(crms.state_dir, "salesforce", trigger="format_phone", on=True)
    record_id = crms.create("salesforce", "Contact", LastName="Lee")
    crms.diffs(_update(crms, "Contact", "l", record_id, changes={"Phone": "4155550100"}))
    crms.push()
    (attempt,) = crms.attempts
    assert attempt["stored"] == {"Phone": "(415) 555-0100"}
    assert attempt["message"] == "Salesforce stored Phone as '(415) 555-0100'."


def test_edited_and_deleted_records_are_left(crms: PushWorld) -> None:
    ids = [crms.create("salesforce", "Contact", LastName="Lee", Title="Old") for _ in range(3)]
    earlier = crms.modified_at("salesforce", "Contact", ids[0])
    rows = [
        _update(crms, "Contact", f"l{n}", record_id, changes={"Title": "New"}, previous={"Title": "Old"})
        for n, record_id in enumerate(ids)
    ]
    assert earlier is not None
    for row in rows:
        row["snapshot_modified_at"] = earlier.replace(year=2025)
    crms.edit("salesforce", "Contact", ids[0], Title="Edited by a person")
    control.delete(crms.state_dir, "salesforce", "Contact", ids[1])
    crms.diffs(*rows)
    crms.push()
    found = {row["link_id"]: (row["outcome"], row["error_code"]) for row in crms.attempts}
    assert found == {
        "l0": ("stale", "RECORD_CHANGED"),
        "l1": ("stale", "RECORD_GONE"),
        "l2": ("succeeded", None),
    }
    assert crms.values("salesforce", "Contact", ids[0])["Title"] == "Edited by a person"


def test_a_duplicate_rule_names_the_record_in_the_way(crms: PushWorld) -> None:
    existing = crms.create("salesforce", "Contact", LastName="Lee", Email="ann@example.com")
    control.change_metadata(crms.state_dir, "salesforce", duplicate_rule="Contact", on=True)
    crms.diffs(
        _create("contact", "p", "20", changes={"LastName": "Lee", "Email": "ann@example.com"}),
        _create("contact", "q", "21", changes={"LastName": "Kim", "Email": "kim@example.com"}),
    )
    crms.push()
    found = {row["link_id"]: (row["outcome"], row["error_code"], row["existing_id"]) for row in crms.attempts}
    assert found == {"p": ("stale", "DUPLICATES_DETECTED", existing), "q": ("succeeded", None, None)}


def test_a_locked_row_is_tried_again_in_the_same_push(crms: PushWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reverse_etl.salesforce, "_LOCK_WAITS_SECONDS", (0.02, 0.05))
    ids = [crms.create("salesforce", "Contact", LastName="Lee") for _ in range(2)]
    control.change_metadata(crms.state_dir, "salesforce", lock=ids[0], times=1)
    control.change_metadata(crms.state_dir, "salesforce", lock=ids[1], times=9)
    crms.diffs(*[_update(crms, "Contact", f"l{n}", one, changes={"Title": "New"}) for n, one in enumerate(ids)])
    crms.push()
    found = {row["link_id"]: (row["outcome"], row["error_code"]) for row in crms.attempts}
    assert found == {"l0": ("succeeded", None), "l1": ("retryable", "UNABLE_TO_LOCK_ROW")}


def test_a_field_that_is_hidden_rejects_only_the_records_that_write_it(crms: PushWorld) -> None:
    ids = [crms.create("salesforce", "Contact", LastName="Lee") for _ in range(4)]
    control.change_metadata(crms.state_dir, "salesforce", action="hide", object="Contact", field="Department")
    crms.diffs(
        *[_update(crms, "Contact", f"l{n}", one, changes={"Title": "New"}) for n, one in enumerate(ids[:3])],
        _update(crms, "Contact", "l3", ids[3], changes={"Department": "New"}),
    )
    crms.push()
    found = {row["link_id"]: (row["outcome"], row["error_code"]) for row in crms.attempts}
    assert found == {f"l{n}": ("succeeded", None) for n in range(3)} | {"l3": ("rejected", "INVALID_FIELD")}


@pytest.mark.parametrize("field", ["Title", "Phone"])
def test_an_edit_between_the_write_and_its_read_back_does_not_get_into_the_base(
    crms: PushWorld, monkeypatch: pytest.MonkeyPatch, field: str
) -> None:
    record_id = crms.create("salesforce", "Contact", LastName="Lee", Title="Old")
    crms.diffs(_update(crms, "Contact", "l", record_id, changes={"Title": "New"}, previous={"Title": "Old"}))
    update = SalesforceClient.collections_update

    def update_then_edit(client: Any, records: Any, **options: Any) -> Any:
        reply = update(client, records, **options)
        crms.edit("salesforce", "Contact", record_id, **{field: "By a person"})
        return reply

    monkeypatch.setattr(SalesforceClient, "collections_update", update_then_edit)
    crms.push()
    (attempt,) = crms.attempts
    assert attempt["outcome"] == "succeeded"
    assert attempt["stored"] == {"Title": "New"}
    assert attempt["is_modified_by_other"] is True
    assert attempt["target_modified_at"] is None
