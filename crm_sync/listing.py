"""Lists of what needs, or may interest, somebody: errors, conflicts, and what waits for a person.

Owns the queries and their filters, and the three forms in which a list is printed. Decides nothing.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import duckdb

from crm_sync.records import find_links
from crm_sync.warehouse import Row, rows_of
from crm_sync.wording import CRM_NAMES, counted, moment, plain, reason_words, spreadsheet_text, value_shown

FORMATS = ("text", "json", "csv")

_ERRORS = """
select target, object, operation, hubspot_id, salesforce_id, error_class, error_code, message, cause, fix, attempts,
    first_seen_at, last_seen_at, status, retry_policy, next_retry_at, link_id, run_id
from sync_health.sync_errors
where (status = 'open' or $closed)
    and ($target is null or target = $target)
    and ($class is null or $class in (error_class, error_code))
    and ($seen_before is null or first_seen_at < $seen_before)
order by status desc, error_class, error_code, object, last_seen_at desc, link_id
"""
_CONFLICTS = """
select conflicts.object, conflicts.hubspot_id, conflicts.salesforce_id, conflicts.hubspot_property,
    conflicts.salesforce_field, conflicts.hubspot_value, conflicts.salesforce_value, conflicts.base_hubspot_value,
    conflicts.base_salesforce_value, conflicts.winner, conflicts.reason, conflicts.evidence,
    conflicts.hubspot_edited_at, conflicts.salesforce_edited_at, conflicts.held_reason, conflicts.run_id,
    conflicts.first_seen_at, links.link_id
from sync_health.field_conflicts as conflicts
left join matching.links as links
    on conflicts.object = links.object and conflicts.hubspot_id = links.hubspot_id
    and conflicts.salesforce_id = links.salesforce_id
where ($field is null or $field in (conflicts.hubspot_property, conflicts.salesforce_field))
order by conflicts.first_seen_at desc, conflicts.object, conflicts.hubspot_property, conflicts.conflict_id
"""
_HELD = """
select object, hubspot_id, salesforce_id, hubspot_property, salesforce_field, hubspot_value, salesforce_value,
    base_hubspot_value, base_salesforce_value, hubspot_edited_at, salesforce_edited_at, run_id, decided_at, link_id
from merging.field_decisions
where held_reason = 'held_for_review'
    and ($field is null or $field in (hubspot_property, salesforce_field))
order by object, hubspot_id, hubspot_property
"""
#: What the sync tries again without anybody's help.
_BY_ITSELF = ("retry",)


@dataclass(frozen=True)
class Choice:
    """Which rows of a list are wanted; an empty or None part means any."""

    objects: Sequence[str] = ()
    records: Sequence[str] = ()
    target: str | None = None
    error_class: str | None = None
    field: str | None = None
    closed: bool = False
    seen_before: datetime | None = None


def list_errors(connection: duckdb.DuckDBPyConnection, choice: Choice) -> list[Row]:
    """Errors, open ones unless `closed` is set."""
    parameters = {
        "target": choice.target,
        "class": choice.error_class,
        "closed": choice.closed,
        "seen_before": choice.seen_before,
    }
    return _chosen(connection, rows_of(connection, _ERRORS, parameters), choice)


def list_conflicts(connection: duckdb.DuckDBPyConnection, choice: Choice) -> list[Row]:
    """Every conflict that was ever decided, newest first."""
    return _chosen(connection, rows_of(connection, _CONFLICTS, {"field": choice.field}), choice)


def list_held(connection: duckdb.DuckDBPyConnection, choice: Choice) -> list[Row]:
    """Conflicts that wait for a person's decision."""
    return _chosen(connection, rows_of(connection, _HELD, {"field": choice.field}), choice)


def list_refused(connection: duckdb.DuckDBPyConnection, choice: Choice) -> list[Row]:
    """Open errors that nobody but a person can end, or that wait for their next try."""
    return [row for row in list_errors(connection, choice) if row["retry_policy"] not in _BY_ITSELF]


def _chosen(connection: duckdb.DuckDBPyConnection, rows: list[Row], choice: Choice) -> list[Row]:
    if choice.objects:
        rows = [row for row in rows if row["object"] in choice.objects]
    if choice.records:
        every = [row[0] for row in connection.execute("select distinct object from matching.links").fetchall()]
        links = {link for key in choice.records for link in find_links(connection, choice.objects or every, key)}
        rows = [
            row
            for row in rows
            if row["link_id"] in links
            or any(key in (row["hubspot_id"], row["salesforce_id"]) for key in choice.records)
        ]
    return rows


# ---------------------------------------------------------------- printing


def render(rows: list[Row], format_: str, most: int | None, noun: str) -> Iterator[str]:
    """Rows as text, JSON or CSV. Text shows at most so many; the other two are for programs and hold all."""
    if format_ == "json":
        yield json.dumps(rows, ensure_ascii=False, indent=2, default=str)
    elif format_ == "csv":
        yield _csv(rows)
    else:
        yield from _text(rows, most, noun)


def _csv(rows: list[Row]) -> str:
    if not rows:
        return ""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({k: spreadsheet_text(v) if isinstance(v, str) else v for k, v in row.items()})
    return buffer.getvalue().rstrip("\n")


def _text(rows: list[Row], most: int | None, noun: str) -> Iterator[str]:
    yield f"{counted(len(rows), noun)}." if rows else f"No {noun}s."
    for row in rows[:most]:
        yield ""
        yield from error_lines(row) if "error_code" in row else conflict_lines(row)
    if most is not None and len(rows) > most:
        yield ""
        yield f"... and {len(rows) - most:,} more (--limit 0 shows all)."


def record_words(row: Row) -> str:
    """`contact, HubSpot 301, Salesforce 003...`."""
    ids = [f"{CRM_NAMES[side]} {row[f'{side}_id']}" for side in ("hubspot", "salesforce") if row[f"{side}_id"]]
    return ", ".join([row["object"], *ids])


def error_lines(row: Row) -> Iterator[str]:
    """One error: the record, what the CRM said, what it means, what to do, when it is tried again."""
    state = "" if row["status"] == "open" else " (closed)"
    yield f"{record_words(row)}{state}"
    yield f"    {CRM_NAMES[row['target']]} said: {row['error_code']}: {plain(row['message'])}"
    yield f"    cause: {row['cause']}"
    yield f"    fix:   {row['fix']}"
    since = f"{counted(row['attempts'], 'attempt')} since {moment(row['first_seen_at'])}"
    again = f", next at {moment(row['next_retry_at'])}" if row["next_retry_at"] else ""
    yield f"    {row['error_class']}, retried {row['retry_policy']}{again}; {since}"


def conflict_lines(row: Row) -> Iterator[str]:
    """One conflict: the field, both values and bases, who won and why."""
    yield f"{record_words(row)}: {row['hubspot_property']} <-> {row['salesforce_field']}"
    for side in ("hubspot", "salesforce"):
        edited = f", edited {moment(row[f'{side}_edited_at'])}" if row[f"{side}_edited_at"] else ""
        base = value_shown(row[f"base_{side}_value"])
        yield f"    {CRM_NAMES[side]:<10} {value_shown(row[f'{side}_value'])}  (before: {base}{edited})"
    if row.get("reason"):
        won = f"{CRM_NAMES[row['winner']]} won" if row["winner"] in CRM_NAMES else (row["winner"] or "no winner")
        yield f"    {won}: {reason_words(row['reason'])}; {moment(row['first_seen_at'])}, run {row['run_id']}"
