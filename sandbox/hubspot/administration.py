"""What an administrator does to the account behind the API: `POST /metadata` of the control port.

Owns: the vocabulary of changes. One change is a JSON object:
`{"action": "hide" | "show" | "delete" | "restore", "object", "property"}`,
`{"action": "rename", "object", "property", "name"}`,
`{"action": "add_option" | "remove_option", "object", "property", "value", "label"?}`,
`{"action": "add_stage", "pipeline", "id", "label", "probability"?}`,
`{"trigger": "format_phone", "on": true}`,
`{"rule": "pattern", "object", "property", "pattern", "message", "on": true}`.
Deleting or renaming works on HubSpot's own properties too, which the real product does not allow.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sandbox.hubspot.standard import Definition
from sandbox.organisation import ControlError, Record

if TYPE_CHECKING:
    from sandbox.hubspot.organisation import HubSpotOrganisation


def change_metadata(organisation: HubSpotOrganisation, change: Mapping[str, Any]) -> Record:
    """Make one change; returns the changed definition, or the rules."""
    if "trigger" in change:
        if change["trigger"] != "format_phone":
            raise ControlError(f'Unknown trigger "{change["trigger"]}": there is format_phone.')
        organisation.rules.format_phone = bool(change.get("on", True))
        return {"trigger": "format_phone", "on": organisation.rules.format_phone}
    if "rule" in change:
        return _set_pattern(organisation, change)
    action = str(change.get("action", ""))
    if action == "add_stage":
        return _add_stage(organisation, change)
    object_ = _object(organisation, change)
    definition = organisation.metadata.any_property(object_, str(change.get("property") or change.get("field")))
    if definition is None:
        raise ControlError(f"{object_} have no property {change.get('property')}.", 404)
    if action == "rename":
        return _rename(organisation, object_, definition, str(change["name"]))
    _apply(action, definition, change)
    organisation.metadata.save_property(object_, definition)
    return definition


def _object(organisation: HubSpotOrganisation, change: Mapping[str, Any]) -> str:
    found = organisation.metadata.catalog.find(str(change.get("object")))
    if found is None:
        raise ControlError(f'Unknown object "{change.get("object")}".')
    return found.name


def _apply(action: str, definition: Definition, change: Mapping[str, Any]) -> None:
    value = str(change.get("value", ""))
    match action:
        case "hide" | "show":
            definition["hidden"] = action == "hide"
        case "delete" | "restore":
            definition["archived"] = action == "delete"
        case "add_option":
            option = {
                "label": str(change.get("label", value)),
                "value": value,
                "description": "",
                "displayOrder": len(definition["options"]),
                "hidden": False,
            }
            definition["options"].append(option)
        case "remove_option":
            definition["options"] = [item for item in definition["options"] if item["value"] != value]
        case _:
            raise ControlError(f'Unknown action "{action}".')


def _rename(organisation: HubSpotOrganisation, object_: str, definition: Definition, name: str) -> Record:
    """Give a property another name; its values move along."""
    old = definition["name"]
    renamed = copy.deepcopy(definition) | {"name": name}
    organisation.metadata.drop_property(object_, old)
    organisation.metadata.save_property(object_, renamed)
    for record in list(organisation.store.all(object_)):
        if old in record.properties:
            record.properties[name] = record.properties.pop(old)
            organisation.store.save(record)
    return renamed


def _set_pattern(organisation: HubSpotOrganisation, change: Mapping[str, Any]) -> Record:
    object_, name = _object(organisation, change), str(change.get("property"))
    kept = tuple(item for item in organisation.rules.patterns if item[:2] != (object_, name))
    if change.get("on", True):
        message = str(change.get("message", f"{name} does not follow the account's rule."))
        kept = (*kept, (object_, name, str(change["pattern"]), message))
    organisation.rules.patterns = kept
    return {"rules": [list(item) for item in kept]}


def _add_stage(organisation: HubSpotOrganisation, change: Mapping[str, Any]) -> Record:
    pipeline = organisation.metadata.pipeline("deals", str(change.get("pipeline", "default")))
    if pipeline is None:
        raise ControlError(f"There is no deal pipeline {change.get('pipeline')}.", 404)
    probability = str(change.get("probability", "0.5"))
    stage: Record = copy.deepcopy(pipeline["stages"][0]) | {
        "id": str(change["id"]),
        "label": str(change["label"]),
        "displayOrder": len(pipeline["stages"]),
        "metadata": {
            "isClosed": "true" if probability in ("0.0", "1.0") else "false",
            "probability": probability,
        },
    }
    pipeline["stages"].append(stage)
    organisation.metadata.save_pipeline("deals", pipeline)
    return stage
