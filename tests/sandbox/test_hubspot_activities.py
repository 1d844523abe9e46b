"""Tasks, notes, calls, meetings and e-mails: the same endpoints as other records, by name and objectTypeId."""

from __future__ import annotations

from typing import Any

import pytest
from hubspot_support import Crm

ACTIVITIES = {"tasks": "0-27", "notes": "0-46", "meetings": "0-47", "calls": "0-48", "emails": "0-49"}
TO_CONTACT = {"tasks": 204, "notes": 202, "meetings": 200, "calls": 194, "emails": 198}
AT = "2026-03-01T09:30:00.000Z"


def contact(crm: Crm) -> dict[str, Any]:
    reply = crm.post("/crm/v3/objects/contacts", {"properties": {"email": "ada@example.com"}})
    result: dict[str, Any] = reply.json()
    return result


@pytest.mark.parametrize("name", ACTIVITIES)
def test_an_activity_is_a_record_like_others(crm: Crm, name: str) -> None:
    person = contact(crm)["id"]
    link = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": TO_CONTACT[name]}
    body = {"properties": {"hs_timestamp": AT}, "associations": [{"to": {"id": person}, "types": [link]}]}
    created = crm.post(f"/crm/v3/objects/{name}", body)
    assert created.status_code == 201, created.text
    by_id = crm.get(f"/crm/v3/objects/{ACTIVITIES[name]}/{created.json()['id']}", associations="contacts").json()
    assert by_id["properties"].keys() == {"hs_createdate", "hs_lastmodifieddate", "hs_object_id"}
    assert by_id["associations"]["contacts"]["results"][0]["id"] == person
    page = crm.get(f"/crm/v3/objects/{name}", properties="hs_timestamp,hs_createdate").json()
    assert page["results"][0]["properties"]["hs_timestamp"] == AT
    assert f"/record/{ACTIVITIES[name]}/" in page["results"][0]["url"]
    search = {
        "filterGroups": [{"filters": [{"propertyName": "associations.contact", "operator": "EQ", "value": person}]}]
    }
    assert crm.post(f"/crm/v3/objects/{name}/search", search).json()["total"] == 1
    assert crm.delete(f"/crm/v3/objects/{name}/{by_id['id']}").status_code == 204


@pytest.mark.parametrize("name", ACTIVITIES)
def test_the_time_of_an_activity_is_required(crm: Crm, name: str) -> None:
    reply = crm.post(f"/crm/v3/objects/{name}", {"properties": {}})
    assert reply.status_code == 400
    assert reply.json()["context"] == {"properties": ["hs_timestamp"]}


def test_batches_of_tasks(crm: Crm) -> None:
    inputs = [
        {"properties": {"hs_timestamp": AT, "hs_task_status": status}, "objectWriteTraceId": status}
        for status in ("WAITING", "FORGOTTEN")
    ]
    reply = crm.post("/crm/v3/objects/tasks/batch/create", {"inputs": inputs})
    assert reply.status_code == 207
    (created,), (error,) = reply.json()["results"], reply.json()["errors"]
    assert error["context"]["objectWriteTraceId"] == ["FORGOTTEN"]
    update = {"inputs": [{"id": created["id"], "properties": {"hs_task_status": "COMPLETED"}}]}
    assert crm.post("/crm/v3/objects/0-27/batch/update", update).status_code == 200
    read = {"inputs": [{"id": created["id"]}], "properties": ["hs_task_status"]}
    reply = crm.post("/crm/v3/objects/task/batch/read", read)
    assert reply.json()["results"][0]["properties"]["hs_task_status"] == "COMPLETED"


def test_a_logged_activity_moves_the_contacts_modification_time_and_is_nobodys_edit(crm: Crm) -> None:
    person = contact(crm)
    crm.control("/settings", {"clock_skew_ms": 60_000})
    note = crm.post("/crm/v3/objects/notes", {"properties": {"hs_timestamp": AT}}).json()
    path = f"/crm/v4/objects/notes/{note['id']}/associations/default/contacts/{person['id']}"
    reply = crm.put(path).json()
    assert [item["associationSpec"]["associationTypeId"] for item in reply["results"]] == [202, 201]
    crm.control("/settings", {"clock_skew_ms": 0})
    after = crm.get(f"/crm/v3/objects/contacts/{person['id']}", properties="notes_last_updated").json()
    assert after["updatedAt"] > person["updatedAt"]
    assert after["properties"]["notes_last_updated"] == AT
    assert [(write["object"], write["operation"]) for write in crm.writes()] == [
        ("contacts", "create"),
        ("notes", "create"),
        ("notes", "associate"),
    ]


def test_humans_log_activities(crm: Crm) -> None:
    created = crm.control("/create", {"object": "calls", "values": {"hs_timestamp": AT, "hs_call_title": "Hello"}})
    assert crm.control(f"/record/calls/{created['id']}")["properties"]["hs_call_title"] == "Hello"
    crm.control("/load", {"object": "meetings", "records": [{"id": "7", "properties": {"hs_meeting_title": "x"}}]})
    assert [record["id"] for record in crm.control("/records/meetings")] == ["7"]
