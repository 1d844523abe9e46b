"""The closing summary of a cycle. Reads the published tables, prints nothing itself."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from crm_sync.open_matters import open_errors, open_issues
from crm_sync.wording import REBUILT, counted, direction_words, plain, table

if TYPE_CHECKING:
    from crm_sync.cycle import CycleResult

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
WRITTEN_COLUMNS = (
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


def cycle_summary(result: CycleResult, health: Path) -> Iterator[str]:
    """Lines for the end of a cycle: what was written where, what is open and how to fix it, calls and time."""
    with duckdb.connect(str(health), read_only=True) as connection:
        if result.is_rebuilt:
            yield from REBUILT.splitlines()
            yield ""
        if result.pushed is not None:
            rows, sentence = what_was_written(connection, result)
            if rows:
                yield from table(WRITTEN_COLUMNS, rows)
            yield sentence
            yield ""
        yield from _drift(result)
        yield from open_error_lines(connection, shows_messages=False)
        yield from open_issue_lines(connection)
        yield ""
        yield from _effort(result)
    yield f"Details: crm-sync status, or duckdb {os.path.relpath(health)} (schema sync_health)"


def _drift(result: CycleResult) -> Iterator[str]:
    """What a reconcile has found, when there was one."""
    drifts = result.extracted.drifts if result.extracted is not None else ()
    if not any(drift.compared for drift in drifts):
        return
    total = sum(drift.total for drift in drifts)
    yield f"Compared {counted(sum(drift.compared for drift in drifts), 'record')} by id and time: " + (
        f"{total:,} had been missed." if total else "none had been missed."
    )
    for drift in drifts:
        if found := [f"{count:,} {kind}" for kind, count in drift.records.items() if count]:
            yield f"    {drift.object}: {', '.join(found)}"


def what_was_written(connection: duckdb.DuckDBPyConnection, result: CycleResult) -> tuple[list[tuple[str, ...]], str]:
    """One row per object and direction, in the order of WRITTEN_COLUMNS; and how many records that is, in words."""
    counts = connection.execute(_OUTCOMES, {"run_id": result.run_id}).fetchall()
    rows = [(row[0], direction_words(row[1]), *(f"{number:,}" for number in row[2:])) for row in counts]
    pushed = result.pushed
    assert pushed is not None
    if pushed.records("succeeded") == 0:
        return rows, "Nothing was written: both CRMs agree." if not pushed.counts else "Nothing was written."
    return rows, f"{counted(sum(row[2] + row[3] + row[4] for row in counts), 'record')} written."


def open_error_lines(connection: duckdb.DuckDBPyConnection, *, shows_messages: bool = True) -> Iterator[str]:
    """Open errors by class and code, each with its cause and fix. A CRM's own message may hold data of the record: it
    is for who asks (`status`, `errors`), not for the output of every run, which schedulers keep."""
    groups = open_errors(connection)
    if not groups:
        yield "No open errors."
    for one in groups[:_SHOWN]:
        yield f"{counted(one.records, 'open error')} in {one.target}: {one.error_class}: {one.error_code}" + (
            f": {plain(one.message)}" if shows_messages else " (crm-sync errors shows what was said)"
        )
        yield f"    cause: {one.cause}"
        yield f"    fix:   {one.fix}"
    if len(groups) > _SHOWN:
        yield f"... and {counted(len(groups) - _SHOWN, 'more kind')} of error: crm-sync errors"


def open_issue_lines(connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """Data-quality issues by type, each with its fix."""
    groups = open_issues(connection)
    if groups:
        total = sum(one.records for one in groups)
        keep = "keeps a value or record" if total == 1 else "keep values or records"
        yield f"{counted(total, 'data-quality issue')} {keep} from being synced:"
    for one in groups:
        yield f"    {one.records:>6,}  {one.issue_type:<24} {one.fix}"


def _effort(result: CycleResult) -> Iterator[str]:
    steps = "  ".join(f"{name} {seconds:.1f} s" for name, seconds in result.steps.items())
    calls = "  ".join(f"{crm} {usage['calls']:,}" for crm, usage in result.api_calls.items())
    yield f"Time: {steps}"
    yield f"API calls: {calls}"
