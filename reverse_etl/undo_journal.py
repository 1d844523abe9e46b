"""What the journal and the mappings know of a run that is to be undone, and of the records that it wrote.

Owns the reading of the past for `undo_plan.py`. Writes nothing, and makes no call.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb
import orjson

from reverse_etl.operations import CREATE, HUBSPOT, SALESFORCE

_WRITES = """
select
    attempt_id, run_id, target, object, crm_object, operation, link_id,
    coalesce(record_id, case target when 'hubspot' then hubspot_id else salesforce_id end) as record_id,
    hubspot_id, salesforce_id, changes, previous, source_values, stored, target_modified_at, human_modified_at
from journal.push_attempts
where outcome = 'succeeded' and {condition}
order by attempted_at, attempt_id
"""
_FETCH_ROWS = 2_000
#: Everything that was ever written to the records of one run, and to those that it archived.
_OF_ITS_RECORDS = """
(target, coalesce(record_id, case target when 'hubspot' then hubspot_id else salesforce_id end)) in (
    select (target, coalesce(record_id, case target when 'hubspot' then hubspot_id else salesforce_id end))
    from journal.push_attempts where run_id = ? and outcome = 'succeeded'
)
"""
_FIELDS = """
select object, 'hubspot' as target, hubspot_property as field, hubspot_type as data_type, true as is_own
from staging.stg_field_mappings where is_active and hubspot_property <> ''
union
select object, 'salesforce' as target, salesforce_field as field, salesforce_type as data_type,
    kind is distinct from 'reference_set' as is_own
from staging.stg_field_mappings where is_active and salesforce_field <> ''
"""
_CHILDREN = """
select distinct fields.references_object, objects.salesforce_object, fields.salesforce_field
from staging.stg_field_mappings as fields
inner join staging.stg_object_mappings as objects using (object)
where fields.kind = 'reference' and fields.is_active and fields.salesforce_field <> ''
"""


@dataclass(frozen=True, slots=True)
class Write:
    """One confirmed write: what was sent, what was there before, and what the CRM then held (`left`)."""

    attempt_id: str
    run_id: str
    target: str
    object: str
    crm_object: str
    operation: str
    link_id: str
    record_id: str
    hubspot_id: str | None
    salesforce_id: str | None
    changes: Mapping[str, str | None]
    previous: Mapping[str, str | None]
    left: Mapping[str, str | None]
    source_values: str
    written_at: datetime | None
    human_modified_at: datetime | None


class Past:
    """The confirmed writes of one run, all writes to its records, and the mappings as they are now."""

    def __init__(self, run_id: str, history: list[Write], mapping: Mapping[str, Any]) -> None:
        self.writes = [write for write in history if write.run_id == run_id]
        self._by_record: dict[tuple[str, str], list[Write]] = {}
        for write in history:
            self._by_record.setdefault((write.target, write.record_id), []).append(write)
        #: When this sync last changed each record, by the CRM's own clock.
        self.last_written = {
            key: max(times)
            for key, writes in self._by_record.items()
            if (times := [write.written_at for write in writes if write.written_at is not None])
        }
        self._mapping = mapping

    def left_in(self, target: str, record_id: str) -> dict[str, str | None]:
        """What this sync's writes have left in a record, field by field."""
        left: dict[str, str | None] = {}
        for write in self._by_record.get((target, record_id), ()):
            left.update(write.left)
        return left

    def sent_to(self, target: str, record_id: str) -> dict[str, str | None]:
        """What was last sent to a record, field by field."""
        sent: dict[str, str | None] = {}
        for write in self._by_record.get((target, record_id), ()):
            sent.update(write.changes)
        return sent

    def source_values_of(self, target: str, record_id: str) -> str:
        """The source's value of each field as it was last sent."""
        values: dict[str, Any] = {}
        for write in self._by_record.get((target, record_id), ()):
            values.update(orjson.loads(write.source_values or "{}"))
        return orjson.dumps(values).decode()

    def creation(self, target: str, record_id: str) -> Write | None:
        """The write that created a record, if this sync did."""
        writes = self._by_record.get((target, record_id), ())
        return next((write for write in writes if write.operation == CREATE), None)

    def has_living_source(self, create: Write) -> bool:
        """Whether the record that a created one was a copy of still exists."""
        side = SALESFORCE if create.target == HUBSPOT else HUBSPOT
        return (side, create.hubspot_id if side == HUBSPOT else create.salesforce_id) in self._mapping["living"]

    def human_time(self, target: str, record_id: str) -> datetime | None:
        """When somebody else had last edited a record, as known at the newest write to it."""
        times = [write.human_modified_at for write in self._by_record.get((target, record_id), ())]
        known = [time for time in times if time is not None]
        return known[-1] if known else None

    def push_order(self, object_: str) -> int:
        return int(self._mapping["push_orders"].get(object_, 0))

    def all_fields(self, target: str, object_: str) -> tuple[str, ...]:
        """Every mapped field of an object on a side, without sets that are records of their own."""
        fields = self._mapping["fields"].get((target, object_), {})
        return tuple(sorted(name for name, (_, is_own) in fields.items() if is_own))

    def field_types(self, target: str, object_: str) -> dict[str, str]:
        return {name: kind for name, (kind, _) in self._mapping["fields"].get((target, object_), {}).items()}

    def children(self, object_: str) -> list[tuple[str, str]]:
        """The Salesforce objects and fields that refer to records of an object."""
        found: list[tuple[str, str]] = self._mapping["children"].get(object_, [])
        return found


