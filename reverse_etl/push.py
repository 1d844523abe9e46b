"""The push protocol: carries the diff to both CRMs, in order, journalled, and without overwriting what it has not seen.

Owns the order of the steps: limits, attempts of unknown outcome, then stage by stage stale check, journal, call,
journal. A CRM that stops answering is left alone for the rest of the push; everything else goes on. Decides nothing
about values, and raises only GuardStop, before the first call. What became of each record is in the journal.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import duckdb

from crm_sync.clients import Clients
from crm_sync.clients.errors import ApiError
from reverse_etl import diffs
from reverse_etl.batches import Written, batched, is_final, is_server_error, isolate
from reverse_etl.guards import check_limits, count_linked
from reverse_etl.hubspot import HubSpotWriter
from reverse_etl.journal import Journal
from reverse_etl.operations import (
    BLOCKED,
    CREATE,
    HUBSPOT,
    SALESFORCE,
    SUCCEEDED,
    UNKNOWN,
    Attempt,
    Operation,
    Outcome,
    split_associations,
)
from reverse_etl.references import References
from reverse_etl.report import NOT_ATTEMPTED, OnProgress, Progress, PushReport, Tally
from reverse_etl.salesforce import SalesforceWriter
from reverse_etl.stale import check_stale
from reverse_etl.unknown import resolve_attempts
from reverse_etl.writers import Writer

#: A CRM in trouble (5xx or no answer, after the client's own retries) this many batches running is left alone.
MOST_TROUBLES = 2

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
) -> PushReport:
    """Write everything in the diff tables of a schema to the CRMs, and return what became of it.

    `limits` are the rows of push_limits.csv, `linked_counts` the linked records by object (read from matching.links
    when not given). The stale check is left out for a target whose `snapshot_at` (by target: when its records were
    read) is less than `verify_after_seconds` ago. Raises GuardStop, and then nothing was called.
    """
    linked = count_linked(connection, run_id) if linked_counts is None else linked_counts
    check_limits(connection, limits, accepted, linked, schema)
    writers = build_writers(clients)
    run = _Push(connection, writers, run_id, journal, on_progress, now or _utc_now, schema)
    run.unverified = {
        target
        for target, read_at in (snapshot_at or {}).items()
        if (run.now() - read_at).total_seconds() < verify_after_seconds
    }
    return run.run()


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


def build_writers(clients: Clients) -> dict[str, Writer]:
    """A writer for each target."""
    return {HUBSPOT: HubSpotWriter(clients.hubspot), SALESFORCE: SalesforceWriter(clients.salesforce)}


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
    ) -> None:
        self._connection = connection
        self._schema = schema
        self._writers = writers
        self._run_id = run_id
        self._journal = journal
        self._on_progress = on_progress
        self.now = now
        self.unverified: set[str] = set()
        self._tally = Tally()
        self._failures: dict[str, ApiError] = {}
        self._troubles: dict[str, int] = dict.fromkeys(writers, 0)
        self._references = References(journal, self._pending_links)
        self._waiting: list[Operation] = []
        self._made_before: set[tuple[str, str]] = set()

    def run(self) -> PushReport:
        started = time.monotonic()
        calls = {target: writer.calls for target, writer in self._writers.items()}
        resolved = self._resolve()
        for stage in diffs.stages(self._connection, self._schema):
            self._stage(stage)
        self._finish_waiting()
        return PushReport(
            counts=self._tally.counts(),
            api_calls={target: writer.calls - calls[target] for target, writer in self._writers.items()},
            seconds=time.monotonic() - started,
            failures=dict(self._failures),
            resolved=resolved,
        )

    def _resolve(self) -> dict[str, int]:
        resolved = resolve_attempts(self._connection, self._writers, self._journal, self.now)
        self._failures.update(resolved.failures)
        for attempt, outcome in resolved.settled:
            operation = attempt.operation
            if operation.operation == CREATE and outcome.outcome == SUCCEEDED and outcome.record_id:
                self._references.created(operation.target, operation.link_id, outcome.record_id)
                self._made_before.add((operation.target, operation.link_id))
        return resolved.counts()

    # ------------------------------------------------------------ stages

    def _stage(self, stage: diffs.Stage) -> None:
        size = self._writers[stage.target].batch_size(stage.operation)
        done = 0
        for batch in batched(self._not_made_before(diffs.operations(self._connection, stage, self._schema)), size):
            self._waiting += self._batch(batch)
            done += len(batch)
            if self._on_progress is not None:
                self._on_progress(Progress(stage.target, stage.object, stage.operation, done, stage.operations))

    def _not_made_before(self, operations: Iterable[Operation]) -> Iterator[Operation]:
        """Leaves out creates that an earlier run made, as was learnt just now: people may have edited them since."""
        for operation in operations:
            if operation.operation == CREATE and (operation.target, operation.link_id) in self._made_before:
                continue
            yield operation

    def _finish_waiting(self) -> None:
        """Push what waited for records of its own or a later stage, until nothing moves any more."""
        waiting, self._waiting = self._waiting, []
        while waiting:
            still: list[Operation] = []
            for group in _grouped(waiting):
                for batch in batched(group, self._writers[group[0].target].batch_size(group[0].operation)):
                    still += self._batch(batch)
            if len(still) == len(waiting):
                self._block([(one, "The records it refers to wait for each other.") for one in still])
                return
            waiting = still

    def _batch(self, operations: Sequence[Operation]) -> list[Operation]:
        """Push one batch; returns the operations that have to wait for a record not yet created."""
        resolved = self._references.resolve(operations)
        self._block(resolved.blocked)
        parts = [split_associations(operation) for operation in resolved.ready]
        own = [one for one, _ in parts if one is not None]
        associations = [one for _, one in parts if one is not None]
        if operations[0].operation == CREATE:
            self._create(own, associations)
        else:
            self._update(own)
            self._update(associations)
        return resolved.waiting

    # ------------------------------------------------------------ one batch

    def _create(self, operations: Sequence[Operation], associations: Sequence[Operation]) -> None:
        """Create records, then associate those that were made: the outcome of a create tells of both."""
        if not operations or self._is_left(operations):
            return
        attempts = self._begin(operations)
        outcomes = self._call(self._writers[operations[0].target], attempts)
        links = {operation.operation_id: operation.link_id for operation in operations}
        made = {links[one.operation_id]: one.record_id for one in outcomes if one.outcome == SUCCEEDED}
        ready = [replace(one, record_id=made[one.link_id]) for one in associations if one.link_id in made]
        associated = self._associate(ready) if ready else {}
        self._keep(attempts, [_with_stored(one, associated.get(links[one.operation_id])) for one in outcomes])

    def _associate(self, operations: Sequence[Operation]) -> dict[str, Outcome]:
        """Associate records that were created just now; returns the outcomes by link."""
        if operations[0].target in self._failures:
            return {}
        attempts = self._begin(operations)
        outcomes = self._call(self._writers[operations[0].target], attempts)
        self._keep(attempts, outcomes)
        links = {operation.operation_id: operation.link_id for operation in operations}
        return {links[outcome.operation_id]: outcome for outcome in outcomes}

    def _update(self, operations: Sequence[Operation]) -> None:
        """Change records that still hold what the decision was made on."""
        if not operations or self._is_left(operations):
            return
        target = operations[0].target
        writer = self._writers[target]
        fresh = list(operations)
        if target not in self.unverified:
            try:
                fresh, settled = check_stale(writer, operations)
            except ApiError as error:
                self._note_trouble(target, error)
                self._leave(operations)
                return
            self._keep(self._begin([operation for operation, _ in settled]), [outcome for _, outcome in settled])
        if fresh:
            attempts = self._begin(fresh)
            self._keep(attempts, self._call(writer, attempts))

    def _call(self, writer: Writer, attempts: Sequence[Attempt]) -> list[Outcome]:
        """Write one batch that is in the journal."""
        written = self._once(writer, attempts)
        if is_server_error(written.trouble):
            written = isolate(attempts, written, lambda part: self._once(writer, part))
        self._note_trouble(attempts[0].operation.target, written.failure or written.trouble)
        return written.outcomes

    def _once(self, writer: Writer, attempts: Sequence[Attempt]) -> Written:
        """One call; what it left unknown is resolved at once, where the CRM answers again."""
        written = writer.write([attempt.operation for attempt in attempts])
        unknown = {one.operation_id: one for one in written.outcomes if one.outcome == UNKNOWN}
        open_attempts = [attempt for attempt in attempts if attempt.operation.operation_id in unknown]
        if not open_attempts or written.failure is not None:
            return written
        try:
            learnt = writer.settle(open_attempts)
        except ApiError as error:
            self._note_trouble(open_attempts[0].operation.target, error)
            return written
        known = [one for one in written.outcomes if one.operation_id not in unknown]
        return replace(written, outcomes=known + [_explained(one, unknown[one.operation_id]) for one in learnt])

    def _block(self, blocked: Sequence[tuple[Operation, str]]) -> None:
        """Journal operations whose parent is missing, and with them whatever refers to them."""
        outcomes = [
            Outcome(one.operation_id, BLOCKED, "PARENT_MISSING", message, one.record_id) for one, message in blocked
        ]
        self._keep(self._begin([one for one, _ in blocked]), outcomes)

    def _is_left(self, operations: Sequence[Operation]) -> bool:
        if operations[0].target not in self._failures:
            return False
        self._leave(operations)
        return True

    def _leave(self, operations: Sequence[Operation]) -> None:
        """Leave operations for the next run, without a trace in the journal: their CRM does not answer."""
        for operation in operations:
            self._tally.add(operation.target, operation.object, operation.operation, NOT_ATTEMPTED)
            if operation.operation == CREATE:
                self._references.failed(operation.target, operation.link_id)

    # ------------------------------------------------------------ journal

    def _begin(self, operations: Sequence[Operation]) -> list[Attempt]:
        attempted_at = self.now()
        attempts = [Attempt(self._run_id, operation, attempted_at) for operation in operations]
        self._journal.begin_attempts(attempts)
        return attempts

    def _keep(self, attempts: Sequence[Attempt], outcomes: Sequence[Outcome]) -> None:
        by_operation = {attempt.operation.operation_id: attempt for attempt in attempts}
        pairs = [(by_operation[outcome.operation_id], outcome) for outcome in outcomes]
        self._journal.record_outcomes(pairs, self.now())
        for attempt, outcome in pairs:
            operation = attempt.operation
            self._tally.add(operation.target, operation.object, operation.operation, outcome.outcome)
            if operation.operation != CREATE:
                continue
            if outcome.outcome == SUCCEEDED and outcome.record_id:
                self._references.created(operation.target, operation.link_id, outcome.record_id)
            else:
                self._references.failed(operation.target, operation.link_id)

    # ------------------------------------------------------------ trouble

    def _note_trouble(self, target: str, error: ApiError | None) -> None:
        if error is None:
            self._troubles[target] = 0
            return
        self._troubles[target] += 1
        if is_final(error) or self._troubles[target] >= MOST_TROUBLES:
            self._failures.setdefault(target, error)

    def _pending_links(self, target: str, link_ids: set[str]) -> set[str]:
        return diffs.links_to_be_created(self._connection, target, link_ids, self._schema) if link_ids else set()


def _explained(learnt: Outcome, before: Outcome) -> Outcome:
    """What was learnt by reading; a write that was not made keeps the error that its call ended in."""
    if learnt.outcome == SUCCEEDED:
        return learnt
    return replace(learnt, error_code=before.error_code, message=f"{before.message} ({learnt.message})")


def _with_stored(create: Outcome, associated: Outcome | None) -> Outcome:
    """The outcome of a create with the associations that were made for it."""
    if associated is None or associated.outcome != SUCCEEDED or create.stored is None:
        return create
    return replace(create, stored={**create.stored, **(associated.stored or {})})


def _grouped(operations: Iterable[Operation]) -> list[list[Operation]]:
    """Operations of one kind together, kinds in the order in which they came."""
    groups: dict[tuple[str, str, str], list[Operation]] = {}
    for operation in operations:
        groups.setdefault((operation.target, operation.crm_object, operation.operation), []).append(operation)
    return list(groups.values())


def _utc_now() -> datetime:
    return datetime.now(UTC)
