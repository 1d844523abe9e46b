"""The members of the HubSpot lists that inclusion rules name: who came, and who left.

Membership moves no modification time, so a list is always read as a whole, and compared with the warehouse in tables of
DuckDB: only the difference is landed, so that `loaded_at` says when a record was last seen to come or go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Any

import duckdb
import pyarrow as pa

from crm_sync.clients import HubSpotClient
from crm_sync.warehouse import has_table
from pipelines.columns import BATCH_ROWS
from pipelines.hubspot_metadata import find_list, object_of_list
from pipelines.tables import HUBSPOT, LIST_MEMBERSHIPS, Batch

#: How `reads` names the reads of all lists.
LISTS_READ = "lists"

_DIFFERENCE = """
select $list_id as list_id, $list_name as list_name, $object as object,
    coalesce(members.record_id, stored.record_id) as record_id, members.record_id is not null as is_present,
    cast($loaded_at as timestamptz) as loaded_at
from (select distinct record_id from members) as members
full outer join {stored} as stored on members.record_id = stored.record_id
where (members.record_id is null and stored.is_present)
    or (members.record_id is not null and (
        stored.record_id is null or not stored.is_present
        or stored.list_name is distinct from $list_name or stored.object is distinct from $object
    ))
order by record_id
"""
_STORED = "(select * from raw_hubspot.list_memberships where list_id = $list_id)"
_NONE = "(select null::varchar as record_id, null as is_present, null as list_name, null as object where $list_id = '')"


def membership_batches(
    client: HubSpotClient, cursor: duckdb.DuckDBPyConnection, name: str, loaded_at: datetime
) -> Iterator[Batch]:
    """What has changed in one list, given by its id or name. ConfigError where HubSpot has no such list."""
    found = find_list(client, name)
    _gather(cursor, client.list_memberships(str(found.get("listId"))))
    stored = _STORED if has_table(cursor, HUBSPOT, LIST_MEMBERSHIPS.name) else _NONE
    rows = cursor.sql(_DIFFERENCE.format(stored=stored), params=_values(found, loaded_at))
    for batch in rows.to_arrow_reader(BATCH_ROWS):
        yield Batch(LIST_MEMBERSHIPS, pa.Table.from_batches([batch]).cast(LIST_MEMBERSHIPS.columns))


def _gather(cursor: duckdb.DuckDBPyConnection, record_ids: Iterator[str]) -> None:
    cursor.execute("create or replace temp table members (record_id varchar)")
    while chunk := list(islice(record_ids, BATCH_ROWS)):
        arriving = pa.table({"record_id": pa.array(chunk, pa.string())})  # noqa: F841  (named by the statement below)
        cursor.execute("insert into members select * from arriving")


def _values(found: Mapping[str, Any], loaded_at: datetime) -> dict[str, Any]:
    return {
        "list_id": str(found.get("listId")),
        "list_name": found.get("name"),
        "object": object_of_list(found),
        "loaded_at": loaded_at,
    }