def read_past(connection: duckdb.DuckDBPyConnection, run_id: str) -> Past:
    """Everything that is known of a run's records."""
    history = _read(connection, _OF_ITS_RECORDS, run_id)
    return Past(run_id, history, _mapping(connection, history))


def _read(connection: duckdb.DuckDBPyConnection, condition: str, run_id: str) -> list[Write]:
    with connection.cursor() as cursor:
        reader = cursor.sql(_WRITES.format(condition=condition), params=[run_id]).to_arrow_reader(_FETCH_ROWS)
        return [_write(row) for batch in reader for row in batch.to_pylist()]


def _write(row: Mapping[str, Any]) -> Write:
    changes, stored = orjson.loads(row["changes"] or "{}"), orjson.loads(row["stored"] or "{}")
    names = stored if row["operation"] == CREATE else changes
    return Write(
        attempt_id=row["attempt_id"],
        run_id=row["run_id"],
        target=row["target"],
        object=row["object"],
        crm_object=row["crm_object"],
        operation=row["operation"],
        link_id=row["link_id"],
        record_id=row["record_id"] or "",
        hubspot_id=row["hubspot_id"],
        salesforce_id=row["salesforce_id"],
        changes=changes,
        previous=orjson.loads(row["previous"] or "{}"),
        left={name: stored.get(name, changes.get(name)) for name in names},
        source_values=row["source_values"] or "{}",
        written_at=row["target_modified_at"],
        human_modified_at=row["human_modified_at"],
    )


def _mapping(connection: duckdb.DuckDBPyConnection, history: list[Write]) -> dict[str, Any]:
    fields: dict[tuple[str, str], dict[str, tuple[str, bool]]] = {}
    for object_, target, name, kind, is_own in connection.execute(_FIELDS).fetchall():
        fields.setdefault((target, object_), {})[name] = (kind, is_own)
    children: dict[str, list[tuple[str, str]]] = {}
    for object_, child, child_field in connection.execute(_CHILDREN).fetchall():
        children.setdefault(object_, []).append((child, child_field))
    sources = sorted({one for write in history for one in (write.hubspot_id, write.salesforce_id) if one})
    living = connection.execute(
        "select side, record_id from staging.stg_records where not is_deleted and record_id in (select unnest(?))",
        [sources],
    ).fetchall()
    orders = connection.execute("select object, push_order from staging.stg_object_mappings").fetchall()
    return {"fields": fields, "children": children, "living": set(living), "push_orders": dict(orders)}
