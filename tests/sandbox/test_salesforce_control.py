"""What humans and tests do behind the API: rules, triggers, merges, conversions, the recycle bin, history."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import requests
from salesforce_support import Salesforce

from sandbox import salesforce

pytest_plugins = ["salesforce_fixtures"]


def first_error(response: Any) -> tuple[str, str]:
    error = response.json()[0]
    return error["errorCode"], error["message"]


def test_phone_trigger(org: Salesforce) -> None:
    org.control("/metadata", {"trigger": "format_phone", "on": True})
    org.create("Contact", LastName="x", Phone="+1 415-555-0100", MobilePhone="+49 30 1234567")
    record = org.query("SELECT Phone, MobilePhone FROM Contact")[0]
    assert (record["Phone"], record["MobilePhone"]) == ("(415) 555-0100", "+49 30 1234567")
    org.control("/metadata", {"trigger": "format_phone", "on": False})
    org.create("Account", Name="x", Phone="4155550100")
    assert org.query("SELECT Phone FROM Account")[0]["Phone"] == "4155550100"


def test_validation_rule(org: Salesforce) -> None:
    rule = {
        "validation_rule": "Won_needs_amount",
        "object": "Opportunity",
        "when": "StageName = 'Closed Won' AND Amount = null",
        "message": "Enter an amount.",
        "error_field": "Amount",
    }
    org.control("/metadata", rule)
    deal = {"Name": "D", "StageName": "Closed Won", "CloseDate": "2026-01-31"}
    response = org.post("/sobjects/Opportunity", deal)
    assert first_error(response) == ("FIELD_CUSTOM_VALIDATION_EXCEPTION", "Enter an amount.")
    assert response.json()[0]["fields"] == ["Amount"]
    assert org.query("SELECT Id FROM Opportunity") == []
    org.create("Opportunity", **deal, Amount=1)
    org.control("/metadata", {"validation_rule": "Won_needs_amount", "on": False})
    org.create("Opportunity", **deal)


def test_locks_and_read_only_records(org: Salesforce) -> None:
    record = org.create("Contact", LastName="x")
    path = f"/sobjects/Contact/{record}"
    org.control("/metadata", {"lock": record, "times": 1})
    code, message = first_error(org.patch(path, {"Title": "t"}))
    assert (code, message) == (
        "UNABLE_TO_LOCK_ROW",
        f"unable to obtain exclusive access to this record or 1 records: {record}",
    )
    assert org.patch(path, {"Title": "t"}).status_code == 204
    org.control("/metadata", {"read_only_record": record})
    response = org.patch(path, {"Title": "u"})
    assert (response.status_code, first_error(response)[0]) == (403, "INSUFFICIENT_ACCESS_OR_READONLY")
    org.control("/edit", {"object": "Contact", "id": record, "values": {"Title": "by hand"}})


def test_modstamp_moves_alone(org: Salesforce) -> None:
    record = org.create("Contact", LastName="x")
    org.control("/act/touch", {"object": "Contact", "id": record, "at": "2030-01-01T00:00:00Z"})
    found = org.query("SELECT LastModifiedDate, SystemModstamp FROM Contact")[0]
    assert found["SystemModstamp"] == "2030-01-01T00:00:00.000+0000"
    assert found["LastModifiedDate"] < found["SystemModstamp"]


def test_recycle_bin_cascades_and_gives_back(org: Salesforce) -> None:
    account = org.create("Account", Name="A")
    contact = org.create("Contact", LastName="x", AccountId=account)
    assert org.delete(f"/sobjects/Account/{account}").status_code == 204
    assert org.query("SELECT Id FROM Contact") == []
    assert org.query("SELECT Id, IsDeleted FROM Contact", "/queryAll")[0]["IsDeleted"] is True
    assert org.query("SELECT Id FROM Account WHERE IsDeleted = true", "/queryAll")[0]["Id"] == account
    org.control("/act/restore", {"object": "Account", "id": account})
    assert [record["Id"] for record in org.query("SELECT Id FROM Contact")] == [contact]


def test_merge(org: Salesforce) -> None:
    winner, loser = org.create("Account", Name="W"), org.create("Account", Name="L")
    contact = org.create("Contact", LastName="x", AccountId=loser)
    org.control("/act/merge", {"object": "Account", "master": winner, "losers": [loser], "values": {"Site": "HQ"}})
    assert org.get(f"/sobjects/Contact/{contact}").json()["AccountId"] == winner
    lost = org.query(f"SELECT IsDeleted, MasterRecordId FROM Account WHERE Id = '{loser}'", "/queryAll")[0]
    assert (lost["IsDeleted"], lost["MasterRecordId"]) == (True, winner)
    assert org.get(f"/sobjects/Account/{winner}").json()["Site"] == "HQ"
    assert org.get(f"/sobjects/Account/{loser}").status_code == 404


def test_lead_conversion(org: Salesforce) -> None:
    lead = org.create("Lead", LastName="Doe", FirstName="Jo", Company="Acme", Email="jo@acme.com")
    assert org.get(f"/sobjects/Lead/{lead}").json()["Status"] == "Open - Not Contacted"
    result = org.control("/act/convert", {"id": lead, "opportunity_name": "First deal"})
    contact = org.get(f"/sobjects/Contact/{result['contactId']}").json()
    assert (contact["Name"], contact["Email"], contact["AccountId"]) == ("Jo Doe", "jo@acme.com", result["accountId"])
    role = org.query("SELECT ContactId, IsPrimary FROM OpportunityContactRole")[0]
    assert (role["ContactId"], role["IsPrimary"]) == (result["contactId"], True)
    converted = org.query("SELECT IsConverted, ConvertedContactId, Status FROM Lead")[0]
    assert (converted["IsConverted"], converted["ConvertedContactId"]) == (True, result["contactId"])
    response = org.patch(f"/sobjects/Lead/{lead}", {"Title": "t"})
    assert first_error(response) == ("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")


def test_one_primary_contact_role(org: Salesforce) -> None:
    deal = org.create("Opportunity", Name="D", StageName="Discovery", CloseDate="2026-01-31")
    for name in "ab":
        person = org.create("Contact", LastName=name)
        org.create("OpportunityContactRole", OpportunityId=deal, ContactId=person, IsPrimary=True)
    roles = org.query("SELECT Contact.LastName FROM OpportunityContactRole WHERE IsPrimary = true")
    assert [role["Contact"]["LastName"] for role in roles] == ["b"]


def test_field_history(org: Salesforce) -> None:
    record = org.create("Contact", LastName="x")
    org.control("/edit", {"object": "Contact", "id": record, "values": {"Title": "CEO"}, "at": "2026-05-01T10:00:00Z"})
    history = org.query(
        "SELECT Field, OldValue, NewValue, CreatedBy.Name FROM ContactHistory ORDER BY CreatedDate DESC"
    )
    assert [row["Field"] for row in history] == ["created", "Title"]
    assert (history[1]["OldValue"], history[1]["NewValue"]) == (None, "CEO")
    assert history[1]["CreatedBy"]["Name"] == "Maya Okafor"
    assert org.query_error("SELECT Id FROM ContactHistory WHERE NewValue = 'CEO'")[0] == "INVALID_FIELD"


def test_updated_and_deleted_feeds(org: Salesforce) -> None:
    kept, gone = org.create("Contact", LastName="x"), org.create("Contact", LastName="y")
    org.delete(f"/sobjects/Contact/{gone}")
    org.control("/settings", {"clock_skew_ms": 120_000})
    now = org.query("SELECT SystemModstamp FROM Contact")[0]["SystemModstamp"]
    window = {"start": now.replace("+0000", "+0000"), "end": "2100-01-01T00:00:00+00:00"}
    assert org.get("/sobjects/Contact/updated", **window).json()["ids"] == [kept]
    deleted = org.get("/sobjects/Contact/deleted", **window).json()
    assert [record["id"] for record in deleted["deletedRecords"]] == [gone]
    assert deleted["latestDateCovered"].endswith("+0000")
    old = {"start": "2020-01-01T00:00:00Z", "end": "2020-02-01T00:00:00Z"}
    assert org.get("/sobjects/Contact/updated", **old).status_code == 400


def test_control_names_what_it_does_not_know(org: Salesforce) -> None:
    for path, body in (
        ("/edit", {"object": "Contact", "id": "003dM000000zzzzQAA", "values": {"Title": "x"}}),
        ("/create", {"object": "Nothing", "values": {"Name": "x"}}),
        ("/create", {"object": "Contact", "values": {"LastName": "x"}, "user": "nobody@demo.example"}),
        ("/create", {"object": "Contact", "values": {"Nope": "x"}}),
        ("/metadata", {"action": "explode", "object": "Contact", "field": "Title"}),
    ):
        response = requests.post(org.control_url + path, json=body, timeout=10)
        assert response.status_code in (400, 404)
        assert response.json()["error"]


def test_everything_survives_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "salesforce.db"
    first = salesforce.open_organisation(path)
    assert first.is_new()
    metadata = {"type": "Text", "length": 20}
    first.change_metadata({"action": "add_field", "object": "Contact", "name": "Extra__c", "metadata": metadata})
    first.change_metadata({"trigger": "format_phone", "on": True})
    record = first.create("Contact", {"LastName": "x", "Extra__c": "kept"}, at=None)
    token, _ = first.auth.issue(first.integration_user_id)
    first.close()
    second = salesforce.open_organisation(path)
    assert not second.is_new()
    assert (second.record("Contact", record["Id"]) or {})["Extra__c"] == "kept"
    assert second.create("Contact", {"LastName": "y", "Phone": "4155550100"})["Phone"] == "(415) 555-0100"
    assert second.auth.user_of(f"Bearer {token}") == second.integration_user_id
    second.close()
