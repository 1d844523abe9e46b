"""The control port and the functions that start, stop and play with the sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests
from hubspot_support import Crm

from sandbox import control


def test_edits_are_attributed_and_timed(crm: Crm) -> None:
    crm.control("/load", {"object": "contacts", "records": [{"id": "1", "properties": {"jobtitle": "CEO"}}]})
    body = {"object": "contacts", "id": "1", "values": {"jobtitle": None, "city": "Rome"}, "user": "priya.raman"}
    record = crm.control("/edit", body | {"at": "2026-10-05T08:00:00Z"})
    assert record["updatedAt"] == "2026-10-05T08:00:00.000Z"
    (write,) = crm.writes()
    assert write["actor"] == "priya.raman@demo.example"
    assert write["operation"] == "update"
    assert write["changes"] == {"jobtitle": ["CEO", ""], "city": [None, "Rome"]}
    assert crm.writes(since=write["seq"]) == []


def test_a_write_that_changes_nothing_is_not_logged(crm: Crm) -> None:
    created = crm.post("/crm/v3/objects/contacts", {"properties": {"email": "a@acme.com"}}).json()
    crm.patch(f"/crm/v3/objects/contacts/{created['id']}", {"properties": {"email": "A@acme.com", "city": ""}})
    (write,) = crm.writes()
    assert (write["operation"], write["actor"]) == ("create", "api:8801001")
    assert write["method"] == "POST /crm/v3/objects/{object_type}"


def test_humans_create_associate_delete_and_restore(crm: Crm) -> None:
    company = crm.control("/create", {"object": "companies", "values": {"name": "Acme"}})["id"]
    values = {"email": "a@acme.com", "associations.companies": company}
    contact = crm.control("/create", {"object": "contacts", "values": values})
    assert contact["properties"]["associatedcompanyid"] == company
    assert contact["properties"]["hs_object_source"] == "CRM_UI"
    crm.control("/delete", {"object": "contacts", "id": contact["id"]})
    assert crm.control(f"/record/contacts/{contact['id']}")["archived"] is True
    assert crm.control("/records/contacts") == []
    restored = crm.control("/act/restore", {"object": "contacts", "id": contact["id"]})
    assert restored["properties"]["associatedcompanyid"] == company
    assert [write["operation"] for write in crm.writes()] == ["create", "create", "associate", "archive", "restore"]


def test_a_human_may_move_a_lifecycle_stage_backwards(crm: Crm) -> None:
    stage = {"lifecyclestage": "customer"}
    contact = crm.control("/create", {"object": "contacts", "values": {"email": "a@acme.com"} | stage})
    edit = {"object": "contacts", "id": contact["id"], "values": {"lifecyclestage": "lead"}}
    assert crm.control("/edit", edit)["properties"]["lifecyclestage"] == "lead"


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/edit", {"object": "contacts", "id": "404", "values": {"city": "Rome"}}, 404),
        ("/edit", {"object": "unicorns", "id": "1", "values": {"city": "Rome"}}, 400),
        ("/edit", {"object": "contacts", "id": "1", "values": {"nope": "1"}}, 400),
        ("/edit", {"object": "contacts", "id": "1", "values": {"city": "x"}, "at": "yesterday"}, 400),
        ("/load", {"object": "contacts", "records": [{"id": "5", "properties": {"nope": "1"}}]}, 400),
        ("/act/dance", {}, 404),
        ("/metadata", {"action": "hide", "object": "contacts", "property": "nope"}, 404),
        ("/metadata", {"trigger": "nope"}, 400),
        ("/settings", {"latency_ms": "slow"}, 400),
        ("/settings", {"rate_limits": "off"}, 400),
    ],
)
def test_wrong_requests_are_named(crm: Crm, path: str, body: dict[str, object], status: int) -> None:
    crm.control("/load", {"object": "contacts", "records": [{"id": "1", "properties": {"city": "Oslo"}}]})
    response = requests.post(crm.control_url + path, json=body, timeout=5)
    assert response.status_code == status
    assert response.json()["error"]


def test_calls_are_counted_by_template(crm: Crm) -> None:
    crm.control("/calls/reset", {})
    crm.get("/crm/v3/objects/contacts/1")
    crm.get("/crm/v3/objects/contacts/2")
    crm.get("/nowhere")
    assert crm.control("/calls") == {"GET (no route)": 1, "GET /crm/v3/objects/{object_type}/{id}": 2}


def test_metadata_can_be_changed_behind_the_api(crm: Crm) -> None:
    crm.control("/load", {"object": "contacts", "records": [{"id": "1", "properties": {"city": "Oslo"}}]})
    properties = "/crm/v3/properties/contacts"
    change = {"object": "contacts", "property": "city"}
    crm.control("/metadata", change | {"action": "hide"})
    assert crm.get(f"{properties}/city").json()["hidden"] is True
    crm.control("/metadata", change | {"action": "delete"})
    assert "city" not in crm.get("/crm/v3/objects/contacts/1", properties="city").json()["properties"]
    crm.control("/metadata", change | {"action": "restore"})
    crm.control("/metadata", change | {"action": "rename", "name": "town"})
    assert crm.get("/crm/v3/objects/contacts/1", properties="city,town").json()["properties"]["town"] == "Oslo"
    option = {"object": "contacts", "property": "hs_lead_status", "value": "COLD", "label": "Cold"}
    crm.control("/metadata", option | {"action": "add_option"})
    patch = {"properties": {"hs_lead_status": "COLD"}}
    assert crm.patch("/crm/v3/objects/contacts/1", patch).status_code == 200


def test_triggers_and_rules(crm: Crm) -> None:
    crm.control("/metadata", {"trigger": "format_phone", "on": True})
    body = {"properties": {"email": "a@acme.com", "phone": "+1 415 555 0100"}}
    assert crm.post("/crm/v3/objects/contacts", body).json()["properties"]["phone"] == "(415) 555-0100"
    rule = {"rule": "pattern", "object": "contacts", "property": "zip", "pattern": r"\d{5}", "message": "Five digits."}
    crm.control("/metadata", rule)
    response = crm.post("/crm/v3/objects/contacts", {"properties": {"firstname": "A", "zip": "1"}})
    assert response.status_code == 400
    assert response.json()["errors"][0]["message"] == "Five digits."
    crm.control("/metadata", rule | {"on": False})
    crm.control("/metadata", {"trigger": "format_phone", "on": False})
    assert crm.post("/crm/v3/objects/contacts", {"properties": {"firstname": "A", "zip": "1"}}).status_code == 201


def test_the_account_survives_a_restart(tmp_path: Path) -> None:
    from sandbox import hubspot

    path = tmp_path / "hubspot.db"
    first = hubspot.open_organisation(path)
    assert first.is_new()
    created = first.create("contacts", {"email": "a@acme.com"})
    first.change_metadata({"trigger": "format_phone", "on": True})
    first.close()
    second = hubspot.open_organisation(path)
    assert not second.is_new()
    assert second.record("contacts", created["id"]) == created
    assert second.rules.format_phone
    assert len(second.writes.since()) == 1
    second.close()


@pytest.fixture
def state_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    pytest.importorskip("sandbox.salesforce")
    monkeypatch.setattr(control, "DEFAULT_PORTS", dict.fromkeys(control.CRMS, (0, 0)))
    yield tmp_path / "state"
    control.stop(tmp_path / "state")


def test_start_play_and_stop(state_dir: Path) -> None:
    addresses = control.start(state_dir)
    assert control.start(state_dir) == addresses
    variables = (state_dir / "sandbox.env").read_text(encoding="utf-8")
    assert f"HUBSPOT_BASE_URL={addresses.hubspot_url}\n" in variables
    assert "HUBSPOT_ACCESS_TOKEN=pat-sandbox-" in variables
    assert f"SALESFORCE_LOGIN_URL={addresses.salesforce_url}\n" in variables
    assert "SALESFORCE_CLIENT_SECRET=" in variables
    assert len(control.records(state_dir, "hubspot", "contacts")) == 500
    assert len(control.records(state_dir, "salesforce", "Contact")) == 500

    at = datetime(2026, 11, 1, 9, tzinfo=UTC)
    control.edit(state_dir, "hubspot", "contacts", "30100000001", {"jobtitle": "CEO"}, "priya.raman", at)
    assert control.show(state_dir, "hubspot", "contacts", "30100000001")["properties"]["jobtitle"] == "CEO"
    (write,) = control.write_log(state_dir, "hubspot")
    assert write["at"].startswith("2026-11-01T09:00:00")
    with pytest.raises(control.SandboxError, match="There is no contacts 5"):
        control.edit(state_dir, "hubspot", "contacts", "5", {"jobtitle": "CEO"})

    control.reset(state_dir, demo=False)
    assert control.records(state_dir, "hubspot", "contacts") == []
    assert control.load(state_dir, "hubspot", {"contacts": [{"id": "1", "properties": {}}]}) == {"contacts": 1}
    control.stop(state_dir)
    assert not any(item["running"] for item in control.status(state_dir).values())
    with pytest.raises(control.SandboxError, match="not running"):
        control.records(state_dir, "hubspot", "contacts")
    control.start(state_dir)
    assert [item["id"] for item in control.records(state_dir, "hubspot", "contacts")] == ["1"]
