"""Custom fields that scenarios add to both CRMs, as an administrator would."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from world import World

from crm_sync.clients import build_clients
from sandbox import control

HUBSPOT_GROUPS = {"contacts": "contactinformation", "companies": "companyinformation", "deals": "dealinformation"}


def add_hubspot_property(
    world: World, object_: str, name: str, type_: str, field_type: str, options: Sequence[str] = (), **more: Any
) -> None:
    """A property of HubSpot's types: string/text, number/number, date/date, enumeration/checkbox, ..."""
    body: dict[str, Any] = {
        "name": name, "label": name, "type": type_, "fieldType": field_type, "groupName": HUBSPOT_GROUPS[object_],
        **more,
    }  # fmt: skip
    if options:
        body["options"] = [
            {"value": value, "label": value, "displayOrder": order, "hidden": False}
            for order, value in enumerate(options)
        ]
    clients = build_clients(world.settings)
    clients.hubspot.create_property(object_, body)
    clients.close()


def add_salesforce_field(
    world: World, object_: str, name: str, type_: str, options: Sequence[str] = (), **more: Any
) -> None:
    """A field of Salesforce's metadata types: Text, Number, Date, MultiselectPicklist, ..."""
    metadata: dict[str, Any] = {"type": type_, "label": name.removesuffix("__c"), **more}
    if options:
        values = [{"fullName": value, "label": value, "default": False} for value in options]
        metadata["valueSet"] = {"restricted": True, "valueSetDefinition": {"value": values}}
    control.change_metadata(
        world.state_dir, "salesforce", action="add_field", object=object_, name=name, metadata=metadata
    )
