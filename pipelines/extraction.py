"""One run's extraction: both CRMs read at once, landed, and counted as read.

Owns the order of the steps within a CRM (metadata, records, landing, marks) and what a failure means: a CRM whose
read did not complete keeps its watermarks, and the other one's complete read still counts. Metadata of both is read
before the first record, so that bad credentials show at once. Leaves no connection to the warehouse open.
"""

from __future__ import annotations

import queue
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, TypeVar

import duckdb

from crm_sync.clients import ApiError, Clients, explain
from crm_sync.errors import ConfigError, CrmSyncError, CycleFailed
from crm_sync.mappings import Mappings
from pipelines.associations import REFRESH, StoredAssociations
from pipelines.hubspot import HubSpotSource
from pipelines.landing import land, landing_directory
from pipelines.reads import ObjectRead, last_loaded_at, last_reconciled, previous_reads, write_reads
from pipelines.reconcile import Drift
from pipelines.salesforce import SalesforceSource
from pipelines.source import Progress, ReadJob, Schedule, Source
from pipelines.stored import StoredRecords
from pipelines.tables import HUBSPOT, RECORDS, SALESFORCE, Batch
from pipelines.unchanged import changed_only, changed_records, existing_tables

if TYPE_CHECKING:
    from crm_sync.config import Settings

QUEUE_LENGTH = 4
ONLY_INCREMENTAL = Schedule()
T = TypeVar("T")


@dataclass(frozen=True)
class ExtractReport:
    """What a completed extraction read: per object, and calls per CRM (metadata included)."""

    loaded_at: datetime
    objects: tuple[ObjectRead, ...]
    api_calls: dict[str, int]
    seconds: float
    drifts: tuple[Drift, ...] = ()

    @property
    def records(self) -> int:
        return sum(read.records for read in self.objects)


def extract(
    settings: Settings,
    mappings: Mappings,
    clients: Clients,
    *,
    on_progress: Callable[[Progress], None] | None = None,
    full: bool = False,
    association_refresh: timedelta = REFRESH,
    schedule: Schedule = ONLY_INCREMENTAL,
    now: datetime,
) -> ExtractReport:
    """Land both CRMs' metadata and records. `now` (aware) is the start of the read; `full` reads everything. The
    associations of all linked records are read again when the last such read is older than `association_refresh`;
    `schedule` says when objects are reconciled and computed fields are read again.

    Raises ConfigError for credentials, scopes or objects that are wrong, CycleFailed for everything else that
    keeps a CRM's read from completing. `on_progress` is called from the reading threads.
    """
    started = monotonic()
    with _open(settings.warehouse_path) as connection, ExitStack() as opened:
        loaded_at = _loaded_at(connection, now)
        stop = threading.Event()
        stored = StoredAssociations(opened.enter_context(connection.cursor()))
        jobs = {
            schema: ReadJob(
                mappings,
                previous_reads(connection, schema),
                loaded_at,
                full,
                on_progress,
                stop,
                stored,
                association_refresh,
                schedule,
                opened.enter_context(closing(StoredRecords(connection.cursor(), schema.removeprefix("raw_")))),
                last_reconciled(connection, schema),
            )
            for schema in (HUBSPOT, SALESFORCE)
        }
        sources: list[Source] = [
            HubSpotSource(clients.hubspot, jobs[HUBSPOT]),
            SalesforceSource(clients.salesforce, jobs[SALESFORCE]),
        ]
        calls_before = {source.crm: source.calls for source in sources}
        with ThreadPoolExecutor(len(sources), thread_name_prefix="extract") as pool:
            metadata = _both(pool, stop, [source.metadata for source in sources])
            _both(
                pool,
                stop,
                [
                    _Run(settings.warehouse_path, connection.cursor(), connection.cursor(), source, batches, loaded_at)
                    for source, batches in zip(sources, metadata, strict=True)
                ],
            )
    shutil.rmtree(landing_directory(settings.warehouse_path), ignore_errors=True)
    return ExtractReport(
        loaded_at=loaded_at,
        objects=tuple(read for source in sources for read in source.reads),
        api_calls={source.crm: source.calls - calls_before[source.crm] for source in sources},
        seconds=monotonic() - started,
        drifts=tuple(drift for source in sources for drift in source.drifts),
    )


