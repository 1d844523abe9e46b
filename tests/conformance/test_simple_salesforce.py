"""simple-salesforce against the stand-in, over HTTP: all that the product calls, and the client's error classes."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from conformance_support import Stands
from requests.adapters import HTTPAdapter
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import (
    SalesforceAuthenticationFailed,
    SalesforceExpiredSession,
    SalesforceGeneralError,
    SalesforceMalformedRequest,
    SalesforceMoreThanOneRecord,
    SalesforceRefusedRequest,
    SalesforceResourceNotFound,
)

from sandbox import control
from sandbox.salesforce import auth

KEY = "HubSpot_Record_ID__c"


class Here(HTTPAdapter):
    """Sends to the stand-in, over plain HTTP, what the client addresses to Salesforce over TLS."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.address = urlsplit(url)

    def send(self, request: requests.PreparedRequest, *arguments: Any, **options: Any) -> requests.Response:
        there = urlsplit(request.url or "")
        request.url = there._replace(scheme="http", netloc=self.address.netloc).geturl()
        return super().send(request, *arguments, **options)


@pytest.fixture
def session(stands: Stands) -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    session.mount("https://", Here(stands.addresses.salesforce_url))
    return session


@pytest.fixture
def client(session: requests.Session) -> Salesforce:
    """Logged in by the client credentials flow, with the key field set up as the product does."""
    client = log_in(session)
    set_up_key(client)
    return client


def log_in(session: requests.Session, **more: str) -> Salesforce:
    key = {"consumer_key": auth.CLIENT_ID, "consumer_secret": auth.CLIENT_SECRET}
    return Salesforce(session=session, version="60.0", domain="demo.my", **{**key, **more})


def set_up_key(client: Salesforce) -> None:
    """The field by the Tooling API, visible through a permission set."""
    metadata = {"label": "HubSpot Record ID", "type": "Text", "length": 32, "externalId": True, "unique": True}
    body = {"FullName": f"Contact.{KEY}", "Metadata": metadata}
    assert client.toolingexecute("sobjects/CustomField", method="POST", data=body)["success"]
    assert KEY not in [field["name"] for field in client.Contact.describe()["fields"]]
    query = f"SELECT Id FROM CustomField WHERE DeveloperName = '{KEY.removesuffix('__c')}'"
    assert client.toolingexecute("query", params={"q": query})["size"] == 1
    permission_set = client.PermissionSet.create({"Name": "Sync", "Label": "Sync"})["id"]
    grant = {"SobjectType": "Contact", "Field": f"Contact.{KEY}", "PermissionsRead": True, "PermissionsEdit": True}
    client.FieldPermissions.create({"ParentId": permission_set, **grant})
    user = client.query("SELECT Id FROM User WHERE Username = 'integration@demo.example'")["records"][0]["Id"]
    client.PermissionSetAssignment.create({"PermissionSetId": permission_set, "AssigneeId": user})
    assert KEY in [field["name"] for field in client.Contact.describe()["fields"]]


def collections(client: Salesforce, method: str, records: list[dict[str, Any]], path: str = "") -> Any:
    typed = [{"attributes": {"type": "Contact"}, **record} for record in records]
    body = {"allOrNone": False, "records": typed}
    return client.restful(f"composite/sobjects{path}", method=method, json=body)


# logging in -----------------------------------------------------------------------------------------------


def test_log_in_by_password_and_by_client_credentials(session: requests.Session) -> None:
    by_password = log_in(session, username="integration@demo.example", password=auth.PASSWORD)
    for client in (by_password, log_in(session)):
        assert client.limits()["DailyApiRequests"]["Max"] == 100_000
        assert client.api_usage["api-usage"].total == 100_000
    with pytest.raises(SalesforceAuthenticationFailed, match="authentication failure"):
        log_in(session, username="integration@demo.example", password="wrong")
    with pytest.raises(SalesforceAuthenticationFailed):
        log_in(session, consumer_secret="wrong")


# reading --------------------------------------------------------------------------------------------------


def test_describes(client: Salesforce) -> None:
    everything = client.describe()
    assert everything["maxBatchSize"] == 200
    names = {entry["name"] for entry in everything["sobjects"]}
    wanted = "Account Contact Lead Opportunity OpportunityContactRole OpportunityStage Task Event User RecordType"
    assert {*wanted.split(), "Campaign", "CampaignMember", "ContactHistory", "OpportunityFieldHistory"} <= names
    for name in sorted(names):
        described = getattr(client, name).describe()
        assert all(field["soapType"] and isinstance(field["picklistValues"], list) for field in described["fields"])


