"""Custom objects and custom association labels."""

from __future__ import annotations

from typing import Any

import pytest
from hubspot_support import Crm

CAR = {
    "name": "car",
    "labels": {"singular": "Car", "plural": "Cars"},
    "primaryDisplayProperty": "model",
    "requiredProperties": ["model"],
    "searchableProperties": ["model"],
    "properties": [
        {"name": "model", "label": "Model"},
        {"name": "vin", "label": "VIN", "hasUniqueValue": True},
        {"name": "doors", "label": "Doors", "type": "number", "fieldType": "number"},
    ],
    "associatedObjects": ["CONTACT"],
}


def make_car(crm: Crm) -> dict[str, Any]:
    reply = crm.post("/crm/v3/schemas", CAR)
    assert reply.status_code == 201, reply.text
    result: dict[str, Any] = reply.json()
    return result


def test_a_schema_is_read_changed_and_archived(crm: Crm) -> None:
    schema = make_car(crm)
    assert schema["objectTypeId"].startswith("2-")
    assert schema["fullyQualifiedName"] == "p48120077_car"
    assert {item["name"] for item in schema["associations"]} >= {"car_to_contact", "car_to_note"}
    for name in ("car", schema["objectTypeId"], schema["fullyQualifiedName"]):
        assert crm.get(f"/crm-object-schemas/v3/schemas/{name}").json()["id"] == schema["id"]
    assert [item["name"] for item in crm.get("/crm/v3/schemas").json()["results"]] == ["car"]
    changed = crm.patch("/crm/v3/schemas/car", {"labels": {"singular": "Auto", "plural": "Autos"}, "name": "x"}).json()
    assert (changed["labels"]["singular"], changed["name"]) == ("Auto", "car")
    assert crm.post("/crm/v3/schemas", CAR).status_code == 409
    record = crm.post("/crm/v3/objects/car", {"properties": {"model": "T"}}).json()
    assert crm.delete("/crm/v3/schemas/car").status_code == 400
    crm.delete(f"/crm/v3/objects/car/{record['id']}")
    assert crm.delete("/crm/v3/schemas/car").status_code == 204
    assert crm.get("/crm/v3/objects/car").status_code == 400


def test_custom_records_have_all_the_endpoints(crm: Crm) -> None:
    type_id = make_car(crm)["objectTypeId"]
    upsert = {"inputs": [{"id": "V1", "idProperty": "vin", "properties": {"model": "T", "doors": 2}}]}
    reply = crm.post(f"/crm/v3/objects/{type_id}/batch/upsert", upsert).json()
    assert [item["new"] for item in reply["results"]] == [True]
    assert [item["new"] for item in crm.post("/crm/v3/objects/car/batch/upsert", upsert).json()["results"]] == [False]
    found = crm.get("/crm/v3/objects/p48120077_car/V1", idProperty="vin", properties="model,doors").json()
    assert found["properties"]["doors"] == "2"
    assert found["properties"]["hs_createdate"] == found["createdAt"]
    assert crm.post("/crm/v3/objects/car/search", {"query": "t"}).json()["total"] == 1
    missing = crm.post("/crm/v3/objects/car", {"properties": {"vin": "V2"}}).json()
    assert missing["message"].startswith("Error creating CAR.")
    names = [item["name"] for item in crm.get(f"/crm/v3/properties/{type_id}").json()["results"]]
    assert {"model", "vin", "hs_object_id", "hubspot_owner_id"} <= set(names)
    crm.control("/load", {"object": "car", "records": [{"id": "9", "properties": {"model": "Z"}}]})
    assert len(crm.control("/records/car")) == 2


def test_custom_associations_are_user_defined(crm: Crm) -> None:
    make_car(crm)
    car = crm.post("/crm/v3/objects/car", {"properties": {"model": "T"}}).json()["id"]
    person = crm.post("/crm/v3/objects/contacts", {"properties": {"lastname": "Lee"}}).json()["id"]
    reply = crm.put(f"/crm/v4/objects/car/{car}/associations/default/contacts/{person}")
    assert reply.json()["results"][0]["associationSpec"]["associationCategory"] == "USER_DEFINED"
    (found,) = crm.get(f"/crm/v4/objects/contacts/{person}/associations/car").json()["results"]
    assert found["toObjectId"] == int(car)
    assert found["associationTypes"][0]["category"] == "USER_DEFINED"


def test_schemas_survive_a_reopening_and_end_with_a_reset(crm: Crm) -> None:
    from sandbox.hubspot.catalog import Catalog

    make_car(crm)
    connection = crm.organisation.connection  # type: ignore[attr-defined]
    assert Catalog(connection).find("car") is not None
    crm.control("/reset", {"demo": False})
    assert crm.get("/crm/v3/schemas").json() == {"results": []}
    assert crm.get("/crm/v3/objects/car").status_code == 400


