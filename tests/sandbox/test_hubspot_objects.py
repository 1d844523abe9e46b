"""Single-record behaviour of the stand-in HubSpot that a client notices."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hubspot_support import Crm

CONTACTS = "/crm/v3/objects/contacts"
COMPANIES = "/crm/v3/objects/companies"
DEALS = "/crm/v3/objects/deals"


def create(crm: Crm, path: str = CONTACTS, **properties: Any) -> dict[str, Any]:
    response = crm.post(path, {"properties": properties})
    assert response.status_code == 201, response.text
    return dict(response.json())


def refusal(crm: Crm, path: str = CONTACTS, **properties: Any) -> dict[str, Any]:
    response = crm.post(path, {"properties": properties})
    assert response.status_code == 400, response.text
    return dict(response.json())


def test_create_answers_with_what_hubspot_filled_in(crm: Crm) -> None:
    created = create(crm, email="Ada.Brandt@Acme.COM ", firstname=" Ada ")
    assert created["properties"]["email"] == "ada.brandt@acme.com"
    assert created["properties"]["firstname"] == "Ada"
    assert created["properties"]["lifecyclestage"] == "lead"
    assert created["properties"]["hs_object_source"] == "INTEGRATION"
    assert created["properties"]["hs_email_domain"] == "acme.com"
    assert created["createdAt"].endswith("Z")
    assert len(created["createdAt"]) == len("2026-03-01T09:30:00.120Z")
    assert created["archived"] is False


def test_reads_give_null_for_empty_known_properties_and_leave_out_unknown_ones(crm: Crm) -> None:
    created = create(crm, email="a@acme.com")
    read = crm.get(f"{CONTACTS}/{created['id']}", properties="jobtitle,no_such_property").json()
    assert set(read["properties"]) == {"jobtitle", "createdate", "lastmodifieddate", "hs_object_id"}
    assert read["properties"]["jobtitle"] is None


def test_reads_without_names_give_the_default_properties(crm: Crm) -> None:
    created = create(crm, COMPANIES, name="Acme")
    read = crm.get(f"/crm/v3/objects/0-2/{created['id']}").json()
    assert set(read["properties"]) == {"name", "domain", "createdate", "hs_lastmodifieddate", "hs_object_id"}


def test_list_pages_by_id_and_has_no_paging_on_the_last_page(crm: Crm) -> None:
    ids = [create(crm, email=f"p{number}@acme.com")["id"] for number in range(5)]
    first = crm.get(CONTACTS, limit=3).json()
    second = crm.get(CONTACTS, limit=3, after=first["paging"]["next"]["after"]).json()
    assert [item["id"] for item in first["results"] + second["results"]] == ids
    assert "paging" not in second
    assert crm.session.get(first["paging"]["next"]["link"], timeout=5).json()["results"] == second["results"]


@pytest.mark.parametrize(
    ("params", "status"),
    [({"limit": 100}, 200), ({"limit": 101}, 400), ({"limit": 51, "propertiesWithHistory": "email"}, 400)],
)
def test_list_limits(crm: Crm, params: dict[str, Any], status: int) -> None:
    assert crm.get(CONTACTS, **params).status_code == status


def test_the_empty_text_clears_and_null_says_nothing(crm: Crm) -> None:
    created = create(crm, email="a@acme.com", jobtitle="CEO", phone="1")
    crm.patch(f"{CONTACTS}/{created['id']}", {"properties": {"jobtitle": "", "phone": None}})
    read = crm.get(f"{CONTACTS}/{created['id']}", properties="jobtitle,phone").json()
    assert read["properties"]["jobtitle"] in (None, "")
    assert read["properties"]["phone"] == "1"


def test_update_answers_with_the_sent_properties_and_moves_the_modification_time(crm: Crm) -> None:
    created = create(crm, email="a@acme.com", jobtitle="CEO")
    updated = crm.patch(f"{CONTACTS}/{created['id']}", {"properties": {"jobtitle": "CTO"}}).json()
    assert updated["properties"]["jobtitle"] == "CTO"
    assert "email" not in updated["properties"]
    assert updated["updatedAt"] > created["updatedAt"] or updated["updatedAt"] == created["updatedAt"]
    assert updated["properties"]["lastmodifieddate"] == updated["updatedAt"]


def test_numbers_and_booleans_are_accepted_and_come_back_as_text(crm: Crm) -> None:
    created = create(crm, email="a@acme.com", loyalty_points=12, is_reference_customer=True)
    assert created["properties"]["loyalty_points"] == "12"
    assert created["properties"]["is_reference_customer"] == "true"


@pytest.mark.parametrize(
    ("name", "value", "code", "message"),
    [
        ("nope", "x", "PROPERTY_DOESNT_EXIST", 'Property "nope" does not exist'),
        ("email", "a@b", "INVALID_EMAIL", "Email address a@b is invalid"),
        ("hs_object_id", "1", "READ_ONLY_VALUE", '"hs_object_id" is a read only property; its value cannot be set.'),
        ("hs_email_domain", "x", "READ_ONLY_VALUE", None),
        ("loyalty_points", "many", "INVALID_INTEGER", "many was not a valid number."),
        ("loyalty_points", "1e-14", "INVALID_INTEGER", None),
        ("contract_renewal_date", 1579179660000, "INVALID_DATE", "1579179660000 is at 13:1:0.0 UTC, not midnight!"),
        (
            "last_demo_at",
            "2019-05-13T12:05:53.602759Z",
            "INVALID_LONG",
            "2019-05-13T12:05:53.602759Z was not a valid long.",
        ),
        ("hs_lead_status", "Cold", "INVALID_OPTION", None),
        ("is_reference_customer", "maybe", "INVALID_OPTION", None),
        ("preferred_products", "crm;sauce", "INVALID_OPTION", None),
        ("hubspot_owner_id", "1", "INVALID_OWNER_ID", None),
    ],
)
def test_bad_values_are_refused_in_both_forms(crm: Crm, name: str, value: Any, code: str, message: str | None) -> None:
    body = refusal(crm, **{"firstname": "A", name: value})
    assert body["category"] == "VALIDATION_ERROR"
    prefix = "Property values were not valid: "
    assert body["message"].startswith(prefix)
    (item,) = json.loads(body["message"].removeprefix(prefix))
    assert (item["name"], item["error"], item["isValid"]) == (name, code, False)
    assert body["errors"][0]["code"] == code
    assert body["errors"][0]["context"] == {"propertyName": [name]}
    if message is not None:
        assert item["message"] == message


def test_value_formats(crm: Crm) -> None:
    created = create(
        crm,
        email="a@acme.com",
        contract_renewal_date="1709164800000",
        last_demo_at="2024-02-29T23:45:00+01:00",
        preferred_products="crm;analytics",
    )["properties"]
    assert created["contract_renewal_date"] == "2024-02-29"
    assert created["last_demo_at"] == "2024-02-29T22:45:00.000Z"
    assert created["preferred_products"] == "crm;analytics"


def test_a_leading_semicolon_appends_to_a_checkbox(crm: Crm) -> None:
    created = create(crm, email="a@acme.com", preferred_products="crm")
    reply = crm.patch(f"{CONTACTS}/{created['id']}", {"properties": {"preferred_products": ";support;crm"}}).json()
    assert reply["properties"]["preferred_products"] == "crm;support"


def test_lifecycle_stage_moves_forward_only_unless_cleared(crm: Crm) -> None:
    created = create(crm, email="a@acme.com", lifecyclestage="customer")
    path = f"{CONTACTS}/{created['id']}"
    backwards = crm.patch(path, {"properties": {"lifecyclestage": "lead"}})
    assert backwards.status_code == 200
    assert crm.get(path, properties="lifecyclestage").json()["properties"]["lifecyclestage"] == "customer"
    crm.patch(path, {"properties": {"lifecyclestage": ""}})
    crm.patch(path, {"properties": {"lifecyclestage": "lead"}})
    assert crm.get(path, properties="lifecyclestage").json()["properties"]["lifecyclestage"] == "lead"


def test_an_email_belongs_to_one_contact_additional_ones_included(crm: Crm) -> None:
    created = create(crm, email="a@acme.com")
    extra = {"hs_additional_emails": "b@acme.com"}
    crm.control("/edit", {"object": "contacts", "id": created["id"], "values": extra})
    for address in ("A@acme.com", "b@acme.com"):
        response = crm.post(CONTACTS, {"properties": {"email": address}})
        assert response.status_code == 409
        assert response.json()["message"] == f"Contact already exists. Existing ID: {created['id']}"
        assert response.json()["category"] == "CONFLICT"
    assert crm.get(f"{CONTACTS}/b@acme.com", idProperty="email").json()["id"] == created["id"]


def test_companies_may_share_a_domain(crm: Crm) -> None:
    one, other = (create(crm, COMPANIES, domain="acme.com")["id"] for _ in range(2))
    assert one != other


def test_required_properties_of_a_create(crm: Crm) -> None:
    assert refusal(crm)["message"] == "Error creating CONTACT. Some required properties were not set."
    assert refusal(crm, DEALS, dealname="x")["context"] == {"properties": ["dealstage"]}


def test_a_deal_stage_must_belong_to_its_pipeline(crm: Crm) -> None:
    body = refusal(crm, DEALS, dealname="x", dealstage="foo")
    (item,) = json.loads(body["message"].removeprefix("Property values were not valid: "))
    assert item["name"] == "dealstage"
    assert item["message"].startswith(
        "foo is not a valid pipeline stage ID. Valid options are: pipelineId=default : [appointmentscheduled, "
    )
    assert refusal(crm, DEALS, dealname="x", dealstage="52118801")["errors"][0]["code"] == "INVALID_OPTION"
    created = create(crm, DEALS, dealname="x", dealstage="52118803", pipeline="21740013")
    assert created["properties"]["hs_is_closed_won"] == "true"


def test_archived_records_are_listed_apart_and_free_their_email(crm: Crm) -> None:
    created = create(crm, email="a@acme.com")
    assert crm.delete(f"{CONTACTS}/{created['id']}").status_code == 204
    assert crm.get(f"{CONTACTS}/{created['id']}").status_code == 404
    assert crm.get(CONTACTS).json()["results"] == []
    (archived,) = crm.get(CONTACTS, archived="true").json()["results"]
    assert archived["archived"] is True
    assert archived["archivedAt"]
    assert create(crm, email="a@acme.com")["id"] != created["id"]


def test_a_merged_id_stands_for_the_survivor(crm: Crm) -> None:
    keeper, loser = create(crm, email="a@acme.com"), create(crm, email="b@acme.com", jobtitle="CEO")
    body = {"primaryObjectId": keeper["id"], "objectIdToMerge": loser["id"]}
    merged = crm.post(f"{CONTACTS}/merge", body).json()
    assert merged["id"] == keeper["id"]
    assert merged["properties"]["hs_additional_emails"] == "b@acme.com"
    assert merged["properties"]["jobtitle"] == "CEO"
    assert merged["properties"]["hs_merged_object_ids"] == loser["id"]
    assert crm.get(f"{CONTACTS}/{loser['id']}").json()["id"] == keeper["id"]
    assert crm.get(CONTACTS, archived="true").json()["results"] == []


def test_a_merge_may_give_a_new_id(crm: Crm) -> None:
    crm.control("/settings", {"merge_new_id": True})
    keeper, loser = create(crm, email="a@acme.com"), create(crm, email="b@acme.com")
    merged = crm.post(f"{CONTACTS}/merge", {"primaryObjectId": keeper["id"], "objectIdToMerge": loser["id"]}).json()
    crm.control("/settings", {"merge_new_id": False})
    assert merged["id"] not in (keeper["id"], loser["id"])
    assert merged["properties"]["hs_merged_object_ids"] == f"{keeper['id']};{loser['id']}"
    assert crm.get(f"{CONTACTS}/{keeper['id']}").json()["id"] == merged["id"]


def test_history_is_newest_first_and_names_its_source(crm: Crm) -> None:
    created = create(crm, email="a@acme.com", jobtitle="CEO")
    edit = {"object": "contacts", "id": created["id"], "values": {"jobtitle": "CTO"}, "user": "priya.raman"}
    crm.control("/edit", edit | {"at": "2026-10-05T08:00:00Z"})
    read = crm.get(f"{CONTACTS}/{created['id']}", propertiesWithHistory="jobtitle,email").json()
    values = {(item["value"], item["sourceType"]) for item in read["propertiesWithHistory"]["jobtitle"]}
    assert values == {("CTO", "CRM_UI"), ("CEO", "INTEGRATION")}
    (human,) = (item for item in read["propertiesWithHistory"]["jobtitle"] if item["value"] == "CTO")
    assert human["timestamp"] == "2026-10-05T08:00:00.000Z"
    assert human["updatedByUserId"] == 9480262
    assert [item["value"] for item in read["propertiesWithHistory"]["email"]] == ["a@acme.com"]


def test_wrong_requests(crm: Crm) -> None:
    assert crm.get("/crm/v3/objects/butterflies").json()["message"] == "Unable to infer object type from: butterflies"
    assert crm.get(f"{CONTACTS}/999").status_code == 404
    assert crm.call("POST", CONTACTS, data="{oops").status_code == 400
    assert crm.get("/crm/v3/nothing").json()["status"] == "error"
    assert crm.get(CONTACTS, properties="x" * 16_001).status_code == 414
