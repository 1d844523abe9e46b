"""Attempts of unknown outcome: in flight when a process died, or sent without an answer.

Owns their resolution, which is by reading the target, never by guessing. What is read becomes the outcome; where the
CRM does not answer, the attempt stays unknown for the next run. A Bulk job of a dead run is waited for first, or
aborted: while it is at work, nothing that is read would stay true.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import duckdb

from crm_sync.clients.errors import ApiError
from reverse_etl import diffs
from reverse_etl.batches import parts_of
from reverse_etl.journal import Journal
from reverse_etl.operations import UNKNOWN, Attempt, Outcome
from reverse_etl.writers import Writer


@dataclass
class Resolved:
    """What was learnt, and (by target) which CRM did not answer."""

    settled: list[tuple[Attempt, Outcome]] = field(default_factory=list)
    open_attempts: int = 0
    failures: dict[str, ApiError] = field(default_factory=dict)

    def counts(self) -> dict[str, int]:
        """How many attempts there are by outcome."""
        found = Counter(outcome.outcome for _, outcome in self.settled)
        return dict(found + Counter({UNKNOWN: self.open_attempts}))


def resolve_attempts(
    connection: duckdb.DuckDBPyConnection,
    writers: Mapping[str, Writer],
    journal: Journal,
    now: Callable[[], datetime],
) -> Resolved:
    """Read what the targets hold, and complete the attempts of unknown outcome."""
    resolved = Resolved()
    attempts = journal.unknown_attempts()
    if not attempts:
        return resolved
    fields = diffs.mapped_fields(connection)
    over: set[str] = set()
    for target, batch in _batches(attempts, writers):
        if target in resolved.failures:
            resolved.open_attempts += len(batch)
            continue
        known = [_with_fields(attempt, fields) for attempt in batch]
        try:
            if (job_id := batch[0].bulk_job_id) is not None and job_id not in over:
                writers[target].end_job(job_id)
                over.add(job_id)
            outcomes = writers[target].settle(known)
        except ApiError as error:
            resolved.failures[target] = error
            resolved.open_attempts += len(batch)
            continue
        by_operation = {attempt.operation.operation_id: attempt for attempt in known}
        pairs = [(by_operation[outcome.operation_id], outcome) for outcome in outcomes]
        journal.record_outcomes(pairs, now())
        resolved.settled += pairs
    return resolved


def _batches(attempts: Sequence[Attempt], writers: Mapping[str, Writer]) -> Iterable[tuple[str, list[Attempt]]]:
    """Attempts of one kind and Bulk job, a unit at a time, none of them at the same operation."""
    groups: dict[tuple[str, str, str, str | None, int], list[Attempt]] = {}
    seen: Counter[str] = Counter()
    for attempt in attempts:
        operation = attempt.operation
        seen[operation.operation_id] += 1
        kind = (operation.target, operation.crm_object, operation.operation)
        groups.setdefault((*kind, attempt.bulk_job_id, seen[operation.operation_id]), []).append(attempt)
    for (target, _, operation_kind, _, _), group in groups.items():
        for part in parts_of(group, writers[target].unit_size(operation_kind)):
            yield target, list(part)


def _with_fields(attempt: Attempt, fields: Mapping[tuple[str, str], tuple[str, ...]]) -> Attempt:
    """The attempt with the mapped fields of its object, which the journal does not keep."""
    operation = attempt.operation
    names = fields.get((operation.target, operation.object), ())
    return replace(attempt, operation=replace(operation, all_fields=names))
