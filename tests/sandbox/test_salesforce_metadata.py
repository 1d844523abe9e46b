"""Describe, custom fields and who may see them, and what an administrator changes."""

from __future__ import annotations

from typing import Any

import pytest
from salesforce_support import ID_FIELD, Salesforce

pytest_plugins = ["salesforce_fixtures"]


def fields_of(org: Salesforce, object_name: str) -> dict[str, dict[str, Any]]:
    body = org.get(f"/sobjects/{object_name}/describe").json()
    return {field["name"]: field for field in body["fields"]}


def required(fields: dict[str, dict[str, Any]]) -> list[str]:
    return [
        name
        for name, field in fields.items()
        if field["createable"] and not field["nillable"] and not field["defaultedOnCreate"]
    ]


@pytest.mark.parametrize(
    ("object_name", "names"),
    [
        ("Account", ["Name"]),
        ("Contact", ["LastName"]),
        ("Lead", ["LastName", "Company"]),
        ("Opportunity", ["Name", "StageName", "CloseDate"]),
        ("OpportunityContactRole", ["OpportunityId", "ContactId"]),
        ("Task", []),
    ],
)
def test_required_fields(org: Salesforce, object_name: str, names: list[str]) -> None:
    assert required(fields_of(org, object_name)) == names


def test_describe_says_what_clients_rely_on(org: Salesforce) -> None:
    contact = fields_of(org, "contact")
    assert (contact["LastName"]["length"], contact["LastName"]["byteLength"]) == (80, 240)
    assert contact["Name"]["nameField"]
    assert not contact["Name"]["createable"]
    assert contact["Email"]["idLookup"]
    assert contact["MailingCity"]["compoundFieldName"] == "MailingAddress"
    assert contact["AccountId"]["referenceTo"] == ["Account"]
    assert contact["AccountId"]["relationshipName"] == "Account"
    deal = fields_of(org, "Opportunity")
    assert (deal["Amount"]["type"], deal["Amount"]["precision"], deal["Amount"]["scale"]) == ("currency", 18, 2)
    stages = [value["value"] for value in deal["StageName"]["picklistValues"] if value["active"]]
    assert {"Discovery", "Proposal/Price Quote", "Negotiation/Review", "Closed Won", "Closed Lost"} <= set(stages)
    assert not deal["StageName"]["restrictedPicklist"]
    assert stages == [
        stage["ApiName"] for stage in org.query("SELECT ApiName FROM OpportunityStage ORDER BY SortOrder")
    ]
    described = org.get("/sobjects").json()["sobjects"]
    assert {"User", "RecordType", "Task", "OpportunityStage"} <= {each["name"] for each in described}
    assert org.get("/sobjects/Nothing/describe").status_code == 404


def test_describe_is_cacheable(org: Salesforce) -> None:
    first = org.get("/sobjects/Account/describe")
    assert org.get("/sobjects/Account/describe", {"If-None-Match": first.headers["ETag"]}).status_code == 304


