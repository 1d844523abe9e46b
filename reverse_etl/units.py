"""One unit of the push: some operations of one kind, from the stale check to their outcomes in the journal.

Owns the steps of the protocol for a unit: references, stale check, journal, calls, reading back, journal. A unit is a
generator that yields its calls (calls.py): threads make them (crew.py), side by side with those of other units; all
here runs in the push's own thread.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from itertools import count
from typing import Any

from reverse_etl.batches import in_series, parts_of
from reverse_etl.calls import Calls, Health
from reverse_etl.crew import Call, Unit
from reverse_etl.journal import Journal
from reverse_etl.operations import (
    ARCHIVE,
    BLOCKED,
    CREATE,
    SUCCEEDED,
    Attempt,
    Operation,
    Outcome,
    split_associations,
)
from reverse_etl.references import References
from reverse_etl.report import NOT_ATTEMPTED, Tally
from reverse_etl.salesforce_bulk import Job, SalesforceBulk, for_collections
from reverse_etl.stale import Settled
from reverse_etl.writers import Writer


class Units:
    """Makes the units of one push. `waiting` collects the operations that refer to records still to be created."""

    def __init__(
        self,
        run_id: str,
        journal: Journal,
        references: References,
        health: Health,
        tally: Tally,
        now: Callable[[], datetime],
        unverified: set[str],
    ) -> None:
        self._run_id = run_id
        self._journal = journal
        self._references = references
        self._health = health
        self._calls = Calls(health)
        self._tally = tally
        self._now = now
        self._unverified = unverified
        #: Attempts are numbered, after a random beginning: a random id for each takes 8 microseconds.
        self._attempt_ids = (f"{beginning}{number:012x}" for beginning in [uuid.uuid4().hex[:20]] for number in count())
        self.waiting: list[Operation] = []

    def unit(self, writer: Writer, operations: Sequence[Operation], bulk: SalesforceBulk | None = None) -> Unit:
        """Push some operations of one kind, none of them on the same record; at once where there is `bulk`."""
        resolved = self._references.resolve(operations)
        self.block(resolved.blocked)
        self.waiting += resolved.waiting
        parts = [split_associations(operation) for operation in resolved.ready]
        own = [one for one, _ in parts if one is not None]
        associations = [one for _, one in parts if one is not None]
        if operations[0].operation == CREATE:
            yield from self._create(writer, own, associations, bulk)
        else:
            yield from self._update(writer, own, bulk)
            yield from self._update(writer, associations)

    def block(self, blocked: Sequence[tuple[Operation, str]]) -> None:
        """Journal operations whose parent is missing, and with them whatever refers to them."""
        outcomes = [
            Outcome(one.operation_id, BLOCKED, "PARENT_MISSING", message, one.record_id) for one, message in blocked
        ]
        self._keep(self._begin([one for one, _ in blocked]), outcomes)

    # ------------------------------------------------------------ creates and updates

    def _create(
        self,
        writer: Writer,
        operations: Sequence[Operation],
        associations: Sequence[Operation],
        bulk: SalesforceBulk | None,
    ) -> Unit:
        """Create records, then associate those that were made: the outcome of a create tells of both."""
        if not operations or self._is_left(operations):
            return
        jobs = (yield from self._open(bulk, operations)) if bulk else []
        attempts = self._begin(operations, jobs)
        outcomes = yield from self._write(writer, attempts, bulk, jobs)
        links = {operation.operation_id: operation.link_id for operation in operations}
        made = {links[one.operation_id]: one.record_id for one in outcomes if one.outcome == SUCCEEDED}
        ready = [replace(one, record_id=made[one.link_id]) for one in associations if one.link_id in made]
        associated = (yield from self._associate(writer, ready)) if ready else {}
        self._keep(attempts, [_with_stored(one, associated.get(links[one.operation_id])) for one in outcomes])

    def _associate(
        self, writer: Writer, operations: Sequence[Operation]
    ) -> Generator[Sequence[Call], list[Any], dict[str, Outcome]]:
        """Associate records that were created just now; returns the outcomes by link."""
        if operations[0].target in self._health.failures:
            return {}
        attempts = self._begin(operations)
        outcomes = yield from self._write(writer, attempts)
        self._keep(attempts, outcomes)
        links = {operation.operation_id: operation.link_id for operation in operations}
        return {links[outcome.operation_id]: outcome for outcome in outcomes}

    def _update(self, writer: Writer, operations: Sequence[Operation], bulk: SalesforceBulk | None = None) -> Unit:
        """Change records that still hold what the decision was made on."""
        if not operations or self._is_left(operations):
            return
        fresh = list(operations)
        if operations[0].target not in self._unverified:
            fresh = yield from self._check(writer, operations)
        if not fresh or self._is_left(fresh):
            return
        jobs = (yield from self._open(bulk, fresh)) if bulk else []
        attempts = self._begin(fresh, jobs)
        self._keep(attempts, (yield from self._write(writer, attempts, bulk, jobs)))

    def _check(
        self, writer: Writer, operations: Sequence[Operation]
    ) -> Generator[Sequence[Call], list[Any], list[Operation]]:
        """The operations that may be written; the outcome of the others is kept."""
        target = operations[0].target
        seen = self._health.seen(target)
        size = writer.check_size(operations[0].operation)
        checks = yield [partial(self._calls.checked, writer, part) for part in parts_of(operations, size)]
        fresh: list[Operation] = []
        settled: Settled = []
        for check in checks:
            if check.error is not None:
                self._health.note(target, check.error, seen)
                self._leave(check.operations)
            fresh += check.fresh
            settled += check.settled
        self._keep(self._begin([operation for operation, _ in settled]), [outcome for _, outcome in settled])
        return fresh

    # ------------------------------------------------------------ calls

    def _open(
        self, bulk: SalesforceBulk, operations: Sequence[Operation]
    ) -> Generator[Sequence[Call], list[Any], list[Job]]:
        """Jobs for operations, still without data; where none can be opened, collections do."""
        (opened,) = yield [partial(self._calls.opened, bulk, operations)]
        jobs: list[Job] = opened
        return jobs

    def _write(
        self,
        writer: Writer,
        attempts: Sequence[Attempt],
        bulk: SalesforceBulk | None = None,
        jobs: Sequence[Job] = (),
    ) -> Generator[Sequence[Call], list[Any], list[Outcome]]:
        """Write attempts that are in the journal, and read back what the answers do not tell."""
        single = [attempt for attempt in attempts if attempt.bulk_job_id is None]
        outcomes: list[Outcome] = []
        if bulk is not None and jobs:
            by_job = yield from self._run_jobs(writer, attempts, bulk, jobs)
            again = {one.operation_id for one in by_job if for_collections(one)}
            outcomes += [one for one in by_job if one.operation_id not in again]
            single += [one for one in attempts if one.operation.operation_id in again]
        if single:
            outcomes += yield from self._write_batches(writer, single)
        if attempts[0].operation.operation == ARCHIVE:
            return outcomes
        return (yield from self._completed(writer, attempts, outcomes))

    def _run_jobs(
        self, writer: Writer, attempts: Sequence[Attempt], bulk: SalesforceBulk, jobs: Sequence[Job]
    ) -> Generator[Sequence[Call], list[Any], list[Outcome]]:
        target = attempts[0].operation.target
        seen = self._health.seen(target)
        by_job = {job.job_id: [attempt for attempt in attempts if attempt.bulk_job_id == job.job_id] for job in jobs}
        outcomes: list[Outcome] = []
        for written in (yield [partial(self._calls.run, writer, bulk, job, by_job[job.job_id]) for job in jobs]):
            self._health.note(target, written.failure or written.trouble, seen)
            outcomes += written.outcomes
        return outcomes

    def _write_batches(
        self, writer: Writer, attempts: Sequence[Attempt]
    ) -> Generator[Sequence[Call], list[Any], list[Outcome]]:
        operation = attempts[0].operation
        seen = self._health.seen(operation.target)
        batches = in_series(list(parts_of(attempts, writer.batch_size(operation.operation))))
        outcomes: list[Outcome] = []
        for several in (yield [partial(self._calls.several, writer, one) for one in batches]):
            for written in several:
                self._health.note(operation.target, written.failure or written.trouble, seen)
                outcomes += written.outcomes
        return outcomes

    def _completed(
        self, writer: Writer, attempts: Sequence[Attempt], outcomes: Sequence[Outcome]
    ) -> Generator[Sequence[Call], list[Any], list[Outcome]]:
        """The outcomes with what was stored, which is read where the answers to the writes do not tell."""
        unread = {one.operation_id: one for one in outcomes if one.outcome == SUCCEEDED and one.stored is None}
        if not unread:
            return list(outcomes)
        operation = attempts[0].operation
        seen = self._health.seen(operation.target)
        made = [(attempt, unread[name]) for attempt in attempts if (name := attempt.operation.operation_id) in unread]
        complete = [one for one in outcomes if one.operation_id not in unread]
        parts = parts_of(made, writer.check_size(operation.operation))
        for read in (yield [partial(self._calls.read_back, writer, part) for part in parts]):
            self._health.note(operation.target, read.failure or read.trouble, seen)
            complete += read.outcomes
        return complete

    # ------------------------------------------------------------ CRMs that do not answer

    def _is_left(self, operations: Sequence[Operation]) -> bool:
        if operations[0].target not in self._health.failures:
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

    def _begin(self, operations: Sequence[Operation], jobs: Sequence[Job] = ()) -> list[Attempt]:
        attempted_at = self._now()
        by_operation = {operation.operation_id: job.job_id for job in jobs for operation in job.operations}
        attempts = [
            Attempt(self._run_id, one, attempted_at, next(self._attempt_ids), by_operation.get(one.operation_id))
            for one in operations
        ]
        self._journal.begin_attempts(attempts)
        return attempts

    def _keep(self, attempts: Sequence[Attempt], outcomes: Sequence[Outcome]) -> None:
        by_operation = {attempt.operation.operation_id: attempt for attempt in attempts}
        pairs = [(by_operation[outcome.operation_id], outcome) for outcome in outcomes]
        self._journal.record_outcomes(pairs, self._now())
        for attempt, outcome in pairs:
            operation = attempt.operation
            self._tally.add(operation.target, operation.object, operation.operation, outcome.outcome)
            if operation.operation != CREATE:
                continue
            if outcome.outcome == SUCCEEDED and outcome.record_id:
                self._references.created(operation.target, operation.link_id, outcome.record_id)
            else:
                self._references.failed(operation.target, operation.link_id)


def _with_stored(create: Outcome, associated: Outcome | None) -> Outcome:
    """The outcome of a create with the associations that were made for it."""
    if associated is None or associated.outcome != SUCCEEDED or create.stored is None:
        return create
    return replace(create, stored={**create.stored, **(associated.stored or {})})
