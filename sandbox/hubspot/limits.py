"""Rate limits: a rolling window of ten seconds, a daily quota, and five searches a second.

Sources: [HubSpot docs: usage-guidelines] for the numbers, headers and 429 bodies; search replies carry no
rate-limit headers. Switched off by the setting `rate_limits`; `burst_limit` and `daily_limit` change the
numbers.
"""

from __future__ import annotations

import time
import uuid
from collections import deque
from dataclasses import dataclass
from typing import Any

from sandbox.hubspot.auth import Caller
from sandbox.hubspot.errors import ApiError
from sandbox.organisation import Settings

INTERVAL_SECONDS = 10
BURST_LIMIT = 190
OAUTH_BURST_LIMIT = 110
DAILY_LIMIT = 625_000
SEARCH_PER_SECOND = 5


class RateLimited(ApiError):
    """429 with the policy that was exceeded; without Retry-After, as HubSpot documents none. The documented body
    has `errorType`, newer captures `category`: here both."""

    def __init__(self, policy: str, text: str, headers: dict[str, str]) -> None:
        super().__init__(429, f"You have reached your {text} limit.", "RATE_LIMITS")
        self.policy = policy
        self.headers = headers

    def body(self) -> dict[str, Any]:
        return super().body() | {
            "errorType": "RATE_LIMIT",
            "policyName": self.policy,
            "requestId": uuid.uuid4().hex,
        }


class _Window:
    """How many calls fell into the last so many seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._times: deque[float] = deque()

    def used(self, now: float) -> int:
        while self._times and self._times[0] <= now - self._seconds:
            self._times.popleft()
        return len(self._times)

    def add(self, now: float) -> None:
        self._times.append(now)


@dataclass
class _Daily:
    """Calls counted since midnight UTC, which is the account's time zone."""

    day: int = 0
    used: int = 0


class RateLimiter:
    """Counts the calls of each app and refuses those beyond a limit."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._bursts: dict[str, _Window] = {}
        self._searches = _Window(1)
        self._daily = _Daily()

    @property
    def daily_limit(self) -> int:
        return int(self._settings.extra.get("daily_limit", DAILY_LIMIT))

    @property
    def daily_used(self) -> int:
        self._turn_day()
        return self._daily.used

    def admit(self, caller: Caller, is_search: bool) -> dict[str, str]:
        """Count a call; returns the headers of its reply, or raises the 429."""
        now = time.monotonic()
        self._turn_day()
        enforced = self._settings.rate_limits
        if enforced and not caller.is_oauth and self._daily.used >= self.daily_limit:
            raise RateLimited("DAILY", "daily", self._headers(caller, now))
        if is_search:
            if enforced and self._searches.used(now) >= SEARCH_PER_SECOND:
                raise RateLimited("SECONDLY", "secondly", {})
            self._searches.add(now)
            self._daily.used += 1
            return {}
        window = self._window(caller)
        if enforced and window.used(now) >= self._burst_limit(caller):
            raise RateLimited("TEN_SECONDLY_ROLLING", "ten_secondly_rolling", self._headers(caller, now))
        window.add(now)
        self._daily.used += 1
        return self._headers(caller, now)

    def reset(self) -> None:
        """Start counting from zero."""
        self._bursts.clear()
        self._searches = _Window(1)
        self._daily = _Daily()

    def _turn_day(self) -> None:
        day = self._settings.now_ms() // 86_400_000
        if day != self._daily.day:
            self._daily = _Daily(day)

    def _window(self, caller: Caller) -> _Window:
        return self._bursts.setdefault(caller.app_id, _Window(INTERVAL_SECONDS))

    def _burst_limit(self, caller: Caller) -> int:
        return int(self._settings.extra.get("burst_limit", OAUTH_BURST_LIMIT if caller.is_oauth else BURST_LIMIT))

    def _headers(self, caller: Caller, now: float) -> dict[str, str]:
        limit = self._burst_limit(caller)
        headers = {
            "X-HubSpot-RateLimit-Interval-Milliseconds": str(INTERVAL_SECONDS * 1000),
            "X-HubSpot-RateLimit-Max": str(limit),
            "X-HubSpot-RateLimit-Remaining": str(max(0, limit - self._window(caller).used(now))),
        }
        if not caller.is_oauth:
            headers["X-HubSpot-RateLimit-Daily"] = str(self.daily_limit)
            remaining = max(0, self.daily_limit - self._daily.used)
            headers["X-HubSpot-RateLimit-Daily-Remaining"] = str(remaining)
        return headers