@dataclass(frozen=True)
class _Run:
    """Reads, lands and marks one CRM."""

    warehouse_path: Path
    cursor: duckdb.DuckDBPyConnection
    reading_cursor: duckdb.DuckDBPyConnection  # of the thread that reads ahead
    source: Source
    metadata: list[Batch]
    loaded_at: datetime

    def __call__(self) -> None:
        try:
            existing = existing_tables(self.cursor, self.source.schema)
            metadata = changed_only(self.cursor, self.source.schema, existing, self.metadata)
            with _Ahead(lambda: self._batches(metadata, RECORDS.name not in existing)) as batches:
                land(self.warehouse_path, self.source.schema, batches, existing)
            write_reads(
                self.cursor,
                self.source.schema,
                [*self.source.reads, *self.source.further_reads],
                self.loaded_at,
                list_ids=self.source.list_ids,
                drifts=self.source.drifts,
            )
        except duckdb.Error as error:
            raise _unusable(self.warehouse_path, error) from error
        finally:
            self.cursor.close()
            self.reading_cursor.close()

    def _batches(self, metadata: Sequence[Batch], is_first: bool) -> Iterator[Batch]:
        yield from metadata
        for batch in self.source.records():
            yield batch if is_first else changed_records(self.reading_cursor, self.source.schema, batch)


class _Ahead:
    """Runs a generator of batches in a thread of its own, a few batches ahead of who takes them."""

    def __init__(self, batches: Callable[[], Iterator[Batch]]) -> None:
        self._batches = batches
        self._queue: queue.Queue[Batch | BaseException | None] = queue.Queue(QUEUE_LENGTH)
        self._abandoned = threading.Event()
        self._thread = threading.Thread(target=self._fill, name="read-ahead", daemon=True)

    def __enter__(self) -> Iterator[Batch]:
        self._thread.start()
        return self._take()

    def __exit__(self, *details: object) -> None:
        self._abandoned.set()
        self._thread.join()

    def _take(self) -> Iterator[Batch]:
        while (item := self._queue.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item

    def _fill(self) -> None:
        try:
            for batch in self._batches():
                if not self._put(batch):
                    return
            self._put(None)
        except BaseException as error:
            self._put(error)

    def _put(self, item: Batch | BaseException | None) -> bool:
        while not self._abandoned.is_set():
            try:
                self._queue.put(item, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False


def _both(pool: ThreadPoolExecutor, stop: threading.Event, tasks: Sequence[Callable[[], T]]) -> list[T]:
    """All tasks at once; the most telling of their errors when any failed, after all have ended."""
    futures = [pool.submit(task) for task in tasks]
    try:
        errors = [_told(error) for future in futures if (error := future.exception()) is not None]
    except BaseException:  # Ctrl-C: do not wait until everything is read
        stop.set()
        raise
    if errors:
        raise min(errors, key=lambda error: not isinstance(error, ConfigError))
    return [future.result() for future in futures]


def _told(error: BaseException) -> BaseException:
    """Errors of the CRMs in the user's terms; a mistake of ours stays itself."""
    if isinstance(error, ApiError):
        told: CrmSyncError = explain(error)
        told.__cause__ = error
        return told
    return error


def _loaded_at(connection: duckdb.DuckDBPyConnection, now: datetime) -> datetime:
    """The start of the read; always later than any read before, so that it tells the runs apart."""
    moment = now.astimezone(UTC)
    for schema in (HUBSPOT, SALESFORCE):
        last = last_loaded_at(connection, schema)
        if last is not None and last >= moment:
            moment = last + timedelta(microseconds=1)
    return moment


def _open(warehouse_path: Path) -> duckdb.DuckDBPyConnection:
    try:
        warehouse_path.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(landing_directory(warehouse_path), ignore_errors=True)
        return duckdb.connect(str(warehouse_path))
    except (duckdb.Error, OSError) as error:
        raise _unusable(warehouse_path, error) from error


def _unusable(warehouse_path: Path, error: Exception) -> CycleFailed:
    return CycleFailed(
        f"The warehouse {warehouse_path} cannot be used: {(str(error).splitlines() or ['no reason given'])[0]}",
        "Check that no other program has it open, that its disk has room, and that the file may be written.",
    )
