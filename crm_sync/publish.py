"""Publishes what people read: a DuckDB file beside the warehouse that can be opened at any time.

DuckDB lets one process into a file while it is written. So each cycle ends by writing a new file and renaming it
over the old one: a reader has either the old or the new state, and never waits. Decides nothing, changes nothing.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import duckdb

from crm_sync.errors import CycleFailed

PUBLISHED_SCHEMAS = ("sync_health", "journal", "reverse_etl")
PUBLISHED_TABLES = (
    ("staging", "stg_object_mappings"), ("staging", "stg_field_mappings"), ("matching", "links"),
    ("matching", "match_issues"), ("matching", "unlinked_records"), ("inclusion", "records_included"),
    ("merging", "fields_decided"), ("merging", "fields_agreed"), ("merging", "mapping_versions"),
)  # fmt: skip
#: What is published as a view, over published tables: as a table it would repeat all values of all linked records.
PUBLISHED_VIEWS = (("merging", "field_decisions"),)


def publish(warehouse: Path, health: Path) -> None:
    """Write `health` anew from `warehouse`. Raises CycleFailed when the disk does not let it."""
    fresh = health.with_name(f"{health.name}.new")
    fresh.unlink(missing_ok=True)
    try:
        with duckdb.connect(str(warehouse)) as connection:
            connection.execute("set enable_progress_bar = false")
            connection.execute(f"attach '{_quoted(fresh)}' as published")
            for schema, table in _tables(connection):
                connection.execute(f'create schema if not exists published."{schema}"')
                connection.execute(f'create table published."{schema}"."{table}" as from "{schema}"."{table}"')
            for schema, view in _views(connection):
                _publish_view(connection, schema, view)
            connection.execute("detach published")
        os.replace(fresh, health)
    except (duckdb.Error, OSError) as error:
        fresh.unlink(missing_ok=True)
        raise CycleFailed(
            f"The health file {health.name} could not be written: {str(error).splitlines()[0]}",
            "Free disk space or give write access to the folder; the warehouse itself is complete.",
        ) from error


def _tables(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    rows = connection.execute(
        "select table_schema, table_name from information_schema.tables"
        " where table_catalog = current_database() and table_name not like 'int\\_%' escape '\\'"
        " order by table_schema, table_name"
    ).fetchall()
    return [row for row in rows if row[0] in PUBLISHED_SCHEMAS or row in PUBLISHED_TABLES]


def _views(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    rows = connection.execute(
        "select schema_name, view_name from duckdb_views() where database_name = current_database()"
    ).fetchall()
    return [view for view in PUBLISHED_VIEWS if view in rows]


def _publish_view(connection: duckdb.DuckDBPyConnection, schema: str, view: str) -> None:
    """The same view over the published tables: dbt has named the database in it, and that has another name there."""
    found = connection.execute(
        "select sql, current_database() from duckdb_views() where database_name = current_database()"
        " and schema_name = ? and view_name = ?",
        [schema, view],
    ).fetchone()
    assert found is not None
    sql, warehouse = found
    schemas = "|".join({schema for schema, _ in PUBLISHED_TABLES})
    sql = re.sub(rf'(?<![\w."])"?{re.escape(warehouse)}"?\.(?="?(?:{schemas})"?\.)', "", sql)
    connection.execute("use published")
    try:
        connection.execute(sql)
    finally:
        connection.execute(f'use "{warehouse}"')


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
