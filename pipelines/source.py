"""What both CRMs' sources have in common: which objects to read from where, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Event
from time import monotonic
from typing import Protocol, TypeVar

from crm_sync.mappings import Mappings
from pipelines.associations import REFRESH, StoredAssociations
from pipelines.columns import latest
from pipelines.reads import ObjectRead, PreviousRead, next_watermark
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
class ReadJob:
    """What one CRM's source needs to know about this run."""

    mappings: Mappings
    previous: Mapping[str, PreviousRead]
    loaded_at: datetime
    full: bool
    on_progress: Callable[[Progress], None] | None = None
    stop: Event = field(default_factory=Event)
    stored_associations: StoredAssociations | None = None
    association_refresh: timedelta = REFRESH

    def pages(self, pages: Iterable[T]) -> Iterator[T]:
        """The same pages, until the run is interrupted."""
        for page in pages:
            if self.stop.is_set():
                raise Interrupted
            yield page


class Interrupted(Exception):
    """The run was interrupted from outside; the reading threads end at their next page."""


class Source(Protocol):
    """One CRM: first its metadata (small, and where bad credentials show), then its records."""

    crm: str
    schema: str
    reads: list[ObjectRead]
    association_reads: list[ObjectRead]
    list_ids: list[str]

    @property
    def calls(self) -> int: ...

    def metadata(self) -> list[Batch]: ...

    def records(self) -> Iterator[Batch]: ...


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

    def passing(self, batch: Batch, *, counts_for_watermark: bool = True) -> Batch:
        if batch.table is RECORDS:
            self.records += batch.data.num_rows
            newest = latest(batch.data, "human_time" if self.crm == "hubspot" else "modified_at")
            if counts_for_watermark and newest is not None:
                self.latest_seen = newest if self.latest_seen is None else max(newest, self.latest_seen)
            self._tell(is_done=False)
        return batch

    def finish(self, calls_now: int) -> ObjectRead:
        self._tell(is_done=True)
        watermark = next_watermark(self.job.previous.get(self.object), self.latest_seen, self.job.loaded_at)
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
