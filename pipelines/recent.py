"""What has changed in a HubSpot object since the last read, in one call where little has.

A search trails its writes, so every read looks back an hour; and after a busy hour, such as a first sync, that hour
holds many thousands of records which are all known. So the newest page comes first, with the number of all records of
that hour: where the page reaches back to records that are known, and the warehouse holds as many records of the hour as
HubSpot counts, none has been missed.

A record that was known, was edited again, and appeared in the index only later changes no count: for such ones
the whole hour is read again every half an hour. Source: HubSpot docs: crm/search (`total`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from crm_sync.clients import HubSpotClient
from pipelines.columns import milliseconds, parse_time
from pipelines.hubspot_reading import (
    Records,
    changed,
    count_between,
    cursor_property,
    identity,
    modification,
    newest,
)
from pipelines.reads import PreviousRead
from pipelines.stored import StoredRecords

#: What an index may trail by while nobody notices.
USUAL_LAG = timedelta(seconds=30)
#: So many records at the end of the newest page show that all changes are before them.
KNOWN_AT_THE_END = 50
WHOLE_HOUR_EVERY = timedelta(minutes=30)


class Recent:
    """One read of what was modified since `start`. `has_read_all` tells afterwards whether all of it was read."""

    def __init__(
        self,
        client: HubSpotClient,
        object_: str,
        properties: Sequence[str],
        start: datetime,
        previous: PreviousRead,
        *,
        reads_all: bool,
    ) -> None:
        self._client = client
        self._object = object_
        self._cursor = cursor_property(object_)
        self._properties = properties
        self._start = start
        known = [moment for moment in (previous.loaded_at, previous.watermark) if moment is not None]
        self._seen_until = max(start, min(known, default=start) - USUAL_LAG)
        self._reads_all = reads_all
        self.has_read_all = False

    def pages(self, stored: StoredRecords) -> Iterator[Records]:
        """Pages in no particular order; a record that is modified meanwhile may come twice."""
        if self._reads_all:
            yield from self._since(self._start)
            self.has_read_all = True
            return
        page, total, is_last = newest(self._client, self._object, self._properties, milliseconds(self._start))
        yield page
        if is_last:
            self.has_read_all = True
            return
        versions = {identity(record): self._time(record) for record in page}
        if self._is_enough(stored, versions, total):
            return
        read = set(versions)
        for further in self._since(self._seen_until):
            read.update(identity(record) for record in further)
            yield self._without(further, versions)
        span = milliseconds(self._start), milliseconds(self._seen_until)
        before = count_between(self._client, self._object, *span)
        held = stored.count(self._object, self._start, read, self._seen_until, alive=True)
        if before is None or before > held:
            for further in self._since(self._start):
                yield self._without(further, versions)
            self.has_read_all = True

    def _is_enough(self, stored: StoredRecords, versions: Mapping[str, datetime | None], total: int | None) -> bool:
        """Whether nothing new can lie beyond the newest page."""
        held = stored.count(self._object, self._start, versions.keys(), alive=True) + len(versions)
        if total is None or total > held:
            return False
        # what has changed since the last read is later than all that it has seen: the page ends with known ones
        return stored.unseen(self._object, dict(list(versions.items())[-KNOWN_AT_THE_END:])) == 0

    def _without(self, page: Records, versions: Mapping[str, datetime | None]) -> Records:
        return [record for record in page if versions.get(identity(record)) != self._time(record)]

    def _since(self, moment: datetime) -> Iterator[Records]:
        return changed(self._client, self._object, self._properties, milliseconds(moment))

    def _time(self, record: dict[str, object]) -> datetime | None:
        return parse_time(modification(record, self._cursor))
