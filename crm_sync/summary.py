"""The closing summary of a cycle, and the health at a glance. Reads the published tables, prints nothing itself."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import duckdb

from crm_sync.cycle import CycleResult
from crm_sync.errors import ConfigError

_DIRECTIONS = {"salesforce": "HubSpot -> Salesforce", "hubspot": "Salesforce -> HubSpot"}
_SHOWN = 10
_OUTCOMES = """
with links_written as (
    select object, target, link_id,
        bool_or(outcome = 'succeeded' and operation = 'create') as is_created,
        bool_or(outcome = 'succeeded' and operation <> 'create'
            and (operation <> 'update' or json_keys(changes) <> ['salesforce_record_id'])) as is_updated,
        bool_or(outcome = 'succeeded') as is_written,
        bool_or(outcome = 'rejected') as is_rejected,
        bool_or(outcome is null or outcome not in ('succeeded', 'rejected')) as is_postponed
    from journal.push_attempts where run_id = $run_id group by all
),
written as (
    select object, target,
        count(*) filter (where is_created) as created,
        count(*) filter (where is_updated and not is_created) as updated,
        count(*) filter (where is_written and not is_created and not is_updated) as stamped,
        count(*) filter (where is_rejected) as rejected,
        count(*) filter (where is_postponed and not is_rejected) as postponed
    from links_written group by all
),
held as (
    select object, target, count(distinct link_id) as held from merging.field_decisions
    where held_reason is not null and held_reason not in ('excluded', 'out_of_scope') and target is not null
    group by all
),
linked as (select object, count(*) as linked from matching.links where status = 'linked' group by all),
grid as (
    select objects.object, sides.target
    from (select object from linked union select object from written) as objects
    cross join (values ('salesforce'), ('hubspot')) as sides (target)
)
select grid.object, grid.target, coalesce(created, 0), coalesce(updated, 0), coalesce(stamped, 0),
    greatest(coalesce(linked, 0) - coalesce(created, 0) - coalesce(updated, 0) - coalesce(stamped, 0), 0),
    coalesce(rejected, 0), coalesce(held, 0), coalesce(postponed, 0)
from grid
left join linked using (object)
left join written using (object, target)
left join held using (object, target)
order by grid.object, grid.target desc
"""


def cycle_summary(result: CycleResult, health: Path) -> Iterator[str]:
    """Lines for the end of a cycle: what was written where, what is open and how to fix it, calls and time."""
    with duckdb.connect(str(health), read_only=True) as connection:
        if result.is_rebuilt:
            yield "This warehouse is new while the CRMs hold ids of earlier links: links were restored from the ids,"
            yield "and every field was decided as at the first sync."
            yield ""
        if result.pushed is not None:
            yield from _written(connection, result)
            yield ""
        yield from _open_errors(connection)
        yield from _issues(connection)
        yield from _effort(result)
    yield f"Details: duckdb {os.path.relpath(health)} (schema sync_health)"


def _written(connection: duckdb.DuckDBPyConnection, result: CycleResult) -> Iterator[str]:
    rows = connection.execute(_OUTCOMES, {"run_id": result.run_id}).fetchall()
    header = (
        "object",
        "direction",
        "created",
        "updated",
        "id stamped",
        "unchanged",
        "rejected",
        "held back",
        "postponed",
    )
    lines = [
        (object_, _DIRECTIONS[target], *(f"{number:,}" for number in numbers)) for object_, target, *numbers in rows
    ]
    if lines:
        yield from _table(header, lines)
    pushed = result.pushed
    assert pushed is not None
    if pushed.records("succeeded") == 0:
        yield "Nothing was written: both CRMs agree." if not pushed.counts else "Nothing was written."
    else:
        yield f"{sum(row[2] + row[3] + row[4] for row in rows):,} records written."


def _open_errors(connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    rows = connection.execute(
        "select target, error_code, count(*), any_value(message), any_value(cause), any_value(fix)"
        " from sync_health.sync_errors where status = 'open' group by target, error_code order by count(*) desc"
    ).fetchall()
    if not rows:
        yield "No open errors."
    for target, code, records, message, cause, fix in rows[:_SHOWN]:
        yield f"{records:,} open in {target}: {code}: {_first_line(message)}"
        yield f"    cause: {cause}"
        yield f"    fix:   {fix}"


def _issues(connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    rows = connection.execute(
        "select issue_type, count(*), any_value(fix) from sync_health.data_quality_issues"
        " group by issue_type order by count(*) desc"
    ).fetchall()
    if rows:
        yield f"{sum(row[1] for row in rows):,} data-quality issues keep values or records from being synced:"
    for issue_type, records, fix in rows:
        yield f"    {records:>6,}  {issue_type:<24} {fix}"
    yield ""


def _effort(result: CycleResult) -> Iterator[str]:
    steps = "  ".join(f"{name} {seconds:.1f} s" for name, seconds in result.steps.items())
    calls = "  ".join(f"{crm} {usage['calls']:,}" for crm, usage in result.api_calls.items())
    yield f"Time: {steps}"
    yield f"API calls: {calls}"


def health_at_a_glance(health: Path) -> Iterator[str]:
    """Lines for `status`."""
    if not health.exists():
        raise ConfigError(f"There is no health file {health.name} yet.", "Run a cycle first: make sync")
    with duckdb.connect(str(health), read_only=True) as connection:
        row = connection.execute(
            "select status, last_success_at, open_errors, data_quality_issues, conflicts, linked_records,"
            " last_run_id, last_run_status, last_run_message from sync_health.sync_status"
        ).fetchone()
        assert row is not None
        yield f"Status:         {row[0]}"
        yield f"Last success:   {row[1]:%Y-%m-%d %H:%M:%S %Z}" if row[1] else "Last success:   never"
        yield f"Last run:       {row[6]} ({row[7]})" + (f": {_first_line(row[8])}" if row[8] else "")
        yield f"Linked records: {row[5]:,}    conflicts decided: {row[4]:,}"
        yield ""
        yield from _synced(connection)
        yield from _open_errors(connection)
        yield from _issues(connection)
        yield from _lag(connection)


def _synced(connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    rows = connection.execute(
        "select object, replace(direction, '_', ' '), operation, records, records_in_newest_run"
        " from sync_health.records_synced order by all"
    ).fetchall()
    if rows:
        yield from _table(
            ("object", "direction", "operation", "records", "newest run"),
            [(row[0], row[1], row[2], f"{row[3]:,}", f"{row[4]:,}") for row in rows],
        )
        yield ""


def _lag(connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    rows = connection.execute(
        "select replace(direction, '_', ' '), records, p50_seconds, p95_seconds from sync_health.sync_lag"
        " qualify day = max(day) over (partition by direction) order by direction"
    ).fetchall()
    for direction, records, p50, p95 in rows:
        yield f"Edit to push, {direction}: half within {p50:,.0f} s, 95 % within {p95:,.0f} s ({records:,} records)"


def _table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    for row in [header, *rows]:
        cells = [
            text.ljust(width) if i < 2 else text.rjust(width)
            for i, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()


def _first_line(text: str | None) -> str:
    line = (text or "").strip().splitlines()[0] if (text or "").strip() else ""
    return line if len(line) <= 160 else f"{line[:157]}..."
