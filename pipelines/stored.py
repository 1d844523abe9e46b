"""What the warehouse holds of one CRM's records, as the sources need to know it before they read.

Reads the raw tables, and of the last decision only which records are linked and in scope. Makes no call and writes
nothing. A warehouse that is new holds nothing.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import duckdb

from crm_sync.warehouse import has_table, tables
from pipelines.associations import StoredAssociations
from pipelines.columns import EPOCH, json_text
from pipelines.reconcile import Comparison
from pipelines.tables import RECORDS, Batch
from pipelines.unchanged import changed_records

_ALIVE = """
select id from raw_{side}.records where object = $object and not coalesce(is_deleted, false) and $side = '{side}'
"""

_LINKED = """
select distinct links.{side}_id
from matching.links as links
inner join staging.stg_object_mappings as mappings on links.object = mappings.object
inner join inclusion.records_included as included
    on included.side = $side and links.object = included.object and links.{side}_id = included.record_id
where links.status = 'linked' and included.is_included and mappings.{side}_object = $object
order by all
"""

_ARCHIVED_HERE = """
select records.id
from raw_{side}.records as records
inner join journal.push_attempts as attempts
    on attempts.operation = 'archive' and attempts.outcome = 'succeeded' and attempts.target = '{side}'
    and records.object = attempts.crm_object and records.id = attempts.record_id
where records.object = ? and not coalesce(records.is_deleted, false)
group by all
having max(attempts.outcome_at) > any_value(records.loaded_at)
"""

#: What a decision has left; a warehouse that has not decided yet has none of it.
_DECIDED = {"matching.links", "inclusion.records_included"}


class StoredRecords:
    """The landed records of one CRM. Not shared between threads."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, crm: str) -> None:
        self._cursor = cursor
        self._crm = crm
        self._schema = f"raw_{crm}"
        self._comparing = cursor.cursor()
        self._is_new = not has_table(cursor, self._schema, RECORDS.name)
        self.associations = StoredAssociations(cursor)

    def __enter__(self) -> StoredRecords:
        return self

    def __exit__(self, *details: object) -> None:
        self._comparing.close()
        self._cursor.close()

    def changed(self, batch: Batch) -> Batch:
        """A batch of records without those that are stored exactly so."""
        return batch if self._is_new else changed_records(self._cursor, self._schema, batch)

    def comparison(self, object_: str) -> Comparison:
        """A fresh comparison of one object with what is stored of it; it ends the one before."""
        return Comparison(self._comparing, self._schema, object_)

    def ids(self, object_: str, size: int, *, linked: bool) -> Iterator[list[str]]:
        """Ids of the object's living records, so many at a time. `linked`: of those that are linked and may write to
        the other CRM, as last decided."""
        if linked and not tables(self._cursor) >= _DECIDED:
            return
        sql = (_LINKED if linked else _ALIVE).format(side=self._crm)
        with self._cursor.cursor() as cursor:
            rows = cursor.execute(sql, {"side": self._crm, "object": object_})
            while chunk := rows.fetchmany(size):
                yield [record_id for (record_id,) in chunk]

    def archived_here(self, object_: str) -> set[str]:
        """Ids of the records that this sync has archived since they were read."""
        if self._is_new or not has_table(self._cursor, "journal", "push_attempts"):
            return set()
        rows = self._cursor.execute(_ARCHIVED_HERE.format(side=self._crm), [object_]).fetchall()
        return {record_id for (record_id,) in rows}

    def unseen(self, object_: str, versions: Mapping[str, datetime | None]) -> int:
        """How many of the records, given with the time of their last modification, are not stored so."""
        if self._is_new or not versions:
            return len(versions)
        row = self._cursor.execute(
            f"select count(*) from {self._schema}.records where object = ? and (id, epoch_us(modified_at)) in"
            " (select unnest(?), unnest(?))",
            [object_, list(versions), [_micros(moment) for moment in versions.values()]],
        ).fetchone()
        return len(versions) - int(row[0] if row else 0)

    def count(
        self, object_: str, since: datetime, without: Collection[str], before: datetime | None = None, *, alive: bool
    ) -> int:
        """How many stored records were modified since a time (and before another), some ids left out."""
        if self._is_new:
            return 0
        row = self._cursor.execute(
            f"select count(*) from {self._schema}.records"
            " where object = $object and epoch_us(modified_at) >= $since"
            " and ($before is null or epoch_us(modified_at) < $before)"
            " and not ($alive and coalesce(is_deleted, false)) and id not in (select unnest($without))",
            {
                "object": object_,
                "since": _micros(since),
                "before": _micros(before),
                "alive": alive,
                "without": list(without),
            },
        ).fetchone()
        return int(row[0]) if row else 0

    def linked_share(self, object_: str) -> float:
        """Which share of the object's living records is linked and may write, as last decided."""
        if not tables(self._cursor) >= _DECIDED:
            return 0.0
        row = self._cursor.execute(
            f"select (select count(*) from ({_LINKED.format(side=self._crm)})) / count(*)"
            f" from ({_ALIVE.format(side=self._crm)})",
            {"side": self._crm, "object": object_},
        ).fetchone()
        return float(row[0] or 0) if row else 0.0

    def differing(self, object_: str, records: Mapping[str, Mapping[str, Any]], names: Collection[str]) -> list[str]:
        """Ids of those records, given with their properties, of which the warehouse has another value of a name."""
        return [
            record_id
            for record_id, stored in self._documents(object_, list(records)).items()
            if any(stored.get(name) != _as_stored(records[record_id].get(name)) for name in names)
        ]

    def _documents(self, object_: str, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        rows = self._cursor.execute(
            f"select id, properties::varchar from {self._schema}.records"
            " where object = ? and id in (select unnest(?)) and not coalesce(is_deleted, false)",
            [object_, ids],
        ).fetchall()
        return {record_id: json.loads(document or "{}") for record_id, document in rows}


def _micros(moment: datetime | None) -> int | None:
    return None if moment is None else (moment - EPOCH) // timedelta(microseconds=1)


def _as_stored(value: Any) -> Any:
    """A value as it comes back from a landed document."""
    return json.loads(json_text(value))
