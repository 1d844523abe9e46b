"""Single records over REST: create, change, read, delete, upsert, and what becomes of values."""

from __future__ import annotations

from typing import Any

import pytest
from salesforce_support import DATA, ID_FIELD, Salesforce

pytest_plugins = ["salesforce_fixtures"]


def refused(response: Any, status: int = 400) -> dict[str, Any]:
    assert response.status_code == status, response.text
    error: dict[str, Any] = response.json()[0]
    return error


def test_create_read_change_delete(org: Salesforce) -> None:
    response = org.post("/sobjects/contact", {"lastname": "Doe", "Email": "Jane.DOE@Acme.com"})
    assert response.status_code == 201
    body = response.json()
    assert body == {"id": body["id"], "success": True, "errors": []}
    path = f"/sobjects/Contact/{body['id']}"
    assert len(body["id"]) == 18
    record = org.get(f"/sobjects/Contact/{body['id'][:15]}", fields="Name,Email,OwnerId").json()
    assert (record["Name"], record["Email"]) == ("Doe", "jane.doe@acme.com")

    response = org.patch(path, {"FirstName": "Jane", "Title": None})
    assert (response.status_code, response.content) == (204, b"")
    assert org.get(path).json()["Name"] == "Jane Doe"

    assert org.delete(path).status_code == 204
    assert refused(org.delete(path), 404) == {
        "message": "entity is deleted",
        "errorCode": "ENTITY_IS_DELETED",
        "fields": [],
    }
    assert refused(org.patch(path, {"Title": "x"}), 404)["errorCode"] == "ENTITY_IS_DELETED"
    assert refused(org.get(path), 404)["errorCode"] == "NOT_FOUND"


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("  spaced\t", "spaced"),
        ("", None),
        (" \r\n ", None),
        ("\u00a0kept\u00a0", "\u00a0kept\u00a0"),
        ('O\'Neil "quoted" 漢字 🎉', 'O\'Neil "quoted" 漢字 🎉'),
    ],
)
def test_texts_are_trimmed(org: Salesforce, sent: str, stored: str | None) -> None:
    record_id = org.create("Contact", LastName="x", Title=sent)
    assert org.query(f"SELECT Title FROM Contact WHERE Id = '{record_id}'")[0]["Title"] == stored


def test_numbers_and_dates(org: Salesforce) -> None:
    org.create("Opportunity", Name="D", StageName="Discovery", CloseDate="2026-02-28T23:30:00-05:00", Amount="12.345")
    org.create("Account", Name="A", AnnualRevenue=1234.5, NumberOfEmployees=250)
    deal = org.query("SELECT Amount, CloseDate, Probability, IsClosed, ForecastCategoryName, Fiscal FROM Opportunity")[
        0
    ]
    del deal["attributes"]
    assert deal == {
        "Amount": 12.35,
        "CloseDate": "2026-03-01",
        "Probability": 10.0,
        "IsClosed": False,
        "ForecastCategoryName": "Pipeline",
        "Fiscal": "2026 1",
    }
    account = org.get("/query", q="SELECT AnnualRevenue, NumberOfEmployees FROM Account")
    assert '"AnnualRevenue":1235.0,"NumberOfEmployees":250' in account.text


def test_stage_brings_probability_unless_sent(org: Salesforce) -> None:
    record_id = org.create("Opportunity", Name="D", StageName="Discovery", CloseDate="2026-01-31")
    fields = "StageName,Probability,IsClosed,IsWon,ForecastCategoryName"
    path = f"/sobjects/Opportunity/{record_id}"
    org.patch(path, {"StageName": "Closed Won"})
    won = org.get(path, fields=fields).json()
    assert (won["Probability"], won["IsClosed"], won["IsWon"], won["ForecastCategoryName"]) == (
        100.0,
        True,
        True,
        "Closed",
    )
    org.patch(path, {"StageName": "Qualification", "Probability": 33})
    assert org.get(path, fields=fields).json()["Probability"] == 33.0
    assert org.patch(path, {"StageName": "Never heard of"}).status_code == 204


