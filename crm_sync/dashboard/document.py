"""Reads the published health file into the one document that the page shows.

Owns what travels inside the page: totals, and lists cut at `CAP` rows with their whole number beside them. A table
that the file lacks (no sync yet, or an older version) gives an empty list. Decides nothing and writes nothing.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from math import isfinite
from pathlib import Path
from typing import Any

import duckdb

from crm_sync import __version__
from crm_sync.addresses import record_addresses
from crm_sync.dashboard import queries
from crm_sync.dashboard.queries import Query
from crm_sync.dashboard.words import banner
from crm_sync.errors import ConfigError
from crm_sync.warehouse import Row, rows_of, tables

CAP = 2_000
MOST_BUCKETS = 48
# of the time axis, in seconds: from a minute to a week
BUCKET_WIDTHS = (60, 300, 900, 3_600, 10_800, 21_600, 86_400, 604_800)


def read_document(health: Path, target: str, now: datetime, cap: int = CAP) -> dict[str, Any]:
    """What the page shows. Without a health file it is the document of a sync that has not run yet."""
    if not health.exists():
        return _document(_NoFile(), health, target, now, cap)
    try:
        with duckdb.connect(str(health), read_only=True) as connection:
            connection.execute("set TimeZone = 'UTC'")
            return _document(_File(connection), health, target, now, cap)
    except duckdb.Error as error:
        raise ConfigError(
            f"The health file {health.name} cannot be read: {str(error).splitlines()[0]}",
            "Delete it; the next cycle writes it anew: make sync",
        ) from error


class _NoFile:
    """Answers every query with nothing."""

    published_at: datetime | None = None

    def rows(self, query: Query, **parameters: Any) -> list[Row]:
        return []


class _File(_NoFile):
    """Answers queries from the health file."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._tables = tables(connection)

    def rows(self, query: Query, **parameters: Any) -> list[Row]:
        if not self._tables.issuperset(query.tables):
            return []
        found = rows_of(self._connection, query.sql, parameters or None)
        return [{name: _plain(value) for name, value in row.items()} for row in found]


def _document(file: _NoFile, health: Path, target: str, now: datetime, cap: int) -> dict[str, Any]:
    status = _first(file.rows(queries.STATUS))
    last_run = _first(file.rows(queries.LAST_RUN))
    error_groups = file.rows(queries.ERROR_GROUPS)
    issue_groups = file.rows(queries.ISSUE_GROUPS)
    conflicts = _first(file.rows(queries.CONFLICTS_COUNT)) or {"total": 0, "held": 0}
    target = (_first(file.rows(queries.TARGET_NAME)) or {}).get("target_name") or target
    document = {
        "target": target,
        "source": health.name,
        "version": __version__,
        "written_at": _plain(now),
        "published_at": _plain(_modified_at(health)),
        "cap": cap,
        "addresses": _addresses(file, target),
        "status": status,
        "last_run": last_run,
        "banner": banner(status, last_run, error_groups, issue_groups, conflicts["held"], target, now),
        "errors": {
            "total": sum(group["records"] for group in error_groups),
            "closed": (_first(file.rows(queries.ERRORS_CLOSED)) or {"total": 0})["total"],
            "groups": error_groups,
            "rows": file.rows(queries.ERRORS, cap=cap),
        },
        "issues": {
            "total": sum(group["records"] for group in issue_groups),
            "groups": issue_groups,
            "rows": file.rows(queries.ISSUES, cap=cap),
        },
        "conflicts": {**conflicts, "rows": file.rows(queries.CONFLICTS, cap=cap)},
        "coverage": file.rows(queries.COVERAGE),
        "lag": file.rows(queries.LAG),
        "drift": file.rows(queries.DRIFT),
        "runs": {
            "total": (_first(file.rows(queries.RUNS_COUNT)) or {"total": 0})["total"],
            "rows": file.rows(queries.RUNS, cap=cap),
        },
        **_over_time(file),
    }
    _name_records(file, [*document["errors"]["rows"], *document["issues"]["rows"], *document["conflicts"]["rows"]])
    return document


def _addresses(file: _NoFile, target: str) -> dict[str, dict[str, str]]:
    """Where the page's records can be looked at, by CRM and object. Of the stand-ins there is nothing to look at."""
    if target == "sandbox":
        return {"hubspot": {}, "salesforce": {}}
    known = {row["crm"]: row["address"] for row in file.rows(queries.ADDRESSES)}
    return record_addresses(known, {row["object"]: row["hubspot_object"] for row in file.rows(queries.HUBSPOT_OBJECTS)})


def _over_time(file: _NoFile) -> dict[str, Any]:
    """What is drawn along time, in buckets just wide enough to be told apart on a screen."""
    span = _first(file.rows(queries.SPAN)) or {}
    first, last = span.get("first"), span.get("last")
    totals = file.rows(queries.TOTALS)
    latest = file.rows(queries.API_LATEST)
    if first is None or last is None:
        return {
            "writes": {"width": 0, "first": 0, "last": 0, "rows": [], "totals": totals},
            "api": {"latest": latest, "history": []},
        }
    width = bucket_width(last - first)
    along = {"width": width, "first": first - first % width}
    return {
        "writes": {
            "width": width,
            "first": int(along["first"]),
            "last": int(last - last % width),
            "rows": file.rows(queries.WRITES, **along),
            "totals": totals,
        },
        "api": {"latest": latest, "history": file.rows(queries.API_HISTORY, **along)},
    }


def bucket_width(seconds: float) -> int:
    """The narrowest width that cuts a stretch of time into few enough pieces."""
    return next((width for width in BUCKET_WIDTHS if seconds / width < MOST_BUCKETS), BUCKET_WIDTHS[-1])


def _name_records(file: _NoFile, rows: list[Row]) -> None:
    """Give each row the name of its record, where the published decisions hold one."""
    names: dict[tuple[str, str], str] = {}
    wanted = {side: sorted({row[side] for row in rows if row.get(side)}) for side in ("hubspot_id", "salesforce_id")}
    if not rows:
        return
    for found in file.rows(queries.NAMES, hubspot_ids=wanted["hubspot_id"], salesforce_ids=wanted["salesforce_id"]):
        for side in ("hubspot_id", "salesforce_id"):
            names[found["object"], found[side]] = found["name"]
    for row in rows:
        found_name = names.get((row["object"], row["hubspot_id"])) or names.get((row["object"], row["salesforce_id"]))
        row["name"] = found_name or row.get("name")


def _first(rows: list[Row]) -> Row | None:
    return rows[0] if rows else None


def _modified_at(path: Path) -> datetime | None:
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except OSError:
        return None


def _plain(value: Any) -> Any:
    """What JSON knows. Times are in UTC, to the second."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, float) and not isfinite(value):
        return None
    return value
