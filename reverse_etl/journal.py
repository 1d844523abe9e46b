"""The journal: every run, and every attempt to write to a CRM with its outcome.

The only writer of schema `journal`. An attempt is committed before its call is made and completed after it, so that
a crash leaves an attempt without outcome, which the next push resolves by reading. Nothing is ever deleted, and a
known outcome is never replaced. Refuses to interpret outcomes: dbt moves the base and makes the links.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import duckdb
import orjson
import pyarrow as pa

from reverse_etl.operations import CREATE, SUCCEEDED, UNKNOWN, Attempt, Operation, Outcome

_TABLES = """
create schema if not exists journal;

create table if not exists journal.runs (
    run_id text primary key,
    command text,
    target_name text,
    started_at timestamptz,
    finished_at timestamptz,
    decided_at timestamptz,
    status text,
    exit_code integer,
    message text,
    git_sha text,
    mapping_hash text,
    steps json,
    counts json,
    api_calls json
);

create table if not exists journal.push_attempts (
    attempt_id text primary key,
    run_id text,
    operation_id text,
    target text,
    object text,
    crm_object text,
    operation text,
    link_id text,
    record_id text,
    hubspot_id text,
    salesforce_id text,
    changes json,
    previous json,
    source_values json,
    snapshot_modified_at timestamptz,
    human_modified_at timestamptz,
    source_modified_at timestamptz,
    attempted_at timestamptz,
    outcome text,
    outcome_at timestamptz,
    error_code text,
    message text,
    existing_id text,
    stored json,
    target_modified_at timestamptz,
    is_modified_by_other boolean
);

alter table journal.push_attempts add column if not exists bulk_job_id text;
alter table journal.push_attempts add column if not exists clear_first json;

create table if not exists journal.retry_requests (
    target text,
    link_id text,
    requested_at timestamptz
);
"""

_TEXT = pa.string()
_TIME = pa.timestamp("us", tz="UTC")

_ATTEMPT_SCHEMA = pa.schema(
    [
        *[
            (name, _TEXT)
            for name in (
                "attempt_id", "run_id", "operation_id", "target", "object", "crm_object", "operation", "link_id",
                "record_id", "hubspot_id", "salesforce_id", "changes", "previous", "source_values", "bulk_job_id",
                "clear_first",
            )
        ],
        ("snapshot_modified_at", _TIME),
        ("human_modified_at", _TIME),
        ("source_modified_at", _TIME),
        ("attempted_at", _TIME),
    ]
)  # fmt: skip

_OUTCOME_SCHEMA = pa.schema(
    [
        ("attempt_id", _TEXT),
        ("outcome", _TEXT),
        ("outcome_at", _TIME),
        ("error_code", _TEXT),
        ("message", _TEXT),
        ("record_id", _TEXT),
        ("existing_id", _TEXT),
        ("stored", _TEXT),
        ("target_modified_at", _TIME),
        ("is_modified_by_other", pa.bool_()),
    ]
)

_REQUEST_SCHEMA = pa.schema([("target", _TEXT), ("link_id", _TEXT), ("requested_at", _TIME)])

_COMPLETE = f"""
update journal.push_attempts
set outcome = new_outcomes.outcome,
    outcome_at = new_outcomes.outcome_at,
    error_code = new_outcomes.error_code,
    message = new_outcomes.message,
    record_id = coalesce(new_outcomes.record_id, push_attempts.record_id),
    hubspot_id = case
        when push_attempts.target = 'hubspot' then coalesce(new_outcomes.record_id, push_attempts.hubspot_id)
        else push_attempts.hubspot_id
    end,
    salesforce_id = case
        when push_attempts.target = 'salesforce' then coalesce(new_outcomes.record_id, push_attempts.salesforce_id)
        else push_attempts.salesforce_id
    end,
    existing_id = new_outcomes.existing_id,
    stored = new_outcomes.stored,
    target_modified_at = new_outcomes.target_modified_at,
    is_modified_by_other = new_outcomes.is_modified_by_other
from new_outcomes
where push_attempts.attempt_id = new_outcomes.attempt_id
    and push_attempts.attempted_at >= ?
    and (push_attempts.outcome is null or push_attempts.outcome = '{UNKNOWN}')