def test_a_custom_field_is_invisible_until_granted(org: Salesforce) -> None:
    metadata = {"label": "HubSpot Record ID", "type": "Text", "length": 32, "externalId": True, "unique": True}
    body = {"FullName": f"Contact.{ID_FIELD}", "Metadata": metadata}
    created = org.post("/tooling/sobjects/CustomField", body)
    assert (created.status_code, created.json()["success"]) == (201, True)
    soql = f"SELECT Id FROM CustomField WHERE TableEnumOrId = 'Contact' AND DeveloperName = '{ID_FIELD[:-3]}'"
    assert [row["Id"] for row in org.query(soql, "/tooling/query")] == [created.json()["id"]]
    assert org.post("/tooling/sobjects/CustomField", body).json()[0]["errorCode"] == "DUPLICATE_DEVELOPER_NAME"

    assert ID_FIELD not in fields_of(org, "Contact")
    assert f"No such column '{ID_FIELD}' on entity 'Contact'" in org.query_error(f"SELECT {ID_FIELD} FROM Contact")[1]
    refused = org.post("/sobjects/Contact", {"LastName": "x", ID_FIELD: "1"}).json()[0]
    assert refused["message"] == f"No such column '{ID_FIELD}' on sobject of type Contact"

    user_id = org.get("/services/oauth2/userinfo").json()["user_id"]
    permission_set = org.create("PermissionSet", Name="Sync", Label="Sync")
    grant = org.create(
        "FieldPermissions", ParentId=permission_set, SobjectType="Contact", Field=f"Contact.{ID_FIELD}",
        PermissionsRead=True,
    )  # fmt: skip
    assignment = {"PermissionSetId": permission_set, "AssigneeId": user_id}
    org.create("PermissionSetAssignment", **assignment)
    again = org.post("/sobjects/PermissionSetAssignment", assignment).json()[0]
    assert again["errorCode"] == "DUPLICATE_VALUE"
    assert again["message"].startswith("Duplicate PermissionSetAssignment. Assignee: ")

    assert fields_of(org, "Contact")[ID_FIELD]["externalId"]
    refused = org.post("/sobjects/Contact", {"LastName": "x", ID_FIELD: "1"}).json()[0]
    assert refused["errorCode"] == "INVALID_FIELD_FOR_INSERT_UPDATE"
    assert org.patch(f"/sobjects/FieldPermissions/{grant}", {"PermissionsEdit": True}).status_code == 204
    assert org.control("/writes") == []
    org.create("Contact", LastName="x", **{ID_FIELD: "1"})


def test_bad_custom_fields(org: Salesforce) -> None:
    for body in (
        {"FullName": "Contact.NoSuffix", "Metadata": {"type": "Text", "length": 5}},
        {"FullName": "Nothing.X__c", "Metadata": {"type": "Text", "length": 5}},
        {"FullName": "Contact.X__c", "Metadata": {"type": "Magic"}},
        {"FullName": "Contact.X__c", "Metadata": {"type": "Text", "length": 256}},
    ):
        assert org.post("/tooling/sobjects/CustomField", body).status_code == 400
    bad = {
        "ParentId": org.create("PermissionSet", Name="S", Label="S"),
        "SobjectType": "Contact",
        "Field": "Contact.N__c",
    }
    error = org.post("/sobjects/FieldPermissions", {**bad, "PermissionsRead": True}).json()[0]
    assert error["message"] == "Field Name: bad value for restricted picklist field: Contact.N__c"


def test_hidden_deleted_and_renamed_fields(org: Salesforce) -> None:
    record = org.create("Contact", LastName="x", Title="CEO")
    org.control("/metadata", {"action": "hide", "object": "Contact", "field": "Title"})
    assert "Title" not in fields_of(org, "Contact")
    assert org.query_error("SELECT Title FROM Contact")[0] == "INVALID_FIELD"
    assert "Title" not in org.get(f"/sobjects/Contact/{record}").json()
    org.control("/edit", {"object": "Contact", "id": record, "values": {"Title": "CFO"}})
    org.control("/metadata", {"action": "show", "object": "Contact", "field": "Title"})
    assert org.query("SELECT Title FROM Contact")[0]["Title"] == "CFO"
    org.control("/metadata", {"action": "rename", "object": "Contact", "field": "Title", "name": "Function__c"})
    assert org.query("SELECT Function__c FROM Contact")[0]["Function__c"] == "CFO"
    org.control("/metadata", {"action": "delete", "object": "Contact", "field": "Department"})
    assert org.query_error("SELECT Department FROM Contact")[0] == "INVALID_FIELD"


