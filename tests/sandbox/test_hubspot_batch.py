"""What one bad input does to a batch, as HubSpot documents it."""

from __future__ import annotations

from typing import Any

import pytest
from hubspot_support import Crm

BATCH = "/crm/v3/objects/contacts/batch"


@pytest.fixture
def unique(crm: Crm) -> str:
    """A property with unique values, as the sync creates one."""
    body = {
        "name": "salesforce_record_id",
        "label": "Salesforce record ID",
        "type": "string",
        "fieldType": "text",
        "groupName": "contactinformation",
        "hasUniqueValue": True,
    }
    assert crm.post("/crm/v3/properties/contacts", body).status_code == 201
    return "salesforce_record_id"


def inputs(*properties: dict[str, Any], traced: bool = False) -> dict[str, Any]:
    trace = [{"objectWriteTraceId": str(number)} if traced else {} for number in range(len(properties))]
    return {"inputs": [{"properties": values} | extra for values, extra in zip(properties, trace, strict=True)]}


def emails(crm: Crm) -> list[str]:
    return [item["properties"]["email"] for item in crm.control("/records/contacts")]


def test_without_trace_ids_one_bad_value_refuses_everything(crm: Crm) -> None:
    body = inputs({"email": "a@acme.com"}, {"email": "b@acme.com", "nope": "1"}, {"email": "c@b"})
    response = crm.post(f"{BATCH}/create", body)
    assert response.status_code == 400
    assert [item["code"] for item in response.json()["errors"]] == ["PROPERTY_DOESNT_EXIST", "INVALID_EMAIL"]
    assert emails(crm) == []


def test_without_trace_ids_one_existing_email_refuses_everything(crm: Crm) -> None:
    crm.post(f"{BATCH}/create", inputs({"email": "a@acme.com"}))
    response = crm.post(f"{BATCH}/create", inputs({"email": "b@acme.com"}, {"email": "a@acme.com"}))
    assert response.status_code == 409
    assert "Existing ID: " in response.json()["message"]
    assert emails(crm) == ["a@acme.com"]


def test_with_trace_ids_the_good_ones_go_through(crm: Crm) -> None:
    (existing,) = crm.post(f"{BATCH}/create", inputs({"email": "a@acme.com"})).json()["results"]
    body = inputs({"email": "b@acme.com"}, {"email": "A@acme.com"}, {"email": "c@b"}, traced=True)
    response = crm.post(f"{BATCH}/create", body)
    assert response.status_code == 207
    reply = response.json()
    assert reply["status"] == "COMPLETE"
    assert reply["numErrors"] == 2
    assert [item["objectWriteTraceId"] for item in reply["results"]] == ["0"]
    conflict, invalid = reply["errors"]
    assert conflict["category"] == "CONFLICT"
    assert conflict["context"] == {"objectWriteTraceId": ["1"], "existingId": [existing["id"]]}
    assert invalid["category"] == "VALIDATION_ERROR"
    assert invalid["context"] == {"objectWriteTraceId": ["2"]}
    assert emails(crm) == ["a@acme.com", "b@acme.com"]


def test_a_trace_id_given_twice_counts_as_none(crm: Crm) -> None:
    body = inputs({"email": "a@acme.com"}, {"email": "b@b"}, traced=True)
    body["inputs"][1]["objectWriteTraceId"] = "0"
    assert crm.post(f"{BATCH}/create", body).status_code == 400


def test_unknown_ids_are_one_error_that_lists_them(crm: Crm) -> None:
    (known,) = crm.post(f"{BATCH}/create", inputs({"email": "a@acme.com"})).json()["results"]
    for path in ("read", "update"):
        body = {"inputs": [{"id": item, "properties": {"city": "Rome"}} for item in ("7", known["id"], "8")]}
        response = crm.post(f"{BATCH}/{path}", body)
        assert response.status_code == 207
        (error,) = response.json()["errors"]
        assert error["category"] == "OBJECT_NOT_FOUND"
        assert error["context"] == {"ids": ["7", "8"]}
        assert error["message"].startswith("Could not get some CONTACT objects, they may be deleted or not exist.")
        assert [item["id"] for item in response.json()["results"]] == [known["id"]]


def test_an_id_given_twice_refuses_everything(crm: Crm, unique: str) -> None:
    read = crm.post(f"{BATCH}/read", {"inputs": [{"id": "5"}, {"id": "5"}]})
    assert read.status_code == 400
    assert read.json()["message"] == "Duplicate IDs found in batch input: [5]. IDs must be unique"
    assert read.json()["context"] == {"ids": ["5"]}
    items = [
        {"id": address, "idProperty": "email", "properties": {}, "objectWriteTraceId": address}
        for address in ("a@acme.com", "A@acme.com")
    ]
    assert crm.post(f"{BATCH}/upsert", {"inputs": items}).status_code == 400


