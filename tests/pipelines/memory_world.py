"""Two CRMs in memory, mappings, and a warehouse of its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
from memory_crms import NOW, Mappings, MemoryHubSpot, MemorySalesforce

from pipelines import ExtractReport, extract


@dataclass
class World:
    """Two CRMs, mappings and a warehouse; each `extract` is an hour later than the one before."""

    warehouse: Path
    hubspot: MemoryHubSpot = field(default_factory=MemoryHubSpot)
    salesforce: MemorySalesforce = field(default_factory=MemorySalesforce)
    mappings: Mappings = field(default_factory=Mappings)
    now: datetime = NOW

    def extract(self, **details: Any) -> ExtractReport:
        self.now += timedelta(hours=1)
        self.hubspot.asked.clear()
        self.salesforce.asked.clear()
        settings: Any = SimpleNamespace(warehouse_path=self.warehouse)
        clients: Any = SimpleNamespace(hubspot=self.hubspot, salesforce=self.salesforce)
        mappings: Any = self.mappings
        return extract(settings, mappings, clients, now=self.now, **details)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.warehouse), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def value(self, sql: str) -> Any:
        return self.rows(sql)[0][0]
