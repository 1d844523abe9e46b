"""Canonical types of live fields, for doctor: the same rules as `stg_fields`, which decides in a cycle."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_NUMBERS = ("int", "double", "currency", "percent", "long")
_SAME = ("boolean", "date", "datetime", "email", "reference")


def hubspot_type(field: Mapping[str, Any]) -> str:
    """text, number, date, datetime, boolean, enumeration, multi, email or owner."""
    if field.get("name") in ("email", "hs_additional_emails"):
        return "email"
    if field.get("referencedObjectType") == "OWNER":
        return "owner"
    type_, shown_as = str(field.get("type")), field.get("fieldType")
    if type_ == "bool" or shown_as == "booleancheckbox":
        return "boolean"
    if type_ == "enumeration" and shown_as == "checkbox":
        return "multi"
    return type_ if type_ in ("number", "date", "datetime", "enumeration") else "text"


def salesforce_type(field: Mapping[str, Any]) -> str:
    """The same of a Salesforce field; reference is a lookup of anything but a user."""
    type_ = str(field.get("type"))
    if type_ == "reference" and "User" in (field.get("referenceTo") or ()):
        return "owner"
    if type_ in _NUMBERS:
        return "number"
    names = {"picklist": "enumeration", "multipicklist": "multi"}
    return names.get(type_, type_ if type_ in _SAME else "text")


def compatible_types(seeds_dir: Path) -> set[tuple[str, str]]:
    """Pairs of HubSpot and Salesforce types that fit without a transform."""
    with (seeds_dir / "type_compatibility.csv").open(encoding="utf-8-sig", newline="") as file:
        return {(row["hubspot_type"], row["salesforce_type"]) for row in csv.DictReader(file)}
