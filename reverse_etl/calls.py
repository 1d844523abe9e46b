"""The calls of the push, as threads make them: stale checks, writes, Bulk jobs and readings back, each with its answer.

Owns what a call without a good answer means for the calls beside and after it: a batch that a server error kept from
being made is halved, what is left unknown is read at once, and a CRM in trouble is left alone. Touches no warehouse.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from crm_sync.clients.errors import ApiError
from reverse_etl.batches import Written, is_final, is_server_error, isolate, not_made, note_trouble
from reverse_etl.operations import SUCCEEDED, UNKNOWN, Attempt, Operation, Outcome
from reverse_etl.salesforce_bulk import Job, SalesforceBulk
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
class Checked:
    """What a stale check of some operations came to."""

    operations: Sequence[Operation]
    fresh: Sequence[Operation] = ()
    settled: Settled = field(default_factory=list)
    error: ApiError | None = None


class Calls:
    """Makes calls for the units of one push; its methods may be called by several threads at once."""

    def __init__(self, health: Health) -> None:
        self.health = health

    def several(self, writer: Writer, batches: Sequence[Sequence[Attempt]]) -> list[Written]:
        """Batches that must follow one another."""
        return [self._call(writer, attempts) for attempts in batches]

    def _call(self, writer: Writer, attempts: Sequence[Attempt]) -> Written:
        """Write one batch."""
        target = attempts[0].operation.target
        failure = self.health.failures.get(target)
        if failure is not None:
            return Written([not_made(attempt.operation, failure) for attempt in attempts], failure)
        written = _once(writer, attempts)
        if is_server_error(written.trouble):
            written = isolate(attempts, written, partial(_once, writer))
        if written.failure is not None:  # the other threads need not find out for themselves
            self.health.failures.setdefault(target, written.failure)
        return written

    def read_back(self, writer: Writer, made: Sequence[tuple[Attempt, Outcome]]) -> Written:
        """Complete writes by reading."""
        attempts = [attempt for attempt, _ in made]
        read = writer.complete([(attempt.operation, outcome) for attempt, outcome in made])
        return _learnt(writer, attempts, read)

    def checked(self, writer: Writer, operations: Sequence[Operation]) -> Checked:
        """A stale check."""
        target = operations[0].target
        if target in self.health.failures:
            return Checked(operations, error=self.health.failures[target])
        try:
            fresh, settled = check_stale(writer, operations)
        except ApiError as error:
            if is_final(error):
                self.health.failures.setdefault(target, error)
            return Checked(operations, error=error)
        return Checked(operations, fresh, settled)

    def opened(self, bulk: SalesforceBulk, operations: Sequence[Operation]) -> list[Job]:
        """Jobs without data, which do nothing. A CRM that does not answer is found out by the write."""
        try:
            return bulk.open(operations)
        except ApiError:
            return []

    def run(self, writer: Writer, bulk: SalesforceBulk, job: Job, attempts: Sequence[Attempt]) -> Written:
        """A Bulk job."""
        written, is_over = bulk.run(job)
        return _learnt(writer, attempts, written) if is_over else written


def _once(writer: Writer, attempts: Sequence[Attempt]) -> Written:
    """One call."""
    return _learnt(writer, attempts, writer.write([attempt.operation for attempt in attempts]))


def _learnt(writer: Writer, attempts: Sequence[Attempt], written: Written) -> Written:
    """What a call left unknown is resolved at once, where the CRM answers again."""
    unknown = {one.operation_id: one for one in written.outcomes if one.outcome == UNKNOWN}
    open_attempts = [attempt for attempt in attempts if attempt.operation.operation_id in unknown]
    if not open_attempts or written.failure is not None:
        return written
    try:
        learnt = writer.settle(open_attempts)
    except ApiError as error:
        note_trouble(written, error)
        return written
    known = [one for one in written.outcomes if one.operation_id not in unknown]
    return replace(written, outcomes=known + [_explained(one, unknown[one.operation_id]) for one in learnt])


def _explained(learnt: Outcome, before: Outcome) -> Outcome:
    """What was learnt by reading; a write that was not made keeps the error that its call ended in."""
    if learnt.outcome == SUCCEEDED:
        return learnt
    return replace(learnt, error_code=before.error_code, message=f"{before.message} ({learnt.message})")
