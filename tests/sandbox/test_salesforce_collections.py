"""Collections and composite: many records in one call, each with an outcome of its own."""

from __future__ import annotations

from typing import Any

import pytest
from salesforce_support import DATA, ID_FIELD, Salesforce

pytest_plugins = ["salesforce_fixtures"]


def contact(**values: Any) -> dict[str, Any]:
    return {"attributes": {"type": "Contact"}, **values}


def send(org: Salesforce, method: str, records: list[dict[str, Any]], path: str = "", **more: Any) -> list[Any]:
    response = org.call(method, f"/composite/sobjects{path}", json={"records": records, **more})
    assert response.status_code == 200, response.text
    rows: list[Any] = response.json()
    return rows


def codes(rows: list[Any]) -> list[str]:
    return ["ok" if row["success"] else row["errors"][0]["statusCode"] for row in rows]


def test_neighbours_of_a_bad_record_go_through(org: Salesforce) -> None:
    rows = send(org, "POST", [contact(LastName="a"), contact(FirstName="b"), contact(LastName="c", Nope="x")])
    assert codes(rows) == ["ok", "REQUIRED_FIELD_MISSING", "INVALID_FIELD"]
    assert rows[1] == {
        "success": False,
        "errors": [
            {
                "statusCode": "REQUIRED_FIELD_MISSING",
                "message": "Required fields are missing: [LastName]",
                "fields": ["LastName"],
            }
        ],
    }
    assert org.query("SELECT COUNT(Id) n FROM Contact")[0]["n"] == 1


def test_all_or_none_rolls_back(org: Salesforce) -> None:
    rows = send(org, "POST", [contact(LastName="a"), contact()], allOrNone=True)
    assert codes(rows) == ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "REQUIRED_FIELD_MISSING"]
    assert org.query("SELECT Id FROM Contact") == []
    assert org.control("/writes") == []


def test_wrong_json_fails_the_whole_request(org: Salesforce) -> None:
    body = {"records": [contact(LastName="a"), contact(LastName="b", Birthdate="yesterday")]}
    response = org.post("/composite/sobjects", body)
    assert (response.status_code, response.json()[0]["errorCode"]) == (400, "JSON_PARSER_ERROR")
    assert org.query("SELECT Id FROM Contact") == []


def test_updates(org: Salesforce) -> None:
    good, gone, twice = (org.create("Contact", LastName=name) for name in "abc")
    org.delete(f"/sobjects/Contact/{gone}")
    rows = send(
        org,
        "PATCH",
        [
            contact(id=good, Title="t"),
            contact(id=gone, Title="t"),
            contact(Title="t"),
            contact(id="nonsense", Title="t"),
            contact(id=twice, Title="t"),
            contact(id=twice[:15], Title="u"),
            contact(id="003dM000000zzzzQAA", Title="t"),
        ],
    )
    assert rows[0] == {"id": good, "success": True, "errors": []}
    assert codes(rows)[1:] == [
        "ENTITY_IS_DELETED",
        "MISSING_ARGUMENT",
        "MALFORMED_ID",
        "DUPLICATE_VALUE",
        "DUPLICATE_VALUE",
        "INVALID_CROSS_REFERENCE_KEY",
    ]
    assert rows[2]["errors"][0]["message"] == "Id not specified in an update call"


def test_upserts(org: Salesforce) -> None:
    org.add_id_field()
    path = f"/Contact/{ID_FIELD}"
    first = send(org, "PATCH", [contact(LastName="a", **{ID_FIELD: "1"}), contact(**{ID_FIELD: "2"})], path)
    assert (first[0]["created"], codes(first)) == (True, ["ok", "REQUIRED_FIELD_MISSING"])
    rows = send(
        org,
        "PATCH",
        [
            contact(LastName="b", **{ID_FIELD: "1"}),
            contact(LastName="c", **{ID_FIELD: "x-1"}),
            contact(LastName="d", **{ID_FIELD: "X-1 "}),
            contact(LastName="e"),
        ],
        path,
    )
    assert rows[0] == {"id": first[0]["id"], "success": True, "errors": [], "created": False}
    assert codes(rows)[1:] == ["DUPLICATE_VALUE", "DUPLICATE_VALUE", "MISSING_ARGUMENT"]
    assert rows[1]["errors"][0]["message"] == "Duplicate external id specified: x-1"


def test_upsert_by_email_with_several_matches(org: Salesforce) -> None:
    for name in "ab":
        org.create("Contact", LastName=name, Email="same@acme.com")
    rows = send(org, "PATCH", [contact(LastName="x", Email="Same@acme.com")], "/Contact/Email")
    assert codes(rows) == ["DUPLICATE_EXTERNAL_ID"]