@pytest.mark.parametrize(
    ("object_name", "values", "code", "message", "fields"),
    [
        ("Contact", {}, "REQUIRED_FIELD_MISSING", "Required fields are missing: [LastName]", ["LastName"]),
        (
            "Contact",
            {"LastName": "x" * 81},
            "STRING_TOO_LONG",
            f"Last Name: data value too large: {'x' * 81} (max length=80)",
            ["LastName"],
        ),
        (
            "Contact",
            {"LastName": "x", "Email": "nobody"},
            "INVALID_EMAIL_ADDRESS",
            "Email: invalid email address: nobody",
            ["Email"],
        ),
        (
            "Contact",
            {"LastName": "x", "Foo__c": 1},
            "INVALID_FIELD",
            "No such column 'Foo__c' on sobject of type Contact",
            [],
        ),
        (
            "Contact",
            {"LastName": "x", "Name": "y", "CreatedDate": None},
            "INVALID_FIELD_FOR_INSERT_UPDATE",
            "Unable to create/update fields: Name, CreatedDate. Please check the security settings of this field and"
            " verify that it is read/write for your profile or permission set.",
            ["Name", "CreatedDate"],
        ),
        (
            "Contact",
            {"LastName": "x", "AccountId": "nonsense"},
            "MALFORMED_ID",
            "malformed id nonsense",
            ["AccountId"],
        ),
        (
            "Contact",
            {"LastName": "x", "AccountId": "005dM0000000001QAA"},
            "FIELD_INTEGRITY_EXCEPTION",
            "Account ID: id value of incorrect type: 005dM0000000001QAA",
            ["AccountId"],
        ),
        (
            "Contact",
            {"LastName": "x", "AccountId": "001dM000000zzzzQAA"},
            "INVALID_CROSS_REFERENCE_KEY",
            "invalid cross reference id",
            [],
        ),
        (
            "Account",
            {"Name": "x", "NumberOfEmployees": 1_000_000_000},
            "NUMBER_OUTSIDE_VALID_RANGE",
            "Employees: value outside of valid range on numeric field: 1000000000",
            ["NumberOfEmployees"],
        ),
        (
            "Account",
            {"Name": "x", "BillingGeocodeAccuracy": "Guess"},
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            "Billing Geocode Accuracy: bad value for restricted picklist field: Guess",
            ["BillingGeocodeAccuracy"],
        ),
        (
            "Contact",
            {"LastName": "x", "DoNotCall": None},
            "INVALID_TYPE_ON_FIELD_IN_RECORD",
            "Do Not Call: value not of required type: ",
            ["DoNotCall"],
        ),
        ("RecordType", {"Name": "x"}, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "entity type cannot be inserted", []),
    ],
)
def test_refusals(
    org: Salesforce, object_name: str, values: dict[str, Any], code: str, message: str, fields: list[str]
) -> None:
    error = refused(org.post(f"/sobjects/{object_name}", values))
    assert (error["errorCode"], error["fields"]) == (code, fields)
    assert error["message"].startswith(message)


@pytest.mark.parametrize(
    "values",
    [
        {"Amount": "oops"},
        {"Amount": True},
        {"CloseDate": "31.01.2026"},
        {"CloseDate": ""},
        {"Name": 5},
        {"IsPrivate": "maybe"},
        {"TotalOpportunityQuantity": [1]},
    ],
)
def test_json_of_the_wrong_kind(org: Salesforce, values: dict[str, Any]) -> None:
    deal = {"Name": "D", "StageName": "Discovery", "CloseDate": "2026-01-31"}
    error = refused(org.post("/sobjects/Opportunity", deal | values))
    assert error["errorCode"] == "JSON_PARSER_ERROR"
    assert "Cannot deserialize instance of" in error["message"]


def test_bodies_that_are_no_object(org: Salesforce) -> None:
    for body in (b"{", b"", b"[]"):
        assert refused(org.call("POST", "/sobjects/Contact", data=body))["errorCode"] == "JSON_PARSER_ERROR"
    error = refused(org.post("/sobjects/Contact", {"LastName": "x", "Id": "003"}))
    assert error == {
        "message": "The Id field should not be specified in the sobject data.",
        "errorCode": "INVALID_FIELD",
    }


def test_picklists_accept_unknown_values_unless_restricted(org: Salesforce) -> None:
    org.create("Account", Name="x", Industry="Time Travel")
    org.control("/metadata", {"action": "restrict", "object": "Account", "field": "Industry"})
    error = refused(org.post("/sobjects/Account", {"Name": "x", "Industry": "Time Travel"}))
    assert error["errorCode"] == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
    org.control("/metadata", {"action": "add_option", "object": "Account", "field": "Industry", "value": "Time Travel"})
    org.create("Account", Name="x", Industry="Time Travel")


def test_inactive_owner_and_deleted_parent(org: Salesforce) -> None:
    inactive = org.query("SELECT Id FROM User WHERE IsActive = false")[0]["Id"]
    error = refused(org.post("/sobjects/Contact", {"LastName": "x", "OwnerId": inactive}))
    assert error["errorCode"] == "INACTIVE_OWNER_OR_USER"
    assert error["message"] == f"operation performed with inactive user [{inactive}] as owner of contact"
    account = org.create("Account", Name="gone")
    org.delete(f"/sobjects/Account/{account}")
    assert refused(org.post("/sobjects/Contact", {"LastName": "x", "AccountId": account}), 404)["errorCode"] == (
        "ENTITY_IS_DELETED"
    )


