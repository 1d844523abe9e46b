"""What a GitHub Actions run shows: annotations at the rows that are wrong, and a summary of what was done."""

from __future__ import annotations

from pathlib import Path

import duckdb
from cli_world import CliWorld

from crm_sync.ci_report import annotation, cycle_markdown, error_annotations, failure_annotations
from crm_sync.cycle import CycleResult
from crm_sync.errors import GuardStop


def test_values_cannot_break_out_of_an_annotation() -> None:
    line = annotation("error", "50 % of\n::error::all", title="a,b:c")
    assert line == "::error title=a%2Cb%3Ac::50 %25 of%0A::error::all"


def test_a_csv_mistake_is_annotated_at_its_row(synced: CliWorld, tmp_path: Path) -> None:
    world = synced.with_own_seeds(tmp_path)
    path = world.seeds / "field_mappings.csv"
    text = path.read_text(encoding="utf-8")
    path.write_text(text + "contact,fax,Fax,sideways,,,,,,,\n", encoding="utf-8")
    summary = tmp_path / "summary.md"
    result = world.run("check", GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(summary))
    assert result.exit_code == 2
    line = len(text.splitlines()) + 1
    assert f"::error file=dbt_project/seeds/field_mappings.csv,line={line}::" in result.output
    assert "exit code 2" in summary.read_text(encoding="utf-8")
    assert "::error" not in world.run("check").output  # elsewhere nobody reads them


def test_a_guard_that_stops_a_run_is_one_annotation() -> None:
    (line,) = failure_annotations(GuardStop("Too much:\n  hubspot.contact.create: 9 records", "Accept it."))
    assert line.startswith("::error title=crm-sync exit code 3::Too much:%0A")


def test_open_errors_are_warnings_with_their_fix(synced: CliWorld) -> None:
    with duckdb.connect(str(synced.health), read_only=True) as connection:
        (line,) = error_annotations(connection)
    assert line.startswith("::warning title=Salesforce%3A validation::1 record refused with FIELD_CUSTOM_VALIDATION")
    assert "Fix: " in line


def test_a_sync_in_a_workflow_annotates_and_summarises(synced: CliWorld) -> None:
    output = (synced.told / "output.txt").read_text(encoding="utf-8")
    assert "::warning title=Salesforce%3A validation::1 record refused" in output
    assert "1 record written." in output
    summary = (synced.told / "summary.md").read_text(encoding="utf-8")
    assert summary.startswith("### crm-sync sync: degraded\n")
    assert "| contact | Salesforce -&gt; HubSpot | 0 | 1 |" in summary
    assert "1 record written." in summary


def test_the_summary_of_a_cycle_is_markdown(synced: CliWorld) -> None:
    ((run_id,),) = synced.query(
        "select run_id from journal.runs where command = 'sync' order by started_at desc limit 1"
    )
    result = CycleResult(str(run_id), "sync", status="degraded", api_calls={"hubspot": {"calls": 7}})
    with duckdb.connect(str(synced.health), read_only=True) as connection:
        text = "\n".join(cycle_markdown(connection, result))
    assert "### crm-sync sync: degraded" in text
    assert "| Salesforce | validation | FIELD&#95;CUSTOM&#95;VALIDATION&#95;EXCEPTION |" in text
    assert "**Data-quality issues**" in text
    assert "HubSpot 7" in text
