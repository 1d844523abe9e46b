"""Reads the diff tables that dbt writes: which stages a push has, and the operations of each, as a stream.

Owns the order of the push. Writes nothing, and never holds more than one fetch of a diff table in memory.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import duckdb
import orjson

from crm_sync.warehouse import has_table
from reverse_etl.operations import (
    ARCHIVE,
    ASSOCIATE,
    CREATE,
    HUBSPOT,
    SALESFORCE,
    TARGETS,
    UPDATE,
    Operation,
    Reference,
)
from reverse_etl.values import text

#: The schema of the diff tables that dbt writes. An undo has diff tables of its own, in a schema of its own.
DECIDED = "reverse_etl"

#: Within one push order: what later stages refer to comes first. A HubSpot record is stamped with the id of the
#: Salesforce record created just before; an association needs both its ends.
_RANKS = {
    (SALESFORCE, CREATE): 0,
    (SALESFORCE, UPDATE): 1,
    (HUBSPOT, CREATE): 2,
    (HUBSPOT, UPDATE): 3,
    (SALESFORCE, ASSOCIATE): 4,
    (HUBSPOT, ASSOCIATE): 5,
    (SALESFORCE, ARCHIVE): 6,
    (HUBSPOT, ARCHIVE): 7,
}
_LAST = len(_RANKS)
#: Fields whose record Salesforce locks while a child is written. [Salesforce docs: record locking cheat sheet]
_LOCKED_PARENTS = ("AccountId", "WhatId", "ParentId")
_FETCH_ROWS = 2_000


@dataclass(frozen=True, slots=True)
class Stage:
    """All operations of one kind: they may be written side by side, in any order."""

    push_order: int
    target: str
    object: str
    operation: str
    crm_object: str
    operations: int

    @property
    def rank(self) -> tuple[int, int, str, str]:
        kind = _RANKS.get((self.target, self.operation), _LAST)
        return (self.push_order, kind, self.object, self.operation)


def diff_table(schema: str, target: str) -> str:
    """The name of a target's diff table."""
    return f"{schema}.diff_{target}"


def stages(connection: duckdb.DuckDBPyConnection, schema: str = DECIDED) -> list[Stage]:
    """The stages of a push, in the order in which they must be made. A missing diff table has none."""
    found: list[Stage] = []
    for target in existing_targets(connection, schema):
        rows = connection.execute(
            f"""
            select push_order, object, operation, crm_object, count(*) as operations
            from {diff_table(schema, target)}
            group by all
            """
        ).fetchall()
        found += [Stage(row[0], target, row[1], row[2], row[3], row[4]) for row in rows]
    return sorted(found, key=lambda stage: stage.rank)


def existing_targets(connection: duckdb.DuckDBPyConnection, schema: str = DECIDED) -> list[str]:
    """The targets whose diff table exists."""
    rows = connection.execute(
        "select table_name from information_schema.tables where table_schema = ?", [schema]
    ).fetchall()
    names = {name for (name,) in rows}
    return [target for target in TARGETS if f"diff_{target}" in names]


def operations(connection: duckdb.DuckDBPyConnection, stage: Stage, schema: str = DECIDED) -> Iterator[Operation]:
    """The operations of one stage, streamed through a cursor of their own; those on children of one Salesforce record
    follow one another."""
    parent, records = _parent(connection, stage.target)
    cursor = connection.cursor()
    try:
        reader = cursor.sql(
            f"""
            select diffs.*, {parent} as parent
            from {diff_table(schema, stage.target)} as diffs
            {records}
            where diffs.push_order = ? and diffs.object = ? and diffs.operation = ? and diffs.crm_object = ?
            order by parent, diffs.operation_id
            """,
            params=[stage.push_order, stage.object, stage.operation, stage.crm_object],
        ).to_arrow_reader(_FETCH_ROWS)
        for batch in reader:
            for row in batch.to_pylist():
                yield _operation(stage.target, row)
    finally:
        cursor.close()


def _parent(connection: duckdb.DuckDBPyConnection, target: str) -> tuple[str, str]:
    """The record that Salesforce locks along with an operation's own, as it will be or as it was read; and the join
    that this takes."""
    if target != SALESFORCE:
        return "null::text", ""
    to_be = [
        f"diffs.{place}"
        for name in _LOCKED_PARENTS
        for place in (
            f"changes ->> '$.{name}'",
            f"\"references\" ->> '$.{name}.salesforce_id'",
            f"\"references\" ->> '$.{name}.link_id'",
        )
    ]
    if not has_table(connection, "raw_salesforce", "records"):
        return f"coalesce({', '.join(to_be)})", ""
    held = [f"records.properties ->> '$.{name}'" for name in _LOCKED_PARENTS]
    join = (
        "left join raw_salesforce.records as records"
        " on diffs.crm_object = records.object and diffs.record_id = records.id"
    )
    return f"coalesce({', '.join([*to_be, *held])})", join


def links_to_be_created(
    connection: duckdb.DuckDBPyConnection, target: str, link_ids: Collection[str], schema: str = DECIDED
) -> set[str]:
    """Those of the links for which this push has a create on the target."""
    if not link_ids or target not in existing_targets(connection, schema):
        return set()
    table = diff_table(schema, target)
    rows = connection.execute(
        f"select link_id from {table} where operation = 'create' and link_id in (select unnest(?))",
        [sorted(link_ids)],
    ).fetchall()
    return {link_id for (link_id,) in rows}


def mapped_fields(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], tuple[str, ...]]:
    """The mapped fields by (target, object), as far as the diff tables tell."""
    fields: dict[tuple[str, str], tuple[str, ...]] = {}
    for target in existing_targets(connection):
        rows = connection.execute(
            f"select object, any_value(all_fields) from {diff_table(DECIDED, target)} group by object"
        ).fetchall()
        for object_, all_fields in rows:
            fields[target, object_] = tuple(_parsed(all_fields, []))
    return fields


def _operation(target: str, row: Mapping[str, Any]) -> Operation:
    references = _parsed(row["references"], {})
    return Operation(
        operation_id=row["operation_id"],
        target=target,
        object=row["object"],
        push_order=row["push_order"],
        operation=row["operation"],
        crm_object=row["crm_object"],
        record_id=row["record_id"],
        link_id=row["link_id"],
        hubspot_id=row["hubspot_id"],
        salesforce_id=row["salesforce_id"],
        changes=_texts(row["changes"]),
        previous=_texts(row["previous"]),
        source_values=row["source_values"] or "{}",
        references={name: _reference(value) for name, value in references.items()},
        all_fields=tuple(_parsed(row["all_fields"], [])),
        field_types=_parsed(row["field_types"], {}),
        clear_first=tuple(_parsed(row.get("clear_first"), [])),
        snapshot_modified_at=row["snapshot_modified_at"],
        human_modified_at=row["human_modified_at"],
        source_modified_at=row.get("source_modified_at"),
        parent=row["parent"],
    )


def _reference(value: Mapping[str, Any]) -> Reference:
    return Reference(
        link_id=value.get("link_id") or "",
        object=value.get("object") or "",
        hubspot_id=text(value.get("hubspot_id")),
        salesforce_id=text(value.get("salesforce_id")),
    )


def _texts(value: Any) -> dict[str, str | None]:
    return {name: text(item) for name, item in _parsed(value, {}).items()}


def _parsed(value: str | None, default: Any) -> Any:
    return default if value is None else orjson.loads(value)