def test_paging_forwards_and_into_the_recycle_bin(stands: Stands, client: Salesforce) -> None:
    stands.load("salesforce", "Contact", *({"LastName": f"N{number}"} for number in range(4_100)))
    found = client.query_all("SELECT Id, LastName FROM Contact")
    assert (found["totalSize"], len(found["records"])) == (4_100, 4_100)
    client.Contact.delete(found["records"][0]["Id"])
    assert client.query("SELECT COUNT() FROM Contact")["totalSize"] == 4_099
    everything = client.query_all_iter("SELECT Id, IsDeleted FROM Contact", include_deleted=True)
    assert [row["IsDeleted"] for row in everything].count(True) == 1
    first = client.query("SELECT Id FROM Contact", headers={"Sforce-Query-Options": "batchSize=200"})
    assert (len(first["records"]), first["done"]) == (200, False)
    assert len(client.query_more(first["nextRecordsUrl"], identifier_is_url=True)["records"]) == 200


# single records -------------------------------------------------------------------------------------------


def test_records(client: Salesforce) -> None:
    created = client.Contact.create({"LastName": "Doe", "Email": "jane@example.com"})
    assert created["success"]
    assert client.Contact.update(created["id"], {"FirstName": "Jane"}) == 204
    assert client.Contact.get_by_custom_id("Email", "jane@example.com")["Name"] == "Jane Doe"
    assert client.Contact.upsert(f"{KEY}/1", {"LastName": "A"}) == 201
    assert client.Contact.upsert(f"{KEY}/1", {"LastName": "B"}) == 200
    from datetime import UTC, datetime, timedelta

    start, end = datetime.now(UTC) - timedelta(hours=1), datetime.now(UTC) + timedelta(minutes=5)
    assert created["id"] in client.Contact.updated(start, end)["ids"]
    assert client.Contact.delete(created["id"]) == 204
    assert [row["id"] for row in client.Contact.deleted(start, end)["deletedRecords"]] == [created["id"]]
    with pytest.raises(SalesforceResourceNotFound):
        client.Contact.get(created["id"])


def test_field_history(client: Salesforce) -> None:
    contact = client.Contact.create({"LastName": "Doe"})["id"]
    client.Contact.update(contact, {"LastName": "Roe", "Email": "roe@example.com"})
    soql = f"SELECT Field, OldValue, NewValue FROM ContactHistory WHERE ContactId = '{contact}' ORDER BY CreatedDate"
    rows = {row["Field"]: (row["OldValue"], row["NewValue"]) for row in client.query(soql)["records"]}
    assert rows["created"] == (None, None)
    assert ("Doe", "Roe") in rows.values()


def test_campaign_members_and_composite(client: Salesforce) -> None:
    prefix = "/services/data/v60.0/sobjects"
    member = {"CampaignId": "@{campaign.id}", "ContactId": "@{contact.id}", "Status": "Responded"}
    steps = [("campaign", "Campaign", {"Name": "Fair"}), ("contact", "Contact", {"LastName": "Doe"})]
    requests_ = [
        {"method": "POST", "url": f"{prefix}/{name}", "referenceId": reference, "body": body}
        for reference, name, body in [*steps, ("member", "CampaignMember", member)]
    ]
    reply = client.restful("composite", method="POST", json={"allOrNone": True, "compositeRequest": requests_})
    assert [each["httpStatusCode"] for each in reply["compositeResponse"]] == [201, 201, 201]
    (row,) = client.query("SELECT HasResponded, Contact.LastName, Campaign.Name FROM CampaignMember")["records"]
    assert (row["HasResponded"], row["Contact"]["LastName"], row["Campaign"]["Name"]) == (True, "Doe", "Fair")


# collections ----------------------------------------------------------------------------------------------


