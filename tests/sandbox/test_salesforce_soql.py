"""SOQL over HTTP: what queries find, and how their mistakes are told."""

from __future__ import annotations

from contextlib import suppress
from datetime import date
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from salesforce_support import DATA, Salesforce

from sandbox.salesforce.errors import SoqlError
from sandbox.salesforce.schema.catalog import Grants, Schema, View
from sandbox.salesforce.soql.compiler import compile_query
from sandbox.salesforce.soql.parser import parse

pytest_plugins = ["salesforce_fixtures"]


@pytest.fixture
def people(org: Salesforce) -> Salesforce:
    """Two accounts, four contacts (one without an account), two opportunities."""
    acme = org.create("Account", Name="Acme Corp", Website="acme.com", AnnualRevenue=1_000_000)
    globex = org.create("Account", Name="Globex")
    org.create("Contact", LastName="O'Neil", FirstName="Ann", Email="ann@acme.com", AccountId=acme, Title="CEO")
    org.create("Contact", LastName="Müller", FirstName="Zoë", Email="zoe@globex.com", AccountId=globex)
    org.create("Contact", LastName="100%_sure", Email="sure@acme.com", AccountId=acme, DoNotCall=True)
    org.create("Contact", LastName="Alone", Birthdate="1980-02-29")
    org.create("Opportunity", Name="Big", StageName="Discovery", CloseDate="2026-03-31", Amount=100.5, AccountId=acme)
    org.create("Opportunity", Name="Won", StageName="Closed Won", CloseDate="2026-01-31", Amount=7, AccountId=acme)
    return org


def names(org: Salesforce, where: str, rest: str = "ORDER BY LastName") -> list[str]:
    return [record["LastName"] for record in org.query(f"SELECT LastName FROM Contact WHERE {where} {rest}")]


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("LastName = 'O\\'Neil'", ["O'Neil"]),
        ("Email = 'ANN@acme.com'", ["O'Neil"]),
        ("LastName = 'MÜLLER'", ["Müller"]),
        ("LastName IN ('müller', 'alone')", ["Alone", "Müller"]),
        ("LastName LIKE 'a%'", ["Alone"]),
        ("LastName LIKE '%\\%\\_s%'", ["100%_sure"]),
        ("LastName LIKE 'm_ller'", ["Müller"]),
        ("Title != 'CEO'", ["100%_sure", "Alone", "Müller"]),
        ("NOT Title = 'CEO'", ["100%_sure", "Alone", "Müller"]),
        ("Title NOT IN ('CEO')", ["100%_sure", "Alone", "Müller"]),
        ("Title = null AND DoNotCall = true", ["100%_sure"]),
        ("Title = ''", ["100%_sure", "Alone", "Müller"]),
        ("(Email = null OR Title = 'ceo') AND DoNotCall = false", ["Alone", "O'Neil"]),
        ("Account.Name = 'acme corp'", ["100%_sure", "O'Neil"]),
        ("Account.Name != 'acme corp'", ["Alone", "Müller"]),
        ("Account.Owner.Username LIKE 'integration@%'", ["100%_sure", "Müller", "O'Neil"]),
        ("AccountId IN (SELECT AccountId FROM Opportunity WHERE Amount > 100)", ["100%_sure", "O'Neil"]),
        ("AccountId NOT IN (SELECT Id FROM Account WHERE Name LIKE 'Acme%')", ["Alone", "Müller"]),
        ("Birthdate = 1980-02-29", ["Alone"]),
        ("Birthdate < 1980-03-01 AND CreatedDate >= 2020-01-01T00:00:00+02:00", ["Alone"]),
        ("CreatedDate = TODAY OR CreatedDate = YESTERDAY", ["100%_sure", "Alone", "Müller", "O'Neil"]),
        ("CreatedDate = LAST_N_DAYS:3 AND CreatedDate < NEXT_YEAR AND Title = 'CEO'", ["O'Neil"]),
    ],
)
def test_filters(people: Salesforce, where: str, found: list[str]) -> None:
    assert names(people, where) == found


def test_order_limit_and_offset(people: Salesforce) -> None:
    assert names(people, "Id != null", "ORDER BY Email") == ["Alone", "O'Neil", "100%_sure", "Müller"]
    assert names(people, "Id != null", "ORDER BY Email DESC NULLS LAST LIMIT 2") == ["Müller", "100%_sure"]
    assert names(people, "Id != null", "ORDER BY LastName LIMIT 2 OFFSET 1") == ["Alone", "Müller"]


