"""When the fields in conflict were edited: HubSpot's property history and Salesforce's field history, of just them.

Owns the reading of both into `raw_hubspot.property_history` and `raw_salesforce.field_history`. Which fields are in
conflict is the decision's business, and so is what a history proves. A CRM that keeps no history of an object or
field simply gives no rows: the decision then falls back on the record's time.

Sources: HubSpot docs: crm/objects (propertiesWithHistory, at most 50 records a call); Salesforce object reference
(ContactHistory and its like: queryable by parent, not filterable by value; lookups are named without `Id`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from crm_sync.clients import Clients, HubSpotClient, Refused, SalesforceClient
from crm_sync.clients.salesforce import id_queries
from pipelines.columns import batch_of, parse_time
from pipelines.landing import land
from pipelines.salesforce import long_id
from pipelines.tables import FIELD_HISTORY, HUBSPOT, PROPERTY_HISTORY, SALESFORCE, Batch

HISTORY_BATCH = 50
#: Refusals that mean "this object has no history", or none that the integration user may see.
NO_HISTORY = frozenset({"INVALID_TYPE", "INVALID_FIELD", "INSUFFICIENT_ACCESS", "NOT_FOUND"})


@dataclass(frozen=True)
class FieldInConflict:
    """A mapped field of one link, whose two edits have to be dated."""

    hubspot_object: str
    hubspot_id: str
    hubspot_property: str
    salesforce_object: str
    salesforce_id: str
    salesforce_field: str


def read_evidence(
    warehouse_path: Path, clients: Clients, fields: Sequence[FieldInConflict], loaded_at: datetime
) -> None:
    """Land the histories of the given fields, stamped `loaded_at` (aware). Calls grow with the records in conflict."""
    hubspot = _by_object((one.hubspot_object, one.hubspot_id, one.hubspot_property) for one in fields)
    salesforce = _by_object((one.salesforce_object, one.salesforce_id, one.salesforce_field) for one in fields)
    land(warehouse_path, HUBSPOT, [_property_history(clients.hubspot, hubspot, loaded_at)])
    land(warehouse_path, SALESFORCE, [_field_history(clients.salesforce, salesforce, loaded_at)])


def _by_object(wanted: Iterable[tuple[str, str, str]]) -> dict[str, dict[str, set[str]]]:
    """Object -> record id -> fields."""
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for object_, record_id, name in wanted:
        found[object_][record_id].add(name)
    return found


# ------------------------------------------------------------ HubSpot


def _property_history(client: HubSpotClient, wanted: dict[str, dict[str, set[str]]], loaded_at: datetime) -> Batch:
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    for object_, records in wanted.items():
        ids = [record_id for record_id in records if any(map(_has_history, records[record_id]))]
        for start in range(0, len(ids), HISTORY_BATCH):
            chunk = ids[start : start + HISTORY_BATCH]
            names = sorted({name for record_id in chunk for name in records[record_id] if _has_history(name)})
            for row in _versions(client, object_, chunk, names):
                if row["property"] in records.get(row["id"], ()):
                    rows[row["object"], row["id"], row["property"], row["changed_at"]] = row
    return batch_of(PROPERTY_HISTORY, list(rows.values()), loaded_at)


def _has_history(name: str) -> bool:
    return not name.startswith("associations.")


def _versions(
    client: HubSpotClient, object_: str, ids: Sequence[str], names: Sequence[str]
) -> Iterator[dict[str, Any]]:
    inputs = [{"id": record_id} for record_id in ids]
    reply = client.batch(object_, "read", inputs, properties=["hs_object_id"], propertiesWithHistory=list(names))
    body = reply.body if isinstance(reply.body, dict) else {}
    for record in body.get("results") or []:
        for name, versions in (record.get("propertiesWithHistory") or {}).items():
            for version in versions:
                changed_at = parse_time(version.get("timestamp"))
                if changed_at is not None:
                    yield {
                        "object": object_,
                        "id": str(record.get("id")),
                        "property": name,
                        "changed_at": changed_at,
                        "value": version.get("value"),
                        "source_type": version.get("sourceType"),
                        "source_id": version.get("sourceId"),
                        "user_id": version.get("updatedByUserId"),
                    }


# ------------------------------------------------------------ Salesforce


def history_object(object_: str) -> tuple[str, str]:
    """The object that holds an object's field history, and its field that names the record."""
    if object_.endswith("__c"):
        return f"{object_[:-3]}__History", "ParentId"
    if object_ == "Opportunity":  # OpportunityHistory is something else
        return "OpportunityFieldHistory", "OpportunityId"
    return f"{object_}History", f"{object_}Id"


def _field_history(client: SalesforceClient, wanted: dict[str, dict[str, set[str]]], loaded_at: datetime) -> Batch:
    rows: list[dict[str, Any]] = []
    for object_, records in wanted.items():
        rows += _changes(client, object_, records)
    return batch_of(FIELD_HISTORY, rows, loaded_at)


def _changes(client: SalesforceClient, object_: str, records: dict[str, set[str]]) -> list[dict[str, Any]]:
    table, parent = history_object(object_)
    columns = (parent, "Field", "OldValue", "NewValue", "CreatedById", "CreatedDate")
    rows = []
    try:
        for soql in id_queries(table, list(records), columns):
            for page in client.query(soql.replace(" WHERE Id IN (", f" WHERE {parent} IN (")):
                rows += [row for found in page for row in _change_rows(object_, parent, found, records)]
    except Refused as error:
        if error.code not in NO_HISTORY:
            raise
    return rows


def _change_rows(
    object_: str, parent: str, found: dict[str, Any], records: dict[str, set[str]]
) -> Iterator[dict[str, Any]]:
    record_id = long_id(str(found.get(parent)))
    for name in records.get(record_id, ()):
        if found.get("Field") in (name, name.removesuffix("Id")):
            yield {
                "id": found.get("Id"),
                "object": object_,
                "record_id": record_id,
                "field": name,
                "changed_at": parse_time(found.get("CreatedDate")),
                "old_value": _text(found.get("OldValue")),
                "new_value": _text(found.get("NewValue")),
                "created_by_id": found.get("CreatedById"),
            }


def _text(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)
