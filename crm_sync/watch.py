"""`crm-sync watch`: cycles without end in one process.

Owns when a cycle begins and when to stop; what a cycle does is `cycle.py`'s. dbt's project is parsed once, as long as
its files stay the same (transform.py keeps it); seeds and settings are read anew for each cycle. A cycle that fails is
followed by waits that double up to a quarter of an hour, since a CRM in trouble is not helped by more calls.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from types import FrameType

import duckdb

from crm_sync.afterwards import Afterwards
from crm_sync.config import Settings
from crm_sync.cycle import CycleOptions, CycleResult, run_cycle
from crm_sync.errors import CrmSyncError, LockHeld, Paused
from crm_sync.progress import Observer, StopRequested
from crm_sync.wording import counted, direction_words, seconds_words

LONGEST_WAIT_SECONDS = 900.0
_LAG = """
select attempts.target,
    quantile_cont(date_diff('millisecond', source_modified_at, outcome_at) / 1000.0, 0.5) as p50,
    quantile_cont(date_diff('millisecond', source_modified_at, outcome_at) / 1000.0, 0.95) as p95
from journal.push_attempts as attempts
inner join matching.links as links on attempts.link_id = links.link_id
where attempts.run_id = ? and attempts.outcome = 'succeeded' and attempts.operation = 'update'
    and attempts.source_modified_at > links.linked_at and attempts.source_modified_at <= attempts.outcome_at
group by attempts.target order by attempts.target
"""
Say = Callable[[str], None]


class _StopBetweenSteps(Observer):
    """Ends a cycle before its next step, once a stop is asked for. What was journalled is continued by the next."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop

    def step(self, name: str) -> None:
        # what was pushed is settled and published first: seconds, and readers see it
        if self._stop.is_set() and name in ("extract", "decide", "push"):
            raise StopRequested


class Watch:
    """The loop. `run` returns the exit code: 0 when told to stop, 1 when the last of `cycles` cycles failed."""

    def __init__(
        self, load: Callable[[], Settings], every: float, cycles: int | None, say: Say, afterwards: Afterwards
    ) -> None:
        self._load = load
        self._every = every
        self._cycles = cycles
        self._say = say
        self._afterwards = afterwards
        self._stop = threading.Event()
        self._failures = 0

    def run(self) -> int:
        with self._signals():
            done = 0
            while not self._stop.is_set():
                started = monotonic()
                self._cycle()
                done += 1
                if self._cycles is not None and done >= self._cycles:
                    break
                self._stop.wait(max(0.0, self._wait() - (monotonic() - started)))
        if self._stop.is_set():
            self._say("Stopped; the next run continues where this one stopped.")
            return 0
        return 1 if self._failures else 0

    def _cycle(self) -> None:
        try:
            settings = self._load()
            result = run_cycle(settings, CycleOptions("watch", rereads=False), _StopBetweenSteps(self._stop))
        except StopRequested:
            return
        except (Paused, LockHeld) as error:
            self._line(error.message)
            self._afterwards.failed(error)
        except CrmSyncError as error:
            self._failures += 1
            self._line(f"failed (exit code {error.exit_code}): {error}")
            self._line(f"next try in {seconds_words(self._wait())}")
            self._afterwards.failed(error)
        else:
            self._failures = 0
            self._line(_what_was_done(result, settings.health_path))
            self._afterwards.succeeded(result)

    def _wait(self) -> float:
        """The interval; after failures the doubled one, up to a quarter of an hour (never less than the interval)."""
        if not self._failures:
            return self._every
        doubled: float = self._every * 2.0 ** min(self._failures, 16)
        return max(self._every, min(LONGEST_WAIT_SECONDS, doubled))

    def _line(self, text: str) -> None:
        self._say(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}  {text}")

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """SIGTERM and SIGINT ask to stop; a second SIGINT interrupts at once."""

        def ask(number: int, frame: FrameType | None) -> None:
            if self._stop.is_set() and number == signal.SIGINT:
                raise KeyboardInterrupt
            self._stop.set()
            self._say("Stopping after the present step ...")

        if threading.current_thread() is not threading.main_thread():
            yield  # signals reach the main thread only; whoever runs this in another one stops it otherwise
            return
        before = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _what_was_done(result: CycleResult, health: Path) -> str:
    assert result.pushed is not None
    pushed = result.pushed
    written = pushed.records("succeeded")
    parts = [f"{counted(written, 'write')}" if written else "nothing to write"]
    parts += [
        f"{pushed.records(one):,} {one}" for one in ("rejected", "retryable", "stale", "blocked") if pushed.records(one)
    ]
    parts.append(f"{sum(result.steps.values()):.1f} s")
    parts.append(f"{sum(usage['calls'] for usage in result.api_calls.values()):,} API calls")
    if written:
        parts += _lag(result.run_id, health)
    return ", ".join(parts)


def _lag(run_id: str, health: Path) -> list[str]:
    """How long the edits that this cycle carried over had waited."""
    with duckdb.connect(str(health), read_only=True) as connection:
        rows = connection.execute(_LAG, [run_id]).fetchall()
    return [
        f"{direction_words(target)} after {seconds_words(p50)} (95 % {seconds_words(p95)})" for target, p50, p95 in rows
    ]
