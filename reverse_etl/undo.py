"""Carries an undo out: what `undo_plan.py` has planned takes the same way to the CRMs as any push.

Owns the schema `undo`, which holds diff tables like those that dbt writes, and the order of an undo: fields and new
records first, then the archives of records that others might refer to (looked at once more just before), then the ids
of archived records on their counterparts. The limits are checked over all of it before the first call.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import duckdb
import orjson
import pyarrow as pa

from crm_sync.clients import Clients
from crm_sync.errors import ConfigError
from reverse_etl.batches import parts_of
from reverse_etl.guards import check_limits, count_linked
from reverse_etl.journal import Journal
from reverse_etl.operations import ARCHIVE, HUBSPOT_ID_PROPERTY, SALESFORCE, STALE, SUCCEEDED, TARGETS, Operation
from reverse_etl.push import build_writers, push, resolve_unknown
from reverse_etl.report import PushReport, combined
from reverse_etl.salesforce import BULK_THRESHOLD
from reverse_etl.undo_plan import Skipped, UndoPlan, plan_undo

SCHEMA = "undo"
_ROWS_AT_ONCE = 10_000
_TIMES = ("snapshot_modified_at", "human_modified_at", "source_modified_at")
_TABLE = pa.schema(
    [
        *[
            (name, pa.string())
            for name in (
                "operation_id", "object", "operation", "crm_object", "record_id", "link_id", "hubspot_id",
                "salesforce_id", "changes", "previous", "source_values", "references", "all_fields", "field_types",
            )
        ],
        ("push_order", pa.int64()),
        *[(name, pa.timestamp("us", tz="UTC")) for name in _TIMES],
    ]
)  # fmt: skip


@dataclass(frozen=True)
class Undone:
    """What an undo did, or (without a report) what it would do."""

    run_id: str
    plan: UndoPlan
    report: PushReport | None
    skipped: tuple[Skipped, ...]


def require_undoable(connection: duckdb.DuckDBPyConnection, run_id: str) -> str:
    """The id of the run to undo; `last` is the newest run that wrote something. ConfigError when there is no such."""
    newest = [
        row[0]
        for row in connection.execute(
            "select run_id from journal.push_attempts where outcome = 'succeeded'"
            " group by run_id order by max(attempted_at) desc limit 5"
        ).fetchall()
    ]
    if run_id == "last" and newest:
        return str(newest[0])
    wrote = connection.execute(
        "select 1 from journal.push_attempts where run_id = ? and outcome = 'succeeded' limit 1", [run_id]
    ).fetchone()
    if wrote:
        return run_id
    known = connection.execute("select 1 from journal.runs where run_id = ?", [run_id]).fetchone()
    what = f"The run {run_id} wrote nothing." if known else f"There is no run {run_id}."
    remedy = f"The newest that wrote something: {', '.join(newest)}." if newest else "No run has written anything yet."
    raise ConfigError(what, remedy)


def undo(
    connection: duckdb.DuckDBPyConnection,
    clients: Clients,
    *,
    run_id: str,
    undo_run_id: str,
    journal: Journal,
    limits: Iterable[Mapping[str, str | None]] = (),
    accepted: Collection[str] = (),
    pushes: bool = True,
    bulk_threshold: int = BULK_THRESHOLD,
) -> Undone:
    """Undo a run. Raises GuardStop before the first write, and ApiError when what is there cannot be read."""
    resolve_unknown(connection, clients, journal=journal)
    plan = plan_undo(connection, build_writers(clients), clients.salesforce, run_id, undo_run_id)
    _write_diffs(connection, [*plan.operations, *plan.stamps])
    if not pushes:
        return Undone(run_id, plan, None, tuple(plan.skipped))
    check_limits(connection, limits, accepted, count_linked(connection, undo_run_id), SCHEMA)
    reports = [_push(connection, clients, journal, undo_run_id, plan.first, bulk_threshold)]
    late: list[Skipped] = []
    for order in sorted({one.push_order for one in plan.parents}):
        # what has come to refer to a record in the meantime, a child that was edited say, must not go with it
        again = plan_undo(connection, build_writers(clients), clients.salesforce, run_id, undo_run_id)
        planned = {one.operation_id for one in plan.parents if one.push_order == order}
        level = [one for one in again.parents if one.operation_id in planned]
        reports.append(_push(connection, clients, journal, undo_run_id, level, bulk_threshold))
        late += [one for one in again.skipped if one not in plan.skipped and one not in late and not one.fields]
    archived = _archived(connection, undo_run_id)
    stamps = [one for one in plan.stamps if one.previous.get(HUBSPOT_ID_PROPERTY) in archived]
    reports.append(_push(connection, clients, journal, undo_run_id, stamps, bulk_threshold))
    skipped = (*plan.skipped, *_overtaken(connection, undo_run_id, {one.record_id for one in late}), *late)
    return Undone(run_id, plan, combined(reports), skipped)


def _push(
    connection: duckdb.DuckDBPyConnection,
    clients: Clients,
    journal: Journal,
    undo_run_id: str,
    operations: Sequence[Operation],
    bulk_threshold: int,
) -> PushReport:
    _write_diffs(connection, operations)
    return push(
        connection,
        clients,
        run_id=undo_run_id,
        journal=journal,
        linked_counts={},
        schema=SCHEMA,
        bulk_threshold=bulk_threshold,
    )


def _archived(connection: duckdb.DuckDBPyConnection, undo_run_id: str) -> set[str]:
    rows = connection.execute(
        "select record_id from journal.push_attempts where run_id = ? and target = ? and operation = ? and outcome = ?",
        [undo_run_id, SALESFORCE, ARCHIVE, SUCCEEDED],
    ).fetchall()
    return {record_id for (record_id,) in rows}


def _overtaken(connection: duckdb.DuckDBPyConnection, undo_run_id: str, known: Collection[str]) -> list[Skipped]:
    """What somebody edited between the planning and the write, but for the records known to be skipped."""
    rows = connection.execute(
        "select target, crm_object, record_id, changes, message from journal.push_attempts"
        " where run_id = ? and outcome = ? order by attempted_at",
        [undo_run_id, STALE],
    ).fetchall()
    return [
        Skipped(target, crm_object, record_id or "", tuple(sorted(orjson.loads(changes or "{}"))), message or "stale")
        for target, crm_object, record_id, changes, message in rows
        if record_id not in known
    ]


def _write_diffs(connection: duckdb.DuckDBPyConnection, operations: Sequence[Operation]) -> None:
    """The diff tables of the undo, with exactly these operations."""
    connection.execute(f"create schema if not exists {SCHEMA}")
    connection.register("empty_rows", _TABLE.empty_table())
    for target in TARGETS:
        connection.execute(f"create or replace table {SCHEMA}.diff_{target} as from empty_rows")
        for part in parts_of([one for one in operations if one.target == target], _ROWS_AT_ONCE):
            rows = pa.Table.from_pylist([_row(operation) for operation in part], schema=_TABLE)
            connection.register("undo_rows", rows)
            connection.execute(f"insert into {SCHEMA}.diff_{target} by name select * from undo_rows")
            connection.unregister("undo_rows")
    connection.unregister("empty_rows")


def _row(operation: Operation) -> dict[str, object]:
    names = ("operation_id", "object", "operation", "crm_object", "record_id", "link_id", "hubspot_id",
             "salesforce_id", "source_values", "push_order", *_TIMES)  # fmt: skip
    references = {name: {"link_id": one.link_id, "object": one.object} for name, one in operation.references.items()}
    return {
        **{name: getattr(operation, name) for name in names},
        "changes": _json(dict(operation.changes)),
        "previous": _json(dict(operation.previous)),
        "references": _json(references),
        "all_fields": _json(list(operation.all_fields)),
        "field_types": _json(dict(operation.field_types)),
    }


def _json(value: object) -> str:
    return orjson.dumps(value).decode()
