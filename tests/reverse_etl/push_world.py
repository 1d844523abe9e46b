"""A push between the two stand-in CRMs: real clients over real HTTP, a warehouse in a temporary file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
from push_support import attempts_of, make_diffs, outcomes_of

from crm_sync.clients import Clients, build_clients
from crm_sync.config import Project, load_settings
from reverse_etl.journal import Journal
from reverse_etl.push import push
from reverse_etl.report import PushReport
from reverse_etl.values import instant, text
from sandbox import control

HUBSPOT_OBJECTS = ("companies", "contacts", "deals")
SALESFORCE_OBJECTS = ("Account", "Contact", "Opportunity")


@dataclass
class PushWorld:
    """Both CRMs and a warehouse."""

    state_dir: Path
    connection: duckdb.DuckDBPyConnection
    journal: Journal
    clients: Clients

    def diffs(self, *rows: dict[str, Any]) -> None:
        by_target: dict[str, list[dict[str, Any]]] = {"hubspot": [], "salesforce": []}
        for row in rows:
            by_target[row["operation_id"].partition("-")[0]].append(row)
        make_diffs(self.connection, **by_target)

    def push(self, run_id: str = "run", **options: Any) -> PushReport:
        defaults: dict[str, Any] = {"linked_counts": {}, "journal": self.journal}
        return push(self.connection, self.clients, run_id=run_id, **{**defaults, **options})

    @property
    def outcomes(self) -> dict[str, str | None]:
        return outcomes_of(self.connection)

    @property
    def attempts(self) -> list[dict[str, Any]]:
        return attempts_of(self.connection)

    # people at work

    def create(self, crm: str, object_: str, **values: Any) -> str:
        record = control.create(self.state_dir, crm, object_, values)
        return str(record.get("id") or record["Id"])

    def edit(self, crm: str, object_: str, record_id: str, **values: Any) -> None:
        control.edit(self.state_dir, crm, object_, record_id, values)

    def values(self, crm: str, object_: str, record_id: str) -> Mapping[str, Any]:
        """The fields of a record."""
        record = control.show(self.state_dir, crm, object_, record_id)
        found: Mapping[str, Any] = record.get("properties", record)
        return found

    def modified_at(self, crm: str, object_: str, record_id: str) -> datetime | None:
        """The time that a snapshot taken now would show."""
        record = control.show(self.state_dir, crm, object_, record_id)
        return instant(text(record["updatedAt"] if crm == "hubspot" else record["SystemModstamp"]))

    def records(self, crm: str, object_: str) -> list[dict[str, Any]]:
        return control.records(self.state_dir, crm, object_)

    def api_writes(self, crm: str) -> list[dict[str, Any]]:
        """The changes made through the API, not by people."""
        return [write for write in control.write_log(self.state_dir, crm) if write["actor"].startswith("api:")]

    def calls(self, crm: str) -> dict[str, int]:
        return control.calls(self.state_dir, crm)


def start_world(state_dir: Path, folder: Path) -> PushWorld:
    """Empty CRMs with their id fields, and an empty warehouse."""
    control.reset(state_dir, demo=False)
    _set_up_salesforce(state_dir)
    settings = load_settings("sandbox", {}, Project(folder), state_dir / "sandbox.env")
    clients = build_clients(settings)
    _set_up_hubspot(clients)
    connection = duckdb.connect(str(folder / "warehouse.duckdb"))
    for crm in control.CRMS:
        control.reset_calls(state_dir, crm)
    return PushWorld(state_dir, connection, Journal(connection), clients)


def _set_up_hubspot(clients: Clients) -> None:
    for object_ in HUBSPOT_OBJECTS:
        group = clients.hubspot.property_groups(object_)[0]["name"]
        clients.hubspot.create_property(
            object_,
            {
                "name": "salesforce_record_id",
                "label": "Salesforce record id",
                "type": "string",
                "fieldType": "text",
                "groupName": group,
                "hasUniqueValue": True,
            },
        )


def _set_up_salesforce(state_dir: Path) -> None:
    metadata = {"label": "HubSpot record id", "type": "Text", "length": 32, "externalId": True, "unique": True}
    for object_ in SALESFORCE_OBJECTS:
        control.change_metadata(
            state_dir,
            "salesforce",
            action="add_field",
            object=object_,
            name="HubSpot_Record_ID__c",
            metadata=metadata,
            granted=True,
        )
