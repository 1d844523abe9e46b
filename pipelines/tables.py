"""The tables that landing writes: their columns, types and keys, in one place.

Schemas `raw_hubspot` and `raw_salesforce`; timestamps are UTC with microseconds; columns named in `JSON_COLUMNS`
hold JSON documents. `reads` is not listed: it is written by reads.py, after everything else of a run.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

HUBSPOT = "raw_hubspot"
SALESFORCE = "raw_salesforce"

_TEXT = pa.string()
_TIME = pa.timestamp("us", tz="UTC")
_FLAG = pa.bool_()
_COUNT = pa.int64()

JSON_COLUMNS = frozenset({"properties", "options", "reference_to"})


@dataclass(frozen=True)
class Table:
    """One landed table; `newest_by` is the column whose greatest value wins when a key is read twice in one run."""

    name: str
    columns: pa.Schema
    primary_key: tuple[str, ...]
    newest_by: str | None = None

    def empty(self) -> pa.Table:
        return self.columns.empty_table()


@dataclass(frozen=True)
class Batch:
    """Rows on their way into one table."""

    table: Table
    data: pa.Table


def _table(name: str, key: tuple[str, ...], columns: dict[str, pa.DataType], newest_by: str | None = None) -> Table:
    all_columns = {**columns, "loaded_at": _TIME}
    fields = [pa.field(column, kind, nullable=column not in key) for column, kind in all_columns.items()]
    return Table(name, pa.schema(fields), key, newest_by)


# One row per CRM record.
RECORDS = _table(
    "records",
    ("object", "id"),
    {
        "object": _TEXT,
        "id": _TEXT,
        "properties": _TEXT,
        "created_at": _TIME,
        "modified_at": _TIME,
        "human_time": _TIME,
        "last_modified_by": _TEXT,
        "is_deleted": _FLAG,
        "merged_into_id": _TEXT,
    },
    newest_by="modified_at",
)

# One row per association of two HubSpot records and type.
ASSOCIATIONS = _table(
    "associations",
    ("from_object", "from_id", "to_object", "to_id", "type_id"),
    {
        "from_object": _TEXT,
        "from_id": _TEXT,
        "to_object": _TEXT,
        "to_id": _TEXT,
        "type_id": _COUNT,
        "category": _TEXT,
        "label": _TEXT,
        "is_primary": _FLAG,
        "is_present": _FLAG,
    },
)

# One row per HubSpot property; one that was not in the newest read keeps its older loaded_at.
PROPERTIES = _table(
    "properties",
    ("object", "name"),
    {
        "object": _TEXT,
        "name": _TEXT,
        "label": _TEXT,
        "type": _TEXT,
        "field_type": _TEXT,
        "options": _TEXT,
        "is_writable": _FLAG,
        "is_calculated": _FLAG,
        "has_unique_value": _FLAG,
        "is_required": _FLAG,
        "referenced_object": _TEXT,
    },
)

# One row per stage of a HubSpot pipeline.
PIPELINES = _table(
    "pipelines",
    ("object", "pipeline_id", "stage_id"),
    {
        "object": _TEXT,
        "pipeline_id": _TEXT,
        "pipeline_label": _TEXT,
        "pipeline_display_order": _COUNT,
        "stage_id": _TEXT,
        "stage_label": _TEXT,
        "stage_display_order": _COUNT,
        "is_closed": _FLAG,
        "probability": pa.float64(),
    },
)

# One row per HubSpot owner, archived ones included.
OWNERS = _table(
    "owners",
    ("id",),
    {
        "id": _TEXT,
        "user_id": _TEXT,
        "email": _TEXT,
        "first_name": _TEXT,
        "last_name": _TEXT,
        "type": _TEXT,
        "is_archived": _FLAG,
    },
)

# One row per list that an inclusion rule names and record that is or was its member.
LIST_MEMBERSHIPS = _table(
    "list_memberships",
    ("list_id", "record_id"),
    {
        "list_id": _TEXT,
        "list_name": _TEXT,
        "object": _TEXT,
        "record_id": _TEXT,
        "is_present": _FLAG,
    },
)

# One row per Salesforce field that the integration user may see.
FIELDS = _table(
    "fields",
    ("object", "name"),
    {
        "object": _TEXT,
        "name": _TEXT,
        "label": _TEXT,
        "type": _TEXT,
        "length": _COUNT,
        "precision": _COUNT,
        "scale": _COUNT,
        "digits": _COUNT,
        "is_nillable": _FLAG,
        "is_createable": _FLAG,
        "is_updateable": _FLAG,
        "is_defaulted_on_create": _FLAG,
        "is_calculated": _FLAG,
        "is_external_id": _FLAG,
        "is_unique": _FLAG,
        "is_restricted_picklist": _FLAG,
        "reference_to": _TEXT,
    },
)

# One row per value of a Salesforce picklist field.
PICKLIST_VALUES = _table(
    "picklist_values",
    ("object", "field", "value"),
    {
        "object": _TEXT,
        "field": _TEXT,
        "value": _TEXT,
        "label": _TEXT,
        "is_active": _FLAG,
        "is_default": _FLAG,
        "sort_order": _COUNT,
    },
)

# One row per record type of a mapped Salesforce object.
RECORD_TYPES = _table(
    "record_types",
    ("id",),
    {"id": _TEXT, "object": _TEXT, "name": _TEXT, "developer_name": _TEXT, "is_active": _FLAG},
)

# One row per Salesforce user.
USERS = _table(
    "users",
    ("id",),
    {
        "id": _TEXT,
        "username": _TEXT,
        "email": _TEXT,
        "name": _TEXT,
        "is_active": _FLAG,
        "user_type": _TEXT,
    },
)

# One row: the Salesforce organisation and the user that the sync acts as.
ORG = _table(
    "org",
    ("organization_id",),
    {"organization_id": _TEXT, "user_id": _TEXT, "username": _TEXT, "instance_url": _TEXT},
)

# One row per version of a HubSpot property, of the few records whose conflicts hang on it.
PROPERTY_HISTORY = _table(
    "property_history",
    ("object", "id", "property", "changed_at"),
    {
        "object": _TEXT,
        "id": _TEXT,
        "property": _TEXT,
        "changed_at": _TIME,
        "value": _TEXT,
        "source_type": _TEXT,
        "source_id": _TEXT,
        "user_id": _TEXT,
    },
)

# One row per tracked change of a Salesforce field, of the few records whose conflicts hang on it.
FIELD_HISTORY = _table(
    "field_history",
    ("id",),
    {
        "id": _TEXT,
        "object": _TEXT,
        "record_id": _TEXT,
        "field": _TEXT,
        "changed_at": _TIME,
        "old_value": _TEXT,
        "new_value": _TEXT,
        "created_by_id": _TEXT,
    },
)

TABLES: dict[str, tuple[Table, ...]] = {
    HUBSPOT: (RECORDS, ASSOCIATIONS, PROPERTIES, PIPELINES, OWNERS, LIST_MEMBERSHIPS, PROPERTY_HISTORY),
    SALESFORCE: (RECORDS, FIELDS, PICKLIST_VALUES, RECORD_TYPES, USERS, ORG, FIELD_HISTORY),
}
