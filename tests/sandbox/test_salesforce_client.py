"""The official `simple-salesforce` client against the stand-in."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter
from salesforce_support import ID_FIELD, Salesforce
from simple_salesforce import Salesforce as Client
from simple_salesforce.exceptions import (
    SalesforceExpiredSession,
    SalesforceGeneralError,
    SalesforceMalformedRequest,
    SalesforceMoreThanOneRecord,
    SalesforceRefusedRequest,
    SalesforceResourceNotFound,
)

pytest_plugins = ["salesforce_fixtures"]


class PlainHttp(HTTPAdapter):
    """Sends what the client addresses to https over plain HTTP: it knows no other scheme."""

    def send(self, request: requests.PreparedRequest, *arguments: Any, **options: Any) -> requests.Response:
        request.url = (request.url or "").replace("https://", "http://", 1)
        return super().send(request, *arguments, **options)


@pytest.fixture
def client(org: Salesforce) -> Client:
    session = requests.Session()
    session.mount("https://", PlainHttp())
    return Client(instance_url=org.url, session_id=org.log_in(), session=session, version="60.0")


def test_describe_and_limits(client: Client) -> None:
    assert client.describe()["maxBatchSize"] == 200
    names = [field["name"] for field in client.Contact.describe()["fields"]]
    assert "LastName" in names
    assert client.limits()["DailyApiRequests"]["Max"] == 100_000
    assert client.api_usage["api-usage"].total == 100_000


def test_records(client: Client) -> None:
    created = client.Contact.create({"LastName": "Doe", "Email": "jane@acme.com"})
    assert created["success"]
    assert client.Contact.get(created["id"])["Name"] == "Doe"
    assert client.Contact.update(created["id"], {"FirstName": "Jane"}) == 204
    assert client.Contact.get_by_custom_id("Email", "jane@acme.com")["Name"] == "Jane Doe"
    assert client.Contact.delete(created["id"]) == 204
    with pytest.raises(SalesforceResourceNotFound):
        client.Contact.get(created["id"])


def test_paging(org: Salesforce, client: Client) -> None:
    records = [{"LastName": f"N{number}"} for number in range(4_100)]
    org.control("/load", {"object": "Contact", "records": records})
    found = client.query_all("SELECT Id, LastName FROM Contact")
    assert (found["totalSize"], len(found["records"])) == (4_100, 4_100)
    assert sum(1 for _ in client.query_all_iter("SELECT Id FROM Contact", include_deleted=True)) == 4_100


def test_upsert(org: Salesforce, client: Client) -> None:
    org.add_id_field()
    assert client.Contact.upsert(f"{ID_FIELD}/1", {"LastName": "A"}) == 201
    assert client.Contact.upsert(f"{ID_FIELD}/1", {"LastName": "B"}) == 200


def test_error_classes(org: Salesforce, client: Client) -> None:
    with pytest.raises(SalesforceMalformedRequest, match="No such column 'Foo'"):
        client.query("SELECT Foo FROM Contact")
    with pytest.raises(SalesforceMalformedRequest, match="REQUIRED_FIELD_MISSING"):
        client.Contact.create({})
    for name in "ab":
        client.Contact.create({"LastName": name, "Email": "same@acme.com"})
    with pytest.raises(SalesforceMoreThanOneRecord):
        client.Contact.upsert("Email/same@acme.com", {"LastName": "x"})
    with pytest.raises(SalesforceGeneralError):
        client.query("SELECT Id FROM Contact WHERE LastName = '" + "x" * 17_000 + "'")
    org.control("/settings", {"daily_api_limit": 1})
    with pytest.raises(SalesforceRefusedRequest, match="REQUEST_LIMIT_EXCEEDED"):
        client.limits()
    org.control("/settings", {"daily_api_limit": 100_000})
    org.control("/act/expire_sessions", {"now": True})
    with pytest.raises(SalesforceExpiredSession):
        client.limits()


def test_bulk(org: Salesforce, client: Client) -> None:
    org.add_id_field()
    rows = [{ID_FIELD: str(number), "LastName": f"N{number}"} for number in range(450)]
    (job,) = client.bulk2.Contact.upsert(records=rows, external_id_field=ID_FIELD, wait=0.05)
    assert (job["numberRecordsProcessed"], job["numberRecordsFailed"]) == (450, 0)
    pages = list(client.bulk2.Contact.query("SELECT Id, LastName FROM Contact", max_records=200, wait=0.05))
    assert [page.count("\n") for page in pages] == [201, 201, 51]
