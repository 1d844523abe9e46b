"""Whole cycles: the demo data, the plan, a trigger, rejected records, what is published."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime

import duckdb
from fields import add_salesforce_field
from lockstep import DEFAULTS, Share, Steps
from people import email, hubspot_deal, hubspot_person, salesforce_person
from world import Pair, World

from crm_sync.dashboard.document import read_document
from sandbox import control


def test_the_demo_data_is_brought_into_agreement_and_stays_so(demo_world: World) -> None:
    world = demo_world
    result = world.sync()
    writes = world.api_writes()
    assert result.status == "succeeded"
    assert {write["operation"] for write in writes} >= {"create", "update"}
    synced = {(row[0], row[1]): row[2] for row in world.query(
        "select object, direction, records from sync_health.records_synced where operation = 'create'"
    )}  # fmt: skip
    assert min(synced[object_, direction] for object_ in ("company", "contact", "deal")
               for direction in ("hubspot_to_salesforce", "salesforce_to_hubspot")) > 0  # fmt: skip
    assert world.query("select count(*) from sync_health.sync_errors where status = 'open'") == [(0,)]
    # every link is one to one, and stamped on its HubSpot record
    for object_, (hubspot_name, _) in {
        "contact": ("contacts", ""),
        "company": ("companies", ""),
        "deal": ("deals", ""),
    }.items():
        stamps = {
            record["id"]: record["properties"].get("salesforce_record_id")
            for record in control.records(world.state_dir, "hubspot", hubspot_name)
        }
        links = dict(
            world.query(
                "select hubspot_id, salesforce_id from matching.links where object = ? and status = 'linked'", object_
            )
        )
        assert {id_: stamp for id_, stamp in stamps.items() if stamp} == links
        assert len(set(links.values())) == len(links)
    world.assert_quiet()

    # without news the last decision stands, and nothing that is slow to load is loaded
    assert _imported_by_a_sync(world) == "neither dbt nor dlt"
    assert world.query("select status from sync_health.sync_runs order by started_at desc limit 1") == [("succeeded",)]
    hubspot_id, salesforce_id = next(iter(links.items()))
    world.edit_hubspot(Pair("deal", hubspot_id, salesforce_id), amount="77")
    world.sync()
    assert float(world.salesforce(Pair("deal", hubspot_id, salesforce_id))["Amount"]) == 77


def _imported_by_a_sync(world: World) -> str:
    """Which of the heavy libraries a process of its own has loaded after one `crm-sync sync`."""
    program = (
        "import sys\nfrom crm_sync.cli import main\nmain(['sync'], standalone_mode=False)\n"
        "heavy = [name for name in ('dbt', 'dlt') if name in sys.modules]\n"
        "print(' and '.join(heavy) or 'neither dbt nor dlt')"
    )
    environ = {
        **os.environ,
        "CRM_SYNC_SANDBOX_DIR": str(world.state_dir),
        "WAREHOUSE_PATH": str(world.settings.warehouse_path),
    }
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=world.project.root, env=environ, capture_output=True, text=True, check=True
    )
    assert "Nothing was written: both CRMs agree." in done.stdout
    return done.stdout.splitlines()[-1]


def test_the_plan_is_what_the_next_sync_writes(demo_world: World) -> None:
    world = demo_world
    planned = world.plan()
    assert planned.status == "planned"
    assert world.api_writes() == []
    assert planned.plan is not None
    assert not planned.plan.is_empty
    promised = world.query(
        "select operation_id from reverse_etl.diff_hubspot"
        " union all select operation_id from reverse_etl.diff_salesforce"
    )
    result = world.sync()
    made = world.query(
        "select operation_id from journal.push_attempts"
        " where run_id = ? and not ends_with(operation_id, '-associations')",
        result.run_id,
    )
    assert sorted(made) == sorted(promised)
    again = world.plan().plan
    assert again is not None
    assert again.is_empty


@DEFAULTS.scenario
def test_a_trigger_that_reformats_phone_numbers_causes_no_endless_updates(world: Share) -> Steps:
    control.change_metadata(world.state_dir, "salesforce", trigger="format_phone", on=True)
    old = world.own("old")
    created = world.create("contact", hubspot_person(world.own("new"), phone="415.555.0100"))
    linked = world.create("contact", hubspot_person(old), salesforce_person(old))
    yield
    yield from world.quiet_step()
    world.edit_hubspot(linked, phone="+1 415 555 0101")
    yield
    assert world.salesforce(linked)["Phone"] == "(415) 555-0101"
    assert world.salesforce(world.linked(created))["Phone"] == "(415) 555-0100"
    assert world.hubspot(linked)["phone"] == "+1 415 555 0101"
    yield from world.quiet_step()
    # a person's edit of the formatted number is still seen as one
    world.edit_salesforce(linked, Phone="(415) 555-0199")
    yield
    assert world.hubspot(linked)["phone"] == "(415) 555-0199"


def test_a_rejected_record_is_listed_and_its_neighbours_go_through(world: World) -> None:
    control.change_metadata(
        world.state_dir, "salesforce", validation_rule="No_Wizards", object="Contact",
        when="Title = 'Wizard'", message="Wizards are not employed here", on=True,
    )  # fmt: skip
    add_salesforce_field(world, "Contact", "Badge__c", "Text", length=10, unique=True)
    world.use_own_seeds()
    rows = world.seed_rows("field_mappings")
    world.seed("field_mappings", *rows, "contact,company,Badge__c,always_hubspot,,,,,,,")
    wizard = world.create("contact", hubspot=hubspot_person("wizard", jobtitle="Wizard"))
    witch = world.create("contact", hubspot=hubspot_person("witch", jobtitle="Wizard"))
    twin = world.create("contact", hubspot=hubspot_person("twin", company="7"))
    others = [world.create("contact", hubspot=hubspot_person(f"n{i}", jobtitle="Engineer")) for i in range(5)]
    control.create(world.state_dir, "salesforce", "Contact", salesforce_person("older", Badge__c="7"))
    result = world.sync()
    assert result.status == "degraded"
    assert all(world.is_linked(pair) for pair in others)
    assert not world.is_linked(wizard)
    errors = world.query(
        "select hubspot_id, error_code, attempts, status, retry_policy, message, cause, fix"
        " from sync_health.sync_errors order by hubspot_id"
    )
    assert [row[:5] for row in errors] == [
        (wizard.hubspot_id, "FIELD_CUSTOM_VALIDATION_EXCEPTION", 1, "open", "daily"),
        (witch.hubspot_id, "FIELD_CUSTOM_VALIDATION_EXCEPTION", 1, "open", "daily"),
        (twin.hubspot_id, "DUPLICATE_VALUE", 1, "open", "on_change"),
    ]
    assert "Wizards are not employed here" in errors[0][5]
    assert all(cause and fix for *_, cause, fix in errors)
    assert world.query("select status, open_errors from sync_health.sync_status") == [("degraded", 3)]
    assert_on_health_page(world, refused={wizard.hubspot_id, witch.hubspot_id, twin.hubspot_id})
    world.assert_quiet()  # not tried again while nothing has changed

    # each is let go by what its policy waits for: the record changes, a day passes, the mapping changes
    world.edit_hubspot(wizard, jobtitle="Engineer")
    control.change_metadata(
        world.state_dir, "salesforce", validation_rule="No_Wizards", object="Contact", when="Title = 'Wizard'", on=False
    )
    a_day_passes(world, witch)
    world.seed("field_mappings", *rows)
    world.sync()
    assert all(world.is_linked(pair) for pair in (wizard, witch, twin))
    assert world.query("select distinct status from sync_health.sync_errors") == [("closed",)]
    assert world.query("select status, open_errors from sync_health.sync_status") == [("active", 0)]
    world.assert_quiet()


@DEFAULTS.scenario
def test_a_value_that_does_not_fit_is_held_back_and_listed(world: Share) -> Steps:
    pair = world.create("contact", hubspot_person(world.own("one")), salesforce_person(world.own("one")))
    yield
    world.edit_hubspot(pair, jobtitle="x" * 129, city="Paris")
    yield
    assert world.salesforce(pair)["MailingCity"] == "Paris"
    assert world.salesforce(pair)["Title"] is None
    assert [issue["hubspot_id"] for issue in world.issues("value_too_long")] == [pair.hubspot_id]


@DEFAULTS.scenario
def test_a_deal_carries_its_owner_amount_and_close_date(world: Share) -> Steps:
    users = {user["Email"].lower(): user for user in control.records(world.state_dir, "salesforce", "User")}
    values = {"hubspot_owner_id": None, "amount": "1234.5", "closedate": "2028-02-29T00:00:00Z"}
    known = world.create("deal", hubspot=hubspot_deal(world.own("Owned"), **values))
    yield
    known = world.linked(known)
    opportunity = world.salesforce(known)
    assert float(opportunity["Amount"]) == 1234.5
    assert opportunity["CloseDate"] == "2028-02-29"
    rep = next(user for user in users.values() if user["IsActive"] and "integration" not in user["Username"])
    world.edit_salesforce(known, OwnerId=rep["Id"], CloseDate="2027-03-01")
    yield
    assert world.hubspot(known)["closedate"].startswith("2027-03-01T00:00:00")
    owner = world.hubspot(known).get("hubspot_owner_id")
    listed = {issue["salesforce_id"] for issue in world.issues("unmapped_owner")}
    assert owner or known.salesforce_id in listed


def test_the_health_file_answers_while_a_cycle_runs(world: World) -> None:
    pair = world.create(
        "contact", hubspot=hubspot_person("one", jobtitle="H"), salesforce=salesforce_person("one", Title="S")
    )
    world.sync()
    with duckdb.connect(str(world.settings.health_path), read_only=True) as reader:
        world.edit_salesforce(pair, Title="S2")
        world.sync()  # neither waits for the other
        assert reader.execute("select status from sync_health.sync_status").fetchall() == [("active",)]
    decision = world.decision(pair, "jobtitle")
    assert (decision["winner"], decision["reason"], decision["salesforce_value"]) == (
        "salesforce", "edited_in_salesforce", "S2",
    )  # fmt: skip
    assert world.query("select count(*) from sync_health.sync_runs where status = 'succeeded'") == [(2,)]
    calls = world.query("select crm, calls > 0, daily_limit > 0 from sync_health.api_usage")
    assert set(calls) == {("hubspot", True, True), ("salesforce", True, True)}
    assert world.query("select direction from sync_health.sync_lag") == [("salesforce_to_hubspot",)]


def test_a_hidden_or_deleted_property_suspends_its_mapping_and_clears_nothing(world: World) -> None:
    pair = world.create(
        "contact",
        hubspot=hubspot_person("one", jobtitle="Engineer", phone="1", mobilephone="8"),
        salesforce=salesforce_person("one", Title="Engineer", Phone="1", MobilePhone="8"),
    )
    world.sync()
    control.change_metadata(world.state_dir, "salesforce", action="hide", object="Contact", field="Title")
    control.change_metadata(world.state_dir, "salesforce", action="lock_field", object="Contact", field="MobilePhone")
    world.edit_hubspot(pair, jobtitle="Director", phone="2", mobilephone="9")
    result = world.sync()
    assert result.status in ("succeeded", "degraded")
    assert world.salesforce(pair)["Phone"] == "2"
    assert world.hubspot(pair)["jobtitle"] == "Director"
    issues = world.issues("suspended_mapping")
    assert [(issue["object"], issue["field"]) for issue in issues] == [("contact", "Title")]
    # what field-level security keeps from being written waits, and is told once
    assert (world.salesforce(pair)["MobilePhone"], world.hubspot(pair)["mobilephone"]) == ("8", "9")
    (locked,) = world.issues("read_only_field")
    assert (locked["field"], locked["hubspot_id"], locked["salesforce_id"]) == ("MobilePhone", None, None)
    assert "editable for the integration user" in locked["fix"]
    assert world.query("select * from sync_health.sync_errors") == []
    assert world.query("select status from sync_health.sync_status") == [("degraded",)]
    control.change_metadata(world.state_dir, "salesforce", action="show", object="Contact", field="Title")
    control.change_metadata(world.state_dir, "salesforce", action="unlock_field", object="Contact", field="MobilePhone")
    world.sync()
    assert (world.salesforce(pair)["Title"], world.salesforce(pair)["MobilePhone"]) == ("Director", "9")
    assert world.issues("read_only_field") == []
    assert world.query("select status from sync_health.sync_status") == [("active",)]
    world.assert_quiet()


@DEFAULTS.scenario
def test_a_contact_that_exists_by_the_time_of_its_creation_becomes_a_link(world: Share) -> Steps:
    """HubSpot's 409 names the record that stood in the way."""
    world.create("contact", hubspot=hubspot_person(world.own("somebody")))
    yield  # from here on HubSpot is searched, and its search lags behind
    person = world.create("contact", salesforce=salesforce_person(world.own("one"), Title="S"), minutes_ago=0)
    control.change_settings(world.state_dir, "hubspot", index_lag_ms=600_000)
    known = {"email": email(world.own("one")), "lifecyclestage": "customer"}
    there = world.create("contact", hubspot=known, minutes_ago=0)
    control.change_settings(world.state_dir, "hubspot", index_lag_ms=0)
    yield
    attempts = "select salesforce_id, operation, error_code from journal.push_attempts where error_code is not null"
    assert world.own_rows(attempts) == [(person.salesforce_id, "create", "CONFLICT")]
    assert world.linked(person).hubspot_id == there.hubspot_id
    yield {"full": True}  # which reads what the search does not show
    assert world.hubspot(there)["jobtitle"] == "S"


