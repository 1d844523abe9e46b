"""HubSpot's source: metadata, then every mapped object, in full or what changed.

Owns what is read and how a HubSpot record becomes a row of `records`. Live records come from the list (in full) or
the search (incrementally), archived ones from the archived list, merged ones from their survivor's
hs_merged_object_ids. The watermark counts live records only, by the search's own cursor property. Associations are
read with every record, and, since their changes move no time, those of all linked records on a schedule.

Source: HubSpot docs: crm/contacts (merge, archive), crm/search (cursor properties).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from crm_sync.clients import HubSpotClient
from pipelines.associations import pair_name
from pipelines.columns import RecordRows, batch_of, milliseconds, parse_time
from pipelines.hubspot_metadata import (
    PIPELINE_PROPERTIES,
    is_hidden,
    membership_rows,
    owner_rows,
    pipeline_rows,
    properties_of,
    property_row,
)
from pipelines.hubspot_reading import (
    Records,
    association_chunks,
    associations,
    changed,
    cursor_property,
    identity,
    listed,
)
from pipelines.reads import ObjectRead, since
from pipelines.source import ObjectTally, ReadJob
from pipelines.tables import ASSOCIATIONS, HUBSPOT, LIST_MEMBERSHIPS, OWNERS, PIPELINES, PROPERTIES, Batch

LOOKBACK = timedelta(hours=1)  # search is eventually consistent; production connectors trail it by an hour


class HubSpotSource:
    """One run's read of HubSpot. `reads` is complete once `records` is exhausted."""

    crm = "hubspot"
    schema = HUBSPOT

    def __init__(self, client: HubSpotClient, job: ReadJob, lookback: timedelta = LOOKBACK) -> None:
        self._client = client
        self._job = job
        self._lookback = lookback
        self._existing: dict[str, frozenset[str]] = {}
        self.reads: list[ObjectRead] = []
        self.association_reads: list[ObjectRead] = []
        self.list_ids: list[str] = []

    @property
    def calls(self) -> int:
        return self._client.calls

    def metadata(self) -> list[Batch]:
        mappings, loaded_at = self._job.mappings, self._job.loaded_at
        properties: list[dict[str, Any]] = []
        pipelines: list[dict[str, Any]] = []
        members: list[dict[str, Any]] = []
        for object_ in mappings.hubspot_objects:
            found = [
                property_row(object_, item) for item in properties_of(self._client, object_) if not is_hidden(item)
            ]
            self._existing[object_] = frozenset(str(row["name"]) for row in found)
            properties += found
            if object_ == "deals" or PIPELINE_PROPERTIES.intersection(mappings.hubspot_properties(object_)):
                pipelines += pipeline_rows(self._client, object_)
        for list_id, rows in membership_rows(self._client, mappings.list_names):
            self.list_ids.append(list_id)
            members += rows
        return [
            batch_of(PROPERTIES, properties, loaded_at),
            batch_of(PIPELINES, pipelines, loaded_at),
            batch_of(OWNERS, list(owner_rows(self._client)), loaded_at),
            batch_of(LIST_MEMBERSHIPS, members, loaded_at),
        ]

    def records(self) -> Iterator[Batch]:
        for object_ in self._job.mappings.hubspot_objects:
            yield from self._object(object_)

    def _object(self, object_: str) -> Iterator[Batch]:
        requested = self._requested(object_)
        previous = self._job.previous.get(object_)
        start = since(previous, requested, self._lookback, full=self._job.full)
        tally = ObjectTally(self.crm, object_, requested, self._job, start is None, self._client.calls)
        rows = _Rows(object_, self._job.loaded_at)
        ids: dict[str, None] = {}
        pages = (
            listed(self._client, object_, requested, archived=False)
            if start is None
            else changed(self._client, object_, requested, milliseconds(start))
        )
        for page in self._job.pages(pages):
            ids.update(dict.fromkeys(rows.add_live(page)))
            if rows.is_full:
                yield tally.passing(rows.flush())
        yield tally.passing(rows.flush())
        for page in self._job.pages(listed(self._client, object_, requested, archived=True)):
            rows.add_archived(page, since=start)
            if rows.is_full:
                yield tally.passing(rows.flush(), counts_for_watermark=False)
        yield tally.passing(rows.flush(), counts_for_watermark=False)
        yield from self._associations(object_, ids, is_full=start is None)
        self.reads.append(tally.finish(self._client.calls))

    def _associations(self, object_: str, ids: Mapping[str, None], *, is_full: bool) -> Iterator[Batch]:
        """The associations of the records just read, and of all others whose turn it is."""
        stored = self._job.stored_associations
        assert stored is not None
        for from_object, to_object in self._job.mappings.association_pairs:
            if from_object != object_:
                continue
            calls_before, wanted = self._client.calls, list(ids)
            is_complete = is_full or self._is_due(from_object, to_object)
            if is_complete and not is_full:
                others = stored.live_ids(from_object, linked=self._was_read(from_object, to_object))
                wanted = list(dict.fromkeys((*wanted, *others)))
            for chunk in self._job.pages(association_chunks(wanted)):
                found = associations(self._client, from_object, to_object, chunk)
                rows = stored.differences(from_object, to_object, chunk, found)
                yield batch_of(ASSOCIATIONS, rows, self._job.loaded_at)
            if is_complete:
                self.association_reads.append(
                    _pair_read(pair_name(from_object, to_object), len(wanted), self._client.calls - calls_before)
                )

    def _was_read(self, from_object: str, to_object: str) -> bool:
        return pair_name(from_object, to_object) in self._job.previous

    def _is_due(self, from_object: str, to_object: str) -> bool:
        """Whether the last complete read of the pair's associations is too old; the first one is always due."""
        previous = self._job.previous.get(pair_name(from_object, to_object))
        if previous is None or previous.loaded_at is None:
            return True
        return self._job.loaded_at - previous.loaded_at >= self._job.association_refresh

    def _requested(self, object_: str) -> tuple[str, ...]:
        """The mapped properties that exist: one that does not is unknown, and must not look cleared."""
        wanted = self._job.mappings.hubspot_properties(object_)
        existing = self._existing[object_] | {cursor_property(object_)}
        return tuple(name for name in wanted if name in existing)


