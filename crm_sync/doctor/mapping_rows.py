"""The seeds against what the CRMs say of themselves: every mapping row, stages, owners, picklists, inclusion rules.

Owns no rule of its own: types are those of `stg_fields` and type_compatibility.csv, stages are found by label as in
`stg_stage_pairs`. What the sync would hold back is a warning, what would stop it an error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from crm_sync.doctor.field_types import hubspot_type, salesforce_type
from crm_sync.doctor.findings import Finding, Metadata
from crm_sync.mappings import Mappings, ObjectMapping, Row

Field = Mapping[str, Any]
_CORRECT = "Correct the name or remove the row, or make the field visible to the integration user."


def examine_mappings(mappings: Mappings, metadata: Metadata) -> Iterator[Finding]:
    """Findings, area by area; areas whose metadata could not be read are left out."""
    yield from _area("mapping rows", mappings, metadata, _field_rows, "field mappings fit the fields of both CRMs")
    yield from _area(
        "inclusion rules", mappings, metadata, _named_properties, "matching and inclusion name fields that exist"
    )
    yield from _area("picklists", mappings, metadata, _values, "value mappings name values that exist")
    if metadata.pipelines is not None and "Opportunity" in metadata.salesforce_objects:
        yield from _area("stages", mappings, metadata, _stages, "every deal stage has a counterpart")
    if metadata.owners is not None and metadata.users is not None:
        yield from _area("owners", mappings, metadata, _owners, "every active owner has an active Salesforce user")


def _area(area: str, mappings: Mappings, metadata: Metadata, check: Any, well: str) -> Iterator[Finding]:
    found = [Finding(level, area, message, remedy) for level, message, remedy in check(mappings, metadata)]
    yield from found or [Finding("ok", area, well)]


Found = Iterator[tuple[str, str, str]]


# ---------------------------------------------------------------- field mappings


def _field_rows(mappings: Mappings, metadata: Metadata) -> Found:
    objects = {one.object: one for one in mappings.enabled}
    for row in mappings.rows["field_mappings"]:
        one = objects.get(row["object"])
        if one is None or row["direction"] == "none":
            continue
        hubspot, salesforce = _both(row, one, metadata)
        yield from _missing(row, one, metadata, hubspot, salesforce)
        yield from _unwritable(row, hubspot, salesforce)
        yield from _misfit(row, metadata, hubspot, salesforce)


def _both(row: Row, one: ObjectMapping, metadata: Metadata) -> tuple[Field | None, Field | None]:
    properties = metadata.hubspot_properties.get(one.hubspot_object, {})
    return properties.get(row["hubspot_property"]), _salesforce_fields(one, metadata).get(row["salesforce_field"])


def _salesforce_fields(one: ObjectMapping, metadata: Metadata) -> dict[str, Field]:
    described = metadata.salesforce_objects.get(one.salesforce_object, {})
    return {str(field.get("name")): field for field in described.get("fields") or ()}


def _missing(
    row: Row, one: ObjectMapping, metadata: Metadata, hubspot: Field | None, salesforce: Field | None
) -> Found:
    name, field = row["hubspot_property"], row["salesforce_field"]
    is_property = name and not name.startswith("associations.")
    if one.hubspot_object in metadata.hubspot_properties and is_property and hubspot is None:
        yield "error", f"{row.place}: HubSpot {one.hubspot_object} has no property {name}.", _CORRECT
    is_field = field and "." not in field
    if one.salesforce_object in metadata.salesforce_objects and is_field and salesforce is None:
        yield "error", f"{row.place}: Salesforce {one.salesforce_object} has no field {field}.", _CORRECT


def _unwritable(row: Row, hubspot: Field | None, salesforce: Field | None) -> Found:
    """A side that may win must be able to write to the other."""
    direction = row["direction"] or "prefer_salesforce"
    if hubspot is not None and direction != "always_hubspot" and _is_read_only(hubspot) and row["salesforce_field"]:
        yield (
            "warning",
            f"{row.place}: HubSpot does not let {row['hubspot_property']} be written, and {direction} may want to.",
            "Give the row the direction always_hubspot.",
        )
    field = row["salesforce_field"]
    may_write = direction != "always_salesforce" and field != "Id" and row["hubspot_property"]
    if salesforce is not None and may_write and not salesforce.get("updateable"):
        yield (
            "warning",
            f"{row.place}: Salesforce does not let {field} be edited, and {direction} may want to.",
            "Give the integration user the right to edit it, or the row the direction always_salesforce.",
        )


def _misfit(row: Row, metadata: Metadata, hubspot: Field | None, salesforce: Field | None) -> Found:
    if hubspot is None or salesforce is None or row["to_salesforce"] or row["to_hubspot"]:
        return
    types = (hubspot_type(hubspot), salesforce_type(salesforce))
    is_special = row["hubspot_property"] == "pipeline" or row["salesforce_field"] == "Id"
    if types not in metadata.fitting_types and not is_special:
        yield (
            "error",
            f"{row.place}: the types {types[0]} and {types[1]} do not fit.",
            "Map fields of fitting types, or add a transform.",
        )


def _is_read_only(field: Field) -> bool:
    meta = field.get("modificationMetadata")
    return bool(field.get("calculated")) or (isinstance(meta, dict) and bool(meta.get("readOnlyValue")))


# ---------------------------------------------------------------- matching, inclusion


def _named_properties(mappings: Mappings, metadata: Metadata) -> Found:
    for one in mappings.enabled:
        sides = {
            "hubspot": (one.hubspot_object, metadata.hubspot_properties.get(one.hubspot_object)),
            "salesforce": (one.salesforce_object, _salesforce_fields(one, metadata) or None),
        }
        named = [(row, row["side"], row["property"]) for row in _rules(mappings, one.object)]
        for row in mappings.rows["object_mappings"]:
            if row["object"] == one.object:
                named.append((row, "hubspot", row["match_hubspot_property"]))
                named.append((row, "salesforce", row["match_salesforce_field"]))
        for row, side, name in named:
            crm_object, fields = sides[side]
            if fields is not None and name and name not in fields:
                yield "error", f"{row.place}: {crm_object} has no field {name}.", _CORRECT


def _rules(mappings: Mappings, object_: str) -> list[Row]:
    return [
        row
        for row in mappings.rows["inclusion_rules"]
        if row["object"] == object_ and row["operator"] != "in_list" and row["side"] in ("hubspot", "salesforce")
    ]


# ---------------------------------------------------------------- picklists


def _values(mappings: Mappings, metadata: Metadata) -> Found:
    objects = {one.object: one for one in mappings.enabled}
    fields = {(row["object"], row["hubspot_property"]): row for row in mappings.rows["field_mappings"]}
    for row in mappings.rows["value_mappings"]:
        one, mapped = objects.get(row["object"]), fields.get((row["object"], row["hubspot_property"]))
        if one is None or mapped is None:
            continue
        hubspot, salesforce = _both(mapped, one, metadata)
        direction = row["direction"] or "both"
        options = {str(option.get("value")) for option in (hubspot or {}).get("options") or ()}
        if options and row["hubspot_value"] and row["hubspot_value"] not in options:
            yield "warning", _no_value(row, "hubspot_value", "HubSpot"), "Correct the value, or add it to the property."
        values = {str(value.get("value")): value for value in (salesforce or {}).get("picklistValues") or ()}
        active = {value for value, entry in values.items() if entry.get("active", True)}
        wanted = {part.strip() for part in row["salesforce_value"].split(";")} - {""}
        if (
            active
            and direction != "to_hubspot"
            and not wanted <= active
            and (salesforce or {}).get("restrictedPicklist")
        ):
            yield "warning", _no_value(row, "salesforce_value", "Salesforce"), "Correct the value, or add it there."


def _no_value(row: Row, column: str, crm: str) -> str:
    return f"{row.place}: {crm} has no value '{row[column]}' for {row['hubspot_property']}."


# ---------------------------------------------------------------- stages


def _stages(mappings: Mappings, metadata: Metadata) -> Found:
    stages = {
        (str(pipeline.get("label")), str(stage.get("label")))
        for pipeline in metadata.pipelines or ()
        for stage in pipeline.get("stages") or ()
    }
    described = metadata.salesforce_objects["Opportunity"]
    fields = {str(one.get("name")): one for one in described.get("fields") or ()}
    picklist = (fields.get("StageName") or {}).get("picklistValues") or ()
    known = {str(value.get("value")) for value in picklist if value.get("active", True)}
    rows = mappings.rows["stage_mappings"]
    for row in rows:
        pipeline, stage = row["hubspot_pipeline"], row["hubspot_stage"]
        if not any(stage == one[1] and pipeline in ("", one[0]) for one in stages):
            place = f"of pipeline '{pipeline}'" if pipeline else "of any pipeline"
            yield "warning", f"{row.place}: HubSpot has no stage '{stage}' {place}.", "Write stages by their labels."
        if known and row["salesforce_stage"] not in known:
            yield "warning", f"{row.place}: Salesforce has no stage '{row['salesforce_stage']}'.", "Correct the label."
    for pipeline, stage in sorted(stages):
        fits = [row for row in rows if row["hubspot_stage"] == stage and row["hubspot_pipeline"] in ("", pipeline)]
        if not any(row["direction"] in ("", "both", "to_salesforce") for row in fits):
            text = (
                f"The HubSpot stage '{stage}' of pipeline '{pipeline}' has no counterpart: deals in it are held back."
            )
            yield "warning", text, "Add a row to stage_mappings.csv."
    for stage in sorted(known):
        fits = [row for row in rows if row["salesforce_stage"] == stage]
        if not any(row["direction"] in ("", "both", "to_hubspot") for row in fits):
            text = f"The Salesforce stage '{stage}' has no counterpart: opportunities in it are held back."
            yield "warning", text, "Add a row to stage_mappings.csv."


# ---------------------------------------------------------------- owners


def _owners(mappings: Mappings, metadata: Metadata) -> Found:
    users = {str(user.get("Username") or "").lower(): user for user in metadata.users or ()}
    active = {str(user.get("Email") or "").lower() for user in users.values() if user.get("IsActive")}
    owners = {str(owner.get("email") or "").lower() for owner in metadata.owners or ()} - {""}
    overrides = {row["hubspot_owner_email"].lower(): row for row in mappings.rows["owner_mappings"]}
    for email, row in overrides.items():
        user = users.get(row["salesforce_username"].lower())
        if email not in owners:
            yield "warning", f"{row.place}: HubSpot has no owner {email}.", "Correct the address or remove the row."
        if user is None or not user.get("IsActive"):
            state = "is not active" if user else "does not exist"
            yield "warning", f"{row.place}: the user {row['salesforce_username']} {state}.", "Name an active user."
    alone = sorted(owners - active - set(overrides))
    if alone:
        shown = ", ".join(alone[:5]) + (f" and {len(alone) - 5} more" if len(alone) > 5 else "")
        yield (
            "warning",
            f"{len(alone)} of {len(owners)} HubSpot owners have no active Salesforce user with their address: {shown}.",
            "Add rows to owner_mappings.csv; until then the owner in Salesforce stays as it is.",
        )
