"""What both CRMs' sources have in common: which objects to read from where, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Event
from time import monotonic
from typing import Protocol, TypeVar

import duckdb

from crm_sync.mappings import Mappings
from pipelines.associations import REFRESH
from pipelines.columns import EPOCH, latest
from pipelines.reads import ObjectRead, PreviousRead, next_watermark
from pipelines.reconcile import Comparison, Drift
from pipelines.stored import StoredRecords
from pipelines.tables import RECORDS, Batch

T = TypeVar("T")


@dataclass(frozen=True)
class Progress:
    """How far the read of one object is; sent from the thread that reads it."""

    crm: str
    object: str
    records: int
    is_full: bool
    is_done: bool = False


@dataclass(frozen=True)
class Schedule:
    """How often a run does what costs many calls: None is never, zero in every run. `reconcile_now`: in this run, come
    what may. `metadata`: how old the stored metadata may be while there is no news; `sweeps`: how old the last read of
    what no modification time tells (archived records, list members, associations made after their records)."""

    reconcile: timedelta | None = None
    reconcile_now: bool = False
    computed: timedelta | None = None
    metadata: timedelta = timedelta(0)
    sweeps: timedelta = timedelta(0)


@dataclass
class Found:
    """What the reads of one CRM's objects have come to."""

    reads: list[ObjectRead] = field(default_factory=list)
    further_reads: list[ObjectRead] = field(default_factory=list)
    drifts: list[Drift] = field(default_factory=list)

    def also_read(self, crm: str, name: str, calls: int, records: int = 0) -> None:
        """Count a complete read of something that has a schedule of its own."""
        self.further_reads.append(ObjectRead(crm, name, (), None, records, True, calls, 0.0))


@dataclass(frozen=True)
class ReadJob:
    """What one CRM's source needs to know about this run. `connect` gives a thread its own connection to the warehouse;
    `already`: what an earlier pass of this run has asked of each object."""

    mappings: Mappings
    previous: Mapping[str, PreviousRead]
    loaded_at: datetime
    full: bool
    connect: Callable[[], duckdb.DuckDBPyConnection]
    on_progress: Callable[[Progress], None] | None = None
    stop: Event = field(default_factory=Event)
    association_refresh: timedelta = REFRESH
    schedule: Schedule = field(default_factory=lambda: Schedule())
    reconciled: Mapping[str, datetime] = field(default_factory=dict)
    already: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def stored(self, crm: str) -> StoredRecords:
        """What the warehouse holds, for one thread and one object."""
        return StoredRecords(self.connect(), crm)

    def comparison(self, object_: str, stored: StoredRecords, *, is_full: bool) -> Comparison | None:
        """What the object is to be compared with in this run; None when it is not its turn. A full read is a list of
        everything by itself, so it compares without a further call; the first one has nothing to compare with."""
        is_first = object_ not in self.previous
        if is_first or not (is_full or self._is_reconcile_due(object_)):
            return None
        return stored.comparison(object_)

    def told(self, object_: str, drift: Drift | None = None) -> list[Drift]:
        """The drift, unless nobody had asked for it and nothing was found: an empty object is always read in full."""
        drift = drift or Drift(object_)
        is_news = drift.total > 0 or object_ not in self.reconciled or self._is_reconcile_due(object_)
        return [drift] if is_news else []

    def _is_reconcile_due(self, object_: str) -> bool:
        last, interval = self.reconciled.get(object_), self.schedule.reconcile
        if self.schedule.reconcile_now or interval is None:
            return self.schedule.reconcile_now
        return last is None or self.loaded_at - last >= interval

    def is_computed_due(self, object_: str) -> bool:
        """Whether the last re-read of the object's computed fields is too old; the first one is always due."""
        interval = self.schedule.computed
        return interval is not None and self.is_due(computed_name(object_), interval)

    def is_due(self, name: str, interval: timedelta) -> bool:
        """Whether the last read of this name is so old; the first one is always due, none twice in a run."""
        previous = self.previous.get(name)
        if previous is None or previous.loaded_at is None:
            return True
        return previous.loaded_at < self.loaded_at and self.loaded_at - previous.loaded_at >= interval

    def pages(self, pages: Iterable[T]) -> Iterator[T]:
        """The same pages, until the run is interrupted."""
        for page in pages:
            if self.stop.is_set():
                raise Interrupted
            yield page


def computed_name(object_: str) -> str:
    """How `reads` names the re-reads of an object's computed fields."""
    return f"{object_}.computed"


class Interrupted(Exception):
    """The run was interrupted from outside; the reading threads end at their next page."""


class Source(Protocol):
    """One CRM: first its metadata (where it is read, bad credentials show there), then its records."""

    crm: str
    schema: str
    found: Found

    @property
    def calls(self) -> int: ...

    def metadata(self) -> list[Batch]:
        """Read it from the CRM, to be landed."""
        ...

    def recall(self) -> bool:
        """Take it from the warehouse in place of the CRM; whether it is there for every object."""
        ...

    def tasks(self) -> list[Callable[[], Iterator[Batch]]]:
        """One generator per object, each for a thread of its own; `found` is complete when all are exhausted."""
        ...


@dataclass
class ObjectTally:
    """Counts one object's records, calls and time while its batches pass by."""

    crm: str
    object: str
    requested: tuple[str, ...]
    job: ReadJob
    is_full: bool
    calls_before: int
    started: float = field(default_factory=monotonic)
    records: int = 0
    latest_seen: datetime | None = None
    comparison: Comparison | None = None

    def passing(self, batch: Batch, *, counts_for_watermark: bool = True) -> Batch:
        if self.comparison is not None:
            self.comparison.landing(batch, is_list=self.is_full)
        return self.passing_by_id(batch, counts_for_watermark=counts_for_watermark)

    def passing_by_id(self, batch: Batch, *, counts_for_watermark: bool = False) -> Batch:
        """Count a batch whose records were read by their ids: they say nothing about what else there is."""
        if batch.table is RECORDS:
            self.records += batch.data.num_rows
            newest = latest(batch.data, "human_time" if self.crm == "hubspot" else "modified_at")
            if counts_for_watermark and newest is not None:
                self.latest_seen = newest if self.latest_seen is None else max(newest, self.latest_seen)
            self._tell(is_done=False)
        return batch

    @property
    def watermark(self) -> datetime | None:
        return next_watermark(self.job.previous.get(self.object), self.latest_seen, self.job.loaded_at)

    def drift_before(self, lookback: timedelta) -> datetime:
        """What was modified before this, and is not in the warehouse, no incremental read would ever bring."""
        previous = self.job.previous.get(self.object)
        if not self.is_full:
            return (self.watermark or self.job.loaded_at) - lookback
        return previous.watermark - lookback if previous is not None and previous.watermark is not None else EPOCH

    def finish(self, calls_now: int) -> ObjectRead:
        self._tell(is_done=True)
        watermark = self.watermark
        return ObjectRead(
            crm=self.crm,
            object=self.object,
            requested=self.requested,
            watermark=watermark,
            records=self.records,
            is_full=self.is_full,
            api_calls=calls_now - self.calls_before,
            seconds=monotonic() - self.started,
        )

    def _tell(self, *, is_done: bool) -> None:
        if self.job.on_progress is not None:
            self.job.on_progress(Progress(self.crm, self.object, self.records, self.is_full, is_done))
