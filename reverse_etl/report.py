"""What a push has done, counted: for the summary, for `journal.runs` and for progress while it runs.

Owns numbers only; the records themselves are in `journal.push_attempts`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from crm_sync.clients.errors import ApiError

#: An operation that was left for the next run because its CRM stopped answering; not journalled.
NOT_ATTEMPTED = "not_attempted"


@dataclass(frozen=True, slots=True)
class Count:
    """How many operations of one kind ended in one outcome."""

    target: str
    object: str
    operation: str
    outcome: str
    records: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one stage of the push has come."""

    target: str
    object: str
    operation: str
    done: int
    total: int


OnProgress = Callable[[Progress], None]


@dataclass(frozen=True)
class PushReport:
    """The result of a push. With `failures` (by target), the cycle has to end with exit code 1."""

    counts: tuple[Count, ...]
    api_calls: Mapping[str, int]
    seconds: float
    failures: Mapping[str, ApiError] = field(default_factory=dict)
    resolved: Mapping[str, int] = field(default_factory=dict)
    #: Calls by target and what they were made for: writes, stale checks, readings back, resolutions.
    purposes: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    @property
    def failed_crms(self) -> tuple[str, ...]:
        return tuple(sorted(self.failures))

    def records(self, outcome: str, target: str | None = None, object_: str | None = None) -> int:
        """The operations with one outcome."""
        return sum(
            count.records
            for count in self.counts
            if count.outcome == outcome
            and (target is None or count.target == target)
            and (object_ is None or count.object == object_)
        )

    def as_rows(self) -> list[dict[str, Any]]:
        """The counts as plain rows, for `journal.runs.counts`."""
        return [
            {
                "target": count.target,
                "object": count.object,
                "operation": count.operation,
                "outcome": count.outcome,
                "records": count.records,
            }
            for count in self.counts
        ]


def combined(reports: Sequence[PushReport]) -> PushReport:
    """Several pushes of one run as one."""
    tally = Tally()
    calls: Counter[str] = Counter()
    resolved: Counter[str] = Counter()
    failures: dict[str, ApiError] = {}
    purposes: dict[str, Counter[str]] = {}
    for report in reports:
        for target, by_purpose in report.purposes.items():
            purposes.setdefault(target, Counter()).update(by_purpose)
        for count in report.counts:
            tally.add(count.target, count.object, count.operation, count.outcome, count.records)
        calls.update(report.api_calls)
        resolved.update(report.resolved)
        failures = {**report.failures, **failures}
    seconds = sum(one.seconds for one in reports)
    return PushReport(tally.counts(), dict(calls), seconds, failures, dict(resolved), purposes)


class Tally:
    """Counts outcomes while a push runs."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str, str, str]] = Counter()

    def add(self, target: str, object_: str, operation: str, outcome: str, records: int = 1) -> None:
        self._counts[target, object_, operation, outcome] += records

    def counts(self) -> tuple[Count, ...]:
        return tuple(_count(key, records) for key, records in sorted(self._items()) if records)

    def _items(self) -> Iterable[tuple[tuple[str, str, str, str], int]]:
        return self._counts.items()


def _count(key: tuple[str, str, str, str], records: int) -> Count:
    target, object_, operation, outcome = key
    return Count(target, object_, operation, outcome, records)
