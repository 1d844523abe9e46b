"""Leaves out of a run what the warehouse already holds.

Metadata is read whole in every run and hardly ever changes, and records are read again for the length of the lookback.
What came back as it is stored is not landed again: so `loaded_at` says when a row last changed, and what follows from
it need not be computed anew. Owns that comparison. A table of metadata of which a single row differs is landed whole:
that a row was not in the newest read is told by its older `loaded_at`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import duckdb

from pipelines.tables import (
    FIELDS,
    ORG,
    OWNERS,
    PICKLIST_VALUES,
    PIPELINES,
    PROPERTIES,
    RECORD_TYPES,
    RECORDS,
    USERS,
    Batch,
)

METADATA = frozenset(
    table.name for table in (PROPERTIES, PIPELINES, OWNERS, FIELDS, PICKLIST_VALUES, RECORD_TYPES, USERS, ORG)
)


def existing_tables(connection: duckdb.DuckDBPyConnection, schema: str) -> dict[str, frozenset[str]]:
    """The columns of the tables that earlier runs have made in `schema`."""
    rows = connection.execute(
        "select table_name, list(column_name) from information_schema.columns where table_schema = ? group by all",
        [schema],
    ).fetchall()
    return {table: frozenset(columns) for table, columns in rows}


def changed_only(
    connection: duckdb.DuckDBPyConnection,
    schema: str,
    existing: Mapping[str, frozenset[str]],
    batches: Iterable[Batch],
) -> list[Batch]:
    """The batches without the metadata that `schema` holds already. `existing`: its tables and their columns."""
    return [
        batch
        for batch in batches
        if batch.table.name not in METADATA
        or not existing.get(batch.table.name, frozenset()).issuperset(batch.table.columns.names)
        or not _is_stored(connection, schema, batch)
    ]


def _is_stored(connection: duckdb.DuckDBPyConnection, schema: str, batch: Batch) -> bool:
    """Whether the newest rows of the batch's table are exactly those of the batch."""
    table = batch.table
    columns = ", ".join(f'cast("{name}" as varchar) as "{name}"' for name in table.columns.names if name != "loaded_at")
    stored = f'"{schema}"."{table.name}"'
    read = batch.data  # noqa: F841  (named by the statement below)
    row = connection.execute(
        f"with stored as (select {columns} from {stored} where loaded_at = (select max(loaded_at) from {stored})),"
        f" read_now as (select {columns} from read)"
        " select (select count(*) from stored) = (select count(*) from read_now)"
        " and not exists (from (select * from read_now except select * from stored))"
    ).fetchone()
    return row is not None and bool(row[0])


def changed_records(connection: duckdb.DuckDBPyConnection, schema: str, batch: Batch) -> Batch:
    """The batch without the records that `schema` holds exactly so."""
    if batch.table is not RECORDS or not batch.data.num_rows:
        return batch
    read = batch.data  # noqa: F841  (named by the statement below)
    values = ("properties", "created_at", "human_time", "last_modified_by", "is_deleted", "merged_into_id")
    same = " and ".join(f'read."{name}" is not distinct from cast(stored."{name}" as {_type(name)})' for name in values)
    # in two steps, so that only the documents of these records are fetched
    changed = connection.sql(
        f"""
        with at_that_time as materialized (
            select stored.rowid as row_number
            from read
            inner join "{schema}".records as stored
                on read.object = stored.object
                and read.id = stored.id
                and read.modified_at is not distinct from stored.modified_at
        ),

        stored as materialized (
            select * from "{schema}".records
            where rowid in (select row_number from at_that_time)
        )

        select read.*
        from read
        anti join stored on read.object = stored.object and read.id = stored.id and {same}
        """
    ).to_arrow_table()
    return Batch(batch.table, changed.cast(batch.table.columns))


def _type(column: str) -> str:
    kinds = {"is_deleted": "boolean", "created_at": "timestamptz", "human_time": "timestamptz"}
    return kinds.get(column, "varchar")
