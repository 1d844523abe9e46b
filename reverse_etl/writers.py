"""What a writer of a CRM does for the push, and what both writers have in common.

Owns the rule what becomes the base after a write, and the words of the notes. A writer makes HTTP calls and nothing
else: it holds no state between batches and never touches the warehouse, so that batches can be written side by side.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from crm_sync.clients.errors import ApiError
from reverse_etl.batches import Written, error_code, note_trouble
from reverse_etl.operations import ARCHIVE, CREATE, RETRYABLE, SUCCEEDED, UNKNOWN, Attempt, Current, Operation, Outcome
from reverse_etl.values import same_value

if TYPE_CHECKING:
    from reverse_etl.salesforce_bulk import SalesforceBulk


class Writer(Protocol):
    """One CRM. Every method takes operations of one CRM object; all but `current` and `settle` also of one kind, and
    none twice on the same record. Methods may be called by several threads at once."""

    @property
    def name(self) -> str: ...

    @property
    def calls(self) -> int: ...

    @property
    def calls_by_purpose(self) -> Mapping[str, int]:
        """The calls of this writer: writes, stale checks, readings back, resolutions of unknown outcomes."""
        ...

    @property
    def at_once(self) -> int:
        """How many calls may be under way at the same time."""
        ...

    def batch_size(self, operation: str) -> int:
        """How many operations of a kind are written in one call."""
        ...

    def check_size(self, operation: str) -> int:
        """How many operations of a kind are read in one call."""
        ...

    def unit_size(self, operation: str) -> int:
        """How many operations of a kind are checked, journalled and read back together."""
        ...

    def current(self, operations: Sequence[Operation]) -> dict[str, Current]:
        """What the operations' records hold in the fields to be written, by record id. Deleted and merged-away
        records are absent. Raises ApiError."""
        ...

    def write(self, operations: Sequence[Operation]) -> Written:
        """Write one batch. Never raises for what the CRM does: every operation gets an outcome. A success without
        `stored` is to be completed."""
        ...

    def complete(self, made: Sequence[tuple[Operation, Outcome]]) -> Written:
        """Read what the CRM has made of successful writes whose answer did not tell. Never raises for what the CRM
        does: what could not be read is unknown."""
        ...

    def settle(self, attempts: Sequence[Attempt]) -> list[Outcome]:
        """Learn by reading whether writes without an answer were made. Raises ApiError."""
        ...

    def bulk(self, operation: str, operations: int) -> SalesforceBulk | None:
        """How so many operations of one kind are written at once, where that is better than batch by batch."""
        ...

    def end_job(self, job_id: str) -> None:
        """See to it that a Bulk job of a dead run writes nothing any more. Raises ApiError while it still may."""
        ...


#: What calls are made for; counted apart.
WRITES, STALE_CHECKS, READ_BACKS, RESOLUTIONS = PURPOSES = ("writes", "stale_checks", "read_backs", "resolutions")


def merged_values(operation: Operation, held: Mapping[str, str | None]) -> dict[str, str | None]:
    """What the base takes: every mapped field after a create, the changed ones after an update."""
    names = [*operation.all_fields, *operation.changes] if operation.operation == CREATE else operation.changes
    return {name: held.get(name) for name in names}


def own_values(operation: Operation, answered: Mapping[str, str | None]) -> dict[str, str | None]:
    """What the base takes when somebody else has changed the record since our write: what the answer to it shows,
    else what was sent, else blank. Their edit then still differs from the base."""
    return merged_values(operation, {**operation.changes, **answered})


def cleared_only(operation: Operation, held: Mapping[str, str | None]) -> list[str]:
    """The fields that are blank because they were to be cleared and then set, and were cleared."""
    return [
        name
        for name in operation.clear_first
        if operation.changes.get(name) and operation.previous.get(name) and not held.get(name)
    ]


def note(crm: str, operation: Operation, held: Mapping[str, str | None]) -> str | None:
    """Which fields the CRM did not store as sent."""
    notes = []
    for name, sent in operation.changes.items():
        if name not in held or same_value(sent, held[name]):
            continue
        value = held[name] or ""
        if operation.operation != CREATE and same_value(value, operation.previous.get(name)):
            notes.append(f"{crm} kept {name} {value!r} and ignored {sent or ''!r}.")
        else:
            notes.append(f"{crm} stored {name} as {value!r}.")
    return " ".join(notes) or None


def settled(
    crm: str,
    operation: Operation,
    current: Current | None,
    record_id: str | None,
    *,
    is_ours: bool,
    is_proven: bool = False,
) -> Outcome:
    """The outcome of an attempt without an answer.

    A create was made when its record is found. An update was made when the target holds what was sent, or when
    the last change is proven to be ours and no field holds its former value (the CRM has reformatted what was sent).
    Between a clear and the set that follows it the field is blank: that much was made, and the base takes it.
    """
    if operation.operation == ARCHIVE:
        if current is None:
            message = f"No answer came; found by reading that {crm} no longer holds it."
            return Outcome(operation.operation_id, SUCCEEDED, message=message, record_id=operation.record_id)
        return _not_made(operation, f"{crm} still holds the record: not made.")
    if current is None:
        return _not_made(operation, f"{crm} does not hold the record: not made.")
    held = {name: current.values.get(name) for name in operation.changes}
    cleared = cleared_only(operation, held)
    is_sent = all(same_value(held[name], value) for name, value in operation.changes.items() if name not in cleared)
    is_moved = is_proven and not any(same_value(held[name], operation.previous.get(name)) for name in held)
    if operation.operation != CREATE and not is_sent and not is_moved:
        return _not_made(operation, f"{crm} does not hold what was sent: not made.")
    return Outcome(
        operation.operation_id,
        SUCCEEDED,
        message=f"No answer came; found by reading that {crm} holds it"
        + (f", with {', '.join(cleared)} cleared and not set yet." if cleared else "."),
        record_id=record_id,
        stored=merged_values(operation, current.values) if is_ours else own_values(operation, dict.fromkeys(cleared)),
        target_modified_at=current.modified_at if is_ours else None,
        is_modified_by_other=not is_ours,
    )


def _not_made(operation: Operation, message: str) -> Outcome:
    return Outcome(operation.operation_id, RETRYABLE, "NOT_MADE", message)


def unread(outcomes: Sequence[Outcome], error: ApiError) -> Written:
    """Successful writes whose values could not be read: what became of them is found out later."""
    written = Written(
        [
            replace(outcome, outcome=UNKNOWN, error_code=error_code(error), message=error.message, stored=None)
            for outcome in outcomes
        ]
    )
    note_trouble(written, error)
    return written
