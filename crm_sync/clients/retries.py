"""When a failed call is worth repeating, and how long to wait first.

Owns the waiting times; refuses to sleep or send itself (`http.py` does). Permanent refusals are never repeated,
a daily limit is not waited for, and a call of unknown outcome is repeated only if its caller allows it.

Sources: HubSpot's own Node client waits 10 s x attempt for the rolling policy, 1 s x attempt for the secondly one;
`Retry-After` is documented for 477 only, but honoured wherever it is given [HubSpot docs: error handling]; 423 asks
for at least 2 seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from random import Random
from time import time

from crm_sync.clients.errors import ApiError, NoResponse, NotSent, RateLimited, Refused, ServerTrouble

FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 20.0


def wait_before_retry(error: ApiError, attempt: int, *, retry_unknown: bool, rng: Random) -> float | None:
    """Seconds to wait before attempt `attempt` + 1, or None when the call must not be repeated."""
    if error.is_outcome_unknown and not retry_unknown:
        return None
    if isinstance(error, RateLimited):
        return None if error.is_daily else _told(error) or _limit_wait(error.policy, attempt, rng)
    if isinstance(error, ServerTrouble):
        told = _told(error)
        if told is not None or error.status == 477:
            return told
        return (2.0 if error.status == 423 else 0.0) + backoff(attempt, rng)
    if isinstance(error, NotSent | NoResponse):
        return backoff(attempt, rng)
    return None


def backoff(attempt: int, rng: Random) -> float:
    """Exponential with jitter: between half of 0.5, 1, 2, 4 ... seconds and all of it, at most 20."""
    ceiling = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2.0 ** min(attempt - 1, 10))
    return ceiling * (0.5 + 0.5 * rng.random())


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds a `Retry-After` header asks for, given as seconds or as a date."""
    text = headers.get("Retry-After", "").strip()
    if not text:
        return None
    if text.isascii() and text.replace(".", "", 1).isdigit():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time())
    except (ValueError, TypeError):
        return None


def _told(error: Refused) -> float | None:
    return retry_after(error.headers)


def _limit_wait(policy: str, attempt: int, rng: Random) -> float:
    if policy == "SECONDLY":
        return attempt * (1.0 + 0.25 * rng.random())
    if policy == "CONCURRENT":
        return 1.0 + backoff(attempt, rng)
    return attempt * 10.0 * (0.5 + 0.5 * rng.random())