def test_a_locked_field_is_read_and_not_written(org: Salesforce) -> None:
    record = org.create("Contact", LastName="x", Title="CEO")
    org.control("/metadata", {"action": "lock_field", "object": "Contact", "field": "Title"})
    title = fields_of(org, "Contact")["Title"]
    assert (title["createable"], title["updateable"], title["calculated"]) == (False, False, False)
    assert org.get(f"/sobjects/Contact/{record}").json()["Title"] == "CEO"
    error = org.patch(f"/sobjects/Contact/{record}", {"Title": "CFO"}).json()[0]
    assert (error["errorCode"], error["fields"]) == ("INVALID_FIELD_FOR_INSERT_UPDATE", ["Title"])
    org.control("/metadata", {"action": "unlock_field", "object": "Contact", "field": "Title"})
    assert fields_of(org, "Contact")["Title"]["updateable"]
    assert org.patch(f"/sobjects/Contact/{record}", {"Title": "CFO"}).status_code == 204


def test_every_type_of_custom_field(org: Salesforce) -> None:
    definitions: dict[str, dict[str, Any]] = {
        "Score__c": {"type": "Number", "precision": 6, "scale": 1},
        "Active__c": {"type": "Checkbox", "defaultValue": "true"},
        "Since__c": {"type": "DateTime"},
        "Notes__c": {"type": "LongTextArea", "length": 1000},
        "Tags__c": {
            "type": "MultiselectPicklist",
            "valueSet": {
                "restricted": True,
                "valueSetDefinition": {"value": [{"fullName": name} for name in ("red", "green", "blue")]},
            },
        },
        "Boss__c": {"type": "Lookup", "referenceTo": "Contact", "relationshipName": "Staff"},
    }
    for name, metadata in definitions.items():
        org.control("/metadata", {"action": "add_field", "object": "Contact", "name": name, "metadata": metadata})
    boss = org.create("Contact", LastName="Boss")
    org.create(
        "Contact", LastName="x", Score__c=1.25, Tags__c="blue; red", Since__c="2026-01-01T10:00:00+02:00", Boss__c=boss
    )
    soql = "SELECT {} FROM Contact WHERE Tags__c INCLUDES ('red;blue', 'green')"
    found = org.query(soql.format("Score__c, Active__c, Tags__c, Since__c, Boss__r.LastName"))[0]
    assert (found["Score__c"], found["Active__c"], found["Tags__c"]) == (1.3, True, "red;blue")
    assert found["Since__c"] == "2026-01-01T08:00:00.000+0000"
    assert found["Boss__r"]["LastName"] == "Boss"
    error = org.post("/sobjects/Contact", {"LastName": "x", "Tags__c": "pink"}).json()[0]
    assert error["errorCode"] == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"


def test_new_stage(org: Salesforce) -> None:
    org.control("/metadata", {"action": "add_stage", "label": "Legal", "probability": 90})
    record = org.create("Opportunity", Name="D", StageName="Legal", CloseDate="2026-01-31")
    assert org.get(f"/sobjects/Opportunity/{record}").json()["Probability"] == 90.0
    options = fields_of(org, "Opportunity")["StageName"]["picklistValues"]
    assert "Legal" in [option["value"] for option in options]


def test_custom_object(org: Salesforce) -> None:
    fields = {
        "Amount__c": {"type": "Currency", "precision": 18, "scale": 2},
        "Account__c": {"type": "Lookup", "referenceTo": "Account", "relationshipName": "Projects"},
    }
    org.control("/metadata", {"action": "add_object", "name": "Project__c", "fields": fields})
    account = org.create("Account", Name="A")
    project = org.create("Project__c", Name="P", Amount__c=1.5, Account__c=account)
    assert project.startswith("a00")
    found = org.query("SELECT Name, Amount__c, Account__r.Name FROM Project__c")[0]
    assert (found["Amount__c"], found["Account__r"]["Name"]) == (1.5, "A")
    parent = org.query("SELECT Name, (SELECT Name FROM Projects__r) FROM Account")[0]
    assert parent["Projects__r"]["records"][0]["Name"] == "P"
    org.control("/reset", {"demo": False})
    assert org.get("/sobjects/Project__c/describe").status_code == 404
