"""The journal: attempts are there before the call, outcomes after it, and known outcomes stay."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import duckdb
import pytest
from push_support import attempts_of

from reverse_etl.journal import Journal
from reverse_etl.operations import Attempt, Operation, Outcome

NOW = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)


def _operation(number: int, operation: str = "create") -> Operation:
    return Operation(
        f"op{number}",
        "salesforce",
        "contact",
        2,
        operation,
        "Contact",
        None if operation == "create" else f"003{number}",
        f"link{number}",
        f"{number}",
        None,
        {"LastName": 'O\'Neill \u00fc\n"quoted" \x00', "Title": None},
        previous={"Title": "CEO"},
        source_values='{"LastName": {"source_field": "lastname", "value": "x"}}',
        snapshot_modified_at=NOW - timedelta(hours=1),
    )


@pytest.fixture
def connection() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


def test_an_attempt_survives_the_death_of_the_process(tmp_path: object) -> None:
    path = f"{tmp_path}/warehouse.duckdb"
    connection = duckdb.connect(path)
    Journal(connection).begin_attempts([Attempt("run", _operation(1), NOW)])
    connection.close()
    found = Journal(duckdb.connect(path)).unknown_attempts()
    assert [attempt.operation.changes for attempt in found] == [_operation(1).changes]
    assert found[0].operation.previous == {"Title": "CEO"}
    assert found[0].attempted_at == NOW


def test_outcome_of_a_create_carries_the_new_record(connection: duckdb.DuckDBPyConnection) -> None:
    journal = Journal(connection)
    attempts = [Attempt("run", _operation(number), NOW) for number in (1, 2)]
    journal.begin_attempts(attempts)
    journal.record_outcomes(
        [
            (
                attempts[0],
                Outcome("op1", "succeeded", record_id="003A", stored={"Title": None}, target_modified_at=NOW),
            ),
            (attempts[1], Outcome("op2", "rejected", "STRING_TOO_LONG", "too long")),
        ],
        NOW,
    )
    first, second = attempts_of(connection)
    assert (first["record_id"], first["salesforce_id"], first["hubspot_id"]) == ("003A", "003A", "1")
    assert first["stored"] == {"Title": None}
    assert first["is_modified_by_other"] is False
    assert (second["outcome"], second["error_code"], second["stored"]) == ("rejected", "STRING_TOO_LONG", None)
    assert journal.ids_created(["link1", "link2"]) == {("salesforce", "link1"): "003A"}
    assert journal.unknown_attempts() == []


def test_a_known_outcome_is_never_replaced(connection: duckdb.DuckDBPyConnection) -> None:
    journal = Journal(connection)
    attempt = Attempt("run", _operation(1), NOW)
    journal.begin_attempts([attempt])
    journal.record_outcomes([(attempt, Outcome("op1", "unknown"))], NOW)
    assert len(journal.unknown_attempts()) == 1
    journal.record_outcomes([(attempt, Outcome("op1", "succeeded", record_id="003A"))], NOW)
    journal.record_outcomes([(attempt, Outcome("op1", "retryable"))], NOW)
    assert attempts_of(connection)[0]["outcome"] == "succeeded"


def test_runs(connection: duckdb.DuckDBPyConnection) -> None:
    journal = Journal(connection)
    journal.begin_run("r1", command="sync", target_name="sandbox", started_at=NOW, git_sha="abc", mapping_hash="m")
    journal.record_steps("r1", {"extract": 1.5})
    journal.set_status("r1", "decided")
    journal.finish_run("r1", status="succeeded", exit_code=0, finished_at=NOW, counts=[{"records": 3}])
    row = connection.execute(
        "select status, exit_code, steps ->> '$.extract', counts ->> '$[0].records' from journal.runs"
    )
    assert row.fetchone() == ("succeeded", 0, "1.5", "3")


def test_a_run_whose_process_died_is_closed_by_the_next_one(connection: duckdb.DuckDBPyConnection) -> None:
    journal = Journal(connection)
    for run_id in ("done", "died", "decided"):
        journal.begin_run(run_id, command="sync", target_name="prod", started_at=NOW)
    journal.finish_run("done", status="succeeded", exit_code=0, finished_at=NOW)
    journal.mark_decided("decided", NOW)
    journal.close_abandoned(NOW + timedelta(hours=1))
    rows = connection.execute("select run_id, status, exit_code, finished_at > started_at from journal.runs").fetchall()
    assert sorted(rows) == [
        ("decided", "failed", 1, True),
        ("died", "failed", 1, True),
        ("done", "succeeded", 0, False),
    ]


def test_a_batch_of_200_is_journalled_within_a_tenth_of_a_second(connection: duckdb.DuckDBPyConnection) -> None:
    journal = Journal(connection)
    attempts = [Attempt("run", _operation(number), NOW) for number in range(200)]
    started = time.perf_counter()
    journal.begin_attempts(attempts)
    journal.record_outcomes([(one, Outcome(one.operation.operation_id, "succeeded")) for one in attempts], NOW)
    assert time.perf_counter() - started < 0.1 * 5  # generous on a busy machine; 10 ms when idle
