"""Search over the stand-in HubSpot: operators, limits, paging, and an index that lags behind."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hubspot_support import Crm

SEARCH = "/crm/v3/objects/contacts/search"
PEOPLE: list[dict[str, Any]] = [
    {"id": "1", "properties": {"email": "ada@acme.com", "firstname": "Ada", "loyalty_points": "9", "jobtitle": "CEO"}},
    {"id": "2", "properties": {"email": "bob@acme.com", "firstname": "bob", "loyalty_points": "10"}},
    {
        "id": "3",
        "properties": {
            "email": "cat@beta.io",
            "firstname": "Çat",
            "hs_lead_status": "NEW",
            "preferred_products": "crm;support",
            "contract_renewal_date": "2024-02-29",
        },
    },
]


@pytest.fixture
def people(crm: Crm) -> Crm:
    for number, person in enumerate(PEOPLE):
        person |= {"createdAt": f"2026-01-0{number + 1}T00:00:00.000Z", "updatedAt": f"2026-02-0{number + 1}T00:00:00Z"}
    crm.control("/load", {"object": "contacts", "records": PEOPLE})
    return crm


def found(crm: Crm, *filters: dict[str, Any], **body: Any) -> list[str]:
    groups = [{"filters": list(filters)}] if filters else []
    response = crm.post(SEARCH, {"filterGroups": groups} | body)
    assert response.status_code == 200, response.text
    return [item["id"] for item in response.json()["results"]]


def where(name: str, operator: str, value: Any = None, **more: Any) -> dict[str, Any]:
    return {"propertyName": name, "operator": operator} | ({"value": value} if value is not None else {}) | more


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (where("firstname", "EQ", "ADA"), ["1"]),
        (where("firstname", "EQ", "çat"), ["3"]),
        (where("email", "EQ", "Bob@Acme.com"), ["2"]),
        (where("hs_lead_status", "EQ", "NEW"), ["3"]),
        (where("hs_lead_status", "EQ", "new"), []),
        (where("firstname", "NEQ", "ada"), ["2", "3"]),
        (where("firstname", "IN", values=["ada", "bob"]), ["1", "2"]),
        (where("firstname", "IN", values=["Ada"]), []),
        (where("firstname", "NOT_IN", values=["ada"]), ["2", "3"]),
        (where("jobtitle", "HAS_PROPERTY"), ["1"]),
        (where("jobtitle", "NOT_HAS_PROPERTY"), ["2", "3"]),
        (where("loyalty_points", "GT", "9"), ["2"]),
        (where("loyalty_points", "BETWEEN", "9", highValue="10"), ["1", "2"]),
        (where("contract_renewal_date", "EQ", "1709164800000"), ["3"]),
        (where("preferred_products", "IN", values=["support"]), ["3"]),
        (where("email", "CONTAINS_TOKEN", "*@acme.com"), ["1", "2"]),
        (where("email", "NOT_CONTAINS_TOKEN", "*@acme.com"), ["3"]),
        (where("lastmodifieddate", "GTE", "2026-02-02T00:00:00Z"), ["2", "3"]),
        (where("lastmodifieddate", "LT", str(1_769_990_400_000)), ["1"]),
        (where("createdate", "LTE", "2026-01-01"), ["1"]),
        (where("hs_object_id", "GT", "1"), ["2", "3"]),
    ],
)
def test_operators(people: Crm, condition: dict[str, Any], expected: list[str]) -> None:
    assert found(people, condition) == expected


def test_groups_are_alternatives_and_filters_are_joined(people: Crm) -> None:
    groups = [
        {"filters": [where("email", "CONTAINS_TOKEN", "*@acme.com"), where("loyalty_points", "LT", "10")]},
        {"filters": [where("hs_lead_status", "EQ", "NEW")]},
    ]
    reply = people.post(SEARCH, {"filterGroups": groups}).json()
    assert [item["id"] for item in reply["results"]] == ["1", "3"]
    assert reply["total"] == 2


def test_sorting_and_paging(people: Crm) -> None:
    sorts = [{"propertyName": "lastmodifieddate", "direction": "DESCENDING"}]
    assert found(people, sorts=sorts) == ["3", "2", "1"]
    first = people.post(SEARCH, {"sorts": sorts, "limit": 2}).json()
    assert first["paging"] == {"next": {"after": "2"}}
    last = people.post(SEARCH, {"sorts": sorts, "limit": 2, "after": "2"}).json()
    assert [item["id"] for item in last["results"]] == ["1"]
    assert "paging" not in last


def test_query_and_associations_and_archived(people: Crm) -> None:
    company = people.post("/crm/v3/objects/companies", {"properties": {"name": "Acme"}}).json()["id"]
    people.put(f"/crm/v4/objects/contacts/2/associations/default/companies/{company}")
    assert found(people, where("associations.companies", "EQ", company)) == ["2"]
    assert found(people, query="beta") == ["3"]
    people.delete("/crm/v3/objects/contacts/3")
    assert found(people) == ["1", "2"]


@pytest.mark.parametrize(
    "body",
    [
        {"limit": 201},
        {"limit": 200, "after": "9801"},
        {"after": "10000"},
        {"sorts": ["email", "firstname"]},
        {"filterGroups": [{"filters": [where("nope", "EQ", "1")]}]},
        {"filterGroups": [{"filters": [where("email", "LIKES", "1")]}]},
        {"filterGroups": [{"filters": [where("email", "EQ", "1")]}] * 6},
        {"filterGroups": [{"filters": [where("email", "EQ", "1")] * 7}]},
        {"properties": ["x" * 50] * 60},
    ],
)
def test_limits(people: Crm, body: dict[str, Any]) -> None:
    response = people.post(SEARCH, body)
    assert response.status_code == 400, response.text
    assert response.json()["status"] == "error"


def test_more_than_10000_results_can_be_counted_but_not_paged(crm: Crm) -> None:
    records = [{"id": str(number), "properties": {"email": f"p{number}@acme.com"}} for number in range(1, 10_202)]
    crm.control("/load", {"object": "contacts", "records": records})
    last = crm.post(SEARCH, {"limit": 200, "after": "9800"}).json()
    assert last["total"] == 10_201
    assert last["paging"]["next"]["after"] == "10000"
    assert crm.post(SEARCH, {"limit": 200, "after": "10000"}).status_code == 400


def test_the_index_lags_behind_the_records(people: Crm) -> None:
    people.control("/settings", {"index_lag_ms": 400})
    people.patch("/crm/v3/objects/contacts/1", {"properties": {"firstname": "Eve"}})
    people.post("/crm/v3/objects/contacts", {"properties": {"email": "new@acme.com"}})
    assert people.get("/crm/v3/objects/contacts/1").json()["properties"]["firstname"] == "Eve"
    assert found(people, where("firstname", "EQ", "Ada")) == ["1"]
    assert found(people, where("firstname", "EQ", "Eve")) == []
    assert found(people, where("email", "EQ", "new@acme.com")) == []
    time.sleep(0.5)
    assert found(people, where("firstname", "EQ", "Eve")) == ["1"]
    assert len(found(people, where("email", "EQ", "new@acme.com"))) == 1