def a_day_passes(world: World, pair: Pair) -> None:
    """What was tried for a record was tried a day earlier."""
    with duckdb.connect(str(world.settings.warehouse_path)) as connection:
        connection.execute(
            "update journal.push_attempts set attempted_at = attempted_at - interval 1 day,"
            " outcome_at = outcome_at - interval 1 day where hubspot_id = ?",
            [pair.hubspot_id],
        )


def assert_on_health_page(world: World, refused: set[str | None]) -> None:
    """Every part of the health page finds its columns in a file that a real cycle has published."""
    document = read_document(world.settings.health_path, "sandbox", datetime.now(UTC))
    assert document["banner"]["headline"] == f"{len(refused)} records are refused"
    errors = document["errors"]["rows"]
    assert {error["hubspot_id"] for error in errors} == refused
    assert {error["direction"] for error in errors} == {"hubspot_to_salesforce"}
    contacts = next(row for row in document["coverage"] if row["object"] == "contact")
    assert (contacts["pairs"], contacts["only_hubspot"], contacts["only_salesforce"]) == (6, 3, 0)
    assert sum(row["created"] for row in document["writes"]["rows"]) == 6
    assert sum(row["rejected"] for row in document["writes"]["rows"]) == 2  # of one, another record stood in the way
    assert [row["crm"] for row in document["api"]["latest"]] == ["hubspot", "salesforce"]
    assert document["runs"]["total"] == len(document["runs"]["rows"]) == 1
    assert (document["issues"]["total"], document["conflicts"]["total"], document["lag"]) == (0, 0, [])
    noted = world.query("select api_calls -> 'hubspot' ->> 'address' from journal.runs")
    assert noted == [("https://app.hubspot.com/contacts/48120077/record/",)]
