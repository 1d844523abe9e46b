"""HubSpot's metadata as rows: properties, pipelines and owners; and the lists that rules name.

What a new record of a custom object must have stands in its schema, not in its properties.

Owns the reading of documented shapes into the landed columns; a key that a reply lacks is null or the documented
default. A list that an inclusion rule names and HubSpot does not know is a mistake in the seed (ConfigError).

Sources: HubSpot docs: crm/properties (modificationMetadata.readOnlyValue), crm/pipelines (metadata values are
strings), crm/crm-custom-objects (requiredProperties), crm/owners, crm/lists.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from crm_sync.clients import HubSpotClient, Refused
from crm_sync.errors import ConfigError
from pipelines.columns import json_text

OBJECT_TYPE_NAMES = {"0-1": "contacts", "0-2": "companies", "0-3": "deals", "0-5": "tickets"}
#: Objects that HubSpot brings along: they have no schema of the account's own.
STANDARD_OBJECTS = frozenset(
    (
        *("contacts", "companies", "deals", "tickets", "leads", "products", "line_items", "quotes", "orders", "carts"),
        *("invoices", "tasks", "notes", "calls", "meetings", "emails", "communications", "postal_mail", "users"),
        *("appointments", "courses", "listings", "services"),
    )
)
PIPELINE_PROPERTIES = frozenset({"pipeline", "dealstage", "hs_pipeline", "hs_pipeline_stage"})


def properties_of(client: HubSpotClient, object_: str) -> list[dict[str, Any]]:
    """Every property of the object; ConfigError when HubSpot does not know the object."""
    try:
        return client.properties(object_)
    except Refused as error:
        if error.status == 404 or (error.status == 400 and "object type" in error.message.lower()):
            raise ConfigError(
                f"HubSpot has no object '{object_}' that this token may see.",
                "Correct the hubspot_object in dbt_project/seeds/object_mappings.csv, or disable the mapping.",
            ) from error
        raise


def is_hidden(item: Mapping[str, Any]) -> bool:
    """Whether an administrator has hidden the property: to the sync it is then gone, and its mapping suspended.

    HubSpot's own `hs_` properties are often hidden by nature and readable all the same.
    """
    return bool(item.get("hidden")) and not str(item.get("name", "")).startswith("hs_")


def required_properties(client: HubSpotClient, objects: Sequence[str]) -> dict[str, frozenset[str]]:
    """What a new record of each custom object must have, by the object's name as the mapping has it.

    One call, where a custom object is mapped. A token that may not read schemas learns nothing here: HubSpot then says
    of each record what it lacks.
    """
    custom = [object_ for object_ in objects if object_ not in STANDARD_OBJECTS and not object_.startswith("0-")]
    if not custom:
        return {}
    try:
        schemas = client.schemas()
    except Refused as error:
        if error.status in (403, 404):
            return {}
        raise
    required: dict[str, frozenset[str]] = {}
    for schema in schemas:
        names = schema.get("requiredProperties")
        found = frozenset(str(name) for name in names) if isinstance(names, list) else frozenset[str]()
        name = str(schema.get("name"))
        for alias in (name, f"p_{name}", str(schema.get("fullyQualifiedName")), str(schema.get("objectTypeId"))):
            required[alias] = found
    return required


def property_row(object_: str, item: Mapping[str, Any], required: Collection[str] = ()) -> dict[str, Any]:
    """One row of `properties`; `required`: names of those that a new record must have, as far as HubSpot tells."""
    modification = item.get("modificationMetadata")
    is_read_only = bool(modification.get("readOnlyValue")) if isinstance(modification, dict) else False
    is_calculated = bool(item.get("calculated"))
    return {
        "object": object_,
        "name": item.get("name"),
        "label": item.get("label"),
        "type": item.get("type"),
        "field_type": item.get("fieldType"),
        "options": json_text(list(_options(item.get("options")))),
        "is_writable": not is_read_only and not is_calculated,
        "is_calculated": is_calculated,
        "has_unique_value": bool(item.get("hasUniqueValue")),
        "is_required": item.get("name") in required,
        "referenced_object": item.get("referencedObjectType"),
    }


def pipeline_rows(client: HubSpotClient, object_: str) -> Iterator[dict[str, Any]]:
    """One row per stage of the object's pipelines."""
    for pipeline in client.pipelines(object_):
        for stage in _dicts(pipeline.get("stages")):
            metadata = stage.get("metadata")
            details: Mapping[str, Any] = metadata if isinstance(metadata, dict) else {}
            yield {
                "object": object_,
                "pipeline_id": pipeline.get("id"),
                "pipeline_label": pipeline.get("label"),
                "pipeline_display_order": pipeline.get("displayOrder"),
                "stage_id": stage.get("id"),
                "stage_label": stage.get("label"),
                "stage_display_order": stage.get("displayOrder"),
                "is_closed": str(details.get("isClosed", "")).lower() == "true",
                "probability": details.get("probability"),
            }


def owner_rows(client: HubSpotClient, *, archived: bool) -> list[dict[str, Any]]:
    """One row per owner, either the active or the archived ones. An archived owner's user id is in
    userIdIncludingInactive."""
    return [
        {
            "id": owner.get("id"),
            "user_id": owner.get("userId") or owner.get("userIdIncludingInactive"),
            "email": owner.get("email"),
            "first_name": owner.get("firstName"),
            "last_name": owner.get("lastName"),
            "type": owner.get("type"),
            "is_archived": archived,
        }
        for owner in client.owners(archived=archived)
    ]


def object_of_list(found: Mapping[str, Any]) -> str:
    """The object whose records a list holds, by its API name."""
    type_id = str(found.get("objectTypeId") or "")
    return OBJECT_TYPE_NAMES.get(type_id, type_id)


def find_list(client: HubSpotClient, name: str) -> Mapping[str, Any]:
    """The list of that id or name."""
    if name.isascii() and name.isdigit():
        try:
            reply = client.get_list(name)
            inner = reply.get("list", reply)
            if isinstance(inner, dict) and inner.get("listId") is not None:
                return inner
        except Refused as error:
            if error.status != 404:
                raise
    matches = [found for found in client.search_lists(name) if str(found.get("name", "")).casefold() == name.casefold()]
    if len(matches) == 1:
        return matches[0]
    problem = "has no list" if not matches else "has several lists"
    raise ConfigError(
        f"HubSpot {problem} named '{name}', which inclusion_rules.csv uses with in_list.",
        "Correct the name in dbt_project/seeds/inclusion_rules.csv, or give the list's id.",
    )


def _options(options: Any) -> Iterator[dict[str, Any]]:
    for option in _dicts(options):
        yield {
            "value": option.get("value"),
            "label": option.get("label"),
            "hidden": bool(option.get("hidden")),
            "display_order": option.get("displayOrder"),
        }


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