def test_parents_nest_and_nulls_are_present(people: Salesforce) -> None:
    with_account, without = people.query(
        "SELECT Id, Title, Account.Name, Account.Owner.Name FROM Contact WHERE LastName IN ('Müller', 'Alone')"
        " ORDER BY LastName DESC"
    )
    assert with_account["attributes"]["url"] == f"{DATA}/sobjects/Contact/{with_account['Id']}"
    assert with_account["Title"] is None
    assert with_account["Account"]["attributes"]["type"] == "Account"
    assert with_account["Account"]["Owner"]["Name"] == "Integration User"
    assert without["Account"] is None


def test_child_subquery(people: Salesforce) -> None:
    acme, globex = people.query(
        "SELECT Name, (SELECT LastName FROM Contacts WHERE Title = 'CEO'), (SELECT Name FROM Opportunities)"
        " FROM Account ORDER BY Name"
    )
    assert [child["LastName"] for child in acme["Contacts"]["records"]] == ["O'Neil"]
    assert acme["Opportunities"]["totalSize"] == 2
    assert globex["Opportunities"] is None


def test_polymorphic_parents(people: Salesforce) -> None:
    contact = people.query("SELECT Id FROM Contact WHERE LastName = 'Alone'")[0]["Id"]
    people.create("Task", Subject="Call", WhoId=contact)
    task = people.query("SELECT Who.Type, Who.Name, What.Name FROM Task WHERE Who.Type = 'Contact'")[0]
    assert (task["Who"]["Type"], task["Who"]["Name"], task["What"]) == ("Contact", "Alone", None)
    assert task["Who"]["attributes"] == {"type": "Name", "url": f"{DATA}/sobjects/Contact/{contact}"}


def test_counts_and_aggregates(people: Salesforce) -> None:
    assert people.get("/query", q="SELECT COUNT() FROM Contact").json() == {
        "totalSize": 4,
        "done": True,
        "records": [],
    }
    grouped = people.query(
        "SELECT StageName, COUNT(Id) deals, MAX(Amount) FROM Opportunity GROUP BY StageName HAVING COUNT(Id) > 0"
        " ORDER BY StageName"
    )
    assert [(row["StageName"], row["deals"], row["expr0"]) for row in grouped] == [
        ("Closed Won", 1, 7.0),
        ("Discovery", 1, 100.5),
    ]


def test_compound_address_and_fields_function(people: Salesforce) -> None:
    people.create("Account", Name="Addressed", BillingCity="Bern", BillingCountry="Switzerland")
    record = people.query("SELECT FIELDS(ALL) FROM Account WHERE Name = 'Addressed' LIMIT 1")[0]
    assert record["BillingAddress"]["city"] == "Bern"
    assert record["ShippingAddress"] is None
    assert record["IsDeleted"] is False


@pytest.mark.parametrize(
    ("soql", "code", "message"),
    [
        (
            "SELECT Foo FROM Contact",
            "INVALID_FIELD",
            "ERROR at Row:1:Column:8\nNo such column 'Foo' on entity 'Contact'",
        ),
        ("SELECT Id FROM Accout", "INVALID_TYPE", "sObject type 'Accout' is not supported"),
        ("SELECT Id FROM Contact WHERE", "MALFORMED_QUERY", "unexpected token: '<EOF>'"),
        ("SELECT FROM Contact", "MALFORMED_QUERY", "unexpected token: 'FROM'"),
        ("SELECT Id FROM Contact WHERE Id = 'abc'", "INVALID_QUERY_FILTER_OPERATOR", "invalid ID field: abc"),
        ("SELECT Id FROM Contact WHERE Foo.Name = 'x'", "INVALID_FIELD", "Didn't understand relationship 'Foo'"),
        (
            "SELECT Id FROM Contact WHERE Title = 'a' OR Title = 'b' AND Email = 'c'",
            "MALFORMED_QUERY",
            "unexpected token: 'AND'",
        ),
        ("SELECT Id FROM Contact WHERE Title = 'it\\s'", "MALFORMED_QUERY", "Illegal character sequence"),
        ("SELECT Id FROM Contact WHERE Title = 5", "INVALID_FIELD", "must be of type string and should be enclosed"),
        (
            "SELECT Id FROM Contact WHERE CreatedDate > '2026-01-01'",
            "INVALID_FIELD",
            "must be of type dateTime and should not be enclosed in quotes",
        ),
        (
            "SELECT Id FROM Contact WHERE SystemModstamp > 2026-01-01T00:00:00 00:00",
            "MALFORMED_QUERY",
            "no viable alternative at character ' '",
        ),
        ("SELECT Id FROM Contact WHERE Description = 'x'", "INVALID_FIELD", "can not be filtered"),
        ("SELECT Id FROM Contact ORDER BY Description", "MALFORMED_QUERY", "can not be sorted"),
        ("SELECT Id FROM Contact OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE", "Maximum SOQL offset allowed is 2000"),
        ("SELECT Name, COUNT(Id) FROM Contact", "MALFORMED_QUERY", "Field must be grouped or aggregated: Name"),
        ("", "MALFORMED_QUERY", "unexpected token: '<EOF>'"),
    ],
)
def test_mistakes(org: Salesforce, soql: str, code: str, message: str) -> None:
    found_code, found_message = org.query_error(soql)
    assert found_code == code
    assert message in found_message


