"""Rows collected column by column, and turned into Arrow.

Owns the conversions that every source shares: API timestamps (ISO text with any offset, or epoch milliseconds),
counts, flags and JSON documents. A value that is not what its column holds becomes null, never an error: one odd
record must not stop a read. Whole tables of Python dicts are never held, only one batch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from crm_sync.clients.decoding import encode, without_surrogates
from pipelines.tables import RECORDS, Batch, Table

BATCH_ROWS = 10_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TIME = pa.timestamp("us", tz="UTC")


class RecordRows:
    """Rows for `records` of one object; `flush` empties it into one batch."""

    def __init__(self, object_: str, loaded_at: datetime) -> None:
        self._object = object_
        self._loaded_at = loaded_at
        self._start()

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def is_full(self) -> bool:
        return len(self._ids) >= BATCH_ROWS

    def add(
        self,
        record_id: str,
        properties: Mapping[str, Any],
        created_at: Any,
        modified_at: Any,
        human_time: Any,
        last_modified_by: Any = None,
        is_deleted: bool = False,
        merged_into_id: str | None = None,
    ) -> None:
        self._ids.append(record_id)
        self._properties.append(encode(properties))
        self._created.append(created_at)
        self._modified.append(modified_at)
        self._human.append(human_time)
        self._modifiers.append(last_modified_by)
        self._deleted.append(is_deleted)
        self._merged.append(merged_into_id)

    def flush(self) -> Batch:
        count = len(self._ids)
        columns = [
            pa.array([self._object] * count, pa.string()),
            pa.array(self._ids, pa.string()),
            pa.array(self._properties, pa.string()),
            timestamps(self._created),
            timestamps(self._modified),
            timestamps(self._human),
            pa.array(self._modifiers, pa.string()),
            pa.array(self._deleted, pa.bool_()),
            pa.array(self._merged, pa.string()),
            pa.array([self._loaded_at] * count, _TIME),
        ]
        self._start()
        return Batch(RECORDS, pa.Table.from_arrays(columns, schema=RECORDS.columns))

    def _start(self) -> None:
        self._ids: list[str] = []
        self._properties: list[bytes] = []
        self._created: list[Any] = []
        self._modified: list[Any] = []
        self._human: list[Any] = []
        self._modifiers: list[str | None] = []
        self._deleted: list[bool] = []
        self._merged: list[str | None] = []


def batch_of(table: Table, rows: Sequence[Mapping[str, Any]], loaded_at: datetime) -> Batch:
    """A batch from few rows (metadata, associations): mappings of column to value, cleaned by column type."""
    columns = []
    for field in table.columns:
        if field.name == "loaded_at":
            columns.append(pa.array([loaded_at] * len(rows), field.type))
        else:
            columns.append(pa.array([_clean(row.get(field.name), field.type) for row in rows], field.type))
    return Batch(table, pa.Table.from_arrays(columns, schema=table.columns))


def json_text(value: Any) -> str:
    """JSON for a landed document; lone surrogates, which no file can hold, become U+FFFD."""
    return encode(value).decode()


def timestamps(values: Sequence[Any]) -> pa.Array:
    """API timestamps (text, epoch milliseconds, datetime or None) as UTC; what cannot be read is null."""
    try:
        return pc.cast(pa.array(values, pa.string()), _TIME)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        return pa.array([parse_time(value) for value in values], _TIME)


def parse_time(value: Any) -> datetime | None:
    """One API timestamp as an aware datetime in UTC, None when it cannot be read."""
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    text = str(value or "").strip()
    try:
        if text.lstrip("-").isdigit():
            return EPOCH + timedelta(milliseconds=int(text))
        parsed = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        return None
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


def milliseconds(moment: datetime) -> int:
    """Whole milliseconds since the epoch."""
    return (moment - EPOCH) // timedelta(milliseconds=1)


def latest(data: pa.Table, column: str = "modified_at") -> datetime | None:
    """The greatest value of a timestamp column, None when there is none."""
    micros = pc.max(pc.cast(data.column(column), pa.int64())).as_py()
    return None if micros is None else EPOCH + timedelta(microseconds=micros)


def _clean(value: Any, kind: pa.DataType) -> Any:
    if value is None:
        return None
    if pa.types.is_string(kind):
        return without_surrogates(value) if isinstance(value, str) else str(value)
    if pa.types.is_boolean(kind):
        return value if isinstance(value, bool) else None
    if pa.types.is_timestamp(kind):
        return parse_time(value)
    try:
        return int(value) if pa.types.is_integer(kind) else float(value)
    except (ValueError, TypeError, OverflowError):
        return None
