"""One unit of the push: some operations of one kind, from the stale check to their outcomes in the journal.

Owns the steps of the protocol for a unit: references, stale check, journal, calls, reading back, journal. A unit is a
generator that yields its calls (crew.py): threads make them, side by side with those of other units; all else here
runs in the push's own thread. What it learns of CRMs in trouble is shared by all units of a push.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from itertools import count
from typing import Any

from crm_sync.clients.errors import ApiError
from reverse_etl.batches import Written, in_series, is_final, is_server_error, isolate, not_made, parts_of
from reverse_etl.crew import Call, Unit
from reverse_etl.journal import Journal
from reverse_etl.operations import (
    ARCHIVE,
    BLOCKED,
    CREATE,
    SUCCEEDED,
    UNKNOWN,
    Attempt,
    Operation,
    Outcome,
    split_associations,
)
from reverse_etl.references import References
from reverse_etl.report import NOT_ATTEMPTED, Tally
from reverse_etl.salesforce_bulk import Job, SalesforceBulk, for_collections
from reverse_etl.stale import Settled, check_stale
from reverse_etl.writers import Writer

#: A CRM in trouble (5xx or no answer, after the client's own retries) this many batches running is left alone.
MOST_TROUBLES = 2


@dataclass
class Health:
    """How the CRMs do: those in `failures` are left alone for the rest of the push."""

    failures: dict[str, ApiError] = field(default_factory=dict)
    troubles: dict[str, int] = field(default_factory=dict)

    def seen(self, target: str) -> int:
        """The troubles running, as known when a call is made: what fails beside it is the same trouble."""
        return self.troubles.get(target, 0)

    def note(self, target: str, error: ApiError | None, seen: int) -> None:
        """What a call came to."""
        if error is None:
            self.troubles[target] = 0
            return
        self.troubles[target] = max(self.seen(target), seen + 1)
        if is_final(error) or self.troubles[target] >= MOST_TROUBLES:
            self.failures.setdefault(target, error)


@dataclass(frozen=True, slots=True)
class _Checked:
    """What a stale check of some operations came to."""

    operations: Sequence[Operation]
    fresh: Sequence[Operation] = ()
    settled: Settled = field(default_factory=list)
    error: ApiError | None = None


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
        self._tally = tally
        self._now = now
        self._unverified = unverified
        #: Attempts are numbered, after a random beginning: a random id for each would cost more than all else of it.
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
        checks = yield [partial(self._checked, writer, part) for part in parts_of(operations, size)]
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
        (opened,) = yield [partial(_opened, bulk, operations)]
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
        for written in (yield [partial(_run, writer, bulk, job, by_job[job.job_id]) for job in jobs]):
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
        for several in (yield [partial(self._several, writer, one) for one in batches]):
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
        for read in (yield [partial(self._read_back, writer, part) for part in parts]):
            self._health.note(operation.target, read.failure or read.trouble, seen)
            complete += read.outcomes
        return complete

    def _several(self, writer: Writer, batches: Sequence[Sequence[Attempt]]) -> list[Written]:
        """Batches that must follow one another. Runs in a thread."""
        return [self._call(writer, attempts) for attempts in batches]

    def _call(self, writer: Writer, attempts: Sequence[Attempt]) -> Written:
        """Write one batch. Runs in a thread."""
        target = attempts[0].operation.target
        failure = self._health.failures.get(target)
        if failure is not None:
            return Written([not_made(attempt.operation, failure) for attempt in attempts], failure)
        written = _once(writer, attempts)
        if is_server_error(written.trouble):
            written = isolate(attempts, written, partial(_once, writer))
        if written.failure is not None:  # the other threads need not find out for themselves
            self._health.failures.setdefault(target, written.failure)
        return written

    def _read_back(self, writer: Writer, made: Sequence[tuple[Attempt, Outcome]]) -> Written:
        """Complete writes by reading. Runs in a thread."""
        attempts = [attempt for attempt, _ in made]
        read = writer.complete([(attempt.operation, outcome) for attempt, outcome in made])
        return _learnt(writer, attempts, read)

    def _checked(self, writer: Writer, operations: Sequence[Operation]) -> _Checked:
        """A stale check. Runs in a thread."""
        target = operations[0].target
        if target in self._health.failures:
            return _Checked(operations, error=self._health.failures[target])
        try:
            fresh, settled = check_stale(writer, operations)
        except ApiError as error:
            if is_final(error):
                self._health.failures.setdefault(target, error)
            return _Checked(operations, error=error)
        return _Checked(operations, fresh, settled)

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


def _once(writer: Writer, attempts: Sequence[Attempt]) -> Written:
    """One call. Runs in a thread."""
    return _learnt(writer, attempts, writer.write([attempt.operation for attempt in attempts]))


def _opened(bulk: SalesforceBulk, operations: Sequence[Operation]) -> list[Job]:
    """Runs in a thread. A CRM that does not answer is found out by the write, and jobs without data do nothing."""
    try:
        return bulk.open(operations)
    except ApiError:
        return []


def _run(writer: Writer, bulk: SalesforceBulk, job: Job, attempts: Sequence[Attempt]) -> Written:
    """A Bulk job. Runs in a thread."""
    written, is_over = bulk.run(job)
    return _learnt(writer, attempts, written) if is_over else written


def _learnt(writer: Writer, attempts: Sequence[Attempt], written: Written) -> Written:
    """What a call left unknown is resolved at once, where the CRM answers again."""
    unknown = {one.operation_id: one for one in written.outcomes if one.outcome == UNKNOWN}
    open_attempts = [attempt for attempt in attempts if attempt.operation.operation_id in unknown]
    if not open_attempts or written.failure is not None:
        return written
    try:
        learnt = writer.settle(open_attempts)
    except ApiError as error:
        return replace(written, trouble=error) if not is_final(error) else replace(written, failure=error)
    known = [one for one in written.outcomes if one.operation_id not in unknown]
    return replace(written, outcomes=known + [_explained(one, unknown[one.operation_id]) for one in learnt])


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