def test_collections(client: Salesforce) -> None:
    created = collections(client, "POST", [{"LastName": "A"}, {"Email": "no-name@example.com"}])
    assert [row["success"] for row in created] == [True, False]
    assert created[1]["errors"][0] == {
        "statusCode": "REQUIRED_FIELD_MISSING",
        "message": "Required fields are missing: [LastName]",
        "fields": ["LastName"],
    }
    first = created[0]["id"]
    updated = collections(client, "PATCH", [{"id": first, "Title": "CEO"}, {"id": "003000000000000AAA", "Title": "x"}])
    assert [row["success"] for row in updated] == [True, False]
    upserted = collections(
        client, "PATCH", [{KEY: "1", "LastName": "B"}, {KEY: "1", "LastName": "C"}, {KEY: "2", "LastName": "D"}],
        f"/Contact/{KEY}",
    )  # fmt: skip
    assert [row.get("created") for row in upserted] == [None, None, True]
    assert upserted[0]["errors"][0]["statusCode"] == "DUPLICATE_VALUE"
    fetched = client.restful("composite/sobjects/Contact", params={"ids": first, "fields": "Title,IsDeleted"})
    assert fetched[0]["Title"] == "CEO"
    params = {"ids": f"{first},{upserted[2]['id']}", "allOrNone": "false"}
    deleted = client.restful("composite/sobjects", method="DELETE", params=params)
    assert [row["success"] for row in deleted] == [True, True]


# Bulk API 2.0 ---------------------------------------------------------------------------------------------


def test_bulk_insert_update_upsert_and_delete(client: Salesforce) -> None:
    contacts = client.bulk2.Contact
    (job,) = contacts.insert(records=[{"LastName": f"N{n}", KEY: str(n)} for n in range(300)], wait=0.05)
    assert (job["numberRecordsProcessed"], job["numberRecordsFailed"]) == (300, 0)
    rows = [{KEY: str(number), "LastName": 'Line\nbreak, "quote"'} for number in range(299, 310)]
    (job,) = contacts.upsert(records=[*rows, {KEY: "bad", "LastName": ""}], external_id_field=KEY, wait=0.05)
    assert (job["numberRecordsProcessed"], job["numberRecordsFailed"]) == (12, 1)
    results = contacts.get_all_ingest_records(job["job_id"])
    assert [len(results[name]) for name in ("successfulRecords", "failedRecords", "unprocessedRecords")] == [11, 1, 0]
    assert results["failedRecords"][0]["sf__Error"].startswith("REQUIRED_FIELD_MISSING:")
    ids = [{"Id": row["Id"]} for row in client.query(f"SELECT Id FROM Contact WHERE {KEY} IN ('1', '2')")["records"]]
    (job,) = contacts.update(records=[{**row, "Title": "#N/A"} for row in ids], wait=0.05)
    assert job["numberRecordsFailed"] == 0
    (job,) = contacts.delete(records=ids, wait=0.05)
    assert (job["numberRecordsProcessed"], job["numberRecordsFailed"]) == (2, 0)


def test_bulk_query_by_locator(stands: Stands, client: Salesforce) -> None:
    stands.load("salesforce", "Contact", *({"LastName": f"N{number}"} for number in range(450)))
    pages = list(client.bulk2.Contact.query("SELECT Id, LastName FROM Contact", max_records=200, wait=0.05))
    assert [page.count("\n") for page in pages] == [201, 201, 51]
    assert len(list(client.bulk2.Contact.query_all("SELECT Id FROM Contact", wait=0.05))) == 1


# error classes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({}, "REQUIRED_FIELD_MISSING"),
        ({"LastName": "x" * 81}, "STRING_TOO_LONG"),
        ({"LastName": "x", "Email": "no address"}, "INVALID_EMAIL_ADDRESS"),
        ({"LastName": "x", "Nope__c": "1"}, "INVALID_FIELD"),
        ({"LastName": "x", "CreatedDate": "2026-01-01T00:00:00Z"}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ({"LastName": "x", "AccountId": "not an id"}, "MALFORMED_ID"),
        ({"LastName": "x", "AccountId": "001000000000000AAA"}, "INVALID_CROSS_REFERENCE_KEY"),
        ({"LastName": "x", "Birthdate": "soon"}, "JSON_PARSER_ERROR"),
        ({"LastName": "x", KEY: "taken"}, "DUPLICATE_VALUE"),
    ],
)
def test_refused_values_are_malformed_requests(client: Salesforce, values: dict[str, str], code: str) -> None:
    client.Contact.create({"LastName": "Old", KEY: "taken"})
    with pytest.raises(SalesforceMalformedRequest) as caught:
        client.Contact.create(values)
    assert caught.value.content[0]["errorCode"] == code


