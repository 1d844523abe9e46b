"""The read of one HubSpot object in one run, and how a HubSpot record becomes a row of `records`.

Live records come from the list and searches (in full) or the search by modification time (incrementally), archived
ones from the archived list, merged ones from their survivor's hs_merged_object_ids. The watermark counts live records
only, by the search's own cursor property. Associations are read with every record that has changed, and, since their
changes move no time, those of all linked records on a schedule; so are the properties that HubSpot computes. A
reconcile compares everything with its list.

Source: HubSpot docs: crm/contacts (merge, archive), crm/search (cursor properties).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import pyarrow.compute as pc

from crm_sync.clients import HubSpotClient
from crm_sync.clients.hubspot import ASSOCIATIONS_READ_BATCH, BATCH_SIZE
from pipelines.ahead import Ahead
from pipelines.associations import pair_name
from pipelines.both_ends import PAGES_AHEAD, BothEnds, SearchTurns
from pipelines.columns import RecordRows, batch_of, parse_time
from pipelines.hubspot_reading import (
    Records,
    association_chunks,
    associations,
    by_id,
    cursor_property,
    identity,
    listed,
    modification,
    properties_of,
)
from pipelines.reads import since
from pipelines.recent import WHOLE_HOUR_EVERY, Recent
from pipelines.source import Found, ObjectTally, ReadJob, computed_name
from pipelines.stored import StoredRecords
from pipelines.tables import ASSOCIATIONS, Batch

#: Read only, and yet no later than the record's modification time.
UNCHANGING = frozenset({"hs_object_id", "createdate", "hs_createdate", "hs_merged_object_ids"})
CRM = "hubspot"


class HubSpotObject:
    """One object's read: `batches`, once. What came of it is put into `found`."""

    def __init__(
        self,
        client: HubSpotClient,
        job: ReadJob,
        object_: str,
        requested: tuple[str, ...],
        computed: Collection[str],
        lookback: timedelta,
        found: Found,
        turns: SearchTurns,
    ) -> None:
        self._turns = turns
        self._client = client.counted()
        self._job = job
        self._object = object_
        self._cursor = cursor_property(object_)
        self._requested = requested
        self._computed = frozenset(computed) - UNCHANGING - {self._cursor}
        self._lookback = lookback
        self._found = found
        self._start = since(job.previous.get(object_), requested, lookback, full=job.full)
        self._is_full = self._start is None
        self._tally = ObjectTally(CRM, object_, requested, job, self._is_full, self._client.calls)
        self._rows = HubSpotRows(object_, job.loaded_at)
        self._ids: dict[str, None] = {}  # of the records that an incremental read brought
        self._pairs = [pair for pair in job.mappings.association_pairs if pair[0] == object_]

    def batches(self) -> Iterator[Batch]:
        with self._job.stored(CRM) as stored:
            self._tally.comparison = self._job.comparison(self._object, stored, is_full=self._is_full)
            yield from self._live(stored)
            yield from self._archived(stored)
            yield from self._reconcile(stored)
            yield from self._computed_fields(stored)
            yield from self._associations(stored)
        self._found.reads.append(self._tally.finish(self._client.calls))

    # ------------------------------------------------------------ live records

    def _live(self, stored: StoredRecords) -> Iterator[Batch]:
        if self._is_full:
            yield from self._everything(stored)
            return
        is_swept = self._job.is_due(f"{self._object}.archived", self._job.schedule.sweeps)
        for page in self._pages(self._changed_pages):
            ids = self._rows.add_live(page)
            if is_swept:
                self._ids.update(dict.fromkeys(ids))
            if self._rows.is_full:
                yield self._changed_batch(stored)
        yield self._changed_batch(stored)

    def _changed_batch(self, stored: StoredRecords) -> Batch:
        """What an incremental read brought. Associations are read with records that are not as they are stored, and,
        where the deletes are, with all: an association made shortly after its record moves no time."""
        batch = stored.changed(self._tally.passing(self._rows.flush()))
        living = batch.data.filter(pc.invert(batch.data.column("is_deleted")))
        self._ids.update(dict.fromkeys(living.column("id").to_pylist()))
        return batch

    def _everything(self, stored: StoredRecords) -> Iterator[Batch]:
        """All records, each with its associations."""
        waiting: list[str] = []
        for page in self._pages(self._all_pages):
            waiting += self._rows.add_live(page)
            if self._rows.is_full:
                yield stored.changed(self._tally.passing(self._rows.flush()))
            while len(waiting) >= ASSOCIATIONS_READ_BATCH:
                yield from self._associations_of(stored, waiting[:ASSOCIATIONS_READ_BATCH])
                waiting = waiting[ASSOCIATIONS_READ_BATCH:]
        yield stored.changed(self._tally.passing(self._rows.flush()))
        yield from self._associations_of(stored, waiting)

    def _changed_pages(self) -> Iterator[Records]:
        assert self._start is not None
        name = f"{self._object}.hour"
        recent = Recent(
            self._client,
            self._object,
            self._requested,
            self._start,
            self._job.previous[self._object],
            reads_all=self._job.is_due(name, WHOLE_HOUR_EVERY),
        )
        with self._job.stored(CRM) as stored:
            yield from recent.pages(stored)
        if recent.has_read_all:
            self._found.also_read(CRM, name, 0)

    def _all_pages(self) -> Iterator[Records]:
        settled_before = self._job.loaded_at - self._lookback
        return BothEnds(self._client, self._object, self._requested, settled_before, self._turns).pages()

    def _pages(self, generate: Callable[[], Iterator[Records]]) -> Iterator[Records]:
        with Ahead([generate], PAGES_AHEAD) as pages:
            yield from self._job.pages(pages)

    # ------------------------------------------------------------ archived records

    def _archived(self, stored: StoredRecords) -> Iterator[Batch]:
        """The archived list holds what was archived for months, in the order of ids: it is read as a whole, and what
        was archived since the last such read is landed. What this sync itself has archived, and the list does not hold,
        somebody has restored: that moves no time, so it is read by id and landed though it is as it was."""
        name = f"{self._object}.archived"
        if not self._job.is_due(name, self._job.schedule.sweeps):
            return
        previous, calls_before, records = self._job.previous.get(name), self._client.calls, 0
        start = self._start
        if start is not None and previous is not None and previous.loaded_at is not None:
            start = min(start, previous.loaded_at - self._lookback)
        restored = stored.archived_here(self._object)
        for page in self._job.pages(listed(self._client, self._object, self._requested, archived=True)):
            records += len(page)
            restored.difference_update(map(identity, page))
            self._rows.add_archived(page, since=start)
            if self._rows.is_full:
                yield stored.changed(self._tally.passing(self._rows.flush(), counts_for_watermark=False))
        yield stored.changed(self._tally.passing(self._rows.flush(), counts_for_watermark=False))
        if restored:
            living, _ = by_id(self._client, self._object, self._requested, sorted(restored))
            self._ids.update(dict.fromkeys(self._rows.add_live(living)))
            yield self._tally.passing_by_id(self._rows.flush())
        self._found.also_read(CRM, name, self._client.calls - calls_before, records)

    # ------------------------------------------------------------ what no time tells

    def _reconcile(self, stored: StoredRecords) -> Iterator[Batch]:
        """Where it is its turn: the list of all records against the stored ones, and what is amiss read by id."""
        tally, comparison, rows = self._tally, self._tally.comparison, self._rows
        if comparison is None:
            if self._is_full:
                self._found.drifts += self._job.told(self._object)
            return
        if not self._is_full:
            for page in self._job.pages(listed(self._client, self._object, (self._cursor,), archived=False)):
                for record in page:
                    comparison.listing(identity(record), modification(record, self._cursor))
        for missed in comparison.missed(tally.drift_before(self._lookback)):
            if not self._is_full:
                found, _ = by_id(self._client, self._object, self._requested, missed)
                self._ids.update(dict.fromkeys(rows.add_live(found)))
                yield stored.changed(tally.passing_by_id(rows.flush()))
        for vanished in comparison.vanished():
            for record_id in self._confirm_gone(vanished):
                comparison.drift.count("deleted", record_id)
            yield stored.changed(tally.passing_by_id(rows.flush()))
        self._found.drifts += self._job.told(self._object, comparison.drift)

    def _confirm_gone(self, ids: Sequence[str]) -> list[str]:
        """Ask for each record that the list lacks. Those that were merged, archived, or are unknown to HubSpot are
        gone; of one that is there all the same nothing follows."""
        rows = self._rows
        living, unknown = by_id(self._client, self._object, self._requested, ids)
        rows.add_live(living)
        merged = {loser for record in living for loser in merged_ids(record)}
        archived, nowhere = by_id(self._client, self._object, self._requested, unknown, archived=True)
        rows.add_archived(archived, since=None)
        for record_id in nowhere:
            rows.add(record_id, {}, None, self._job.loaded_at.isoformat(), None, None, True)
        return [record_id for record_id in ids if record_id in merged or record_id in unknown]

    def _computed_fields(self, stored: StoredRecords) -> Iterator[Batch]:
        """What HubSpot computes moves no time: such properties of the linked records, or of all where an inclusion rule
        asks for one, are compared when it is their turn, and a record of which one differs is landed again."""
        names, tally, rows = self._computed.intersection(self._requested), self._tally, self._rows
        if not names or not (self._is_full or self._job.is_computed_due(self._object)):
            return
        calls_before, compared = self._client.calls, 0
        if not self._is_full:
            is_linked = names.isdisjoint(self._job.mappings.inclusion_properties(CRM, self._object))
            for some in self._job.pages(stored.ids(self._object, BATCH_SIZE, linked=is_linked)):
                chunk = [record_id for record_id in some if record_id not in self._ids]
                compared += len(chunk)
                found = {
                    identity(record): record for record in by_id(self._client, self._object, self._requested, chunk)[0]
                }
                properties = {record_id: properties_of(record) for record_id, record in found.items()}
                rows.add_live([found[record_id] for record_id in stored.differing(self._object, properties, names)])
                if rows.is_full:
                    yield stored.changed(tally.passing_by_id(rows.flush()))
            yield stored.changed(tally.passing_by_id(rows.flush()))
        self._found.also_read(CRM, computed_name(self._object), self._client.calls - calls_before, compared)

    def _associations(self, stored: StoredRecords) -> Iterator[Batch]:
        """After an incremental read: the associations of what it brought, and of all others whose turn it is."""
        for pair in self._pairs:
            is_complete, calls_before, count = self._is_full or self._is_due(pair), self._client.calls, len(self._ids)
            if not self._is_full:
                yield from self._read_pair(stored, pair, self._ids)
            if is_complete and not self._is_full:
                others = stored.associations.live_ids(self._object, linked=pair_name(*pair) in self._job.previous)
                remaining = (record_id for record_id in others if record_id not in self._ids)
                yield from self._read_pair(stored, pair, remaining)
            if is_complete:
                self._found.also_read(CRM, pair_name(*pair), self._client.calls - calls_before, count)

    def _associations_of(self, stored: StoredRecords, ids: Sequence[str]) -> Iterator[Batch]:
        for pair in self._pairs:
            yield from self._read_pair(stored, pair, ids)

    def _read_pair(self, stored: StoredRecords, pair: tuple[str, str], ids: Iterable[str]) -> Iterator[Batch]:
        for chunk in self._job.pages(association_chunks(ids)):
            found = associations(self._client, *pair, chunk)
            rows = stored.associations.differences(*pair, chunk, found)
            yield batch_of(ASSOCIATIONS, rows, self._job.loaded_at)

    def _is_due(self, pair: tuple[str, str]) -> bool:
        """Whether the last complete read of the pair's associations is too old; the first one is always due."""
        return self._job.is_due(pair_name(*pair), self._job.association_refresh)


class HubSpotRows(RecordRows):
    """HubSpot's records as rows."""

    def __init__(self, object_: str, loaded_at: datetime) -> None:
        super().__init__(object_, loaded_at)
        self._cursor = cursor_property(object_)

    def add_live(self, page: Records) -> list[str]:
        """Add a page of live records, and a row for each record merged into one of them; the live ones' ids."""
        ids = []
        for record in page:
            record_id, properties = identity(record), properties_of(record)
            modified = modification(record, self._cursor)
            self.add(record_id, properties, record.get("createdAt"), modified, properties.get(self._cursor))
            ids.append(record_id)
            for loser in merged_ids(record):
                self.add(loser, {}, None, modified, None, None, True, record_id)
        return ids

    def add_archived(self, page: Records, since: datetime | None) -> None:
        """Add a page of archived records: all of them, or those archived since a time."""
        for record in page:
            properties = properties_of(record)
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
    losers = str(properties_of(record).get("hs_merged_object_ids") or "").split(";")
    return [loser.strip() for loser in losers if loser.strip() not in ("", identity(record))]
