"""The CRMs' clients: shapes of requests, paging, and answers that are not as documented."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from scripted_server import ScriptedServer, answer

from crm_sync.clients import ApiClient, HubSpotClient, NoResponse, Refused, SalesforceClient, UnreadableAnswer
from crm_sync.clients.salesforce import LONGEST_URL_BYTES, encoded_bytes, id_queries, soql_text

Serve = Callable[..., ScriptedServer]
ClientFor = Callable[..., ApiClient]


def salesforce(client_for: ClientFor, url: str) -> SalesforceClient:
    auth: Any = None
    return SalesforceClient(client_for(url, crm="Salesforce"), auth)


def test_query_follows_the_pages(serve: Serve, client_for: ClientFor) -> None:
    following = "/services/data/v60.0/query/0r8xx-2000"
    server = serve(
        answer(200, {"records": [{"Id": "1"}], "done": False, "nextRecordsUrl": following}),
        answer(200, {"records": [{"Id": "2"}], "done": True}),
    )
    pages = list(salesforce(client_for, server.url).query("SELECT Id FROM X", all_rows=True))
    assert pages == [[{"Id": "1"}], [{"Id": "2"}]]
    assert [urlsplit(request.target).path for request in server.requests] == [
        "/services/data/v60.0/queryAll",
        following,
    ]


@pytest.mark.parametrize(
    "body",
    [
        {"records": [], "done": False},
        {"records": [], "done": False, "nextRecordsUrl": "https://evil.example/services/data/"},
        {"records": [1], "done": True},
        {"done": True},
        [],
    ],
)
def test_a_query_page_that_leads_nowhere_is_an_error(serve: Serve, client_for: ClientFor, body: Any) -> None:
    with pytest.raises(UnreadableAnswer):
        list(salesforce(client_for, serve(answer(200, body)).url).query("x"))


def test_five_queries_share_a_call_and_their_further_pages_follow(serve: Serve, client_for: ClientFor) -> None:
    following = "/services/data/v60.0/query/0r8xx-2000"
    bodies: list[dict[str, Any]] = [{"records": [{"Id": str(number)}], "done": True} for number in range(5)]
    bodies[1] = {"records": [{"Id": "1", "Amount": 1.50}], "done": False, "nextRecordsUrl": following}
    answers: list[dict[str, Any]] = [
        {"referenceId": f"query{number}", "httpStatusCode": 200, "httpHeaders": {}, "body": body}
        for number, body in enumerate(bodies)
    ]
    answers[3] |= {"httpStatusCode": 400, "body": [{"errorCode": "QUERY_TIMEOUT", "message": "too slow"}]}
    single = answer(200, {"records": [{"Id": "alone"}], "done": True})
    server = serve(
        answer(200, {"compositeResponse": answers[::-1]}),
        answer(200, {"records": [{"Id": "next"}], "done": True}),
        single,
    )
    client = salesforce(client_for, server.url)
    pages = [list(each) for each in client.queries([f"SELECT Id FROM X{number}" for number in range(6)], all_rows=True)]
    assert pages == [
        [[{"Id": "0"}]],
        [[{"Id": "1", "Amount": "1.5"}], [{"Id": "next"}]],
        [[{"Id": "2"}]],
        [[{"Id": "alone"}]],  # refused in the composite call, answered by itself
        [[{"Id": "4"}]],
        [[{"Id": "alone"}]],  # the sixth
    ]
    assert [urlsplit(request.target).path.removeprefix("/services/data/v60.0/") for request in server.requests] == [
        "composite", "query/0r8xx-2000", "queryAll", "queryAll"
    ]  # fmt: skip
    sent = json.loads(server.requests[0].body)["compositeRequest"]
    assert len(sent) == 5
    assert sent[2]["url"] == "/services/data/v60.0/queryAll?q=SELECT%20Id%20FROM%20X2"


@pytest.mark.parametrize(
    ("status", "body"), [(404, [{"errorCode": "NOT_FOUND", "message": "no such resource"}]), (200, {}), (200, [1])]
)
def test_where_composite_is_refused_queries_are_asked_one_by_one(
    serve: Serve, client_for: ClientFor, status: int, body: Any
) -> None:
    server = serve(answer(status, body), answer(200, {"records": [], "done": True}))
    pages = [
        list(each) for each in salesforce(client_for, server.url).queries(["SELECT Id FROM A", "SELECT Id FROM B"])
    ]
    assert pages == [[[]], [[]]]
    assert [request.method for request in server.requests] == ["POST", "GET", "GET"]


def test_ids_are_asked_for_in_urls_that_fit() -> None:
    ids = [f"003{number:012d}AAA" for number in range(2_000)]
    queries = list(id_queries("Contact", ids, ["Name", "Email"]))
    assert all(encoded_bytes(query) < LONGEST_URL_BYTES for query in queries)
    assert sum(query.count("'003") for query in queries) == 2_000
    assert len(queries) <= 5


def test_text_in_soql_stays_text() -> None:
    assert soql_text("O'Hara\\ \n") == "O\\'Hara\\\\ \\n"


def test_collections_need_one_row_per_record(serve: Serve, client_for: ClientFor) -> None:
    server = serve(answer(200, [{"success": True}]))
    with pytest.raises(NoResponse):
        salesforce(client_for, server.url).collections_update([{"id": "1"}, {"id": "2"}])


def test_upsert_names_object_and_field(serve: Serve, client_for: ClientFor) -> None:
    server = serve(answer(200, [{"id": "1", "success": True, "created": True, "errors": []}]))
    salesforce(client_for, server.url).collections_upsert("Contact", "Key__c", [{"Key__c": "k"}])
    assert server.requests[0].method == "PATCH"
    assert server.requests[0].target == "/services/data/v60.0/composite/sobjects/Contact/Key__c"
    assert json.loads(server.requests[0].body) == {"allOrNone": False, "records": [{"Key__c": "k"}]}


def test_batches_return_partial_answers_and_raise_whole_refusals(serve: Serve, client_for: ClientFor) -> None:
    server = serve(answer(207, {"results": [], "errors": []}), answer(409, {"category": "CONFLICT", "message": "m"}))
    client = HubSpotClient(client_for(server.url))
    assert client.batch("contacts", "create", [{"properties": {}}]).status == 207
    with pytest.raises(Refused) as caught:
        client.batch("contacts", "create", [{"properties": {}}])
    assert caught.value.code == "CONFLICT"


def test_owners_follow_the_pages(serve: Serve, client_for: ClientFor) -> None:
    server = serve(
        answer(200, {"results": [{"id": "1"}], "paging": {"next": {"after": "1"}}}),
        answer(200, {"results": [{"id": "2"}]}),
    )
    assert [owner["id"] for owner in HubSpotClient(client_for(server.url)).owners()] == ["1", "2"]
    assert parse_qs(urlsplit(server.requests[1].target).query)["after"] == ["1"]


@pytest.mark.parametrize("body", [{"results": [3]}, {"results": None}, [], "x", None])
def test_a_page_of_another_shape_is_a_clear_error(serve: Serve, client_for: ClientFor, body: Any) -> None:
    with pytest.raises(UnreadableAnswer):
        HubSpotClient(client_for(serve(answer(200, body)).url)).list_page("contacts")