def test_rules_locks_and_access(stands: Stands, client: Salesforce) -> None:
    contact = client.Contact.create({"LastName": "Doe", "Email": "doe@example.com"})["id"]
    rule = {"validation_rule": "No_Bots", "object": "Contact", "when": "LastName LIKE 'Bot%'", "message": "No bots."}
    stands.metadata("salesforce", **rule)
    with pytest.raises(SalesforceMalformedRequest, match="FIELD_CUSTOM_VALIDATION_EXCEPTION"):
        client.Contact.update(contact, {"LastName": "Bot 7"})
    stands.metadata("salesforce", duplicate_rule="Contact")
    twin = {"LastName": "Roe", "Email": "doe@example.com"}
    with pytest.raises(SalesforceMalformedRequest) as caught:
        client.Contact.create(twin)
    found = caught.value.content[0]["duplicateResult"]["matchResults"][0]["matchRecords"]
    assert [match["record"]["Id"] for match in found] == [contact]
    assert client.Contact.create(twin, headers={"Sforce-Duplicate-Rule-Header": "allowSave=true"})["success"]
    stands.fault("salesforce", "row_lock", first=1)
    with pytest.raises(SalesforceMalformedRequest, match="UNABLE_TO_LOCK_ROW"):
        client.Contact.update(contact, {"Title": "CEO"})
    stands.metadata("salesforce", read_only_record=contact)
    with pytest.raises(SalesforceRefusedRequest, match="INSUFFICIENT_ACCESS_OR_READONLY"):
        client.Contact.update(contact, {"Title": "CEO"})


def test_merged_and_converted_records(stands: Stands, client: Salesforce) -> None:
    ids = [client.Contact.create({"LastName": name})["id"] for name in ("A", "B")]
    control.act(stands.state_dir, "salesforce", "merge", object="Contact", master=ids[0], losers=[ids[1]])
    soql = "SELECT Id, MasterRecordId, IsDeleted FROM Contact WHERE IsDeleted = true"
    (loser,) = client.query_all(soql, include_deleted=True)["records"]
    assert (loser["Id"], loser["MasterRecordId"]) == (ids[1], ids[0])
    with pytest.raises(SalesforceResourceNotFound, match="ENTITY_IS_DELETED"):
        client.Contact.update(ids[1], {"Title": "x"})
    lead = client.Lead.create({"LastName": "Lee", "Company": "Acme"})["id"]
    control.act(stands.state_dir, "salesforce", "convert", id=lead)
    assert client.Lead.get(lead)["ConvertedContactId"]
    with pytest.raises(SalesforceMalformedRequest, match="CANNOT_UPDATE_CONVERTED_LEAD"):
        client.Lead.update(lead, {"Title": "x"})


def test_other_error_classes(stands: Stands, client: Salesforce) -> None:
    with pytest.raises(SalesforceMalformedRequest, match="No such column 'Foo'"):
        client.query("SELECT Foo FROM Contact")
    with pytest.raises(SalesforceMalformedRequest, match="MALFORMED_QUERY"):
        client.query("SELECT FROM")
    with pytest.raises(SalesforceMalformedRequest, match="INVALID_QUERY_LOCATOR"):
        client.query_more("0r8000000000000000-2000")
    for name in "ab":
        client.Contact.create({"LastName": name, "Email": "same@example.com"})
    with pytest.raises(SalesforceMoreThanOneRecord):
        client.Contact.upsert("Email/same@example.com", {"LastName": "x"})
    with pytest.raises(SalesforceGeneralError):
        client.query("SELECT Id FROM Contact WHERE LastName = '" + "x" * 17_000 + "'")
    with pytest.raises(SalesforceResourceNotFound):
        client.restful("sobjects/Butterfly")
    stands.settings("salesforce", rate_limits=True, daily_api_limit=1)
    with pytest.raises(SalesforceRefusedRequest, match="REQUEST_LIMIT_EXCEEDED"):
        client.limits()
    stands.settings("salesforce", rate_limits=False)
    stands.fault("salesforce", "status", status=503)
    with pytest.raises(SalesforceGeneralError, match="SERVER_UNAVAILABLE"):
        client.limits()
    control.clear_faults(stands.state_dir, "salesforce")
    control.act(stands.state_dir, "salesforce", "expire_sessions")
    assert client.limits()["DailyApiRequests"]["Max"] == 1  # this client can log in again, and does


def test_an_expired_session_of_a_client_that_cannot_log_in_again(session: requests.Session, stands: Stands) -> None:
    token = log_in(session).session_id
    client = Salesforce(session_id=token, instance_url=stands.addresses.salesforce_url, session=session, version="60.0")
    control.act(stands.state_dir, "salesforce", "expire_sessions")
    with pytest.raises(SalesforceExpiredSession):
        client.limits()
