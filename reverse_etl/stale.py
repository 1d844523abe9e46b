"""The stale check: before an update, does the target still hold what the decision was made on?

Owns the comparison only. An operation whose record was changed since its snapshot in a field to be written, or which
was deleted or merged away, is left for the next cycle, which will see the change and decide anew.
"""

from __future__ import annotations

from collections.abc import Sequence

from crm_sync.clients.errors import Refused
from reverse_etl.batches import GENERAL_STATUSES, error_code
from reverse_etl.operations import ARCHIVE, REJECTED, STALE, Current, Operation, Outcome, is_set, members_of
from reverse_etl.values import same_value
from reverse_etl.writers import Writer

Settled = list[tuple[Operation, Outcome]]


def check_stale(writer: Writer, operations: Sequence[Operation]) -> tuple[list[Operation], Settled]:
    """The operations that may be written, and those that may not with their outcome. Raises ApiError.

    A reading that is refused (a field that the CRM does not show, say) is halved until the record stands alone.
    """
    fresh: list[Operation] = []
    settled: Settled = []
    queue = [list(operations)]
    while queue:
        part = queue.pop()
        try:
            current = writer.current(part)
        except Refused as refusal:
            if type(refusal) is not Refused:
                raise
            if len(part) > 1 and refusal.status not in GENERAL_STATUSES:
                middle = len(part) // 2
                queue += [part[middle:], part[:middle]]
            else:
                code = error_code(refusal)
                settled += [(one, Outcome(one.operation_id, REJECTED, code, refusal.message)) for one in part]
            continue
        for operation in part:
            outcome_or_none = _judged(writer.name, operation, current.get(operation.record_id or ""))
            if outcome_or_none is None:
                fresh.append(operation)
            else:
                settled.append((operation, outcome_or_none))
    return fresh, settled


def _judged(crm: str, operation: Operation, current: Current | None) -> Outcome | None:
    """The outcome of an operation that must not be written, else None."""
    if current is None:
        message = f"The record no longer exists in {crm}: deleted, or merged into another."
        return Outcome(operation.operation_id, STALE, "RECORD_GONE", message)
    if operation.operation == ARCHIVE and not _is_as_seen(operation, current):
        message = f"Changed in {crm} since it was read, so it is not deleted."
        return Outcome(operation.operation_id, STALE, "RECORD_CHANGED", message, target_modified_at=current.modified_at)
    changed = [name for name in operation.changes if _is_changed(operation, name, current)]
    if not changed:
        return None
    message = f"Changed in {crm} since it was read: {', '.join(sorted(changed))}."
    return Outcome(operation.operation_id, STALE, "RECORD_CHANGED", message, target_modified_at=current.modified_at)


def _is_as_seen(operation: Operation, current: Current) -> bool:
    """Whether a record to be archived is as it was seen. Salesforce's times are whole seconds: values tell more."""
    return current.modified_at == operation.snapshot_modified_at and all(
        same_value(current.values.get(name), value) for name, value in operation.previous.items()
    )


def _is_changed(operation: Operation, name: str, current: Current) -> bool:
    """Whether somebody changed a field since the snapshot. Associations and junction records do not move their record's
    time; there it counts that what was there has gone, or that something is there where nothing was.
    """
    if is_set(name) and name in operation.previous:
        before, now = members_of(operation.previous[name]), members_of(current.values.get(name))
        return not before <= now or (not before and bool(now))
    if current.modified_at is not None and current.modified_at == operation.snapshot_modified_at:
        # Salesforce's times are whole seconds, in which a second edit hides: there the value tells
        is_exact = current.modified_at.microsecond != 0
        return not is_exact and not same_value(current.values.get(name), operation.previous.get(name))
    return not same_value(current.values.get(name), operation.previous.get(name))