"""


def new_run_id(now: datetime) -> str:
    """A name for a run that sorts by time and is no other run's."""
    return f"{now:%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:6]}"


class Journal:
    """Writes schema `journal` through one DuckDB connection, which must be in autocommit mode."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        connection.execute(_TABLES)

    # ------------------------------------------------------------ runs

    def begin_run(
        self,
        run_id: str,
        *,
        command: str,
        target_name: str,
        started_at: datetime,
        git_sha: str | None = None,
        mapping_hash: str | None = None,
    ) -> None:
        """Open a run with status `running`."""
        self._connection.execute(
            """
            insert into journal.runs (run_id, command, target_name, started_at, status, git_sha, mapping_hash)
            values (?, ?, ?, ?, 'running', ?, ?)
            """,
            [run_id, command, target_name, started_at, git_sha, mapping_hash],
        )

    def close_abandoned(self, now: datetime) -> None:
        """Close runs whose process died: whoever holds the lock of the warehouse knows that none is running."""
        self._connection.execute(
            """
            update journal.runs
            set status = 'failed', exit_code = 1, finished_at = ?, message = 'The process ended before the run did.'
            where status in ('running', 'decided')
            """,
            [now],
        )

    def set_status(self, run_id: str, status: str) -> None:
        """Note how far a run has come, e.g. `decided`."""
        self._connection.execute("update journal.runs set status = ? where run_id = ?", [status, run_id])

    def mark_decided(self, run_id: str, decided_at: datetime) -> None:
        """Note that everything known before `decided_at` has been decided on, so that the next pass need not."""
        self._connection.execute(
            """
            update journal.runs
            set decided_at = ?, status = case when status = 'running' then 'decided' else status end
            where run_id = ?
            """,
            [decided_at, run_id],
        )

    def record_steps(self, run_id: str, steps: Mapping[str, float]) -> None:
        """Keep the seconds that each step took, replacing what was kept before."""
        self._connection.execute("update journal.runs set steps = ? where run_id = ?", [_json(dict(steps)), run_id])

    def finish_run(
        self,
        run_id: str,
        *,
        status: str,
        exit_code: int,
        finished_at: datetime,
        message: str | None = None,
        counts: Mapping[str, Any] | Sequence[Any] | None = None,
        api_calls: Mapping[str, Any] | None = None,
    ) -> None:
        """Close a run."""
        self._connection.execute(
            """
            update journal.runs
            set status = ?, exit_code = ?, finished_at = ?, message = ?, counts = ?, api_calls = ?
            where run_id = ?
            """,
            [status, exit_code, finished_at, message, _json(counts), _json(api_calls), run_id],
        )

    def record_calls(self, run_id: str, calls: Mapping[str, int]) -> None:
        """Note the calls by CRM of a run that could not do so itself, since its process was killed."""
        usage = {crm: {"calls": number, "records": 0} for crm, number in calls.items()}
        if usage:
            self._connection.execute(
                "update journal.runs set api_calls = ? where run_id = ? and api_calls is null", [_json(usage), run_id]
            )

    # ------------------------------------------------------------ attempts

    def begin_attempts(self, attempts: Sequence[Attempt]) -> None:
        """Keep attempts that are about to be made; they are committed when this returns."""
        if not attempts:
            return
        rows = [_attempt_row(attempt) for attempt in attempts]
        self._with_rows(
            "new_attempts",
            pa.Table.from_pylist(rows, schema=_ATTEMPT_SCHEMA),
            "insert into journal.push_attempts by name select * from new_attempts",
        )

    def record_outcomes(self, outcomes: Sequence[tuple[Attempt, Outcome]], outcome_at: datetime) -> None:
        """Complete attempts. After a create, `record_id` and the id column of the target hold the new record."""
        if not outcomes:
            return
        rows = [_outcome_row(attempt, outcome, outcome_at) for attempt, outcome in outcomes]
        self._with_rows(
            "new_outcomes",
            pa.Table.from_pylist(rows, schema=_OUTCOME_SCHEMA),
            _COMPLETE,
            [min(attempt.attempted_at for attempt, _ in outcomes)],
        )

    def request_retries(self, operations: Sequence[tuple[str, str]], requested_at: datetime) -> None:
        """Note that a person wants these (target, link_id) tried again, whatever their retry policy says."""
        rows = [{"target": target, "link_id": link_id, "requested_at": requested_at} for target, link_id in operations]
        if rows:
            self._with_rows(
                "new_requests",
                pa.Table.from_pylist(rows, schema=_REQUEST_SCHEMA),
                "insert into journal.retry_requests by name select * from new_requests",
            )

    def unknown_attempts(self) -> list[Attempt]:
        """Attempts whose outcome is not known: a call in flight when the process died, or no answer."""
        table = self._connection.sql(
            f"""
            select * from journal.push_attempts
            where outcome is null or outcome = '{UNKNOWN}'
            order by attempted_at, attempt_id
            """
        ).to_arrow_table()
        return [_attempt_from(row) for row in table.to_pylist()]

    def ids_created(self, link_ids: Iterable[str]) -> dict[tuple[str, str], str]:
        """The records that creates have made for these links: {(target, link_id): record_id}, the newest each."""
        links = pa.table({"link_id": pa.array(sorted(set(link_ids)), _TEXT)})
        rows = self._with_rows(
            "wanted_links",
            links,
            f"""
            select target, link_id, arg_max(record_id, outcome_at) as record_id
            from journal.push_attempts
            semi join wanted_links using (link_id)
            where operation = '{CREATE}' and outcome = '{SUCCEEDED}' and record_id is not null
            group by all
            """,
        )
        return {(target, link_id): record_id for target, link_id, record_id in rows}

    def _with_rows(self, name: str, rows: pa.Table, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """Run one statement that reads an Arrow table (row by row parameters are slow in DuckDB)."""
        self._connection.register(name, rows)
        try:
            return list(self._connection.execute(sql, list(parameters)).fetchall())
        finally:
            self._connection.unregister(name)


def _attempt_row(attempt: Attempt) -> dict[str, Any]:
    operation = attempt.operation
    return {
        "attempt_id": attempt.attempt_id,
        "run_id": attempt.run_id,
        "operation_id": operation.operation_id,
        "target": operation.target,
        "object": operation.object,
        "crm_object": operation.crm_object,
        "operation": operation.operation,
        "link_id": operation.link_id,
        "record_id": operation.record_id,
        "hubspot_id": operation.hubspot_id,
        "salesforce_id": operation.salesforce_id,
        "changes": _json(dict(operation.changes)),
        "previous": _json(dict(operation.previous)),
        "source_values": operation.source_values,
        "snapshot_modified_at": operation.snapshot_modified_at,
        "human_modified_at": operation.human_modified_at,
        "source_modified_at": operation.source_modified_at,
        "attempted_at": attempt.attempted_at,
        "bulk_job_id": attempt.bulk_job_id,
        "clear_first": _json([name for name in operation.clear_first if name in operation.changes] or None),
    }


def _outcome_row(attempt: Attempt, outcome: Outcome, outcome_at: datetime) -> dict[str, Any]:
    return {
        "attempt_id": attempt.attempt_id,
        "outcome": outcome.outcome,
        "outcome_at": outcome_at,
        "error_code": outcome.error_code,
        "message": outcome.message,
        "record_id": outcome.record_id,
        "existing_id": outcome.existing_id,
        "stored": None if outcome.stored is None else _json(dict(outcome.stored)),
        "target_modified_at": outcome.target_modified_at,
        "is_modified_by_other": outcome.is_modified_by_other,
    }


def _attempt_from(row: Mapping[str, Any]) -> Attempt:
    operation = Operation(
        operation_id=row["operation_id"],
        target=row["target"],
        object=row["object"],
        push_order=0,
        operation=row["operation"],
        crm_object=row["crm_object"],
        record_id=row["record_id"],
        link_id=row["link_id"],
        hubspot_id=row["hubspot_id"],
        salesforce_id=row["salesforce_id"],
        changes=orjson.loads(row["changes"] or "{}"),
        previous=orjson.loads(row["previous"] or "{}"),
        source_values=row["source_values"] or "{}",
        snapshot_modified_at=row["snapshot_modified_at"],
        human_modified_at=row["human_modified_at"],
        source_modified_at=row["source_modified_at"],
        clear_first=tuple(orjson.loads(row["clear_first"] or "[]")),
    )
    return Attempt(row["run_id"], operation, row["attempted_at"], row["attempt_id"], row["bulk_job_id"])


def _json(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value).decode()
