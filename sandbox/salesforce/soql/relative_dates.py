"""Relative date literals (`TODAY`, `LAST_N_DAYS:7`, …) as half-open ranges of dates, in UTC.

Owns: the arithmetic. Refuses: time zones (the stand-in's users live in UTC) and fiscal periods.
[SOQL reference: date literals; weeks begin on Sunday]
"""

from __future__ import annotations

from datetime import date, timedelta


def date_range(word: str, today: date) -> tuple[date, date]:
    """The first day of a literal's range and the first day after it."""
    name, _, count_text = word.partition(":")
    count = int(count_text or 1)
    day = timedelta(days=1)
    simple = {"YESTERDAY": today - day, "TODAY": today, "TOMORROW": today + day}
    if name in simple:
        return simple[name], simple[name] + day
    if name in ("LAST_90_DAYS", "LAST_N_DAYS"):
        return today - day * (90 if name == "LAST_90_DAYS" else count), today + day
    if name in ("NEXT_90_DAYS", "NEXT_N_DAYS"):
        return today + day, today + day * ((90 if name == "NEXT_90_DAYS" else count) + 1)
    unit = name.removesuffix("_AGO").rsplit("_", 1)[1].removesuffix("S")
    if name.endswith("_AGO"):
        return _start(unit, today, -count), _start(unit, today, -count + 1)
    if name.startswith("LAST"):
        return _start(unit, today, -count), _start(unit, today, 0)
    if name.startswith("NEXT"):
        return _start(unit, today, 1), _start(unit, today, count + 1)
    return _start(unit, today, 0), _start(unit, today, 1)


def _start(unit: str, today: date, offset: int) -> date:
    """The first day of the current week, month, quarter or year, moved by a number of them."""
    if unit == "DAY":
        return today + timedelta(days=offset)
    if unit == "WEEK":
        return today - timedelta(days=(today.weekday() + 1) % 7) + timedelta(weeks=offset)
    months = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}[unit]
    first = today.year * 12 + (today.month - 1) // months * months + offset * months
    return date(first // 12, first % 12 + 1, 1)
