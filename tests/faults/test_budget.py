"""The API budget: a run stops before it is exceeded, with the most important work done, and the next one goes on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from push_support import diff_row
from push_world import PushWorld

from crm_sync.budget import Budget, Called, read_budgets
from crm_sync.call_count import CallCount
from crm_sync.clients import ApiLimits, explain
from crm_sync.config import Project
from crm_sync.errors import ConfigError, GuardStop
from reverse_etl.journal import Journal

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def _project(folder: Path, share: object) -> Project:
    (folder / "dbt_project").mkdir()
    (folder / "dbt_project" / "dbt_project.yml").write_text(f"vars: {{hubspot_api_budget_share: {share}}}\n")
    return Project(folder)


def _journal(*runs: tuple[timedelta, int]) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    journal = Journal(connection)
    for number, (age, calls) in enumerate(runs):
        run_id = f"r{number}"
        journal.begin_run(run_id, command="sync", target_name="prod", started_at=NOW - age)
        usage = {"hubspot": {"calls": calls, "daily_limit": 1000}, "salesforce": {"calls": 1, "daily_limit": None}}
        journal.finish_run(run_id, status="succeeded", exit_code=0, finished_at=NOW, api_calls=usage)
    return connection


def test_the_calls_of_24_hours_count_against_the_share_of_the_daily_limit(tmp_path: Path) -> None:
    connection = _journal((timedelta(hours=30), 900), (timedelta(hours=23), 60), (timedelta(hours=1), 15))
    budget = read_budgets(connection, _project(tmp_path, 0.1), (), NOW)["hubspot"]
    assert budget.left == 25
    assert not budget.is_short
    taken = [budget.take(ApiLimits(1000, 500)) for _ in range(26)]
    assert taken[:25] == [None] * 25
    assert taken[25] == "this sync has made 100 of the 100 calls that it may make a day"
    budget.require_some()


def test_the_calls_of_a_killed_run_count_as_well(tmp_path: Path) -> None:
    connection = _journal((timedelta(hours=2), 15))
    Journal(connection).begin_run("killed", command="sync", target_name="prod", started_at=NOW - timedelta(hours=1))
    count = CallCount(tmp_path / "w.duckdb").of_run("killed")
    killed = read_budgets(connection, _project(tmp_path, 0.1), (), NOW, count)["hubspot"]
    for _ in range(60):
        assert killed.take(ApiLimits(1000, 0)) is None

    # the next process knows of it by the file alone
    run_id, calls = CallCount(tmp_path / "w.duckdb").left_behind()
    assert (run_id, calls) == ("killed", {"hubspot": 60})
    Journal(connection).close_abandoned(NOW)
    Journal(connection).record_calls(run_id, calls)
    assert read_budgets(connection, Project(tmp_path), (), NOW)["hubspot"].left == 25
    # a run that has noted its calls itself keeps its own number
    Journal(connection).record_calls("r0", {"hubspot": 1})
    assert read_budgets(connection, Project(tmp_path), (), NOW)["hubspot"].left == 25


@pytest.mark.parametrize(
    "text", [None, "", "{", "[]", '{"run_id": "x"}', '{"run_id": "x", "calls": {"hubspot": "many"}}']
)
def test_a_count_that_cannot_be_read_or_written_stops_nothing(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "w.duckdb.calls").write_text(text)
    assert CallCount(tmp_path / "w.duckdb").left_behind() == ("", {})
    CallCount(tmp_path / "no folder" / "w.duckdb").of_run("r").add("hubspot")


def test_a_run_is_not_started_when_nothing_is_left_unless_somebody_accepts_it(tmp_path: Path) -> None:
    connection = _journal((timedelta(hours=1), 95))
    project = _project(tmp_path, 0.1)
    budgets = read_budgets(connection, project, (), NOW)
    assert budgets["hubspot"].is_short
    budgets["salesforce"].require_some()
    with pytest.raises(GuardStop, match="95 calls were made") as stop:
        budgets["hubspot"].require_some()
    assert "--accept hubspot.api_budget" in stop.value.remedy
    for accepted in ("hubspot.api_budget", "all"):
        read_budgets(connection, project, [accepted], NOW)["hubspot"].require_some()


def test_the_last_calls_of_a_day_are_left_to_others() -> None:
    budget = Budget("salesforce", 0.8, Called())
    assert budget.take(ApiLimits()) is None  # not known yet
    assert budget.take(ApiLimits(1000, 949)) is None
    assert "950 of the 1,000" in (budget.take(ApiLimits(1000, 950)) or "")


@pytest.mark.parametrize("share", [0, 1.5, -1])
def test_a_share_that_is_none_is_a_mistake(tmp_path: Path, share: float) -> None:
    with pytest.raises(ConfigError, match="hubspot_api_budget_share"):
        read_budgets(_journal(), _project(tmp_path, share), (), NOW)


def test_a_push_spends_its_budget_on_what_matters_most_and_the_next_one_goes_on(crms: PushWorld) -> None:
    contacts = [crms.create("salesforce", "Contact", LastName=f"L{n}") for n in range(3)]
    crms.diffs(
        *[
            diff_row("salesforce", "contact", "update", f"p{n}", record_id=one, changes={"Title": "New"})
            for n, one in enumerate(contacts)
        ],
        diff_row("salesforce", "company", "create", "c", hubspot_id="10", changes={"Name": "Acme"}),
        diff_row("hubspot", "company", "create", "h", salesforce_id="001", changes={"name": "Umbra"}),
    )
    crms.clients.salesforce.identity()
    crms.clients.salesforce.api.budget = Budget(
        "salesforce", 0.00002, Called()
    )  # of 100,000: a create, its reading back
    report = crms.push("first")
    assert report.records("succeeded", "salesforce") == 1
    assert report.records("succeeded", "hubspot") == 1
    assert report.records("not_attempted", "salesforce") == 3
    stop = explain(report.failures["salesforce"])
    assert isinstance(stop, GuardStop)
    assert "salesforce_api_budget_share" in stop.remedy
    assert [record["Name"] for record in crms.records("salesforce", "Account")] == ["Acme"]
    assert {row["outcome"] for row in crms.attempts} == {"succeeded"}
    assert sum(crms.calls("salesforce").values()) <= 3  # with the login

    crms.clients.salesforce.api.budget = None
    assert crms.push("second").records("succeeded", "salesforce") == 4
    assert {record["Title"] for record in crms.records("salesforce", "Contact")} == {"New"}
    assert len(crms.records("salesforce", "Account")) == 1
