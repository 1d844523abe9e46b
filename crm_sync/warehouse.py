"""What every room asks of a DuckDB file alike: which tables it has, and rows by column name. Knows no table itself."""

from __future__ import annotations

from typing import Any

import duckdb

Row = dict[str, Any]


def has_table(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> bool:
    """Whether a table or view exists."""
    # all rows are fetched: an unfinished result would keep the connection from other work
    found = connection.execute(
        "select 1 from information_schema.tables where table_schema = ? and table_name = ?", [schema, table]
    ).fetchall()
    return bool(found)


def tables(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """All tables and views, as `schema.table`."""
    found = connection.execute("select table_schema, table_name from information_schema.tables").fetchall()
    return {f"{schema}.{table}" for schema, table in found}


def rows_of(connection: duckdb.DuckDBPyConnection, sql: str, parameters: object = None) -> list[Row]:
    """The rows of a query, each by the names of its columns."""
    cursor = connection.execute(sql, parameters)
    columns = [column[0] for column in cursor.description or ()]
    return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
