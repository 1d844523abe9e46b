"""Times as Salesforce writes them: UTC, whole seconds, `2026-03-01T09:30:00.000+0000`.

Owns: reading and writing dates and times. Refuses: to know fields.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

_DATETIME = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?(Z|[+-]\d{2}:?\d{2})?",
    re.IGNORECASE,
)


def format_datetime(moment: datetime) -> str:
    """A moment in the stored and answered form; fractions of a second are dropped."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")


def format_with_milliseconds(moment: datetime) -> str:
    """The same with milliseconds, for comparing with stored moments as texts."""
    utc = moment.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}+0000"


def parse_datetime(text: str) -> datetime | None:
    """An ISO date and time (no zone means UTC), or None when the text is none."""
    match = _DATETIME.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    microsecond = int(f"{fraction or 0:0<6}"[:6])
    try:
        moment = datetime(
            int(year), int(month), int(day), int(hour), int(minute), int(second or 0), microsecond, tzinfo=UTC
        )
    except ValueError:
        return None
    if zone and zone not in "Zz":
        sign = 1 if zone[0] == "+" else -1
        moment -= sign * timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
    return moment


def parse_date(text: str) -> date | None:
    """An ISO date, or the UTC date of an ISO date and time; None when the text is neither."""
    try:
        return date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        return None