def _pair_read(name: str, records: int, api_calls: int) -> ObjectRead:
    return ObjectRead("hubspot", name, (), None, records, True, api_calls, 0.0)


class _Rows(RecordRows):
    """HubSpot's records as rows."""

    def __init__(self, object_: str, loaded_at: datetime) -> None:
        super().__init__(object_, loaded_at)
        self._cursor = cursor_property(object_)

    def add_live(self, page: Records) -> list[str]:
        """Add a page of live records, and a row for each record merged into one of them; the live ones' ids."""
        ids = []
        for record in page:
            record_id, properties = identity(record), _properties(record)
            modified = properties.get(self._cursor) or record.get("updatedAt")
            self.add(record_id, properties, record.get("createdAt"), modified, properties.get(self._cursor))
            ids.append(record_id)
            for loser in str(properties.get("hs_merged_object_ids") or "").split(";"):
                if loser.strip() and loser.strip() != record_id:
                    self.add(loser.strip(), {}, None, modified, None, None, True, record_id)
        return ids

    def add_archived(self, page: Records, since: datetime | None) -> None:
        """Add a page of archived records: all of them, or those archived since a time."""
        for record in page:
            properties = _properties(record)
            archived_at = parse_time(record.get("archivedAt"))
            if since is not None and archived_at is not None and archived_at < since:
                continue
            modified = parse_time(properties.get(self._cursor)) or parse_time(record.get("updatedAt"))
            ended = max((moment for moment in (modified, archived_at) if moment is not None), default=None)
            stamp = None if ended is None else ended.isoformat()
            created, edited = record.get("createdAt"), properties.get(self._cursor)
            self.add(identity(record), properties, created, stamp, edited, None, True)


def _properties(record: Mapping[str, Any]) -> Mapping[str, Any]:
    properties = record.get("properties")
    return properties if isinstance(properties, dict) else {}
