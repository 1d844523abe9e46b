"""Associations v4 of the stand-in HubSpot."""

from __future__ import annotations

from typing import Any

import pytest
from hubspot_support import Crm

V4 = "/crm/v4/objects/contacts"
BATCH = "/crm/v4/associations/contacts/companies/batch"
PRIMARY = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 1}]


@pytest.fixture
def acme(crm: Crm) -> Crm:
    crm.control("/load", {"object": "companies", "records": [{"id": i, "properties": {"name": i}} for i in "89"]})
    people = [{"id": i, "properties": {"email": f"p{i}@acme.com"}} for i in "123"]
    crm.control("/load", {"object": "contacts", "records": people})
    return crm


def links(crm: Crm, contact: str = "1") -> dict[int, list[int]]:
    results = crm.get(f"{V4}/{contact}/associations/companies").json()["results"]
    return {item["toObjectId"]: [spec["typeId"] for spec in item["associationTypes"]] for item in results}


def primary(crm: Crm, contact: str = "1") -> Any:
    reply = crm.get(f"/crm/v3/objects/contacts/{contact}", properties="associatedcompanyid").json()
    return reply["properties"]["associatedcompanyid"]


def test_the_primary_company_is_two_entries_and_moves_the_property(acme: Crm) -> None:
    before = acme.get("/crm/v3/objects/contacts/1").json()["updatedAt"]
    response = acme.put(f"{V4}/1/associations/companies/8", PRIMARY)
    assert response.status_code == 201
    assert response.json()["labels"] == ["Primary"]
    assert links(acme) == {8: [1, 279]}
    assert primary(acme) == "8"
    acme.put(f"{V4}/1/associations/companies/9", PRIMARY)
    assert links(acme) == {8: [279], 9: [1, 279]}
    assert primary(acme) == "9"
    assert acme.get("/crm/v3/objects/contacts/1").json()["updatedAt"] == before


def test_default_association_answers_both_directions(acme: Crm) -> None:
    response = acme.put(f"{V4}/1/associations/default/companies/8")
    assert response.status_code == 200
    specs = [item["associationSpec"]["associationTypeId"] for item in response.json()["results"]]
    assert specs == [279, 280]
    assert links(acme) == {8: [279]}


def test_labels_replace_and_delete_removes_all(acme: Crm) -> None:
    acme.put(f"{V4}/1/associations/companies/8", PRIMARY)
    plain = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279}]
    acme.put(f"{V4}/1/associations/companies/8", plain)
    assert links(acme) == {8: [279]}
    assert primary(acme) is None
    assert acme.delete(f"{V4}/1/associations/companies/8").status_code == 204
    assert links(acme) == {}


def test_batch_read_tells_records_without_associations(acme: Crm) -> None:
    acme.put(f"{V4}/1/associations/companies/8", PRIMARY)
    response = acme.post(f"{BATCH}/read", {"inputs": [{"id": "1"}, {"id": "2"}]})
    assert response.status_code == 207
    (result,), (error,) = response.json()["results"], response.json()["errors"]
    assert result["from"] == {"id": "1"}
    (target,) = result["to"]
    assert target["toObjectId"] == 8
    assert [(spec["typeId"], spec["label"]) for spec in target["associationTypes"]] == [(1, "Primary"), (279, None)]
    assert error["category"] == "OBJECT_NOT_FOUND"
    assert error["subCategory"] == "crm.associations.NO_ASSOCIATIONS_FOUND"


def test_batch_read_limit(acme: Crm) -> None:
    for count, status in ((1_000, 207), (1_001, 400)):
        body = {"inputs": [{"id": str(number)} for number in range(100, 100 + count)]}
        assert acme.post(f"{BATCH}/read", body).status_code == status


def test_batch_create_default_and_archive(acme: Crm) -> None:
    pairs = [{"from": {"id": contact}, "to": {"id": "8"}} for contact in ("1", "2", "77")]
    created = acme.post(f"{BATCH}/create", {"inputs": [pair | {"types": PRIMARY} for pair in pairs]})
    assert created.status_code == 207
    assert len(created.json()["results"]) == 2
    assert created.json()["errors"][0]["context"]["fromObjectId"] == ["77"]
    assert acme.post(f"{BATCH}/associate/default", {"inputs": pairs[:2]}).status_code == 200
    assert links(acme, "2") == {8: [1, 279]}
    archive = {"inputs": [{"from": {"id": "1"}, "to": [{"id": "8"}]}]}
    assert acme.post(f"{BATCH}/archive", archive).status_code == 204
    assert links(acme, "1") == {}
    labels = {"inputs": [{"from": {"id": "2"}, "to": {"id": "8"}, "types": PRIMARY}]}
    assert acme.post(f"{BATCH}/labels/archive", labels).status_code == 204
    assert links(acme, "2") == {8: [279]}


def test_object_reads_show_associations(acme: Crm) -> None:
    acme.put(f"{V4}/1/associations/companies/8", PRIMARY)
    (record, *_) = acme.get("/crm/v3/objects/contacts", associations="companies").json()["results"]
    assert record["associations"]["companies"]["results"] == [
        {"id": "8", "type": "contact_to_company"},
        {"id": "8", "type": "contact_to_company_unlabeled"},
    ]


def test_associations_are_logged_once(acme: Crm) -> None:
    for _ in range(2):
        acme.put(f"{V4}/1/associations/companies/8", PRIMARY)
    (write,) = acme.writes()
    assert (write["operation"], write["object"], write["id"]) == ("associate", "contacts", "1")
    assert write["changes"]["associatedcompanyid"] == [None, "8"]


def test_unknown_types_and_records(acme: Crm) -> None:
    wrong = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 3}]
    assert acme.put(f"{V4}/1/associations/companies/8", wrong).status_code == 400
    assert acme.put(f"{V4}/1/associations/companies/77", PRIMARY).status_code == 404
    labels = acme.get("/crm/v4/associations/contacts/companies/labels").json()["results"]
    assert {item["typeId"] for item in labels} == {1, 279}
