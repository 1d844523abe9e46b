"""Side by side: threads make the calls of many units of work, while the units' own code runs in one thread.

A unit is a generator: it yields calls that may be made at the same time, and is sent their results once all are there.
So everything between two yields, the journal above all, needs no lock, and a unit reads as if it were alone. Owns the
threads, a few for each CRM. Knows nothing of operations.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from queue import SimpleQueue
from types import TracebackType
from typing import Any

Call = Callable[[], Any]
Unit = Generator[Sequence[Call], list[Any], None]

#: How long the calls in flight are waited for when the work is given up on the spot (Ctrl-C).
_PATIENCE_SECONDS = 2.0


@dataclass
class _Running:
    """A unit that waits for the results of its calls."""

    unit: Unit
    name: str
    on_end: Callable[[], None]
    results: list[Any] = field(default_factory=list)
    missing: int = 0


class Crew:
    """Threads by name, at most so many each; they are started when there is work for them."""

    def __init__(self, at_once: Mapping[str, int]) -> None:
        self._at_once = at_once
        self._calls: dict[str, SimpleQueue[tuple[_Running, int, Call] | None]] = {
            name: SimpleQueue() for name in at_once
        }
        self._answers: SimpleQueue[tuple[_Running, int, Any, BaseException | None]] = SimpleQueue()
        self._threads: dict[str, list[threading.Thread]] = {name: [] for name in at_once}
        self._open = dict.fromkeys(at_once, 0)
        self._is_over = False

    @property
    def is_busy(self) -> bool:
        """Whether any call is still to be answered."""
        return any(self._open.values())

    def begin(self, name: str, unit: Unit, on_end: Callable[[], None]) -> None:
        """Run a unit up to its first calls, which the threads of that name then make."""
        self._go_on(_Running(unit, name, on_end), None)

    def wait(self) -> None:
        """Wait for the answer to a call; its unit goes on when it was the last one missing."""
        running, place, result, error = self._answers.get()
        self._open[running.name] -= 1
        if error is not None:
            raise error
        running.results[place] = result
        running.missing -= 1
        if running.missing == 0:
            self._go_on(running, running.results)

    def _go_on(self, running: _Running, results: list[Any] | None) -> None:
        try:
            calls = next(running.unit) if results is None else running.unit.send(results)
            while not calls:
                calls = running.unit.send([])
        except StopIteration:
            running.on_end()
            return
        running.results, running.missing = [None] * len(calls), len(calls)
        for place, call in enumerate(calls):
            self._make(running, place, call)

    def _make(self, running: _Running, place: int, call: Call) -> None:
        name = running.name
        self._open[name] += 1
        threads = self._threads[name]
        if len(threads) < min(self._open[name], self._at_once[name]):
            thread = threading.Thread(target=self._work, args=(name,), name=f"push-{name}-{len(threads)}", daemon=True)
            threads.append(thread)
            thread.start()
        self._calls[name].put((running, place, call))

    def _work(self, name: str) -> None:
        while (order := self._calls[name].get()) is not None:
            running, place, call = order
            if self._is_over:
                continue
            try:
                self._answers.put((running, place, call(), None))
            except BaseException as error:
                self._answers.put((running, place, None, error))

    # ------------------------------------------------------------ the end

    def __enter__(self) -> Crew:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """No further call begins. Those in flight are waited for: one that is repeated after the next run has read
        what became of it would be written unseen. Only somebody who asks to stop is not kept waiting for long, since
        the process ends then, and the calls with it."""
        self._is_over = True
        is_urgent = error is not None and not isinstance(error, Exception)
        for name, threads in self._threads.items():
            for _ in threads:
                self._calls[name].put(None)
        until = time.monotonic() + _PATIENCE_SECONDS
        for threads in self._threads.values():
            for thread in threads:
                thread.join(max(0.0, until - time.monotonic()) if is_urgent else None)
