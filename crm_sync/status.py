"""The health at a glance: reads the published sync_health tables, as lines for people or a document for programs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import duckdb

from crm_sync.open_matters import open_errors, open_issues
from crm_sync.summary import open_error_lines, open_issue_lines
from crm_sync.warehouse import rows_of
from crm_sync.wording import CRM_NAMES, counted, direction_words, moment, plain, seconds_words, table

_MEANINGS = {
    "active": "the newest sync completed and nothing is open",
    "degraded": "the sync works, but records are refused or mappings suspended",
    "failed": "the newest sync did not complete",
    "paused": "nothing is synced until `crm-sync resume`",
}
_STATUS = (
    "status", "last_success_at", "open_errors", "data_quality_issues", "suspended_mappings", "conflicts",
    "linked_records", "last_run_id", "last_run_status", "last_run_message", "paused_since",
)  # fmt: skip
_SECTIONS = {
    "records_synced": "select object, direction, operation, records, records_in_newest_run"
    " from sync_health.records_synced order by all",
    "conflicts_of_the_week": "select object, hubspot_property, reason, count(*) as conflicts,"
    " count(*) filter (where held_reason = 'held_for_review') as held_for_review,"
    " max(first_seen_at) as newest from sync_health.field_conflicts"
    " where first_seen_at > now() - interval 7 days group by all order by conflicts desc, object",
    "lag": "select direction, day, records, p50_seconds, p95_seconds from sync_health.sync_lag"
    " qualify day = max(day) over (partition by direction) order by direction",
    "api_usage": "select crm, calls, records, calls_per_record, daily_limit, daily_used, share_used"
    " from sync_health.api_usage qualify row_number() over (partition by crm order by started_at desc) = 1"
    " order by crm",
}


def status_document(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """Everything that `status` shows, as rows."""
    status = rows_of(connection, f"select {', '.join(_STATUS)} from sync_health.sync_status")[0]
    return {
        **status,
        "errors": [asdict(one) for one in open_errors(connection)],
        "issues": [asdict(one) for one in open_issues(connection)],
        **{name: rows_of(connection, sql) for name, sql in _SECTIONS.items()},
    }


def status_lines(connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """Lines for `status`: state first, then what needs somebody, then figures."""
    found = status_document(connection)
    yield f"Status:         {found['status']}: {_MEANINGS.get(found['status'], '')}"
    if found["paused_since"]:
        yield f"Paused since:   {moment(found['paused_since'])}"
    yield f"Last success:   {moment(found['last_success_at'])}"
    message = f": {plain(found['last_run_message'])}" if found["last_run_message"] else ""
    yield f"Last run:       {found['last_run_id'] or 'none'} ({found['last_run_status'] or 'never ran'}){message}"
    yield f"Linked records: {found['linked_records']:,}    conflicts decided: {found['conflicts']:,}"
    yield ""
    yield from open_error_lines(connection)
    yield from open_issue_lines(connection)
    yield from _conflicts(found["conflicts_of_the_week"])
    yield ""
    yield from _synced(found["records_synced"])
    yield from _lag(found["lag"])
    yield from _usage(found["api_usage"])


def _conflicts(rows: list[dict[str, Any]]) -> Iterator[str]:
    if rows:
        yield "Conflicts of the last seven days (crm-sync conflicts lists them):"
    for row in rows:
        held = f", {row['held_for_review']:,} held for review (crm-sync review)" if row["held_for_review"] else ""
        yield f"    {row['conflicts']:>6,}  {row['object']} {row['hubspot_property']}: {row['reason']}{held}"


def _synced(rows: list[dict[str, Any]]) -> Iterator[str]:
    if not rows:
        return
    lines = [
        (row["object"], direction_words(row["direction"]), row["operation"], f"{row['records']:,}",
         f"{row['records_in_newest_run']:,}")
        for row in rows
    ]  # fmt: skip
    yield from table(("object", "direction", "operation", "records", "newest run"), lines, 3)
    yield ""


def _lag(rows: list[dict[str, Any]]) -> Iterator[str]:
    for row in rows:
        yield (
            f"Edit to push, {direction_words(row['direction'])}, {row['day']}: half within"
            f" {seconds_words(row['p50_seconds'])}, 95 % within {seconds_words(row['p95_seconds'])}"
            f" ({counted(row['records'], 'record')})"
        )


def _usage(rows: list[dict[str, Any]]) -> Iterator[str]:
    for row in rows:
        used = ""
        if row["daily_limit"]:
            used = f"; {row['daily_used']:,} of {row['daily_limit']:,} of the day's ({row['share_used']:.1%})"
        yield f"API calls of the newest run, {CRM_NAMES[row['crm']]}: {row['calls']:,}{used}"
