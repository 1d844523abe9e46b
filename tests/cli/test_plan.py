"""The plan: filters, forms, exit codes, and what it says of push limits. One plan is made for all of them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import click
import pytest
from cli_world import ADA, CliWorld

from crm_sync.cli_base import FOUND
from crm_sync.plan import FieldChange, Plan, PlannedOperation, read_plan
from crm_sync.plan_rendering import MARKDOWN_LIMIT, render_csv, render_json, render_markdown, render_text
from sandbox import control

HOSTILE = "=1+1 | <script>alert(1)</script> \x1b[2J `x`"


@pytest.fixture(scope="module")
def planned(synced: CliWorld, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[CliWorld, Plan]]:
    """A plan with an update in HubSpot, one of a hostile value, and a create."""
    world = synced.with_own_warehouse(tmp_path_factory.mktemp("plan"))
    before = control.show(world.state_dir, "salesforce", "Contact", ADA[1])["MailingCity"]
    control.edit(world.state_dir, "salesforce", "Contact", ADA[1], {"MailingCity": "Boardville"})
    made = control.create(
        world.state_dir, "hubspot", "contacts",
        {"email": "new.person@fabrikam-plan.com", "lastname": HOSTILE, "lifecyclestage": "customer"},
    )  # fmt: skip
    summary = world.warehouse.parent / "summary.md"
    done = world.run("plan", "--detailed-exitcode", "--format", "json", GITHUB_STEP_SUMMARY=str(summary))
    assert done.exit_code == FOUND, done.output
    yield world, _read(world)
    control.delete(world.state_dir, "hubspot", "contacts", str(made["id"]))
    control.edit(world.state_dir, "salesforce", "Contact", ADA[1], {"MailingCity": before})


def _read(world: CliWorld) -> Plan:
    import duckdb

    with duckdb.connect(str(world.health), read_only=True) as connection:
        return read_plan(connection)


def test_counts_come_first_then_each_record_with_old_new_and_why(planned: tuple[CliWorld, Plan]) -> None:
    text = click.unstyle("\n".join(render_text(planned[1])))
    assert text.startswith("Would write ")
    assert "Salesforce  contact  create" in text
    assert f"~ hubspot contacts {ADA[0]} (ada.brandt@acme.com): update" in text
    assert '-> "Boardville"  (edited in Salesforce only)' in text
    assert "+ salesforce Contact (new.person@fabrikam-plan.com): create from HubSpot" in text
    assert "\x1b[2J" not in text
    assert "\\u001b[2J" in text


def test_a_plan_is_cut_short_and_says_so(planned: tuple[CliWorld, Plan]) -> None:
    total = len(planned[1].operations)
    assert total > 1
    text = "\n".join(render_text(planned[1], most=1))
    assert f"... and {total - 1}" in text


@pytest.mark.parametrize("key", [*ADA, ADA[1][:15], "ada.brandt@acme.com", "ADA.BRANDT@acme.com"])
def test_one_record_is_chosen_by_id_or_name(planned: tuple[CliWorld, Plan], key: str) -> None:
    (operation,) = planned[1].only(records=[key]).operations
    assert operation.hubspot_id == ADA[0]


def test_a_record_to_create_is_chosen_by_its_mail(planned: tuple[CliWorld, Plan]) -> None:
    (operation,) = planned[1].only(records=["new.person@fabrikam-plan.com"]).operations
    assert operation.operation == "create"


def test_objects_and_targets_are_chosen(planned: tuple[CliWorld, Plan]) -> None:
    plan = planned[1]
    assert plan.only(objects=["deal"], records=[ADA[0]]).is_empty
    assert {one.target for one in plan.only(targets=["hubspot"]).operations} == {"hubspot"}
    assert len(plan.only(targets=["hubspot"]).operations) + len(plan.only(targets=["salesforce"]).operations) == len(
        plan.operations
    )


def test_json_and_csv_hold_everything_and_codes(planned: tuple[CliWorld, Plan]) -> None:
    plan = planned[1]
    document = json.loads("\n".join(render_json(plan, most=1)))
    assert len(document["operations"]) == len(plan.operations)
    changes = [change for one in document["operations"] if one["hubspot_id"] == ADA[0] for change in one["changes"]]
    assert [(one["field"], one["new"], one["reason"]) for one in changes] == [
        ("city", "Boardville", "edited_in_salesforce")
    ]
    rows = list(csv.DictReader(io.StringIO("\n".join(render_csv(plan)))))
    assert len(rows) == sum(len(one.changes) for one in plan.operations)
    (hostile,) = [row for row in rows if row["field"] == "LastName" and "script" in row["new"]]
    assert hostile["new"].startswith("'=1+1")  # no spreadsheet runs it


def test_markdown_takes_values_literally(planned: tuple[CliWorld, Plan]) -> None:
    text = "\n".join(render_markdown(planned[1]))
    assert "<script>" not in text
    assert "&lt;script&gt;" in text
    assert "**Would write" in text
    assert "| Salesforce | contact | create |" in text


def test_a_plan_in_a_workflow_is_its_job_summary(planned: tuple[CliWorld, Plan]) -> None:
    text = (planned[0].warehouse.parent / "summary.md").read_text(encoding="utf-8")
    assert text.startswith("### Plan\n\n**Would write")
    assert "</details>" in text


def test_markdown_stays_below_what_a_comment_may_hold() -> None:
    change = FieldChange("Title", "x" * 70, "y" * 70, "edited_in_hubspot")
    one = PlannedOperation("salesforce", "contact", "update", "Contact", "003", "1", "003", "a@b.c", (change,) * 5)
    plan = Plan(tuple(replace(one, record_id=str(number)) for number in range(500)))
    text = "\n".join(render_markdown(plan))
    assert len(text) < MARKDOWN_LIMIT + 2_000
    assert "more records." in text


def test_nothing_to_write_is_said_in_every_form() -> None:
    empty = Plan(())
    assert list(render_text(empty)) == ["Nothing to write: both CRMs agree."]
    assert "Nothing to write" in next(iter(render_markdown(empty)))
    assert json.loads(next(iter(render_json(empty)))) == {"counts": [], "operations": []}
    assert next(iter(render_csv(empty))).startswith("target,object,operation")


def test_a_plan_says_which_push_limit_would_stop_the_sync(planned: tuple[CliWorld, Plan], tmp_path: Path) -> None:
    from crm_sync.config import HubSpotSettings, Project, SalesforceSettings, Settings
    from crm_sync.plan_checks import limits_exceeded

    world = planned[0].with_own_seeds(tmp_path)
    path = world.seeds / "push_limits.csv"
    path.write_text(path.read_text(encoding="utf-8") + "salesforce,contact,create,0,,\n", encoding="utf-8")
    settings = Settings(
        "sandbox", Project(world.project), world.warehouse, HubSpotSettings(""), SalesforceSettings("", "")
    )
    text = "\n".join(limits_exceeded(settings))
    assert "The next sync would stop at a push limit" in text
    assert "--accept salesforce.contact.create" in text
