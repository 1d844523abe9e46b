"""What each command shows of a synced world, and what it says to bad input."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import click
import duckdb
import pytest
from cli_world import ADA, CliWorld

from crm_sync.cli import main
from crm_sync.cli_base import FOUND, SECTIONS
from crm_sync.listing import render

ADA_MAIL = "ada.brandt@acme.com"


# ---------------------------------------------------------------- help


def test_help_is_a_table_of_contents_by_audience(synced: CliWorld) -> None:
    shown = synced.run("--help").output
    for title, names in SECTIONS:
        assert f"{title}:" in shown
        for name in names:
            assert f"\n  {name} " in shown, name
    listed = {name for _, names in SECTIONS for name in names}
    assert listed == set(main.commands)
    assert "..." not in shown.split("Every day:")[1]


@pytest.mark.parametrize("name", sorted(main.commands))
def test_every_command_explains_itself_with_an_example(synced: CliWorld, name: str) -> None:
    shown = synced.run(name, "--help")
    assert shown.exit_code == 0
    if name != "sandbox":
        assert f"Example: crm-sync {'--target prod ' if '--target prod' in shown.output else ''}{name}" in shown.output
    assert all(option.help for option in main.commands[name].params if isinstance(option, click.Option))


# ---------------------------------------------------------------- status


def test_status_names_errors_issues_conflicts_lag_and_usage_with_their_fix(synced: CliWorld) -> None:
    shown = synced.run("status")
    assert shown.exit_code == 0
    assert "Status:         degraded" in shown.output
    assert "1 open error in salesforce: validation: FIELD_CUSTOM_VALIDATION_EXCEPTION" in shown.output
    assert "fix:" in shown.output
    assert "data-quality issues keep values or records" in shown.output
    assert "contact mobilephone: conflict_review, 1 held for review (crm-sync review)" in shown.output
    assert "Edit to push, Salesforce -> HubSpot" in shown.output
    assert "API calls of the newest run, HubSpot:" in shown.output


def test_status_as_json_holds_the_same(synced: CliWorld) -> None:
    document = json.loads(synced.run("status", "--format", "json").output)
    assert document["status"] == "degraded"
    assert [one["error_class"] for one in document["errors"]] == ["validation"]
    assert {one["crm"] for one in document["api_usage"]} == {"hubspot", "salesforce"}


# ---------------------------------------------------------------- explain


@pytest.mark.parametrize("key", [*ADA, ADA[1][:15], ADA_MAIL, ADA_MAIL.upper(), "Ada Brandt"])
def test_a_record_is_found_by_id_mail_or_name(synced: CliWorld, key: str) -> None:
    shown = synced.run("explain", "contact", key)
    assert shown.exit_code == 0, shown.output
    assert f"contact: HubSpot {ADA[0]} = Salesforce {ADA[1]}" in shown.output


def test_objects_may_be_named_as_the_crms_do(synced: CliWorld) -> None:
    for name in ("contacts", "Contact"):
        assert ADA[0] in synced.run("explain", name, ADA_MAIL).output


def test_explain_shows_both_values_bases_winner_evidence_pushes_and_what_comes_next(synced: CliWorld) -> None:
    shown = synced.run("explain", "contact", ADA_MAIL).output
    assert "matched by email" in shown
    assert "in scope, it may write (meets: " in shown
    title = shown[shown.index("jobtitle <-> Title") : shown.index("mobilephone <-> MobilePhone")]
    assert 'HubSpot    "Chief Revenue Officer"' in title
    assert "Salesforce won: both sides were edited: the most recent edit wins [conflict_most_recent]" in title
    assert "times of the field" in title
    assert "edited 20" in title
    phone = shown[shown.index("mobilephone <-> MobilePhone") : shown.index("Written so far")]
    assert '"+49 30 1"' in phone
    assert '"+49 30 2"' in phone
    assert "no winner: both sides were edited: the rule leaves it to a person" in phone
    assert "held back: a person has to decide" in phone
    written = shown[shown.index("Written so far") :]
    assert 'jobtitle  "Head of Sales" -> "Chief Revenue Officer"' in written
    assert "held back: held_for_review" in written[written.index("Next:") :]


def test_explain_says_when_a_refused_record_is_tried_again(synced: CliWorld) -> None:
    shown = synced.run("explain", "company", "Wizards Inc").output
    assert "Salesforce refuses it: FIELD_CUSTOM_VALIDATION_EXCEPTION: We do not sell to wizards" in shown
    assert "tried again at" in shown
    assert "crm-sync review --retry" in shown


def test_explain_tells_of_records_that_are_not_linked(synced: CliWorld) -> None:
    object_, side, record_id = synced.query("select object, side, record_id from matching.match_issues limit 1")[0]
    shown = synced.run("explain", str(object_), str(record_id)).output
    assert f"{'HubSpot' if side == 'hubspot' else 'Salesforce'} {record_id}, not linked" in shown
    outside = synced.query(
        "select record_id from inclusion.records_included where object = 'contact' and side = 'hubspot'"
        " and not is_included and record_id not in (select hubspot_id from matching.links)"
        " and record_id not in (select record_id from matching.match_issues) limit 1"
    )[0][0]
    shown = synced.run("explain", "contact", str(outside)).output
    assert "out of scope, it may not write (fails: " in shown
    assert "nothing: the record is out of scope" in shown


def test_explain_finds_records_that_are_not_linked_by_name(synced: CliWorld) -> None:
    object_, record_id, name = synced.query(
        "select object, record_id, name from matching.unlinked_records"
        " where object = 'contact' and side = 'hubspot' and name like '% %'"
        " and record_id not in (select record_id from matching.match_issues) limit 1"
    )[0]
    shown = synced.run("explain", str(object_), str(name).upper()).output
    assert f"HubSpot {record_id}, not linked" in shown


def test_explain_as_json(synced: CliWorld) -> None:
    (document,) = json.loads(synced.run("explain", "contact", ADA_MAIL, "--format", "json").output)
    assert document["link"]["hubspot_id"] == ADA[0]
    by_name = {field["hubspot_property"]: field for field in document["fields"]}
    assert by_name["jobtitle"]["evidence"] == "field"


def test_explain_of_nothing_known_helps_on(synced: CliWorld) -> None:
    assert "There is no object 'contcat'" in synced.run("explain", "contcat", "x").output
    unknown = synced.run("explain", "contact", "nobody@nowhere.io")
    assert unknown.exit_code == 2
    assert "No contact is known by 'nobody@nowhere.io'." in unknown.output
    assert f"crm-sync explain contact {ADA_MAIL}" in synced.run("explain", "company", ADA_MAIL).output


# ---------------------------------------------------------------- errors, conflicts, review, query


def test_errors_are_listed_and_filtered(synced: CliWorld) -> None:
    shown = synced.run("errors").output
    assert "1 open error." in shown
    assert "Salesforce said: FIELD_CUSTOM_VALIDATION_EXCEPTION: We do not sell to wizards" in shown
    assert "retried daily, next at" in shown
    for filters in (("--class", "picklist"), ("--object", "deal"), ("--crm", "hubspot"), ("--record", ADA_MAIL)):
        assert "No open errors." in synced.run("errors", *filters).output
    for filters in (("--class", "validation"), ("--object", "company"), ("--record", "Wizards Inc")):
        assert "1 open error." in synced.run("errors", *filters).output
    assert "No open errors." in synced.run("errors", "--older-than", "1d").output
    assert synced.run("errors", "--older-than", "1d", "--detailed-exitcode").exit_code == 0
    assert synced.run("errors", "--detailed-exitcode").exit_code == FOUND
    (row,) = csv.DictReader(io.StringIO(synced.run("errors", "--format", "csv").output))
    assert row["error_class"] == "validation"


def test_no_spreadsheet_runs_a_value_of_a_list() -> None:
    rows = [{"hubspot_value": "=cmd()", "salesforce_value": "+49 30 1", "field": "-2+3+cmd", "attempts": 2}]
    (row,) = csv.DictReader(io.StringIO("\n".join(render(rows, "csv", None, "row"))))
    assert row == {
        "hubspot_value": "'=cmd()", "salesforce_value": "+49 30 1", "field": "'-2+3+cmd", "attempts": "2",
    }  # fmt: skip


def test_conflicts_are_listed_and_filtered(synced: CliWorld) -> None:
    shown = synced.run("conflicts").output
    assert "2 conflicts." in shown
    assert 'HubSpot    "Head of Sales"  (before: "Vice President, Sales", edited' in shown
    assert "1 conflict." in synced.run("conflicts", "--field", "Title").output
    assert "No conflicts." in synced.run("conflicts", "--object", "deal").output
    rows = json.loads(synced.run("conflicts", "--format", "json", "--record", ADA_MAIL).output)
    assert {row["hubspot_property"] for row in rows} == {"jobtitle", "mobilephone"}


def test_review_lists_what_waits_for_a_person(synced: CliWorld) -> None:
    shown = synced.run("review").output
    assert "1 conflict to decide." in shown
    assert "mobilephone <-> MobilePhone" in shown
    assert "1 refused record." in shown
    assert len(json.loads(synced.run("review", "--format", "json").output)) == 2


def test_query_runs_sql_and_explains_mistakes(synced: CliWorld) -> None:
    assert "degraded" in synced.run("query", "select status from sync_health.sync_status").output
    wrong = synced.run("query", "select nonsense")
    assert wrong.exit_code == 2
    assert "show all tables" in wrong.output
    assert synced.run("query", "create table x (y int)").exit_code == 2


# ---------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("plan", "--object", "contcat"), "There is no object 'contcat'"),
        (("plan", "--target", "prod"), "write crm-sync --target prod plan"),
        (("plan", "--target", "pipedrive"), "neither hubspot nor salesforce"),
        (("plan", "--format", "yaml"), "'yaml' is not one of"),
        (("plan", "--limit", "-1"), "-1 is not in the range"),
        (("watch", "--every", "soon"), "'soon' is not an interval: write 60s, 5m or 1h."),
        (("errors", "--older-than", "old"), "'old' is not an interval"),
        (("watch", "--every", "0s"), "is not an interval"),
        (("errors", "--object", "x"), "There is no object 'x'"),
        (("review", "--resolve", "nobody"), "'nobody' is not one of"),
        (("review", "--resolve", "hubspot", "--object", "deal"), "0 conflicts wait for a decision"),
        (("explain", "contact"), "Missing argument 'KEY'"),
        (("--target", "staging", "status"), "'staging' is not one of"),
        (("undo", "no-such-run"), "no-such-run"),
        (("sandbox", "edit", "salesforce", "Contact", ADA[1], "Title"), "'Title' is not FIELD=VALUE."),
        (("nonsense",), "No such command 'nonsense'"),
    ],
)
def test_bad_input_gets_one_message(synced: CliWorld, arguments: tuple[str, ...], message: str) -> None:
    result = synced.run(*arguments)
    assert result.exit_code == 2, result.output
    assert message in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize("arguments", [("status",), ("explain", "contact", "x"), ("errors",), ("review",)])
def test_readers_say_that_no_cycle_has_run(synced: CliWorld, arguments: tuple[str, ...]) -> None:
    result = synced.run(*arguments, WAREHOUSE_PATH=str(synced.project / "none.duckdb"))
    assert result.exit_code == 2
    assert "There is no health file none_health.duckdb yet." in result.output


@pytest.mark.parametrize("arguments", [("status",), ("explain", "contact", "x"), ("errors",), ("review",)])
def test_a_health_file_of_another_version_is_said_to_be_one(
    synced: CliWorld, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    with duckdb.connect(str(tmp_path / "old_health.duckdb")) as connection:
        connection.execute("create schema sync_health; create table sync_health.sync_status (status text)")
    result = synced.run(*arguments, WAREHOUSE_PATH=str(tmp_path / "old.duckdb"))
    assert result.exit_code == 2
    assert "was written by another version" in result.output
    assert "make sync TARGET=sandbox" in result.output


def test_a_damaged_health_file_is_said_to_be_one(synced: CliWorld) -> None:
    (synced.project / "bad_health.duckdb").write_bytes(b"no database" * 500)
    result = synced.run("status", WAREHOUSE_PATH=str(synced.project / "bad.duckdb"))
    assert result.exit_code == 2
    assert "cannot be read" in result.output
