"""One run's extraction: both CRMs read at once, landed, and counted as read.

Owns the order of the steps within a CRM (metadata, records, landing, marks) and what a failure means: a CRM whose
read did not complete keeps its watermarks, and the other one's complete read still counts. Leaves no connection to the
warehouse open.

Metadata is read before the first record, so that bad credentials show at once; or, where the stored one is young enough
(`Schedule.metadata`), only when it turns out that there is news, or that a CRM refuses what the stored one names. So
whoever finds something to decide after an extraction decides it by metadata that was read in the same run.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, TypeVar

import duckdb

from crm_sync.clients import ApiError, Clients, RateLimited, Refused, ServerTrouble, Unauthorized, explain
from crm_sync.errors import ConfigError, CrmSyncError, CycleFailed
from crm_sync.mappings import Mappings
from pipelines.ahead import Ahead
from pipelines.associations import REFRESH
from pipelines.hubspot import HubSpotSource
from pipelines.landing import land, landing_directory
from pipelines.reads import (
    ObjectRead,
    last_loaded_at,
    last_reconciled,
    previous_reads,
    write_reads,
)
from pipelines.recalled import METADATA_READ
from pipelines.reconcile import Drift
from pipelines.salesforce import SalesforceSource
from pipelines.source import Progress, ReadJob, Schedule, Source
from pipelines.tables import HUBSPOT, SALESFORCE, Batch
from pipelines.unchanged import changed_only, existing_tables

if TYPE_CHECKING:
    from crm_sync.config import Settings

BATCHES_AHEAD = 4
SCHEMAS = (HUBSPOT, SALESFORCE)
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
    `schedule` says when objects are reconciled, computed fields are read again, and how old metadata may be.

    Raises ConfigError for credentials, scopes or objects that are wrong, CycleFailed for everything else that
    keeps a CRM's read from completing. `on_progress` is called from the reading threads.
    """
    started = monotonic()
    calls_before = (clients.hubspot.calls, clients.salesforce.calls)
    with _open(settings.warehouse_path) as connection:
        job = ReadJob(
            mappings,
            previous={},
            loaded_at=_loaded_at(connection, now),
            full=full,
            connect=connection.cursor,
            on_progress=on_progress,
            association_refresh=association_refresh,
            schedule=schedule,
        )
        sources = _Extraction(settings.warehouse_path, connection, clients, job).run()
    shutil.rmtree(landing_directory(settings.warehouse_path), ignore_errors=True)
    return ExtractReport(
        loaded_at=job.loaded_at,
        objects=_summed(read for source in sources for read in source.found.reads),
        api_calls={
            "hubspot": clients.hubspot.calls - calls_before[0],
            "salesforce": clients.salesforce.calls - calls_before[1],
        },
        seconds=monotonic() - started,
        drifts=tuple(drift for source in sources for drift in source.found.drifts),
    )


@dataclass
class _Extraction:
    """One or two passes over both CRMs."""

    warehouse_path: Path
    connection: duckdb.DuckDBPyConnection
    clients: Clients
    job: ReadJob
    _has_news: bool = field(default=False, init=False)

    def run(self) -> list[Source]:
        """The sources of all passes that have counted."""
        if self._metadata_is_due():
            return self._pass(reads_metadata=True)
        try:
            first = self._pass(reads_metadata=False)
        except _Outdated:
            return self._pass(reads_metadata=True)
        if not self._has_news:
            return first
        already = {read.object: frozenset(read.requested) for source in first for read in source.found.reads}
        return first + self._pass(reads_metadata=True, already=already)

    def _metadata_is_due(self) -> bool:
        return self.job.full or any(
            replace(self.job, previous=previous_reads(self.connection, schema)).is_due(
                METADATA_READ, self.job.schedule.metadata
            )
            for schema in SCHEMAS
        )

    def _pass(self, *, reads_metadata: bool, already: Mapping[str, frozenset[str]] | None = None) -> list[Source]:
        """Read both CRMs. `already`: what an earlier pass has read and asked for; only what is to be asked for now, and
        was not, is read again. Raises _Outdated where a CRM refuses what the stored metadata names."""
        stop = threading.Event()
        jobs = {
            schema: replace(
                self.job,
                previous=previous_reads(self.connection, schema),
                reconciled=last_reconciled(self.connection, schema),
                already=already or {},
                stop=stop,
            )
            for schema in SCHEMAS
        }
        sources: list[Source] = [
            HubSpotSource(self.clients.hubspot, jobs[HUBSPOT]),
            SalesforceSource(self.clients.salesforce, jobs[SALESFORCE]),
        ]
        if not reads_metadata and not (sources[0].recall() and sources[1].recall()):
            raise _Outdated
        try:
            with ThreadPoolExecutor(len(sources), thread_name_prefix="extract") as pool:
                metadata = _both(pool, stop, [source.metadata for source in sources]) if reads_metadata else [[], []]
                runs = [
                    _Run(self.warehouse_path, self.connection.cursor(), source, batches, jobs[source.schema])
                    for source, batches in zip(sources, metadata, strict=True)
                ]
                self._has_news = any(_both(pool, stop, runs))
        except CrmSyncError as error:
            if not reads_metadata and _is_permanent(error.__cause__):
                raise _Outdated from error
            raise
        return sources


class _Outdated(Exception):
    """The stored metadata is not enough, or no longer true."""


@dataclass(frozen=True)
class _Run:
    """Reads, lands and marks one CRM; whether anything came that is not as it was stored."""

    warehouse_path: Path
    cursor: duckdb.DuckDBPyConnection
    source: Source
    metadata: list[Batch]
    job: ReadJob

    def __call__(self) -> bool:
        source, counted = self.source, _Counted()
        try:
            existing = existing_tables(self.cursor, source.schema)
            metadata = changed_only(self.cursor, source.schema, existing, self.metadata)
            with Ahead(source.tasks(), BATCHES_AHEAD) as batches:
                land(self.warehouse_path, source.schema, counted.passing(metadata, batches), existing)
            found = source.found
            write_reads(
                self.cursor,
                source.schema,
                [*found.reads, *found.further_reads],
                self.job.loaded_at,
                drifts=found.drifts,
            )
        except duckdb.Error as error:
            raise _unusable(self.warehouse_path, error) from error
        finally:
            self.cursor.close()
        return counted.rows > 0


@dataclass
class _Counted:
    """Counts the rows that pass."""

    rows: int = 0

    def passing(self, *batches: Iterable[Batch]) -> Iterator[Batch]:
        for some in batches:
            for batch in some:
                self.rows += batch.data.num_rows
                yield batch


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


def _is_permanent(error: BaseException | None) -> bool:
    """Whether a CRM has refused what it was asked: a field or object may be gone."""
    return isinstance(error, Refused) and not isinstance(error, RateLimited | ServerTrouble | Unauthorized)


def _summed(reads: Iterable[ObjectRead]) -> tuple[ObjectRead, ...]:
    """One read per object: where two passes have read it, the last one with the records and calls of both."""
    found: dict[tuple[str, str], ObjectRead] = {}
    for read in reads:
        before = found.get((read.crm, read.object))
        if before is not None:
            records, calls = before.records + read.records, before.api_calls + read.api_calls
            read = replace(read, records=records, api_calls=calls)
        found[read.crm, read.object] = read
    return tuple(found.values())


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
