"""Batches into the warehouse with dlt: one pipeline run per CRM, merged on the tables' keys.

Owns how dlt is used. Each run has a working directory of its own, beside the warehouse, that is deleted before and
after it: pending packages of a killed run are dropped, and no cursor lives in dlt's state (see reads.py). All
tables of the contract are created even when a run has no rows for them. Nothing is loaded unless all batches of
the run came: dlt extracts everything to files first.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Collection, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from crm_sync.errors import CycleFailed
from pipelines.tables import JSON_COLUMNS, TABLES, Batch, Table

_import_lock = threading.Lock()


def land(warehouse_path: Path, schema: str, batches: Iterable[Batch], existing: Collection[str] = ()) -> None:
    """Load all batches into `schema`. Tables not named in `existing` are created even when they get no rows.

    Raises what the batches' source raises, CycleFailed when loading fails.
    """
    source = _Source(batches)
    incoming = iter(source)
    if {table.name for table in TABLES[schema]}.issubset(existing):
        first = next(incoming, None)
        if first is None:
            return  # nothing has changed, and all tables are there: dlt need not even be imported
        incoming = chain([first], incoming)
    dlt = dlt_module()
    directory = landing_directory(warehouse_path) / schema
    shutil.rmtree(directory, ignore_errors=True)
    try:
        pipeline = dlt.pipeline(
            schema,
            pipelines_dir=str(directory),
            destination=dlt.destinations.duckdb(str(warehouse_path)),
            dataset_name=schema,
            progress=None,
        )
        pipeline.config.restore_from_destination = False
        pipeline.run(
            dlt.resource(_items, name="crm")(dlt, schema, incoming, existing),
            loader_file_format="parquet",
        )
    except Exception as error:
        if source.error is not None:
            raise source.error from None
        raise CycleFailed(
            f"The warehouse {warehouse_path} could not be written: {_first_line(error)}",
            "Check that its disk has room and that the file may be written; nothing of this read counts as done.",
        ) from error
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def landing_directory(warehouse_path: Path) -> Path:
    """Where dlt keeps its files during one run: one folder per CRM in it."""
    return warehouse_path.parent / f".{warehouse_path.stem}_landing"


class _Source:
    """The batches, and the exception their source ended with: dlt wraps it beyond recognition."""

    def __init__(self, batches: Iterable[Batch]) -> None:
        self._batches = batches
        self.error: BaseException | None = None

    def __iter__(self) -> Iterator[Batch]:
        """Those with rows."""
        try:
            yield from (batch for batch in self._batches if batch.data.num_rows)
        except Exception as error:
            self.error = error
            raise


def _items(dlt: Any, schema: str, source: Iterable[Batch], existing: Collection[str]) -> Iterator[Any]:
    """Each table's definition once, before its rows; dlt spends time on every table that it is told of."""
    told = set()
    for table in TABLES[schema]:
        if table.name not in existing:
            told.add(table.name)
            yield _definition(dlt, table)
    for batch in source:
        if batch.table.name not in told:
            told.add(batch.table.name)
            yield _definition(dlt, batch.table)
        yield dlt.mark.with_table_name(batch.data, batch.table.name)


def _definition(dlt: Any, table: Table) -> Any:
    return dlt.mark.with_hints(table.empty(), _hints(dlt, table), create_table_variant=True)


def _hints(dlt: Any, table: Table) -> Any:
    columns: dict[str, dict[str, Any]] = {
        name: {"data_type": "json"} for name in table.columns.names if name in JSON_COLUMNS
    }
    if table.newest_by:
        columns[table.newest_by] = {"dedup_sort": "desc"}
    return dlt.mark.make_hints(
        table_name=table.name,
        primary_key=table.primary_key,
        write_disposition={"disposition": "merge", "strategy": "delete-insert"},
        columns=columns,
    )


def dlt_module() -> Any:
    """dlt, imported when first needed (it takes a second), silent, and without telemetry."""
    with _import_lock:
        os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
        os.environ["RUNTIME__LOG_LEVEL"] = "CRITICAL"  # its warnings and tracebacks tell a user nothing
        # what has been merged would else stay in the file a second time: a sixth of the time
        os.environ["LOAD__TRUNCATE_STAGING_DATASET"] = "true"
        import dlt

        return dlt


def _first_line(error: BaseException) -> str:
    """The innermost cause in one line: dlt's own message is a page long."""
    while error.__cause__ is not None:
        error = error.__cause__
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0]