def test_upsert_creates_then_updates_by_a_unique_property(crm: Crm, unique: str) -> None:
    item = {"id": "003A", "idProperty": unique, "properties": {"email": "a@acme.com"}, "objectWriteTraceId": "x"}
    (created,) = crm.post(f"{BATCH}/upsert", {"inputs": [item]}).json()["results"]
    (updated,) = crm.post(f"{BATCH}/upsert", {"inputs": [item | {"properties": {"city": "Rome"}}]}).json()["results"]
    assert (created["new"], updated["new"]) == (True, False)
    assert created["id"] == updated["id"]
    assert created["properties"][unique] == "003A"
    assert updated["objectWriteTraceId"] == "x"


def test_upsert_of_an_existing_email_under_another_key_is_a_conflict(crm: Crm, unique: str) -> None:
    (existing,) = crm.post(f"{BATCH}/create", inputs({"email": "a@acme.com"})).json()["results"]
    item = {"id": "003A", "idProperty": unique, "properties": {"email": "a@acme.com"}, "objectWriteTraceId": "0"}
    (error,) = crm.post(f"{BATCH}/upsert", {"inputs": [item]}).json()["errors"]
    assert error["context"]["existingId"] == [existing["id"]]
    assert error["message"] == f"Contact already exists. Existing ID: {existing['id']}"


def test_a_taken_unique_value_is_refused(crm: Crm, unique: str) -> None:
    body = inputs({"email": "a@acme.com", unique: "003A"}, {"email": "b@acme.com", unique: "003A"}, traced=True)
    response = crm.post(f"{BATCH}/create", body)
    (error,) = response.json()["errors"]
    holder = response.json()["results"][0]["id"]
    assert error["message"].startswith("Cannot set PropertyValueCoordinates{portalId=")
    assert error["message"].endswith(f"{holder} already has that value.")


def test_upsert_needs_a_unique_property(crm: Crm) -> None:
    item = {"id": "x", "idProperty": "dealname", "properties": {}}
    response = crm.post("/crm/v3/objects/deals/batch/upsert", {"inputs": [item]})
    assert response.status_code == 400
    assert response.json()["message"] == "Unable to perform update/upsert by non-unique 0-3 property dealname"


@pytest.mark.parametrize("operation", ["read", "create", "update", "upsert", "archive"])
def test_at_most_100_inputs(crm: Crm, operation: str) -> None:
    items = [{"id": str(number), "idProperty": "email", "properties": {}} for number in range(101)]
    assert crm.post(f"{BATCH}/{operation}", {"inputs": items}).status_code == 400


def test_results_do_not_come_in_the_order_of_the_inputs(crm: Crm) -> None:
    body = inputs(*({"email": f"p{number}@acme.com"} for number in range(5)), traced=True)
    traces = [item["objectWriteTraceId"] for item in crm.post(f"{BATCH}/create", body).json()["results"]]
    assert sorted(traces) == list("01234")
    assert traces != list("01234")


def test_merged_ids_are_answered_by_the_survivor_without_an_error(crm: Crm) -> None:
    reply = crm.post(f"{BATCH}/create", inputs({"email": "a@acme.com"}, {"email": "b@acme.com"})).json()
    keeper, loser = (item["id"] for item in reply["results"])
    crm.control("/act/merge", {"object": "contacts", "id": loser, "into": keeper})
    for operation in ("read", "update"):
        response = crm.post(f"{BATCH}/{operation}", {"inputs": [{"id": loser, "properties": {"city": "Rome"}}]})
        assert response.status_code == 200
        assert [item["id"] for item in response.json()["results"]] == [keeper]


def test_batch_create_with_associations(crm: Crm) -> None:
    company = crm.post("/crm/v3/objects/companies", {"properties": {"name": "Acme"}}).json()["id"]
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 1}]
    item = {"properties": {"email": "a@acme.com"}, "associations": [{"to": {"id": company}, "types": types}]}
    (created,) = crm.post(f"{BATCH}/create", {"inputs": [item]}).json()["results"]
    assert created["properties"]["associatedcompanyid"] == company


def test_archive(crm: Crm) -> None:
    reply = crm.post(f"{BATCH}/create", inputs({"email": "a@acme.com"}, {"email": "b@acme.com"})).json()
    ids = [{"id": item["id"]} for item in reply["results"]]
    assert crm.post(f"{BATCH}/archive", {"inputs": ids}).status_code == 204
    assert emails(crm) == []
    response = crm.post(f"{BATCH}/read?archived=true", {"inputs": ids})
    assert len(response.json()["results"]) == 2


def test_a_refused_update_leaves_nothing_behind(crm: Crm) -> None:
    reply = crm.post(f"{BATCH}/create", inputs({"email": "a@acme.com"}, {"email": "b@acme.com"})).json()
    second = reply["results"][0]
    item = {"id": second["id"], "properties": {"email": "a@acme.com", "city": "Rome"}, "objectWriteTraceId": "0"}
    assert crm.post(f"{BATCH}/update", {"inputs": [item]}).status_code == 207
    path = f"/crm/v3/objects/contacts/{second['id']}"
    record = crm.get(path, properties="email,city", propertiesWithHistory="email").json()
    assert (record["properties"]["email"], record["properties"]["city"]) == ("b@acme.com", None)
    assert len(record["propertiesWithHistory"]["email"]) == 1
