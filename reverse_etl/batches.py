"""Batches: how many operations go into one call, and what happens when a call is refused as a whole.

Owns two rules: no id or key twice in a batch, and a batch that is refused is halved until the bad record stands
alone, so that its neighbours go through. Makes no call itself.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from crm_sync.clients.errors import (
    ApiError,
    NoResponse,
    NotSent,
    RateLimited,
    Refused,
    ServerTrouble,
    Unauthorized,
)
from reverse_etl.operations import RETRYABLE, SUCCEEDED, UNKNOWN, Attempt, Operation, Outcome

T = TypeVar("T")
#: Writes some operations in one call; raises an ApiError when the call as a whole does not succeed.
Send = Callable[[Sequence[Operation]], list[Outcome]]
#: The outcome of a single operation that was refused.
Judge = Callable[[Operation, Refused], Outcome]

#: Refusals that do not depend on the records sent: halving would only repeat them.
GENERAL_STATUSES = frozenset({403, 404, 405, 410, 415, 426})
#: How many server errors (500) one batch may meet while the record behind them is looked for.
_MOST_SERVER_ERRORS = 20
_TROUBLE_CODES = {423: "LOCKED", 477: "MIGRATION_IN_PROGRESS"}


def batched(operations: Iterable[Operation], size: int) -> Iterator[list[Operation]]:
    """Batches of at most `size` in which no record and no key occurs twice; later ones wait for later batches."""
    batch: dict[str, Operation] = {}
    later: list[Operation] = []
    for operation in operations:
        _add(operation, batch, later, size)
        while len(batch) == size:
            yield list(batch.values())
            batch, later = _refilled(later, size)
    while batch:
        yield list(batch.values())
        batch, later = _refilled(later, size)


def _refilled(waiting: list[Operation], size: int) -> tuple[dict[str, Operation], list[Operation]]:
    batch: dict[str, Operation] = {}
    later: list[Operation] = []
    for operation in waiting:
        _add(operation, batch, later, size)
    return batch, later


def _add(operation: Operation, batch: dict[str, Operation], later: list[Operation], size: int) -> None:
    key = operation.batch_key or operation.operation_id
    if key in batch or len(batch) == size:
        later.append(operation)
    else:
        batch[key] = operation


@dataclass
class Written:
    """The outcomes of a batch. `failure` says why the CRM should not be called again in this push."""

    outcomes: list[Outcome] = field(default_factory=list)
    failure: ApiError | None = None
    trouble: ApiError | None = None


def in_series(parts: Sequence[Sequence[Attempt]]) -> list[list[Sequence[Attempt]]]:
    """Batches that may go out side by side, each with those that must follow it: two batches that change children of
    one parent would wait for its lock. Expects the attempts in the order of their parents."""
    series: list[list[Sequence[Attempt]]] = []
    for part in parts:
        parent = part[0].operation.parent
        if series and parent is not None and series[-1][-1][-1].operation.parent == parent:
            series[-1].append(part)
        else:
            series.append([part])
    return series


def parts_of(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """The items in parts of at most `size`."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def send_isolating(operations: Sequence[Operation], send: Send, judge: Judge) -> Written:
    """Write operations, halving whatever is refused as a whole.

    Every operation gets an outcome. No answer, or a server error that may have come after the effect, is `unknown`;
    after a refused credential, a used-up limit or no connection the rest is not sent and `retryable`.
    """
    written = Written()
    queue = deque([list(operations)]) if operations else deque()
    while queue:
        piece = queue.popleft()
        if written.failure is not None:
            written.outcomes += [not_made(operation, written.failure) for operation in piece]
            continue
        try:
            written.outcomes += send(piece)
        except ApiError as error:
            if is_final(error):
                written.failure = error
                written.outcomes += [not_made(operation, error) for operation in piece]
            elif isinstance(error, Refused) and not isinstance(error, ServerTrouble):
                if len(piece) == 1 or error.status in GENERAL_STATUSES:
                    written.outcomes += [judge(operation, error) for operation in piece]
                else:
                    middle = len(piece) // 2
                    queue.extendleft([piece[middle:], piece[:middle]])
            else:
                written.trouble = error
                written.outcomes += [unanswered(operation, error) for operation in piece]
    return written


def isolate(attempts: Sequence[Attempt], written: Written, send: Callable[[Sequence[Attempt]], Written]) -> Written:
    """Halve what a server error (500) kept from being made: one record may be what the CRM stumbles over.

    Gives up after some more such errors: then it is not the records. The trouble is forgotten when anything went
    through.
    """
    outcomes = {outcome.operation_id: outcome for outcome in written.outcomes}
    queue = [_not_yet(attempts, outcomes)]
    errors_left = _MOST_SERVER_ERRORS
    while queue:
        part = queue.pop()
        halves = [part[: len(part) // 2], part[len(part) // 2 :]] if len(part) > 1 else []
        for half in halves:
            if errors_left == 0:
                break
            again = send(half)
            outcomes.update({outcome.operation_id: outcome for outcome in again.outcomes})
            if is_server_error(again.trouble):
                errors_left -= 1
                queue.append(_not_yet(half, outcomes))
            elif again.failure or again.trouble:
                return Written(list(outcomes.values()), again.failure, again.trouble)
    is_anything_made = any(outcome.outcome == SUCCEEDED for outcome in outcomes.values())
    return Written(list(outcomes.values()), None, None if is_anything_made else written.trouble)


def is_server_error(error: ApiError | None) -> bool:
    """Whether the CRM itself failed on a call, which it otherwise answers."""
    trouble = _trouble(error)
    return trouble is not None and trouble.status == 500


def _trouble(error: ApiError | None) -> ServerTrouble | None:
    """The server's trouble, which the client reports as a write without answer when its outcome is unknown."""
    cause = error.__cause__ if isinstance(error, NoResponse) else error
    return cause if isinstance(cause, ServerTrouble) else None


def _not_yet(attempts: Sequence[Attempt], outcomes: dict[str, Outcome]) -> list[Attempt]:
    return [attempt for attempt in attempts if outcomes[attempt.operation.operation_id].outcome == RETRYABLE]


def is_final(error: ApiError) -> bool:
    """Whether an error, which comes after the client's own retries, means that no further call will go through."""
    return isinstance(error, NotSent | Unauthorized | RateLimited)


def note_trouble(written: Written, error: ApiError) -> None:
    """Remember an error: some mean that no further call will go through."""
    if is_final(error):
        written.failure = error
    else:
        written.trouble = error


def error_code(error: ApiError) -> str:
    """A short code for a call that failed as a whole."""
    if trouble := _trouble(error):
        return trouble.code or _TROUBLE_CODES.get(trouble.status, "SERVER_ERROR")
    if isinstance(error, Refused):
        return error.code or str(error.status)
    return "NO_RESPONSE" if isinstance(error, NoResponse) else "NOT_SENT"


def not_made(operation: Operation, error: ApiError) -> Outcome:
    return Outcome(operation.operation_id, RETRYABLE, error_code=error_code(error), message=error.message)


def unanswered(operation: Operation, error: ApiError) -> Outcome:
    """The outcome of an operation whose call ended in an error of the whole call."""
    state = UNKNOWN if error.is_outcome_unknown else RETRYABLE
    return Outcome(operation.operation_id, state, error_code=error_code(error), message=error.message)
