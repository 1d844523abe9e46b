"""The push protocol: carries the diff to both CRMs, in order, journalled, and without overwriting what it has not seen.

Owns the order of the steps: limits, attempts of unknown outcome, then one push order after the other, both CRMs side
by side in each (lanes.py); within a stage, stale check, journal, call, journal (units.py). Decides nothing about
values, and raises only GuardStop, before the first call. What became of each record is in the journal.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import groupby

import duckdb

from crm_sync.clients import Clients
from reverse_etl import diffs
from reverse_etl.batches import batched
from reverse_etl.calls import Health
from reverse_etl.crew import Crew
from reverse_etl.guards import check_limits, count_linked
from reverse_etl.hubspot import HubSpotWriter
from reverse_etl.journal import Journal
from reverse_etl.lanes import Lanes
from reverse_etl.operations import CREATE, HUBSPOT, SALESFORCE, SUCCEEDED, Operation
from reverse_etl.references import References
from reverse_etl.report import OnProgress, Progress, PushReport, Tally
from reverse_etl.salesforce import BULK_THRESHOLD, SalesforceWriter
from reverse_etl.units import Units
from reverse_etl.unknown import resolve_attempts
from reverse_etl.writers import Writer

Clock = Callable[[], datetime]


def push(
    connection: duckdb.DuckDBPyConnection,
    clients: Clients,
    *,
    run_id: str,
    journal: Journal,
    limits: Iterable[Mapping[str, str | None]] = (),
    accepted: Collection[str] = (),
    linked_counts: Mapping[str, int] | None = None,
    on_progress: OnProgress | None = None,
    now: Clock | None = None,
    verify_after_seconds: float = 0,
    snapshot_at: Mapping[str, datetime] | None = None,
    schema: str = diffs.DECIDED,
    bulk_threshold: int = BULK_THRESHOLD,
) -> PushReport:
    """Write everything in the diff tables of a schema to the CRMs, and return what became of it.

    `limits` are the rows of push_limits.csv, `linked_counts` the linked records by object (read from matching.links
    when not given). The stale check is left out for a target whose `snapshot_at` (by target: when its records were
    read) is less than `verify_after_seconds` ago. More operations of one object and kind than `bulk_threshold` go to
    Salesforce in Bulk jobs (0: never). Raises GuardStop, and then nothing was called.
    """
    linked = count_linked(connection, run_id) if linked_counts is None else linked_counts
    check_limits(connection, limits, accepted, linked, schema)
    clock = now or _utc_now
    unverified = {
        target
        for target, read_at in (snapshot_at or {}).items()
        if (clock() - read_at).total_seconds() < verify_after_seconds
    }
    writers = build_writers(clients, bulk_threshold)
    return _Push(connection, writers, run_id, journal, on_progress, clock, schema, unverified).run()


def resolve_unknown(
    connection: duckdb.DuckDBPyConnection, clients: Clients, *, journal: Journal, now: Clock | None = None
) -> dict[str, int]:
    """Learn by reading what became of attempts without outcome; returns how many there are by outcome.

    The push does this by itself. Call it before deciding, so that the decision knows. Raises ApiError when a CRM
    does not answer: its attempts then stay unknown.
    """
    resolved = resolve_attempts(connection, build_writers(clients), journal, now or _utc_now)
    for error in resolved.failures.values():
        raise error
    return resolved.counts()


def build_writers(clients: Clients, bulk_threshold: int = BULK_THRESHOLD) -> dict[str, Writer]:
    """A writer for each target."""
    salesforce = SalesforceWriter(clients.salesforce, bulk_threshold=bulk_threshold)
    return {HUBSPOT: HubSpotWriter(clients.hubspot), SALESFORCE: salesforce}


class _Push:
    """One push while it runs."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        writers: Mapping[str, Writer],
        run_id: str,
        journal: Journal,
        on_progress: OnProgress | None,
        now: Clock,
        schema: str,
        unverified: set[str],
    ) -> None:
        self._connection = connection
        self._schema = schema
        self._writers = writers
        self._journal = journal
        self._on_progress = on_progress
        self._now = now
        self._tally = Tally()
        self._health = Health()
        self._references = References(journal, self._pending_links)
        self._units = Units(run_id, journal, self._references, self._health, self._tally, now, unverified)
        self._made_before: set[tuple[str, str]] = set()

    def run(self) -> PushReport:
        started = time.monotonic()
        calls = {target: writer.calls for target, writer in self._writers.items()}
        resolved = self._resolve()
        with Crew({target: writer.at_once for target, writer in self._writers.items()}) as crew:
            for _, stages in groupby(diffs.stages(self._connection, self._schema), lambda stage: stage.push_order):
                lanes = Lanes(crew, self._writers, self._units.unit, self._operations, self._told)
                lanes.run(list(stages))
                self._push_waiting(crew)
        self._block_waiting()
        return PushReport(
            counts=self._tally.counts(),
            api_calls={target: writer.calls - calls[target] for target, writer in self._writers.items()},
            seconds=time.monotonic() - started,
            failures=dict(self._health.failures),
            resolved=resolved,
            purposes={target: writer.calls_by_purpose for target, writer in self._writers.items()},
        )

    def _resolve(self) -> dict[str, int]:
        resolved = resolve_attempts(self._connection, self._writers, self._journal, self._now)
        self._health.failures.update(resolved.failures)
        for attempt, outcome in resolved.settled:
            operation = attempt.operation
            if operation.operation == CREATE and outcome.outcome == SUCCEEDED and outcome.record_id:
                self._references.created(operation.target, operation.link_id, outcome.record_id)
                self._made_before.add((operation.target, operation.link_id))
        return resolved.counts()

    def _operations(self, stage: diffs.Stage) -> Iterator[Operation]:
        """A stage's operations, without creates that an earlier run made, as was learnt just now: people may have
        edited those records since."""
        for operation in diffs.operations(self._connection, stage, self._schema):
            if operation.operation == CREATE and (operation.target, operation.link_id) in self._made_before:
                continue
            yield operation

    def _told(self, stage: diffs.Stage, done: int) -> None:
        if self._on_progress is not None:
            self._on_progress(Progress(stage.target, stage.object, stage.operation, done, stage.operations))

    # ------------------------------------------------------------ what waits for records of its own or a later stage

    def _push_waiting(self, crew: Crew) -> None:
        """Push what waited, as long as anything moves."""
        before = len(self._units.waiting) + 1
        while 0 < len(self._units.waiting) < before:
            waiting, self._units.waiting = self._units.waiting, []
            before = len(waiting)
            for group in _grouped(waiting):
                writer = self._writers[group[0].target]
                for part in batched(group, writer.unit_size(group[0].operation)):
                    crew.begin(group[0].target, self._units.unit(writer, part), lambda: None)
                    while crew.is_busy:
                        crew.wait()

    def _block_waiting(self) -> None:
        waiting, self._units.waiting = self._units.waiting, []
        self._units.block([(one, "The records it refers to wait for each other.") for one in waiting])

    def _pending_links(self, target: str, link_ids: set[str]) -> set[str]:
        return diffs.links_to_be_created(self._connection, target, link_ids, self._schema) if link_ids else set()


def _grouped(operations: Iterable[Operation]) -> list[list[Operation]]:
    """Operations of one kind together, kinds in the order in which they came."""
    groups: dict[tuple[str, str, str], list[Operation]] = {}
    for operation in operations:
        groups.setdefault((operation.target, operation.crm_object, operation.operation), []).append(operation)
    return list(groups.values())


def _utc_now() -> datetime:
    return datetime.now(UTC)
