"""All live records of a HubSpot object, read from both ends at once.

A list's pages follow one another, 100 records each: a tenth of a second's latency makes them the slowest part of a
first sync. So while the list goes up from the lowest id, searches of 200 records come down from the highest, until
they meet. Searches have a limit of their own, so neither slows the other.

The list is what counts, since the search's index may trail or lack records: it ends early only where both are in the
order of their ids, and agree on the records where they meet. Otherwise, and where a search is refused, it goes on to
its end. What the index does not hold yet is younger than the lookback of the next incremental read.

Sources: HubSpot docs: crm/search (200 records a page, one sort, 5 a second); the order of a list is seen, not
promised.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from datetime import datetime

from crm_sync.clients import HubSpotClient, RateLimited, Refused, ServerTrouble, Unauthorized
from crm_sync.clients.hubspot import LIST_PAGE
from pipelines.ahead import Ahead
from pipelines.columns import parse_time
from pipelines.hubspot_reading import Records, cursor_property, fits_search, found_below, identity, listed, modification

PAGES_AHEAD = 16


class SearchTurns:
    """Whose turn it is to search: of the objects that are being read, the one with the most records still to come, so
    that none is left alone with a long list when the others are done. All share five searches a second."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._remaining: dict[str, int] = {}

    def tell(self, object_: str, remaining: int) -> None:
        with self._changed:
            self._remaining[object_] = remaining
            self._changed.notify_all()

    def wait(self, object_: str) -> None:
        """Until it is the object's turn, or it has been told that nothing remains."""
        with self._changed:
            while 0 < self._remaining.get(object_, 0) < max(self._remaining.values()):
                self._changed.wait()


class BothEnds:
    """One read. Records modified before `settled_before` are expected in the search's index."""

    def __init__(
        self,
        client: HubSpotClient,
        object_: str,
        properties: Sequence[str],
        settled_before: datetime,
        turns: SearchTurns,
    ) -> None:
        self._turns = turns
        self._total = 0  # as the first search tells
        self._came = 0
        self._client = client
        self._object = object_
        self._properties = properties
        self._settled_before = settled_before
        self._lock = threading.RLock()
        self._may_search = threading.Event()
        self._is_over = False
        self._highest = 0  # the list has shown everything up to this id
        self._lowest: int | None = None  # the searches have found everything from this id on
        self._found: deque[dict[int, None]] = deque(maxlen=3)

    def pages(self) -> Iterator[Records]:
        """Pages in no particular order; no record twice, unless it is created or merged meanwhile."""
        if not fits_search(self._object, self._properties):
            yield from listed(self._client, self._object, self._properties, archived=False)
            return
        with Ahead([self._up, self._down], PAGES_AHEAD) as pages:
            yield from pages

    def _up(self) -> Iterator[Records]:
        try:
            for page in listed(self._client, self._object, self._properties, archived=False):
                is_met, news = self._listed(page)
                yield news
                if is_met:
                    return
                if len(page) >= LIST_PAGE:
                    self._may_search.set()
        finally:
            self._is_over = True
            self._turns.tell(self._object, 0)
            self._may_search.set()

    def _down(self) -> Iterator[Records]:
        self._may_search.wait()
        below: int | None = None
        while not self._is_over:
            try:
                page, total, is_last = found_below(self._client, self._object, self._properties, below)
            except (RateLimited, ServerTrouble, Unauthorized):
                raise
            except Refused:
                self._give_up()
                return
            ids = [int(identity(record)) for record in page]
            if ids != sorted(ids, reverse=True) or (ids and below is not None and ids[0] >= below):
                self._give_up()
                yield page
                return
            is_met, news = self._searched(page, ids)
            yield news
            if is_met or is_last or not ids:
                return
            below, self._total = ids[-1], self._total or total or 0
            self._count(0)
            self._turns.wait(self._object)

    def _listed(self, page: Records) -> tuple[bool, Records]:
        """Whether the ends have met, and what of a page of the list is new."""
        ids = [int(identity(record)) for record in page]
        self._count(len(page))
        with self._lock:
            if ids != sorted(ids) or (ids and ids[0] <= self._highest):
                self._give_up()
            self._highest = max([self._highest, *ids])
            if self._lowest is None or self._highest < self._lowest:
                return False, page
            known = {record_id for found in self._found for record_id in found}
            missing = [record for record, number in zip(page, ids, strict=True) if self._lacks(record, number, known)]
            if missing:
                self._give_up()
                return False, page
            return True, [record for record, number in zip(page, ids, strict=True) if number not in known]

    def _lacks(self, record: dict[str, object], number: int, known: set[int]) -> bool:
        """Whether the searches should have found a record of the list, and have not."""
        if self._lowest is None or number < self._lowest or number > max(known) or number in known:
            return False
        modified = parse_time(modification(record, cursor_property(self._object)))
        return modified is not None and modified < self._settled_before

    def _searched(self, page: Records, ids: Sequence[int]) -> tuple[bool, Records]:
        """Whether the ends have met, and what of a page of a search is new."""
        self._count(len(page))
        with self._lock:
            if not ids or self._is_over:
                return True, []
            self._found.append(dict.fromkeys(ids))
            self._lowest = ids[-1]
            news = [record for record, number in zip(page, ids, strict=True) if number > self._highest]
            return self._lowest <= self._highest, news

    def _count(self, records: int) -> None:
        with self._lock:
            self._came += records
            remaining = 0 if self._is_over else max(1, self._total - self._came)
        if self._total or not remaining:
            self._turns.tell(self._object, remaining)

    def _give_up(self) -> None:
        """The searches are no help: the list goes on to its end."""
        with self._lock:
            self._lowest = None
            self._is_over = True
