"""Clear, then set: how a field is moved that HubSpot moves in one direction only, where its mapping asks for it.

Owns the two calls that follow an update which HubSpot accepted while it kept the old value (a lifecycle stage that
goes back), and what the three calls came to. Between the two the field is blank, and says so in the outcome: the next
run sets it. [HubSpot docs: crm/objects contacts, lifecycle stage]
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from reverse_etl.batches import Written
from reverse_etl.operations import RETRYABLE, SUCCEEDED, UNKNOWN, UPDATE, Operation, Outcome
from reverse_etl.values import same_value
from reverse_etl.writers import note

#: Writes operations, at most a batch of them, and tells what is stored.
Send = Callable[[Sequence[Operation]], Written]


def clear_then_set(operations: Sequence[Operation], written: Written, send: Send) -> Written:
    """What a batch of updates came to, after fields that kept their old value were cleared and set."""
    by_id = {operation.operation_id: operation for operation in operations}
    outcomes = {outcome.operation_id: outcome for outcome in written.outcomes}
    kept = {name: fields for name, one in outcomes.items() if (fields := _kept(by_id[name], one))}
    if not kept or written.failure is not None:
        return written
    cleared = send([_only(by_id[name], dict.fromkeys(fields)) for name, fields in kept.items()])
    blank = []
    for clear in cleared.outcomes:
        name = clear.operation_id
        outcomes[name] = _after_clear(outcomes[name], clear)
        if clear.outcome == SUCCEEDED and not any((clear.stored or {}).values()):
            blank.append(name)
    failure, trouble = cleared.failure, cleared.trouble
    if blank and failure is None:
        put = send([_only(by_id[name], {one: by_id[name].changes[one] for one in kept[name]}) for name in blank])
        for outcome in put.outcomes:
            name = outcome.operation_id
            outcomes[name] = _after_set(by_id[name], outcomes[name], outcome)
        failure, trouble = put.failure, trouble or put.trouble
    return Written(list(outcomes.values()), failure, written.trouble or trouble)


def _kept(operation: Operation, outcome: Outcome) -> list[str]:
    """The fields to be cleared first, for which HubSpot accepted another value and kept the one that it had."""
    if operation.operation != UPDATE or outcome.outcome != SUCCEEDED or outcome.stored is None:
        return []
    stored = outcome.stored
    return [
        name
        for name in operation.clear_first
        if operation.changes.get(name)
        and stored.get(name)
        and not same_value(stored[name], operation.changes[name])
        and same_value(stored[name], operation.previous.get(name))
    ]


def _only(operation: Operation, changes: Mapping[str, str | None]) -> Operation:
    """One of the two calls: these fields of the operation, whatever they hold."""
    return replace(operation, changes=changes, previous={}, references={}, clear_first=())


def _after_clear(first: Outcome, clear: Outcome) -> Outcome:
    """A clear that HubSpot refuses leaves the value as it was; one that may come yet makes all of it undecided."""
    if clear.outcome == SUCCEEDED:
        return _joined(first, clear)
    if clear.outcome in (RETRYABLE, UNKNOWN):
        return clear
    return replace(first, message=_sentences(first.message, f"HubSpot refused to clear it first: {clear.message}"))


def _after_set(operation: Operation, before: Outcome, put: Outcome) -> Outcome:
    """A set that was not made leaves the field blank, for the next run to set."""
    if put.outcome == SUCCEEDED:
        after = _joined(before, put)
        return replace(after, message=note("HubSpot", operation, after.stored or {}))
    if put.outcome == UNKNOWN:
        return put
    return replace(before, message=_sentences(before.message, f"HubSpot cleared it and did not set it: {put.message}"))


def _joined(before: Outcome, after: Outcome) -> Outcome:
    """Two calls on one record as one outcome: what the later one shows counts."""
    return replace(
        before,
        stored={**(before.stored or {}), **(after.stored or {})},
        target_modified_at=after.target_modified_at or before.target_modified_at,
        is_modified_by_other=before.is_modified_by_other or after.is_modified_by_other,
    )


def _sentences(*texts: str | None) -> str:
    return " ".join(filter(None, texts))
