"""The set difference of HubSpot's associations: what was read now against what the warehouse holds.

Association changes do not move modification times [HubSpot docs: crm/associations], so they are read on a schedule of
their own, and only the difference is landed: the `loaded_at` of an association is when it was last seen to come or go.
Reads the warehouse's raw tables; makes no call and writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from typing import Any

import duckdb

from crm_sync.mappings import HUBSPOT_ID_PROPERTY
from crm_sync.warehouse import has_table, rows_of

REFRESH = timedelta(minutes=60)
ROWS_AT_ONCE = 10_000
Row = dict[str, Any]

_STORED = """
select from_object, from_id, to_object, to_id, type_id, category, label, is_primary, is_present
from raw_hubspot.associations
where from_object = ? and to_object = ? and from_id in (select unnest(?)) and is_present
"""

_LIVE = """
select id from raw_hubspot.records where object = $object and not is_deleted and (not $linked or {is_linked})
""".format(is_linked=f"json_extract_string(properties, '$.\"{HUBSPOT_ID_PROPERTY}\"') is not null")


class StoredAssociations:
    """What the warehouse holds of associations. A warehouse that is new holds none."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self._cursor = cursor

    def differences(self, from_object: str, to_object: str, ids: Sequence[str], found: Iterable[Row]) -> list[Row]:
        """Rows to land: associations that are new or changed, and those of these records that are gone."""
        stored = {_key(row): row for row in self._stored(from_object, to_object, ids)}
        now = {_key(row): row for row in found}
        came = [row for key, row in now.items() if row != stored.get(key)]
        went = [{**row, "is_present": False} for key, row in stored.items() if key not in now]
        return [*came, *went]

    def live_ids(self, object_: str, *, linked: bool) -> Iterator[str]:
        """Ids of the records that the last reads showed alive; `linked`: only those that carry a Salesforce id."""
        if not has_table(self._cursor, "raw_hubspot", "records"):
            return
        with self._cursor.cursor() as cursor:
            rows = cursor.execute(_LIVE, {"object": object_, "linked": linked})
            while chunk := rows.fetchmany(ROWS_AT_ONCE):
                yield from (record_id for (record_id,) in chunk)

    def _stored(self, from_object: str, to_object: str, ids: Sequence[str]) -> list[Row]:
        if not has_table(self._cursor, "raw_hubspot", "associations"):
            return []
        return rows_of(self._cursor, _STORED, [from_object, to_object, list(ids)])


def pair_name(from_object: str, to_object: str) -> str:
    """How `reads` names the complete reads of a pair's associations."""
    return f"{from_object}.associations.{to_object}"


def _key(row: Row) -> tuple[str, str, int]:
    return str(row["from_id"]), str(row["to_id"]), int(row["type_id"])
