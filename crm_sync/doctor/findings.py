"""What a check has found, and what the CRMs have said of themselves for the checks to look at."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Level = Literal["ok", "warning", "error"]


@dataclass(frozen=True)
class Finding:
    """One thing looked at. Errors keep the sync from working, warnings from working well."""

    level: Level
    area: str
    message: str
    remedy: str = ""


@dataclass
class Metadata:
    """What the CRMs say of themselves, as far as it could be read."""

    hubspot_properties: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    salesforce_objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    pipelines: list[dict[str, Any]] | None = None
    owners: list[dict[str, Any]] | None = None
    users: list[dict[str, Any]] | None = None
    fitting_types: set[tuple[str, str]] = field(default_factory=set)
