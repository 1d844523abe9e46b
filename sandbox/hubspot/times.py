"""Times as HubSpot writes them: ISO-8601 in UTC to the millisecond; inside, milliseconds since the epoch."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH = datetime(1970, 1, 1)
_MILLISECOND = timedelta(milliseconds=1)
_ISO = re.compile(r"^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.(?P<fraction>\d+))?)?(?:Z|[+-]\d{2}:?\d{2})?)?$")


def iso(ms: int) -> str:
    """`2026-03-01T09:30:00.120Z`."""
    return (_NAIVE_EPOCH + ms * _MILLISECOND).isoformat(timespec="milliseconds") + "Z"


def to_ms(moment: datetime) -> int:
    """Milliseconds since the epoch of an aware datetime."""
    return (moment - _EPOCH) // _MILLISECOND


def parse_iso(text: str) -> int | None:
    """Milliseconds of an ISO date or time; None when it is not one or is finer than a millisecond."""
    match = _ISO.match(text)
    if match is None or len(match["fraction"] or "") > 3:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return to_ms(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def parse_ms(text: str) -> int | None:
    """A whole number of milliseconds given as text."""
    if not re.fullmatch(r"-?\d{1,15}", text):
        return None
    ms = int(text)
    return ms if -62_135_596_800_000 <= ms <= 253_402_300_799_999 else None


def iso_date(ms: int) -> str:
    """`2026-03-01`, the UTC day."""
    return iso(ms)[:10]
