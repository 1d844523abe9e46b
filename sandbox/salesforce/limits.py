"""API limits: how many requests the organisation has made in the last 24 hours.

Owns: counting, the `Sforce-Limit-Info` header, `/limits`, the 403. Refuses: concurrency limits.
Counts are kept in memory: a restart begins a new day. Settings: `daily_api_limit` (default 100,000).
[Salesforce docs: REST API limits resource, headers_api_usage, platform API limits]
"""

from __future__ import annotations

from collections import deque
from typing import Any

from sandbox.organisation import Settings
from sandbox.salesforce.errors import ApiError

DEFAULT_DAILY_LIMIT = 100_000
DAY_MS, BUCKET_MS = 86_400_000, 60_000


class Limits:
    """The rolling count of one organisation."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._buckets: deque[list[int]] = deque()
        self._used = 0

    @property
    def daily_limit(self) -> int:
        return int(self.settings.extra.get("daily_api_limit", DEFAULT_DAILY_LIMIT))

    @property
    def used(self) -> int:
        oldest = self.settings.now_ms() - DAY_MS
        while self._buckets and self._buckets[0][0] < oldest:
            self._used -= self._buckets.popleft()[1]
        return self._used

    def count(self, calls: int = 1) -> None:
        """Count calls; 403 REQUEST_LIMIT_EXCEEDED when the day's are used up."""
        if self.settings.rate_limits and self.used + calls > self.daily_limit:
            raise ApiError("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", 403)
        bucket = self.settings.now_ms() // BUCKET_MS * BUCKET_MS
        if not self._buckets or self._buckets[-1][0] != bucket:
            self._buckets.append([bucket, 0])
        self._buckets[-1][1] += calls
        self._used += calls

    def reset(self) -> None:
        self._buckets.clear()
        self._used = 0

    def header(self) -> dict[str, str]:
        return {"Sforce-Limit-Info": f"api-usage={self.used}/{self.daily_limit}"}

    def report(self) -> dict[str, Any]:
        """The reply of `/limits`."""

        def limit(maximum: int, used: int = 0) -> dict[str, int]:
            return {"Max": maximum, "Remaining": max(0, maximum - used)}

        return {
            "ConcurrentAsyncGetReportInstances": limit(200),
            "DailyApiRequests": limit(self.daily_limit, self.used),
            "DailyBulkApiBatches": limit(15_000),
            "DailyBulkV2QueryFileStorageMB": limit(976_562),
            "DailyBulkV2QueryJobs": limit(10_000),
            "DataStorageMB": limit(10_240),
            "FileStorageMB": limit(10_240),
        }
