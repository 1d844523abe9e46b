"""Credentials, rate limits, properties, pipelines, owners, lists and usage of the stand-in HubSpot."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from hubspot_support import Crm

from sandbox.hubspot import auth

PROPERTIES = "/crm/v3/properties/contacts"


def property_body(**changes: Any) -> dict[str, Any]:
    body: dict[str, Any] = {"name": "tier", "label": "Tier", "type": "string", "fieldType": "text"}
    return body | {"groupName": "contactinformation"} | changes


def test_calls_without_credentials_are_refused(crm: Crm) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}):
        response = requests.get(f"{crm.url}/crm/v3/objects/contacts", headers=headers, timeout=5)
        assert response.status_code == 401
        assert response.json()["category"] == "INVALID_AUTHENTICATION"
        assert response.json()["message"].startswith("Authentication credentials not found.")


def test_oauth_refresh_gives_a_token_that_expires(crm: Crm) -> None:
    form = {
        "grant_type": "refresh_token",
        "client_id": auth.CLIENT_ID,
        "client_secret": auth.CLIENT_SECRET,
        "refresh_token": auth.REFRESH_TOKEN,
    }
    reply = requests.post(f"{crm.url}/oauth/v1/token", data=form, timeout=5).json()
    assert (reply["token_type"], reply["expires_in"]) == ("bearer", 1800)
    headers = {"Authorization": f"Bearer {reply['access_token']}"}
    response = requests.get(f"{crm.url}/crm/v3/objects/contacts", headers=headers, timeout=5)
    assert response.status_code == 200
    assert "X-HubSpot-RateLimit-Daily" not in response.headers
    crm.control("/act/expire_tokens", {})
    response = requests.get(f"{crm.url}/crm/v3/objects/contacts", headers=headers, timeout=5)
    assert (response.status_code, response.json()["category"]) == (401, "EXPIRED_AUTHENTICATION")
    bad = requests.post(f"{crm.url}/oauth/v1/token", data=form | {"refresh_token": "x"}, timeout=5)
    assert (bad.status_code, bad.json()["status"]) == (400, "BAD_REFRESH_TOKEN")


def test_rolling_rate_limit(crm: Crm) -> None:
    crm.control("/settings", {"rate_limits": True, "burst_limit": 300})
    used = 300 - int(crm.get("/crm/v3/owners").headers["X-HubSpot-RateLimit-Remaining"])
    crm.control("/settings", {"burst_limit": used + 1})
    response = crm.get("/crm/v3/owners")
    assert response.status_code == 200
    assert response.headers["X-HubSpot-RateLimit-Remaining"] == "0"
    assert response.headers["X-HubSpot-RateLimit-Interval-Milliseconds"] == "10000"
    refused = crm.get("/crm/v3/owners")
    assert refused.status_code == 429
    assert refused.json()["policyName"] == "TEN_SECONDLY_ROLLING"
    assert "Retry-After" not in refused.headers
    crm.control("/settings", {"rate_limits": False, "burst_limit": 190})


def test_search_rate_limit_and_daily_limit(crm: Crm) -> None:
    crm.control("/settings", {"rate_limits": True, "burst_limit": 1000})
    replies = [crm.post("/crm/v3/objects/contacts/search", {}) for _ in range(7)]
    assert [item.status_code for item in replies].count(200) == 5
    assert replies[-1].json()["policyName"] == "SECONDLY"
    assert not any(name.startswith("X-HubSpot-RateLimit") for name in replies[0].headers)
    crm.control("/settings", {"daily_limit": 1})
    assert crm.get("/crm/v3/owners").json()["policyName"] == "DAILY"
    crm.control("/settings", {"rate_limits": False, "daily_limit": 625_000, "burst_limit": 190})


def test_api_usage_and_account_details(crm: Crm) -> None:
    (usage,) = crm.get("/account-info/v3/api-usage/daily/private-apps").json()["results"]
    assert usage["name"] == "private-apps-api-calls-daily"
    assert usage["currentUsage"] > 0
    assert crm.get("/account-info/v3/details").json()["companyCurrency"] == "USD"


def test_property_metadata_tells_what_can_be_written(crm: Crm) -> None:
    listed = {item["name"]: item for item in crm.get(PROPERTIES).json()["results"]}
    assert listed["email"]["modificationMetadata"]["readOnlyValue"] is False
    assert listed["associatedcompanyid"]["modificationMetadata"]["readOnlyValue"] is True
    assert listed["hubspot_owner_id"]["referencedObjectType"] == "OWNER"
    assert listed["hs_email_domain"]["calculated"] is True
    assert listed["lifecyclestage"]["options"][0]["value"] == "subscriber"
    assert "salesforce_record_id" not in listed


def test_a_property_lives_and_dies(crm: Crm) -> None:
    created = crm.post(PROPERTIES, property_body(hasUniqueValue=True))
    assert created.status_code == 201
    assert created.json()["hasUniqueValue"] is True
    assert crm.post(PROPERTIES, property_body()).status_code == 409
    contact = crm.post("/crm/v3/objects/contacts", {"properties": {"email": "a@acme.com", "tier": "gold"}}).json()
    path = f"/crm/v3/objects/contacts/{contact['id']}"
    assert crm.get("/crm/v3/objects/contacts/gold", idProperty="tier").json()["id"] == contact["id"]
    assert crm.patch(f"{PROPERTIES}/tier", {"label": "Level"}).json()["label"] == "Level"
    assert crm.delete(f"{PROPERTIES}/tier").status_code == 204
    assert crm.get(f"{PROPERTIES}/tier").status_code == 404
    assert "tier" not in crm.get(path, properties="tier").json()["properties"]
    assert [item["name"] for item in crm.get(PROPERTIES, archived="true").json()["results"]] == ["tier"]


@pytest.mark.parametrize(
    "changes",
    [{"name": "Tier"}, {"fieldType": "date"}, {"type": "colour"}, {"groupName": "nowhere"}, {"label": ""}],
)
def test_bad_property_definitions(crm: Crm, changes: dict[str, Any]) -> None:
    assert crm.post(PROPERTIES, property_body(**changes)).status_code == 400


def test_at_most_ten_unique_properties(crm: Crm) -> None:
    codes = [
        crm.post(PROPERTIES, property_body(name=f"key{number}", hasUniqueValue=True)).status_code
        for number in range(11)
    ]
    assert codes == [201] * 10 + [400]


def test_property_groups_and_batches(crm: Crm) -> None:
    assert crm.get(f"{PROPERTIES}/groups").json()["results"][0]["name"] == "contactinformation"
    assert crm.post(f"{PROPERTIES}/groups", {"name": "sync", "label": "Sync"}).status_code == 201
    body = {"inputs": [property_body(name="one", groupName="sync"), property_body(name="two", groupName="sync")]}
    assert crm.post(f"{PROPERTIES}/batch/create", body).status_code == 201
    read = crm.post(f"{PROPERTIES}/batch/read", {"inputs": [{"name": "one"}, {"name": "three"}]})
    assert read.status_code == 207
    assert crm.post(f"{PROPERTIES}/batch/archive", {"inputs": [{"name": "two"}]}).status_code == 204


def test_hubspots_own_properties_cannot_be_redefined(crm: Crm) -> None:
    assert crm.delete(f"{PROPERTIES}/email").status_code == 400


def test_pipelines(crm: Crm) -> None:
    sales, renewals = crm.get("/crm/v3/pipelines/deals").json()["results"]
    assert (sales["id"], sales["label"], len(sales["stages"])) == ("default", "Sales Pipeline", 7)
    won = next(stage for stage in sales["stages"] if stage["id"] == "closedwon")
    assert won["metadata"] == {"isClosed": "true", "probability": "1.0"}
    assert all(stage["id"].isdigit() for stage in renewals["stages"])
    assert crm.get("/crm/v3/pipelines/0-3/default/stages").json()["results"] == sales["stages"]


def test_owners_differ_from_users_and_page(crm: Crm) -> None:
    first = crm.get("/crm/v3/owners", limit=5).json()
    second = crm.get("/crm/v3/owners", limit=5, after=first["paging"]["next"]["after"]).json()
    owners = first["results"] + second["results"]
    assert len({owner["id"] for owner in owners}) == 7
    assert all(owner["id"] != str(owner["userId"]) for owner in owners)
    (archived,) = crm.get("/crm/v3/owners", archived="true").json()["results"]
    assert archived["userId"] is None
    assert archived["userIdIncludingInactive"]


def test_lists(crm: Crm) -> None:
    people = [{"id": str(number), "properties": {"email": f"p{number}@acme.com"}} for number in (1, 2, 3)]
    crm.control("/load", {"object": "contacts", "records": people})
    crm.control("/load", {"object": "lists", "records": [{"listId": "7", "name": "Sync me", "memberships": [1, 2]}]})
    found = crm.post("/crm/v3/lists/search", {"query": "sync"}).json()
    assert [item["listId"] for item in found["lists"]] == ["7"]
    page = crm.get("/crm/v3/lists/7/memberships", limit=1).json()
    assert [item["recordId"] for item in page["results"]] == ["1"]
    rest = crm.get("/crm/v3/lists/7/memberships", limit=1, after=page["paging"]["next"]["after"]).json()
    assert [item["recordId"] for item in rest["results"]] == ["2"]
    assert "paging" not in rest
    assert crm.put("/crm/v3/lists/7/memberships/add", ["3", "99"]).json() == {
        "recordsIdsAdded": ["3"],
        "recordIdsRemoved": [],
        "recordIdsMissing": ["99"],
    }
