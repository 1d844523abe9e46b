"""What has been read: one row per object in `reads`, written only after the object's records have landed.

Owns the watermarks and the rules about them:
- watermark = min(latest modification seen, start of the read), by the CRM's own times, never going back;
- an incremental read starts a lookback before it, with >=;
- a requested set of properties that grew means: read everything again, once;
- what a reconcile of an object has found is kept in `drift`, and its newest row tells when the next one is due.

The rows are one transaction: after a crash either all of a CRM's read counts, or none of it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import duckdb

from crm_sync.warehouse import has_table
from pipelines.columns import EPOCH, json_text
from pipelines.reconcile import KINDS, Drift

_CREATE = """
create table if not exists {schema}.reads (
    object varchar not null,
    started_at timestamp with time zone,
    watermark timestamp with time zone,
    requested_properties json,
    records bigint,
    is_complete boolean,
    is_full boolean,
    api_calls bigint,
    loaded_at timestamp with time zone
)
"""

# One row per reconcile of an object and kind of drift, with zeros: a row says that somebody has looked.
_CREATE_DRIFT = """
create table if not exists {schema}.drift (
    object varchar not null,
    kind varchar not null,
    records bigint,
    compared bigint,
    examples json,
    loaded_at timestamp with time zone not null
)
"""


@dataclass(frozen=True)
class PreviousRead:
    """The last complete read of one object."""

    watermark: datetime | None
    requested: frozenset[str]
    loaded_at: datetime | None = None


@dataclass(frozen=True)
class ObjectRead:
    """One object's read in this run, as written to `reads` and told to the user."""

    crm: str
    object: str
    requested: tuple[str, ...]
    watermark: datetime | None
    records: int
    is_full: bool
    api_calls: int
    seconds: float


def previous_reads(connection: duckdb.DuckDBPyConnection, schema: str) -> dict[str, PreviousRead]:
    """The last complete reads by object; empty for a new warehouse."""
    if not has_table(connection, schema, "reads"):
        return {}
    rows = connection.execute(
        "select object, epoch_us(watermark), requested_properties::varchar, epoch_us(loaded_at)"
        f" from {schema}.reads where is_complete"
    ).fetchall()
    return {
        object_: PreviousRead(_moment(watermark), frozenset(json.loads(requested or "[]")), _moment(loaded_at))
        for object_, watermark, requested, loaded_at in rows
    }


def last_loaded_at(connection: duckdb.DuckDBPyConnection, schema: str) -> datetime | None:
    """The newest loaded_at of any complete read."""
    if not has_table(connection, schema, "reads"):
        return None
    row = connection.execute(f"select epoch_us(max(loaded_at)) from {schema}.reads").fetchone()
    return _moment(row[0]) if row else None


def last_reconciled(connection: duckdb.DuckDBPyConnection, schema: str) -> dict[str, datetime]:
    """When each object was last compared in full."""
    if not has_table(connection, schema, "drift"):
        return {}
    rows = connection.execute(f"select object, epoch_us(max(loaded_at)) from {schema}.drift group by object").fetchall()
    return {object_: EPOCH + timedelta(microseconds=micros) for object_, micros in rows}


def since(
    previous: PreviousRead | None, requested: Collection[str], lookback: timedelta, *, full: bool
) -> datetime | None:
    """Where an incremental read starts; None when the object has to be read in full."""
    if full or previous is None or previous.watermark is None or not previous.requested.issuperset(requested):
        return None
    return previous.watermark - lookback


def next_watermark(
    previous: PreviousRead | None, latest_seen: datetime | None, started_at: datetime
) -> datetime | None:
    """min(latest modification seen so far, start of this read)."""
    seen = [moment for moment in (latest_seen, previous.watermark if previous else None) if moment is not None]
    return min(max(seen), started_at) if seen else None


def write_reads(
    connection: duckdb.DuckDBPyConnection,
    schema: str,
    reads: Sequence[ObjectRead],
    loaded_at: datetime,
    *,
    drifts: Sequence[Drift] = (),
) -> None:
    """Count everything that has landed with `loaded_at` as read."""
    micros = _micros(loaded_at)
    connection.execute("begin transaction")
    try:
        create_tables(connection, schema)
        for read in reads:
            connection.execute(f"delete from {schema}.reads where object = ?", [read.object])
            connection.execute(
                f"insert into {schema}.reads values "
                "(?, make_timestamptz(?), make_timestamptz(?), ?, ?, true, ?, ?, make_timestamptz(?))",
                _row(read, micros),
            )
        for drift in drifts:
            connection.executemany(
                f"insert into {schema}.drift values (?, ?, ?, ?, ?, make_timestamptz(?))", _drift_rows(drift, micros)
            )
        connection.execute("commit")
    except BaseException:
        connection.execute("rollback")
        raise


def create_tables(connection: duckdb.DuckDBPyConnection, schema: str) -> None:
    """`reads` and `drift`, where they are not there yet."""
    connection.execute(_CREATE.format(schema=schema))
    connection.execute(_CREATE_DRIFT.format(schema=schema))


def _drift_rows(drift: Drift, micros: int) -> list[list[Any]]:
    return [
        [drift.object, kind, drift.records[kind], drift.compared, json_text(drift.examples[kind]), micros]
        for kind in KINDS
    ]


def _row(read: ObjectRead, micros: int) -> list[Any]:
    watermark = None if read.watermark is None else _micros(read.watermark)
    requested = json_text(sorted(read.requested))
    return [
        read.object,
        micros,
        watermark,
        requested,
        read.records,
        read.is_full,
        read.api_calls,
        micros,
    ]


def _micros(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


def _moment(micros: int | None) -> datetime | None:
    return None if micros is None else EPOCH + timedelta(microseconds=micros)
