"""Reconcile: everything that a CRM has now, by id and modification time, against what the warehouse holds.

Owns the comparison, in tables of DuckDB so that no object's ids are ever held in memory, and what counts as drift:
what no later incremental read would bring. Makes no call: the sources list, read by id, and land.

A record that the list lacks is not deleted yet: only its by-id read says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from crm_sync.warehouse import has_table
from pipelines.columns import BATCH_ROWS, EPOCH, timestamps
from pipelines.tables import RECORDS, Batch

#: new, changed, restored: read again. deleted: marked, after the by-id read said so, merges included.
#: untraceable: a record that Salesforce neither shows nor has in its recycle bin; it may only be hidden, so it stays.
KINDS = ("new", "changed", "restored", "deleted", "untraceable")
EXAMPLES = 5
CHUNK = 1_000
_MICROSECOND = timedelta(microseconds=1)

_CREATE = """
create or replace temp table listed (id varchar, modified_at timestamp with time zone);
create or replace temp table landed (id varchar);
"""

_MISSED = """
select listed.id,
    case when stored.id is null then 'new' when stored.is_deleted then 'restored' else 'changed' end as kind
from listed
left join (select * from {schema}.records where object = $object) as stored on listed.id = stored.id
anti join landed on listed.id = landed.id
where coalesce(stored.is_deleted, false)
    or (
        listed.modified_at < make_timestamptz($before)
        and (stored.id is null or listed.modified_at is distinct from stored.modified_at)
    )
"""

_VANISHED = """
select stored.id, 'deleted' as kind
from {schema}.records as stored
anti join listed on stored.id = listed.id
anti join landed on stored.id = landed.id
where stored.object = $object and not coalesce(stored.is_deleted, false)
"""


@dataclass
class Drift:
    """What one object's reconcile has found: per kind how many records, and the ids of a few."""

    object: str
    compared: int = 0
    records: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    examples: dict[str, list[str]] = field(default_factory=lambda: {kind: [] for kind in KINDS})

    def count(self, kind: str, record_id: str) -> None:
        self.records[kind] += 1
        if len(self.examples[kind]) < EXAMPLES:
            self.examples[kind].append(record_id)

    @property
    def total(self) -> int:
        return sum(self.records.values())


class Comparison:
    """One object's list against its stored records. Feed it with `listing` and `landing`, then ask."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, schema: str, object_: str) -> None:
        self._cursor = cursor
        self._schema = schema
        self._object = object_
        self._ids: list[str] = []
        self._times: list[Any] = []
        self.drift = Drift(object_)
        cursor.execute(_CREATE)

    def listing(self, record_id: str, modified_at: Any) -> None:
        """A living record, as the CRM lists it now."""
        self._ids.append(record_id)
        self._times.append(modified_at)
        if len(self._ids) >= BATCH_ROWS:
            self._insert_listed()

    def landing(self, batch: Batch, *, is_list: bool = False) -> None:
        """Rows that this run lands anyway. `is_list`: they come from a full read, so the living ones are the list."""
        if batch.table is not RECORDS or not batch.data.num_rows:
            return
        deleted = batch.data.column("is_deleted")
        landed = batch.data.filter(deleted) if is_list else batch.data
        self._insert("landed", landed.select(["id"]))
        if is_list:
            self._insert("listed", batch.data.filter(pc.invert(deleted)).select(["id", "modified_at"]))

    def missed(self, before: datetime) -> Iterator[list[str]]:
        """Ids of living records that the warehouse lacks, has in an older state, or has as deleted. Of what was
        modified at or after `before` only the latter: the next incremental read brings the rest."""
        self._insert_listed()
        for chunk in self._chunks(_MISSED, before=(before - EPOCH) // _MICROSECOND):
            for record_id, kind in chunk:
                self.drift.count(kind, record_id)
            yield [record_id for record_id, _ in chunk]

    def vanished(self) -> Iterator[list[str]]:
        """Ids of records that are alive in the warehouse and not in the list."""
        self._insert_listed()
        for chunk in self._chunks(_VANISHED):
            yield [record_id for record_id, _ in chunk]

    def _chunks(self, sql: str, **values: Any) -> Iterator[list[tuple[str, str]]]:
        if not has_table(self._cursor, self._schema, "records"):
            return
        rows = self._cursor.execute(sql.format(schema=self._schema), {"object": self._object, **values})
        while chunk := rows.fetchmany(CHUNK):
            yield chunk

    def _insert_listed(self) -> None:
        if self._ids:
            page = pa.table({"id": pa.array(self._ids, pa.string()), "modified_at": timestamps(self._times)})
            self._insert("listed", page)
        self._ids, self._times = [], []

    def _insert(self, table: str, rows: pa.Table) -> None:
        if table == "listed":
            self.drift.compared += rows.num_rows
        self._cursor.register("arriving", rows)
        self._cursor.execute(f"insert into {table} select * from arriving")
        self._cursor.unregister("arriving")
