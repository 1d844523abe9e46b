"""An empty warehouse: every raw and journal table with its columns and no rows, as a first run leaves it.

dbt's unit tests take the column types of their inputs from the warehouse, so the tables must exist. Their columns are
those that the product itself creates: the landing's table list, the reads table and the journal.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from pipelines import reads
from pipelines.tables import JSON_COLUMNS, TABLES, Table
from reverse_etl.journal import Journal


def create_empty_warehouse(path: Path) -> None:
    """Create the file `path` with schemas raw_hubspot, raw_salesforce and journal; one run is under way."""
    with duckdb.connect(str(path)) as connection:
        connection.execute("set TimeZone = 'UTC'")
        for schema, tables in TABLES.items():
            connection.execute(f"create schema {schema}")
            for table in tables:
                _create(connection, schema, table)
            reads.create_tables(connection, schema)
        Journal(connection)
        connection.execute(
            "insert into journal.runs (run_id, command, started_at, status) values ('run', 'sync', now(), 'running')"
        )


def _create(connection: duckdb.DuckDBPyConnection, schema: str, table: Table) -> None:
    """The columns as Arrow has them, but documents as JSON: dlt lands them so."""
    connection.register("no_rows", table.empty())
    documents = [f"cast({name} as json) as {name}" for name in table.columns.names if name in JSON_COLUMNS]
    replaced = f" replace ({', '.join(documents)})" if documents else ""
    connection.execute(f"create table {schema}.{table.name} as select *{replaced} from no_rows")
    connection.unregister("no_rows")
