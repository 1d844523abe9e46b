"""Fields that are computed on reading, several currencies, records that are not shared, and triggers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from salesforce_support import Salesforce

pytest_plugins = ["salesforce_fixtures"]


def add_field(org: Salesforce, object_name: str, name: str, **metadata: Any) -> None:
    org.control("/metadata", {"action": "add_field", "object": object_name, "name": name, "metadata": metadata})


def code_of(response: Any) -> str:
    return str(response.json()[0]["errorCode"])


def opportunity(org: Salesforce, **values: Any) -> str:
    return org.create("Opportunity", Name="Deal", StageName="Prospecting", CloseDate="2026-12-31", **values)


# formulas and roll-ups ------------------------------------------------------------------------------------


def test_a_formula_follows_its_inputs_and_moves_no_stamp(org: Salesforce) -> None:
    account = org.create("Account", Name="Acme", Industry="Energy")
    contact = org.create("Contact", LastName="Lee", AccountId=account)
    formula = "UPPER(LastName) & ' (' & Account.Name & ')'"
    add_field(org, "Contact", "Badge__c", type="Text", formula=formula, label="Badge")
    query = "SELECT Badge__c, SystemModstamp FROM Contact WHERE Badge__c LIKE 'LEE%' ORDER BY Badge__c"
    (before,) = org.query(query)
    assert before["Badge__c"] == "LEE (Acme)"
    org.control("/settings", {"clock_skew_ms": 5000})
    org.patch(f"/sobjects/Account/{account}", {"Name": "Apex"})
    (after,) = org.query(query)
    assert (after["Badge__c"], after["SystemModstamp"]) == ("LEE (Apex)", before["SystemModstamp"])
    assert org.get(f"/sobjects/Contact/{contact}", fields="Badge__c").json()["Badge__c"] == "LEE (Apex)"
    field = next(f for f in org.get("/sobjects/Contact/describe").json()["fields"] if f["name"] == "Badge__c")
    assert (field["calculated"], field["createable"], field["calculatedFormula"]) == (True, False, formula)
    refused = org.patch(f"/sobjects/Contact/{contact}", {"Badge__c": "x"})
    assert code_of(refused) == "INVALID_FIELD_FOR_INSERT_UPDATE"


def test_numbers_and_conditions_in_formulas(org: Salesforce) -> None:
    add_field(org, "Opportunity", "Tax__c", type="Currency", scale=2, formula="Amount * 0.19 / 2")
    add_field(org, "Opportunity", "Is_Big__c", type="Checkbox", formula="AND(Amount >= 1000, NOT(ISBLANK(Amount)))")
    add_field(org, "Opportunity", "Size__c", type="Text", formula="IF(Is_Big__c, 'big', BLANKVALUE(NextStep, 'small'))")
    for amount in (100, 2000, None):
        opportunity(org, Amount=amount)
    found = org.query("SELECT Amount, Tax__c, Is_Big__c, Size__c FROM Opportunity ORDER BY Amount NULLS LAST")
    assert [(row["Tax__c"], row["Is_Big__c"], row["Size__c"]) for row in found] == [
        (9.5, False, "small"),
        (190.0, True, "big"),
        (None, False, "small"),
    ]


def test_a_roll_up_counts_living_children(org: Salesforce) -> None:
    account = org.create("Account", Name="Acme")
    key = {"summaryForeignKey": "Opportunity.AccountId"}
    add_field(org, "Account", "Deals__c", type="Summary", summaryOperation="count", scale=0, **key)
    add_field(org, "Account", "Total__c", type="Summary", summaryOperation="sum",
              summarizedField="Opportunity.Amount", **key)  # fmt: skip
    ids = [opportunity(org, Amount=amount, AccountId=account) for amount in (10, 20)]
    org.delete(f"/sobjects/Opportunity/{ids[0]}")
    (row,) = org.query("SELECT Deals__c, Total__c FROM Account WHERE Total__c > 0")
    assert (row["Deals__c"], row["Total__c"]) == (1, 20)


@pytest.mark.parametrize("formula", ["Amount *", "Nope__c + 1", "WRONG(Amount)", "Amount ) 2", "Amount ; 2"])
def test_a_formula_that_makes_no_sense_is_refused(org: Salesforce, formula: str) -> None:
    body = {"FullName": "Opportunity.Bad__c", "Metadata": {"type": "Number", "label": "Bad", "formula": formula}}
    refused = org.post("/tooling/sobjects/CustomField", body)
    assert (refused.status_code, code_of(refused)) == (400, "FIELD_INTEGRITY_EXCEPTION")


def test_computed_fields_in_bulk_queries(org: Salesforce) -> None:
    add_field(org, "Contact", "Loud__c", type="Text", formula="UPPER(LastName)")
    org.create("Contact", LastName="Lee")
    job = org.post("/jobs/query", {"operation": "query", "query": "SELECT Loud__c FROM Contact"}).json()["id"]
    for _ in range(3):
        state = org.get(f"/jobs/query/{job}").json()["state"]
    assert state == "JobComplete"
    assert org.get(f"/jobs/query/{job}/results").text == '"Loud__c"\n"LEE"\n'


# currencies -----------------------------------------------------------------------------------------------


def test_several_currencies(org: Salesforce) -> None:
    assert org.query_error("SELECT CurrencyIsoCode FROM Account")[0] == "INVALID_FIELD"
    assert org.query_error("SELECT Id FROM CurrencyType")[0] == "INVALID_TYPE"
    before = opportunity(org, Amount=5)
    org.control("/metadata", {"action": "use_currencies", "rates": {"USD": 1, "EUR": 0.9}})
    rows = org.query("SELECT IsoCode, ConversionRate, IsCorporate FROM CurrencyType ORDER BY IsoCode")
    assert [(row["IsoCode"], row["ConversionRate"], row["IsCorporate"]) for row in rows] == [
        ("EUR", 0.9, False),
        ("USD", 1.0, True),
    ]
    euro = opportunity(org, Amount=5, CurrencyIsoCode="EUR")
    found = {row["Id"]: row["CurrencyIsoCode"] for row in org.query("SELECT Id, CurrencyIsoCode FROM Opportunity")}
    assert found == {before: "USD", euro: "EUR"}
    refused = org.patch(f"/sobjects/Opportunity/{euro}", {"CurrencyIsoCode": "XXX"})
    assert code_of(refused) == "INVALID_CURRENCY_ISO"
    org.control("/reset", {"demo": False})
    org.log_in()
    assert org.query_error("SELECT CurrencyIsoCode FROM Account")[0] == "INVALID_FIELD"


# who may see what -----------------------------------------------------------------------------------------


def test_a_record_that_is_not_shared_does_not_exist_for_reads_and_refuses_writes(org: Salesforce) -> None:
    account = org.create("Account", Name="Secret")
    contact = org.create("Contact", LastName="Lee", AccountId=account)
    org.control("/metadata", {"invisible_record": account})
    assert org.query("SELECT Id FROM Account") == []
    assert org.get(f"/sobjects/Account/{account}").status_code == 404
    assert org.get("/composite/sobjects/Account", ids=account, fields="Name").json() == [None]
    (row,) = org.query("SELECT AccountId, Account.Name FROM Contact")
    assert (row["AccountId"], row["Account"]) == (account, None)
    assert org.query("SELECT Id FROM Contact WHERE AccountId IN (SELECT Id FROM Account)") == []
    code = "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY"
    assert code_of(org.patch(f"/sobjects/Account/{account}", {"Name": "x"})) == code
    assert code_of(org.delete(f"/sobjects/Account/{account}")) == code
    assert code_of(org.post("/sobjects/Contact", {"LastName": "Li", "AccountId": account})) == code
    org.control("/edit", {"object": "Contact", "id": contact, "values": {"AccountId": account, "Title": "CEO"}})
    org.control("/metadata", {"invisible_record": account, "on": False})
    assert len(org.query("SELECT Id FROM Account")) == 1


def test_triggers_change_values_and_fail(org: Salesforce) -> None:
    trigger = {"trigger": "set_field", "object": "Contact", "field": "Department"}
    org.control("/metadata", trigger | {"template": "{LastName} team"})
    rule = {"validation_rule": "SyncTrigger", "object": "Contact", "when": "Title = 'boom'", "message": "SyncTrigger:"}
    org.control("/metadata", rule | {"code": "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"})
    contact = org.create("Contact", LastName="Lee", Department="Sales")
    assert org.get(f"/sobjects/Contact/{contact}").json()["Department"] == "Lee team"
    failed = org.patch(f"/sobjects/Contact/{contact}", {"Title": "boom"})
    assert code_of(failed) == "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"
    org.control("/metadata", trigger | {"on": False})
    org.patch(f"/sobjects/Contact/{contact}", {"Department": "HR"})
    assert org.get(f"/sobjects/Contact/{contact}").json()["Department"] == "HR"


# stamps and conditions ------------------------------------------------------------------------------------


def test_a_long_transaction_becomes_visible_with_an_older_stamp(org: Salesforce) -> None:
    org.control("/settings", {"commit_lag_ms": 60_000})
    try:
        org.create("Contact", LastName="Lee")
        (row,) = org.query("SELECT SystemModstamp FROM Contact")
    finally:
        org.control("/settings", {"commit_lag_ms": 0})
    age = datetime.now(UTC) - datetime.strptime(row["SystemModstamp"], "%Y-%m-%dT%H:%M:%S.%f%z")
    assert 59 <= age.total_seconds() <= 70


def test_describes_and_accounts_answer_conditional_requests(org: Salesforce) -> None:
    first = org.get("/sobjects/Contact/describe")
    same = org.get("/sobjects/Contact/describe", headers={"If-Modified-Since": first.headers["Last-Modified"]})
    assert (same.status_code, same.content) == (304, b"")
    add_field(org, "Contact", "New__c", type="Text", length=10)
    assert org.get("/sobjects/Contact/describe", headers={"If-None-Match": first.headers["ETag"]}).status_code == 200
    path = f"/sobjects/Account/{org.create('Account', Name='Acme')}"
    tag = org.get(path).headers["ETag"]
    assert org.get(path, headers={"If-None-Match": tag}).status_code == 304
    assert org.patch(path, {"Name": "B"}, headers={"If-Match": '"other"'}).status_code == 412
    assert org.patch(path, {"Name": "B"}, headers={"If-Match": tag}).status_code == 204
    contact = org.create("Contact", LastName="Lee")
    assert "ETag" not in org.get(f"/sobjects/Contact/{contact}").headers


def test_limits_of_graphs(org: Salesforce) -> None:
    def node(number: int, last_name: Any = "x", object_name: str = "Contact") -> dict[str, Any]:
        url = f"/services/data/v60.0/sobjects/{object_name}"
        return {"method": "POST", "url": url, "referenceId": f"r{number}", "body": {"LastName": last_name}}

    chain = [node(0), *(node(n, f"@{{r{n - 1}.id}}") for n in range(1, 16))]
    assert org.post("/composite/graph", {"graphs": [{"graphId": "1", "compositeRequest": chain}]}).status_code == 400
    used = int(org.get("/limits").headers["Sforce-Limit-Info"].partition("=")[2].partition("/")[0])
    graphs = [{"graphId": str(n), "compositeRequest": [node(n, None)]} for n in range(16)]
    reply = org.post("/composite/graph", {"graphs": [*graphs, {"graphId": "ok", "compositeRequest": [node(99)]}]})
    assert reply.headers["Sforce-Limit-Info"].startswith(f"api-usage={used + 1}/")
    last = reply.json()["graphs"][-1]
    assert last["isSuccessful"] is False
    assert last["graphResponse"]["compositeResponse"][0]["body"][0]["errorCode"] == "PROCESSING_HALTED"