def test_limits_of_a_request(org: Salesforce) -> None:
    too_many = org.post("/composite/sobjects", {"records": [contact(LastName="x")] * 201})
    empty = org.post("/composite/sobjects", {"records": []})
    mixed = [contact(LastName="x"), {"attributes": {"type": "Account"}, "Name": "x"}] * 6
    assert too_many.status_code == 400
    assert empty.json() == [{"message": "At least 1 record is required", "errorCode": "REQUIRED_FIELD_MISSING"}]
    assert org.post("/composite/sobjects", {"records": mixed}).status_code == 400
    assert codes(send(org, "POST", mixed[:10])) == ["ok"] * 10


def test_delete_and_retrieve(org: Salesforce) -> None:
    ids = [org.create("Contact", LastName=name) for name in "ab"]
    rows = org.delete("/composite/sobjects", ids=",".join([ids[0], ids[0], "bad"])).json()
    assert codes(rows) == ["ok", "ENTITY_IS_DELETED", "MALFORMED_ID"]
    got = org.get("/composite/sobjects/Contact", ids=",".join(ids), fields="LastName,Title").json()
    assert got[0] is None
    assert (got[1]["LastName"], got[1]["Title"]) == ("b", None)
    posted = org.post("/composite/sobjects/Contact", {"ids": ids, "fields": ["LastName"]}).json()
    assert [row and row["LastName"] for row in posted] == [None, "b"]


def test_composite_with_references_counts_once(org: Salesforce) -> None:
    used = org.get("/limits").json()["DailyApiRequests"]["Remaining"]
    requests = [
        {"method": "POST", "url": f"{DATA}/sobjects/Account", "referenceId": "firm", "body": {"Name": "A"}},
        {
            "method": "POST",
            "url": f"{DATA}/sobjects/Contact",
            "referenceId": "person",
            "body": {"LastName": "x", "AccountId": "@{firm.id}"},
        },
        {
            "method": "GET",
            "url": f"{DATA}/query?q=SELECT+Account.Name+FROM+Contact+WHERE+Id='@{{person.id}}'",
            "referenceId": "found",
        },
    ]
    results = org.post("/composite", {"compositeRequest": requests}).json()["compositeResponse"]
    assert [result["httpStatusCode"] for result in results] == [201, 201, 200]
    assert results[2]["body"]["records"][0]["Account"]["Name"] == "A"
    assert org.get("/limits").json()["DailyApiRequests"]["Remaining"] == used - 2


def test_composite_rolls_back_and_halts(org: Salesforce) -> None:
    requests = [
        {"method": "POST", "url": f"{DATA}/sobjects/Account", "referenceId": "firm", "body": {"Name": "A"}},
        {"method": "POST", "url": f"{DATA}/sobjects/Contact", "referenceId": "person", "body": {}},
    ]
    body = {"allOrNone": True, "compositeRequest": requests}
    results = org.post("/composite", body).json()["compositeResponse"]
    assert [result["body"][0]["errorCode"] for result in results] == ["PROCESSING_HALTED", "REQUIRED_FIELD_MISSING"]
    assert org.query("SELECT Id FROM Account") == []
    graph = org.post("/composite/graph", {"graphs": [{"graphId": "1", "compositeRequest": requests}]}).json()
    assert graph["graphs"][0]["isSuccessful"] is False


def test_batch_counts_each_request(org: Salesforce) -> None:
    used = org.get("/limits").json()["DailyApiRequests"]["Remaining"]
    requests = [
        {"method": "GET", "url": "v60.0/limits"},
        {"method": "POST", "url": "v60.0/sobjects/Contact", "richInput": {}},
    ]
    body = org.post("/composite/batch", {"batchRequests": requests}).json()
    assert (body["hasErrors"], [result["statusCode"] for result in body["results"]]) == (True, [200, 400])
    assert org.get("/limits").json()["DailyApiRequests"]["Remaining"] == used - 3


@pytest.mark.parametrize("block", [False, True])
def test_duplicate_rule_and_its_header(org: Salesforce, block: bool) -> None:
    first = org.create("Contact", LastName="a", Email="a@acme.com")
    org.control("/metadata", {"duplicate_rule": "Contact", "block": block, "on": True})
    body = {"LastName": "b", "Email": "A@acme.com"}
    error = org.post("/sobjects/Contact", body).json()[0]
    assert (error["errorCode"], error["message"]) == ("DUPLICATES_DETECTED", "Use one of these records?")
    match = error["duplicateResult"]["matchResults"][0]["matchRecords"][0]
    assert (match["record"]["Id"], error["duplicateResult"]["allowSave"]) == (first, not block)
    assert codes(send(org, "POST", [contact(**body)])) == ["DUPLICATES_DETECTED"]
    passed = org.post("/sobjects/Contact", body, headers={"Sforce-Duplicate-Rule-Header": "allowSave=true"})
    assert passed.status_code == (400 if block else 201)
