"""Running stand-in CRMs, clients for them, and a warehouse: extraction over HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb

from crm_sync.clients import Clients, build_clients
from crm_sync.config import HubSpotSettings, SalesforceSettings
from crm_sync.mappings import Mappings
from crm_sync.setup import SetupItem, apply_setup, inspect_setup
from pipelines import ExtractReport, extract
from sandbox import control


@dataclass
class Sandbox:
    """Running stand-ins, clients for them, and a warehouse."""

    state_dir: Path
    warehouse_path: Path
    hubspot: HubSpotSettings
    salesforce: SalesforceSettings
    mappings: Mappings

    def clients(self, **details: Any) -> Clients:
        settings: Any = self
        return build_clients(settings, **details)

    def extract(self, clients: Clients | None = None, **details: Any) -> ExtractReport:
        settings: Any = SimpleNamespace(warehouse_path=self.warehouse_path)
        return extract(settings, self.mappings, clients or self.clients(), now=datetime.now(UTC), **details)

    def set_up(self) -> list[SetupItem]:
        clients = self.clients()
        return apply_setup(clients, inspect_setup(clients, self.mappings))

    def create(self, crm: str, object_: str, **values: Any) -> str:
        record = control.create(self.state_dir, crm, object_, values)
        return str(record.get("id") or record["Id"])

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.warehouse_path), read_only=True) as connection:
            return connection.execute(sql).fetchall()
