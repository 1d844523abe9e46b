"""HubSpot's source: metadata, then every mapped object, in full or what changed.

Owns what is read and how a HubSpot record becomes a row of `records`. Live records come from the list (in full) or
the search (incrementally), archived ones from the archived list, merged ones from their survivor's
hs_merged_object_ids. The watermark counts live records only, by the search's own cursor property. Associations are
read with every record, and, since their changes move no time, those of all linked records on a schedule; so are the
properties that HubSpot computes. A reconcile compares everything with its list.

Source: HubSpot docs: crm/contacts (merge, archive), crm/search (cursor properties).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from crm_sync.clients import HubSpotClient
from crm_sync.clients.hubspot import BATCH_SIZE
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
    required_properties,
)
from pipelines.hubspot_reading import (
    Records,
    association_chunks,
    associations,
    by_id,
    changed,
    cursor_property,
    identity,
    listed,
)
from pipelines.reads import ObjectRead, since
from pipelines.reconcile import Drift
from pipelines.source import ObjectTally, ReadJob, computed_name
from pipelines.tables import ASSOCIATIONS, HUBSPOT, LIST_MEMBERSHIPS, OWNERS, PIPELINES, PROPERTIES, Batch

#: Read only, and yet no later than the record's modification time.
UNCHANGING = frozenset({"hs_object_id", "createdate", "hs_createdate", "hs_merged_object_ids"})
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
        self.further_reads: list[ObjectRead] = []
        self.list_ids: list[str] = []
        self.drifts: list[Drift] = []
        self._computed: dict[str, frozenset[str]] = {}

    @property
    def calls(self) -> int:
        return self._client.calls

    def metadata(self) -> list[Batch]:
        mappings, loaded_at = self._job.mappings, self._job.loaded_at
        properties: list[dict[str, Any]] = []
        pipelines: list[dict[str, Any]] = []
        members: list[dict[str, Any]] = []
        required = required_properties(self._client, mappings.hubspot_objects)
        for object_ in mappings.hubspot_objects:
            found = [
                property_row(object_, item, required.get(object_, ()))
                for item in properties_of(self._client, object_)
                if not is_hidden(item)
            ]
            self._existing[object_] = frozenset(str(row["name"]) for row in found)
            self._computed[object_] = frozenset(str(row["name"]) for row in found if not row["is_writable"])
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
        tally.comparison = self._job.comparison(object_, is_full=start is None)
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
        yield from self._reconcile(tally, rows, ids)
        yield from self._computed_fields(tally, rows, ids)
        yield from self._associations(object_, ids, is_full=start is None)
        self.reads.append(tally.finish(self._client.calls))

    def _reconcile(self, tally: ObjectTally, rows: _Rows, ids: dict[str, None]) -> Iterator[Batch]:
        """Where it is its turn: the list of all records against the stored ones, and what is amiss read by id."""
        comparison, object_ = tally.comparison, tally.object
        if comparison is None:
            if tally.is_full:
                self.drifts += self._job.told(Drift(object_))
            return
        if not tally.is_full:
            cursor = cursor_property(object_)
            for page in self._job.pages(listed(self._client, object_, (cursor,), archived=False)):
                for record in page:
                    comparison.listing(identity(record), _properties(record).get(cursor) or record.get("updatedAt"))
        for missed in comparison.missed(tally.drift_before(self._lookback)):
            if not tally.is_full:
                found, _ = by_id(self._client, object_, tally.requested, missed)
                ids.update(dict.fromkeys(rows.add_live(found)))
                yield tally.passing_by_id(rows.flush())
        for vanished in comparison.vanished():
            for record_id in self._confirm_gone(object_, tally.requested, vanished, rows):
                comparison.drift.count("deleted", record_id)
            yield tally.passing_by_id(rows.flush())
        self.drifts += self._job.told(comparison.drift)

    def _confirm_gone(self, object_: str, requested: Sequence[str], ids: Sequence[str], rows: _Rows) -> list[str]:
        """Ask for each record that the list lacks. Those that were merged, archived, or are unknown to HubSpot are
        gone; of one that is there all the same nothing follows."""
        living, unknown = by_id(self._client, object_, requested, ids)
        rows.add_live(living)
        merged = {loser for record in living for loser in merged_ids(record)}
        archived, nowhere = by_id(self._client, object_, requested, unknown, archived=True)
        rows.add_archived(archived, since=None)
        for record_id in nowhere:
            rows.add(record_id, {}, None, self._job.loaded_at.isoformat(), None, None, True)
        return [record_id for record_id in ids if record_id in merged or record_id in unknown]

    def _computed_fields(self, tally: ObjectTally, rows: _Rows, ids: Mapping[str, None]) -> Iterator[Batch]:
        """What HubSpot computes moves no time: such properties of the linked records, or of all where an inclusion rule
        asks for one, are compared when it is their turn, and a record of which one differs is landed again."""
        names = (
            self._computed[tally.object].intersection(tally.requested) - UNCHANGING - {cursor_property(tally.object)}
        )
        if not names or not (tally.is_full or self._job.is_computed_due(tally.object)):
            return
        calls_before, stored, compared = self._client.calls, self._job.stored, 0
        if stored is not None and not tally.is_full:
            is_linked = names.isdisjoint(self._job.mappings.inclusion_properties("hubspot", tally.object))
            for some in self._job.pages(stored.ids(tally.object, BATCH_SIZE, linked=is_linked)):
                chunk = [record_id for record_id in some if record_id not in ids]
                compared += len(chunk)
                found = {
                    identity(record): record for record in by_id(self._client, tally.object, tally.requested, chunk)[0]
                }
                properties = {record_id: _properties(record) for record_id, record in found.items()}
                rows.add_live([found[record_id] for record_id in stored.differing(tally.object, properties, names)])
                if rows.is_full:
                    yield tally.passing_by_id(rows.flush())
            yield tally.passing_by_id(rows.flush())
        name = computed_name(tally.object)
        self.further_reads.append(_further_read(name, compared, self._client.calls - calls_before))

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
                self.further_reads.append(
                    _further_read(pair_name(from_object, to_object), len(wanted), self._client.calls - calls_before)
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


def _further_read(name: str, records: int, api_calls: int) -> ObjectRead:
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
            for loser in merged_ids(record):
                self.add(loser, {}, None, modified, None, None, True, record_id)
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


def merged_ids(record: Mapping[str, Any]) -> list[str]:
    """Ids of the records that were merged into this one."""
    losers = str(_properties(record).get("hs_merged_object_ids") or "").split(";")
    return [loser.strip() for loser in losers if loser.strip() not in ("", identity(record))]


def _properties(record: Mapping[str, Any]) -> Mapping[str, Any]:
    properties = record.get("properties")
    return properties if isinstance(properties, dict) else {}
