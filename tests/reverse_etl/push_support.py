"""Helpers of the push's tests: diff tables by hand, and a CRM in memory that a writer writes to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import duckdb
import orjson
import pyarrow as pa

from crm_sync.clients.errors import ApiError
from reverse_etl.batches import Written, send_isolating
from reverse_etl.hubspot_replies import judge_refusal
from reverse_etl.operations import CREATE, SUCCEEDED, Attempt, Current, Operation, Outcome
from reverse_etl.writers import merged_values, settled

SNAPSHOT = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)

_COLUMNS = """
    operation_id text, object text, push_order integer, operation text, crm_object text, record_id text,
    link_id text, hubspot_id text, salesforce_id text, changes json, previous json, source_values json,
    "references" json, all_fields json, field_types json, clear_first json, snapshot_modified_at timestamptz,
    human_modified_at timestamptz, reasons json
"""
_CRM_OBJECTS = {
    ("hubspot", "company"): "companies",
    ("hubspot", "contact"): "contacts",
    ("hubspot", "deal"): "deals",
    ("salesforce", "company"): "Account",
    ("salesforce", "contact"): "Contact",
    ("salesforce", "deal"): "Opportunity",
}
_PUSH_ORDERS = {"company": 1, "contact": 2, "deal": 3}


def diff_row(target: str, object_: str, operation: str, link_id: str, **values: Any) -> dict[str, Any]:
    """One row of a diff table, with sensible values where none are given."""
    record_id = values.get("record_id")
    changes = values.get("changes", {})
    return {
        "operation_id": f"{target}-{object_}-{operation}-{link_id}",
        "object": object_,
        "push_order": _PUSH_ORDERS[object_],
        "operation": operation,
        "crm_object": _CRM_OBJECTS[target, object_],
        "link_id": link_id,
        "hubspot_id": record_id if target == "hubspot" else None,
        "salesforce_id": record_id if target == "salesforce" else None,
        "changes": changes,
        "previous": {},
        "source_values": {},
        "references": {},
        "all_fields": list(changes),
        "field_types": {},
        "snapshot_modified_at": SNAPSHOT,
        "human_modified_at": None,
        "reasons": {},
        **values,
    }


def make_diffs(
    connection: duckdb.DuckDBPyConnection,
    hubspot: Sequence[Mapping[str, Any]] = (),
    salesforce: Sequence[Mapping[str, Any]] = (),
) -> None:
    """Both diff tables with exactly these rows."""
    connection.execute("create schema if not exists reverse_etl")
    for table, rows in (("diff_hubspot", hubspot), ("diff_salesforce", salesforce)):
        connection.execute(f"create or replace table reverse_etl.{table} ({_COLUMNS})")
        if not rows:
            continue
        names = sorted({name for row in rows for name in row})
        columns = {name: [_cell(row.get(name)) for row in rows] for name in names}
        connection.register("given_rows", pa.table(columns))
        connection.execute(f"insert into reverse_etl.{table} by name select * from given_rows")
        connection.unregister("given_rows")


def _cell(value: Any) -> Any:
    return orjson.dumps(value).decode() if isinstance(value, dict | list) else value


def attempts_of(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """The journal's attempts in the order in which they were made, JSON parsed."""
    table = connection.sql("select * from journal.push_attempts order by attempted_at, operation_id").to_arrow_table()
    rows = table.to_pylist()
    for row in rows:
        for name in ("changes", "previous", "source_values", "stored"):
            row[name] = orjson.loads(row[name]) if row[name] is not None else None
    return rows


def outcomes_of(connection: duckdb.DuckDBPyConnection) -> dict[str, str | None]:
    """Each operation's newest outcome."""
    return {row["operation_id"]: row["outcome"] for row in attempts_of(connection)}


class MemoryWriter:
    """A CRM in memory, called once at a time unless told otherwise. `on_send` sees each batch before it is written
    and may raise."""

    def __init__(self, name: str, size: int = 100) -> None:
        self.name = name
        self.at_once = 1
        self.unit: int | None = None
        self.calls_by_purpose: dict[str, int] = {}
        self.records: dict[str, dict[str, str | None]] = {}
        self.modified: dict[str, datetime] = {}
        self.by_key: dict[str, str] = {}
        self.sent: list[list[Operation]] = []
        self.calls = 0
        self.on_send: Callable[[Sequence[Operation]], None] = lambda operations: None
        self.on_sent: Callable[[Sequence[Operation]], None] = lambda operations: None
        self.on_read: Callable[[], None] = lambda: None
        self._size = size

    def batch_size(self, operation: str) -> int:
        return self._size

    def check_size(self, operation: str) -> int:
        return self._size

    def unit_size(self, operation: str) -> int:
        return self.unit or self._size

    def add(self, record_id: str, modified: datetime = SNAPSHOT, **values: str | None) -> None:
        self.records[record_id] = dict(values)
        self.modified[record_id] = modified

    def current(self, operations: Sequence[Operation]) -> dict[str, Current]:
        self.calls += 1
        self.on_read()
        ids = [operation.record_id for operation in operations if operation.record_id in self.records]
        return {one: Current(self.records[one], self.modified[one]) for one in ids if one}

    def write(self, operations: Sequence[Operation]) -> Written:
        return send_isolating(operations, self._send, judge_refusal)

    def complete(self, made: Sequence[tuple[Operation, Outcome]]) -> Written:
        raise AssertionError("every write of this CRM tells what is stored")

    def bulk(self, operation: str, operations: int) -> None:
        """Always batch by batch."""

    def end_job(self, job_id: str) -> None:
        raise AssertionError("this CRM has no jobs")

    def settle(self, attempts: Sequence[Attempt]) -> list[Outcome]:
        self.calls += 1
        self.on_read()
        return [self._settled(attempt.operation) for attempt in attempts]

    def _settled(self, operation: Operation) -> Outcome:
        record_id = self.by_key.get(operation.key) if operation.operation == CREATE else operation.record_id
        values = self.records.get(record_id or "")
        current = None if values is None else Current(values, self.modified[record_id or ""])
        return settled(self.name, operation, current, record_id, is_ours=True)

    def _send(self, operations: Sequence[Operation]) -> list[Outcome]:
        self.calls += 1
        self.sent.append(list(operations))
        self.on_send(operations)
        outcomes = []
        for operation in operations:
            record_id = operation.record_id
            if operation.operation == CREATE:
                record_id = self.by_key.setdefault(operation.key, f"{self.name}-{len(self.records) + 1}")
            assert record_id is not None
            self.records.setdefault(record_id, {}).update(operation.changes)
            self.modified[record_id] = datetime.now(UTC)
            stored = merged_values(operation, self.records[record_id])
            outcomes.append(Outcome(operation.operation_id, SUCCEEDED, record_id=record_id, stored=stored))
        self.on_sent(operations)
        return outcomes


def raising(error: ApiError) -> Callable[..., None]:
    """A hook that raises."""

    def hook(*_: Any) -> None:
        raise error

    return hook