def test_upsert_by_external_id(org: Salesforce) -> None:
    org.add_id_field()
    path = f"/sobjects/Contact/{ID_FIELD}/hs%2F1"
    created = org.patch(path, {"LastName": "A"})
    assert (created.status_code, created.json()["created"]) == (201, True)
    updated = org.patch(path, {"LastName": "B"})
    assert (updated.status_code, updated.json()) == (
        200,
        {"id": created.json()["id"], "success": True, "errors": [], "created": False},
    )
    assert org.call("PATCH", f"/services/data/v45.0{path}", json={"LastName": "C"}).status_code == 204
    record = org.get(path, fields=f"LastName,{ID_FIELD}").json()
    assert (record["LastName"], record[ID_FIELD]) == ("C", "hs/1")
    assert refused(org.patch(path, {"LastName": "B", ID_FIELD: "hs/1"}))["errorCode"] == "INVALID_FIELD"
    assert refused(org.patch(path, {"Id": record["Id"]}))["errorCode"] == "INVALID_FIELD"
    assert org.patch(f"/sobjects/Contact/{ID_FIELD}/new?updateOnly=true", {"LastName": "B"}).status_code == 404
    missing = refused(org.patch("/sobjects/Contact/Nope__c/1", {"LastName": "B"}), 404)
    assert missing["message"] == "Provided external ID field does not exist or is not accessible: Nope__c"


def test_upsert_with_several_matches_writes_nothing(org: Salesforce) -> None:
    ids = [org.create("Contact", LastName="x", Email="same@acme.com") for _ in range(2)]
    before = len(org.control("/writes"))
    response = org.patch("/sobjects/Contact/Email/same@acme.com", {"Title": "y"})
    assert (response.status_code, response.json()) == (300, [f"{DATA}/sobjects/Contact/{each}" for each in ids])
    assert len(org.control("/writes")) == before


def test_unique_fields_compare_without_case_and_ignore_the_bin(org: Salesforce) -> None:
    org.add_id_field()
    first = org.create("Contact", LastName="x", **{ID_FIELD: "abc"})
    error = refused(org.post("/sobjects/Contact", {"LastName": "y", ID_FIELD: "ABC"}))
    assert error["errorCode"] == "DUPLICATE_VALUE"
    assert error["message"] == f"duplicate value found: {ID_FIELD} duplicates value on record with id: {first[:15]}"
    org.delete(f"/sobjects/Contact/{first}")
    org.create("Contact", LastName="y", **{ID_FIELD: "ABC"})


def test_reference_by_external_id(org: Salesforce) -> None:
    org.add_id_field("Account")
    account = org.create("Account", Name="A", **{ID_FIELD: "77"})
    contact = org.create("Contact", LastName="x", Account={ID_FIELD: "77"})
    assert org.get(f"/sobjects/Contact/{contact}").json()["AccountId"] == account
    error = refused(org.post("/sobjects/Contact", {"LastName": "x", "Account": {ID_FIELD: "78"}}))
    assert error["message"] == f"Foreign key external ID: 78 not found for field {ID_FIELD} in entity Account"


def test_conditional_requests(org: Salesforce) -> None:
    record_id = org.create("Contact", LastName="x")
    path = f"/sobjects/Contact/{record_id}"
    past, future = "Mon, 01 Jan 2024 00:00:00 GMT", "Fri, 01 Jan 2100 00:00:00 GMT"
    assert org.patch(path, {"Title": "a"}, headers={"If-Unmodified-Since": past}).status_code == 412
    assert org.patch(path, {"Title": "a"}, headers={"If-Unmodified-Since": future}).status_code == 204
    assert org.patch(path, {"Title": "a"}, headers={"If-Unmodified-Since": "tomorrow"}).status_code == 400
    assert org.get(path, {"If-Modified-Since": future}).status_code == 304
    assert org.get(path, {"If-Modified-Since": past}).status_code == 200


def test_stamps_are_whole_seconds_and_name_the_author(org: Salesforce) -> None:
    record_id = org.create("Contact", LastName="x")
    fields = "SELECT CreatedDate, SystemModstamp, LastModifiedDate, LastModifiedById, LastModifiedBy.Name FROM Contact"
    record = org.query(fields)[0]
    assert record["CreatedDate"].endswith(".000+0000")
    assert record["LastModifiedBy"]["Name"] == "Integration User"
    org.control(
        "/edit",
        {"object": "Contact", "id": record_id, "values": {"Title": "t"}, "user": "priya.raman@demo.example",
         "at": "2026-05-01T10:00:00.750Z"},
    )  # fmt: skip
    record = org.query(fields)[0]
    assert record["LastModifiedDate"] == record["SystemModstamp"] == "2026-05-01T10:00:00.000+0000"
    assert record["LastModifiedBy"]["Name"] == "Priya Raman"


def test_only_real_changes_are_logged(org: Salesforce) -> None:
    record_id = org.create("Contact", LastName="x", Title="t")
    before = len(org.control("/writes"))
    org.patch(f"/sobjects/Contact/{record_id}", {"Title": " t "})
    assert len(org.control("/writes")) == before
    org.patch(f"/sobjects/Contact/{record_id}", {"Title": "u"})
    (write,) = org.control(f"/writes?since={before}")
    assert (write["operation"], write["object"], write["id"]) == ("update", "Contact", record_id)
    assert (write["actor"], write["changes"]) == ("api:integration@demo.example", {"Title": ["t", "u"]})