def test_custom_labels(crm: Crm) -> None:
    labels = "/crm/v4/associations/contacts/companies/labels"
    body = {"label": "Adviser", "inverseLabel": "Advised by", "name": "adviser"}
    there, back = crm.post(labels, body).json()["results"]
    assert (there["label"], back["label"], there["category"]) == ("Adviser", "Advised by", "USER_DEFINED")
    assert crm.post(labels, body).status_code == 409
    person = crm.post("/crm/v3/objects/contacts", {"properties": {"lastname": "Lee"}}).json()["id"]
    company = crm.post("/crm/v3/objects/companies", {"properties": {"name": "Acme"}}).json()["id"]
    path = f"/crm/v4/objects/contacts/{person}/associations/companies/{company}"
    spec = {"associationCategory": "USER_DEFINED", "associationTypeId": there["typeId"]}
    assert crm.put(path, [spec]).json()["labels"] == ["Adviser"]
    assert crm.put(path, [spec | {"associationCategory": "HUBSPOT_DEFINED"}]).status_code == 400
    (seen,) = crm.get(f"/crm/v4/objects/companies/{company}/associations/contacts").json()["results"]
    assert [item["label"] for item in seen["associationTypes"]] == [None, "Advised by"]
    assert crm.put(labels, {"associationTypeId": there["typeId"], "label": "Counsel"}).status_code == 204
    assert "Counsel" in [item["label"] for item in crm.get(labels).json()["results"]]
    assert crm.delete(f"{labels}/{there['typeId']}").status_code == 204
    (seen,) = crm.get(f"/crm/v4/objects/companies/{company}/associations/contacts").json()["results"]
    assert [item["label"] for item in seen["associationTypes"]] == [None]
    assert crm.delete(f"{labels}/279").status_code == 404


def test_at_most_ten_labels_between_two_objects(crm: Crm) -> None:
    labels = "/crm/v4/associations/deals/contacts/labels"
    for number in range(10):
        assert crm.post(labels, {"label": f"L{number}", "name": f"l{number}"}).status_code == 200
    assert crm.post(labels, {"label": "One more", "name": "more"}).status_code == 400


@pytest.mark.parametrize("form", ["errors", "context"])
def test_a_missing_scope_is_a_403_in_either_form(crm: Crm, form: str) -> None:
    crm.control("/settings", {"scopes": ["crm.objects.contacts.read", "crm.schemas.deals.read"], "scopes_form": form})
    try:
        assert crm.get("/crm/v3/objects/contacts").status_code == 200
        assert crm.get("/crm/v3/objects/tasks").status_code == 200
        assert crm.post("/crm/v3/objects/contacts/search", {}).status_code == 200
        assert crm.get("/crm/v3/pipelines/deals").status_code == 200
        reply = crm.post("/crm/v3/objects/contacts", {"properties": {"lastname": "Lee"}})
        body = reply.json()
        context = body["context"] if form == "context" else body["errors"][0]["context"]
        assert (reply.status_code, body["category"]) == (403, "MISSING_SCOPES")
        assert context == {"requiredGranularScopes": ["crm.objects.contacts.write"]}
        assert crm.get("/crm/v3/owners").status_code == 403
        assert crm.get("/crm/v3/schemas").status_code == 403
    finally:
        crm.control("/settings", {"scopes": None, "scopes_form": "errors"})


def test_gdpr_deletion_leaves_nothing(crm: Crm) -> None:
    person = crm.post("/crm/v3/objects/contacts", {"properties": {"email": "ada@example.com"}}).json()["id"]
    body = {"objectId": "Ada@example.com", "idProperty": "email"}
    assert crm.post("/crm/v3/objects/contacts/gdpr-delete", body).status_code == 204
    assert crm.get(f"/crm/v3/objects/contacts/{person}", archived="true").status_code == 404
    assert crm.post("/crm/v3/objects/contacts/gdpr-delete", body).status_code == 204
    assert crm.post("/crm/v3/objects/contacts", {"properties": {"email": "ada@example.com"}}).status_code == 201


def test_groups_are_changed_and_archived_when_empty(crm: Crm) -> None:
    groups = "/crm/v3/properties/contacts/groups"
    crm.post(groups, {"name": "sync", "label": "Sync"})
    assert crm.patch(f"{groups}/sync", {"label": "CRM sync"}).json()["label"] == "CRM sync"
    assert crm.get(f"{groups}/sync").json()["label"] == "CRM sync"
    assert crm.delete(f"{groups}/contactinformation").status_code == 400
    assert crm.delete(f"{groups}/sync").status_code == 204
    assert crm.get(f"{groups}/sync").status_code == 404


def test_lists_are_renamed_deleted_and_restored(crm: Crm) -> None:
    crm.control("/load", {"object": "contacts", "records": [{"id": str(n), "properties": {}} for n in (3, 1, 2)]})
    made = crm.post("/crm/v3/lists", {"name": "VIP", "objectTypeId": "0-1", "processingType": "MANUAL"}).json()["list"]
    path = f"/crm/v3/lists/{made['listId']}"
    for member in ("3", "1", "2"):
        crm.put(f"{path}/memberships/add", [member])
    first = crm.get(f"{path}/memberships/join-order", limit=2).json()
    assert (first["total"], len(first["results"]), first["paging"]["next"]["after"]) == (3, 2, "2")
    renamed = crm.call("PUT", f"{path}/update-list-name", params={"listName": "Guests"}).json()["updatedList"]
    assert (renamed["name"], renamed["listVersion"]) == ("Guests", 2)
    assert [item["name"] for item in crm.get("/crm/v3/lists", listIds=made["listId"]).json()["lists"]] == ["Guests"]
    assert crm.delete(path).status_code == 204
    assert crm.get(path).status_code == 404
    assert crm.put(f"{path}/restore").status_code == 204
    assert crm.delete(f"{path}/memberships").status_code == 204
    assert crm.get(f"{path}/memberships").json()["results"] == []
