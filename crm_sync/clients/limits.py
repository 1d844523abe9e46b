"""Keeping below the CRMs' rate limits, and reading the limits out of their replies.

A limiter owns the pace of one CRM's calls: `slot` blocks until a call may be made. It refuses to count on the
CRM's errors for that: the limits are kept proactively. A call is counted from before it is sent until its window
has passed since its *end*; since the CRM counts it somewhere between the two, the CRM's own window can never hold
more calls than ours.

Sources: HubSpot usage guidelines (10 second rolling window in `X-HubSpot-RateLimit-*`, search 5 per second and
without headers); Salesforce `Sforce-Limit-Info: api-usage=17/15000`, and a limit on concurrent long requests.
"""

from __future__ import annotations

import re
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import Protocol

Clock = Callable[[], float]
Sleep = Callable[[float], None]

HUBSPOT_WINDOW_SECONDS = 10.0
HUBSPOT_DEFAULT_CALLS_PER_WINDOW = 100  # the smallest plan's, until a reply tells [HubSpot docs: usage guidelines]
HUBSPOT_SEARCHES_PER_SECOND = 5  # the docs disagree whether per token or per account
SALESFORCE_CONCURRENT_CALLS = 10  # 25 long ones are allowed in production, 5 in developer orgs


@dataclass(frozen=True)
class ApiLimits:
    """The daily limit and its use as last seen in a reply; None where the CRM does not tell."""

    daily_limit: int | None = None
    daily_used: int | None = None


class Limiter(Protocol):
    """What ApiClient needs: a slot around each call, and a look at each reply's headers."""

    @property
    def limits(self) -> ApiLimits: ...

    def slot(self, path: str) -> AbstractContextManager[None]: ...

    def await_room(self, calls: int) -> None: ...

    def observe(self, headers: Mapping[str, str]) -> None: ...


class RollingWindow:
    """At most `capacity` calls that overlap any window of `seconds`. Thread-safe."""

    def __init__(self, capacity: int, seconds: float, clock: Clock, sleep: Sleep) -> None:
        self.capacity = capacity
        self._seconds = seconds
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._in_flight = 0
        self._ended: deque[float] = deque()
        self._others = 0
        self._others_until = 0.0

    @contextmanager
    def slot(self) -> Iterator[None]:
        self._acquire()
        try:
            yield
        finally:
            with self._lock:
                self._in_flight -= 1
                self._ended.append(self._clock())

    def learn(self, capacity: int, remaining: int) -> None:
        """Take over the CRM's view: its limit, and what others than this process have used of it."""
        with self._lock:
            now = self._clock()
            self._forget(now)
            self.capacity = max(1, capacity)
            others = (capacity - remaining) - (len(self._ended) + self._in_flight)
            if others > 0:
                self._others, self._others_until = others, now + self._seconds
            elif now >= self._others_until:
                self._others = 0

    def await_room(self, calls: int) -> None:
        """Wait until so many further calls would go out without a pause."""
        while (wait := self._until_room(calls)) > 0:
            self._sleep(wait)

    def _until_room(self, calls: int) -> float:
        with self._lock:
            now = self._clock()
            self._forget(now)
            others = self._others if now < self._others_until else 0
            allowed = max(1, self.capacity - others)
            missing = min(calls, allowed // 2) - (allowed - len(self._ended) - self._in_flight)
            if missing <= 0:
                return 0.0
            if missing <= len(self._ended):
                return max(0.001, self._ended[missing - 1] + self._seconds - now)
            return 0.02

    def _acquire(self) -> None:
        while (wait := self._try_acquire()) > 0:
            self._sleep(wait)

    def _try_acquire(self) -> float:
        with self._lock:
            now = self._clock()
            self._forget(now)
            others = self._others if now < self._others_until else 0
            if len(self._ended) + self._in_flight < max(1, self.capacity - others):
                self._in_flight += 1
                return 0.0
            if self._ended:
                return max(0.001, self._ended[0] + self._seconds - now)
            return 0.02

    def _forget(self, now: float) -> None:
        while self._ended and self._ended[0] <= now - self._seconds:
            self._ended.popleft()


class HubSpotLimiter:
    """Paces HubSpot calls: a 10 second window over all of them, a 1 second window over searches."""

    def __init__(self, clock: Clock, sleep: Sleep) -> None:
        self._calls = RollingWindow(HUBSPOT_DEFAULT_CALLS_PER_WINDOW, HUBSPOT_WINDOW_SECONDS, clock, sleep)
        self._searches = RollingWindow(HUBSPOT_SEARCHES_PER_SECOND, 1.0, clock, sleep)
        self._limits = ApiLimits()

    @property
    def limits(self) -> ApiLimits:
        return self._limits

    @contextmanager
    def slot(self, path: str) -> Iterator[None]:
        with ExitStack() as stack:
            if path.endswith("/search"):
                stack.enter_context(self._searches.slot())
            stack.enter_context(self._calls.slot())
            yield

    def await_room(self, calls: int) -> None:
        self._calls.await_room(calls)

    def observe(self, headers: Mapping[str, str]) -> None:
        capacity = _count(headers.get("X-HubSpot-RateLimit-Max"))
        remaining = _count(headers.get("X-HubSpot-RateLimit-Remaining"))
        if capacity and remaining is not None:
            self._calls.learn(capacity, remaining)
        daily = _count(headers.get("X-HubSpot-RateLimit-Daily"))
        daily_remaining = _count(headers.get("X-HubSpot-RateLimit-Daily-Remaining"))
        if daily is not None and daily_remaining is not None:
            self._limits = ApiLimits(daily, max(0, daily - daily_remaining))


class SalesforceLimiter:
    """Keeps Salesforce calls to a modest number at once; the daily limit is only read."""

    def __init__(self, concurrent: int = SALESFORCE_CONCURRENT_CALLS) -> None:
        self._slots = threading.BoundedSemaphore(concurrent)
        self._limits = ApiLimits()

    @property
    def limits(self) -> ApiLimits:
        return self._limits

    @contextmanager
    def slot(self, path: str) -> Iterator[None]:
        with self._slots:
            yield

    def await_room(self, calls: int) -> None:
        """Calls follow each other without a pause."""

    def observe(self, headers: Mapping[str, str]) -> None:
        usage = re.search(r"(?<![-\w])api-usage=(\d+)/(\d+)", headers.get("Sforce-Limit-Info", ""))
        if usage:
            self._limits = ApiLimits(daily_limit=int(usage[2]), daily_used=int(usage[1]))


class NoLimiter:
    """For token endpoints, which count towards no limit."""

    limits = ApiLimits()

    @contextmanager
    def slot(self, path: str) -> Iterator[None]:
        yield

    def await_room(self, calls: int) -> None:
        return None

    def observe(self, headers: Mapping[str, str]) -> None:
        return None


def _count(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() else None
