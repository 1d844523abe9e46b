"""Several generators run in threads of their own, a few items ahead of whoever takes them.

Owns threads, back-pressure and endings: all items go through one queue of bounded length, so that readers who are
faster than their taker wait for it; the first error of a generator is raised where the items are taken, and whoever
stops taking ends all generators at their next item. Knows nothing of what the items are.
"""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Generic, TypeVar

MOST_THREADS = 12

T = TypeVar("T")
Generate = Callable[[], Iterator[T]]


class _Ended:
    """A thread has no generator left to run."""


class Ahead(Generic[T]):
    """`with Ahead(generators, length) as items:` gives the items of all of them, in the order in which they come.

    More generators than `threads` wait for those before them to end.
    """

    def __init__(self, generators: Sequence[Generate[T]], length: int, threads: int = MOST_THREADS) -> None:
        self._waiting = deque(generators)
        self._queue: queue.Queue[T | BaseException | _Ended] = queue.Queue(length)
        self._abandoned = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, name="read-ahead", daemon=True)
            for _ in range(min(threads, len(generators)))
        ]

    def __enter__(self) -> Iterator[T]:
        for thread in self._threads:
            thread.start()
        return self._take()

    def __exit__(self, *details: object) -> None:
        self._abandoned.set()
        for thread in self._threads:
            thread.join()

    def _take(self) -> Iterator[T]:
        running = len(self._threads)
        while running:
            item = self._queue.get()
            if isinstance(item, _Ended):
                running -= 1
            elif isinstance(item, BaseException):
                raise item
            else:
                yield item

    def _run(self) -> None:
        try:
            while not self._abandoned.is_set():
                try:
                    generate = self._waiting.popleft()
                except IndexError:
                    break
                self._drain(generate())
            self._put(_Ended())
        except BaseException as error:
            self._put(error)

    def _drain(self, items: Iterator[T]) -> None:
        if not hasattr(items, "close"):
            items = (item for item in items)
        with closing(items):  # type: ignore[type-var]
            for item in items:
                if not self._put(item):
                    return

    def _put(self, item: T | BaseException | _Ended) -> bool:
        while not self._abandoned.is_set():
            try:
                self._queue.put(item, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False


def together(tasks: Sequence[Callable[[], T]], threads: int = MOST_THREADS) -> list[T]:
    """The results of all tasks, in their order, run side by side; the first one's error when any fails."""
    if len(tasks) <= 1:
        return [task() for task in tasks]
    with ThreadPoolExecutor(min(threads, len(tasks)), thread_name_prefix="together") as pool:
        futures = [pool.submit(task) for task in tasks]
        return [future.result() for future in futures]