TOKENS = (
    "SELECT", "Id", "Name", "Account.Name", "FROM", "Contact", "WHERE", "AND", "OR", "NOT", "IN", "LIKE", "(", ")", ",",
    "=", "!=", "<", "'x'", "5", "null", "true", "2026-01-01", "TODAY", "ORDER", "BY", "LIMIT", "COUNT()", "MAX(Name)",
    "GROUP", "(SELECT Id FROM Tasks)", "99999999999999999999", "'\\'", "\\", "INCLUDES", "Owner.Type",
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(tail=st.lists(st.sampled_from(TOKENS), max_size=8), is_whole=st.booleans())
def test_any_text_is_a_query_or_a_mistake(tail: list[str], is_whole: bool) -> None:
    """Nothing but SoqlError leaves parser and compiler."""
    text = " ".join((["SELECT", "Id", "FROM", "Contact", "WHERE"] if is_whole else []) + tail)
    with suppress(SoqlError):
        compile_query(parse(text), View(Schema(), Grants()), date(2026, 1, 1))


def test_very_long_filters(org: Salesforce) -> None:
    ids = [f"Title = 'n{number}'" for number in range(700)]
    soql = f"SELECT Id FROM Contact WHERE {' OR '.join(ids)} LIMIT 99999999999999999999"
    body = {"compositeRequest": [{"method": "GET", "url": f"{DATA}/query?q={quote(soql)}", "referenceId": "q"}]}
    assert org.post("/composite", body).json()["compositeResponse"][0]["httpStatusCode"] == 200
    deep = "SELECT Id FROM Contact WHERE " + "(" * 5000
    assert org.query_error(deep) == ("MALFORMED_QUERY", "Query is too complicated")


def test_paging_by_path_with_a_snapshot(org: Salesforce) -> None:
    records: list[dict[str, Any]] = [{"LastName": f"N{number:04}"} for number in range(450)]
    org.control("/load", {"object": "Contact", "records": records})
    headers = {"Sforce-Query-Options": "batchSize=200"}
    page = org.get("/query", headers, q="SELECT Id, LastName FROM Contact ORDER BY LastName").json()
    assert (page["totalSize"], page["done"], len(page["records"])) == (450, False, 200)
    assert page["nextRecordsUrl"].startswith(f"{DATA}/query/0r8")
    seen = page["records"]
    org.create("Contact", LastName="N0000 late")
    while not page["done"]:
        page = org.get(page["nextRecordsUrl"]).json()
        assert page["totalSize"] == 450
        seen += page["records"]
    assert [record["LastName"] for record in seen] == [record["LastName"] for record in records]
    assert "nextRecordsUrl" not in page


def test_two_long_texts_make_small_pages(org: Salesforce) -> None:
    org.control("/load", {"object": "Lead", "records": [{"LastName": "x", "Company": "y"}] * 201})
    assert org.get("/query", q="SELECT Id, Description FROM Lead").json()["done"]


def test_pages_may_be_smaller_than_asked(org: Salesforce) -> None:
    org.control("/settings", {"max_page_size": 2})
    org.control("/load", {"object": "Contact", "records": [{"LastName": "x"}] * 5})
    page = org.get("/query", q="SELECT Id FROM Contact").json()
    assert (page["totalSize"], len(page["records"]), page["nextRecordsUrl"][-2:]) == (5, 2, "-2")


def test_unknown_locator(org: Salesforce) -> None:
    response = org.get("/query/0r8000000000000AAA-2000")
    assert (response.status_code, response.json()[0]["errorCode"]) == (400, "INVALID_QUERY_LOCATOR")
