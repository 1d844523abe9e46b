"""Running stand-in CRMs, clients for them, and a warehouse: extraction over HTTP."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
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

    def extract(self, clients: Clients | None = None, minutes_later: float = 0, **details: Any) -> ExtractReport:
        settings: Any = SimpleNamespace(warehouse_path=self.warehouse_path)
        now = datetime.now(UTC) + timedelta(minutes=minutes_later)
        return extract(settings, self.mappings, clients or self.clients(), now=now, **details)

    def calls(self, **details: Any) -> tuple[Counter[str], Counter[str]]:
        """What an extraction asks of HubSpot and of Salesforce, counted by them; logging in is left out."""
        time.sleep(1)  # each extraction has clients of its own, which do not know of the searches of this second
        for crm in control.CRMS:
            control.reset_calls(self.state_dir, crm)
        self.extract(**details)
        hubspot, salesforce = (Counter(control.calls(self.state_dir, crm)) for crm in control.CRMS)
        del salesforce["POST /services/oauth2/token"]
        return hubspot, salesforce

    def set_up(self) -> list[SetupItem]:
        clients = self.clients()
        return apply_setup(clients, inspect_setup(clients, self.mappings))

    def create(self, crm: str, object_: str, **values: Any) -> str:
        record = control.create(self.state_dir, crm, object_, values)
        return str(record.get("id") or record["Id"])

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.warehouse_path), read_only=True) as connection:
            return connection.execute(sql).fetchall()
