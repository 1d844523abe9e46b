"""What bad input gets: one clear message naming the place and the remedy, the right exit code, nothing pushed."""

from __future__ import annotations

import fcntl
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner, Result
from people import hubspot_person, salesforce_person
from world import World

from crm_sync.cli import main
from sandbox import control

Cli = Callable[..., Result]


@pytest.fixture
def cli(world: World, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """The command line in a copy of the project, on the scenario's CRMs."""
    world.use_own_seeds()
    return _cli(world, monkeypatch)


def _cli(world: World, monkeypatch: pytest.MonkeyPatch) -> Cli:
    monkeypatch.chdir(world.project.root)
    for name in ("HUBSPOT_BASE_URL", "HUBSPOT_ACCESS_TOKEN", "SALESFORCE_LOGIN_URL", "SALESFORCE_CLIENT_ID",
                 "SALESFORCE_CLIENT_SECRET", "CRM_SYNC_TARGET"):  # fmt: skip
        monkeypatch.delenv(name, raising=False)
    environment = {"CRM_SYNC_SANDBOX_DIR": str(world.state_dir), "WAREHOUSE_PATH": str(world.settings.warehouse_path)}

    def run(*arguments: str, **more: str) -> Result:
        result = CliRunner().invoke(main, list(arguments), env={**environment, **more})
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return run


def _seeded_with_work(world: World) -> None:
    world.create("contact", hubspot=hubspot_person("one", jobtitle="H"), salesforce=salesforce_person("one"))
    world.api_writes()


@pytest.mark.parametrize(
    ("seed", "row", "message"),
    [
        ("field_mappings", "contakt,city,MailingCity,two_way,,,,,,,", "'contakt' is not an object"),
        ("field_mappings", "contact,website,Department,both_ways,,,,,,,", "'both_ways' is not a direction"),
        ("field_mappings", "contact,website,Department,two_way,newest,,,,,,", "'newest' is not a conflict_rule"),
        ("field_mappings", "contact,website,Department,two_way,,shout,,,,,", "'shout' is not a transform"),
        ("field_mappings", "contact,city,MailingCity,prefer_salesforce,,,,,,,", "repeats line"),
        ("field_mappings", "contact,nosuchthing,Department,two_way,,,,,,,", "nosuchthing does not exist"),
        ("field_mappings", "contact,website,No_Such_Thing__c,two_way,,,,,,,", "No_Such_Thing__c does not exist"),
        ("field_mappings", "contact,lastmodifieddate,HasOptedOutOfEmail,two_way,,,,,,,", "do not fit"),
        ("inclusion_rules", "contact,hubspot,1,email,resembles,@test.com,", "'resembles' is not a operator"),
        ("inclusion_rules", "contact,hubspot,1,e_mail,contains,@test.com,", "contacts has no field 'e_mail'"),
        ("push_limits", "salesforce,contact,create,many,,", "'many' is not a whole number"),
        ("object_mappings", "lead,contacts,Lead,maybe,2,email,Email,email,true,false,ignore,ignore,", "'maybe' is not"),
        ("stage_mappings", "Sales Pipeline,Contract Sent,,Discovery,sideways,", "'sideways' is not a direction"),
    ],
)  # fmt: skip
def test_a_csv_mistake_stops_the_run_with_file_and_line(
    world: World, cli: Cli, seed: str, row: str, message: str
) -> None:
    _seeded_with_work(world)
    rows = world.seed_rows(seed)
    world.seed(seed, *rows, row)
    result = cli("sync")
    assert result.exit_code == 2, result.output
    assert message in result.output
    assert f"{seed}.csv line {len(rows) + 2}" in result.output
    assert "Nothing was pushed" in result.output
    assert world.api_writes() == []


def test_a_spreadsheets_byte_order_mark_and_line_ends_do_no_harm(world: World, cli: Cli) -> None:
    _seeded_with_work(world)
    for path in world.project.seeds_dir.glob("*.csv"):
        text = path.read_text(encoding="utf-8")
        path.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    result = cli("sync")
    assert result.exit_code == 0, result.output
    assert len(world.api_writes()) > 0


def test_missing_credentials_are_named(world: World, cli: Cli) -> None:
    result = cli("--target", "prod", "sync")
    assert result.exit_code == 2
    assert "HUBSPOT_ACCESS_TOKEN" in result.output
    result = cli("--target", "prod", "sync", HUBSPOT_ACCESS_TOKEN="pat-secret", SALESFORCE_CLIENT_ID="id")
    assert result.exit_code == 2
    assert "SALESFORCE_CLIENT_SECRET" in result.output
    assert "pat-secret" not in result.output


def test_plain_http_is_for_this_machine_only(world: World, cli: Cli) -> None:
    result = cli(
        "--target", "prod", "sync", HUBSPOT_ACCESS_TOKEN="pat-secret", SALESFORCE_CLIENT_ID="id",
        SALESFORCE_CLIENT_SECRET="very-secret", HUBSPOT_BASE_URL="http://crm.invalid",
    )  # fmt: skip
    assert result.exit_code == 2
    assert "HUBSPOT_BASE_URL" in result.output
    assert "secret" not in result.output.replace("SALESFORCE_CLIENT_SECRET", "")


def test_refused_credentials_are_a_configuration_error(world: World, cli: Cli) -> None:
    environment = _stand_ins(world)
    result = cli("--target", "prod", "sync", **{**environment, "HUBSPOT_ACCESS_TOKEN": "pat-wrong"})
    assert result.exit_code == 2
    assert "HUBSPOT_ACCESS_TOKEN" in result.output
    assert "pat-wrong" not in result.output


def test_an_unreachable_crm_fails_the_cycle_and_loses_nothing(world: World, cli: Cli) -> None:
    _seeded_with_work(world)
    environment = _stand_ins(world)
    assert cli("--target", "prod", "sync", **environment).exit_code == 0
    world.edit_hubspot(world.create("contact", hubspot=hubspot_person("two")), jobtitle="H")
    world.api_writes()
    result = cli("--target", "prod", "sync", **{**environment, "SALESFORCE_LOGIN_URL": "http://127.0.0.1:9"})
    assert result.exit_code == 1, result.output
    assert "Salesforce" in result.output
    assert world.api_writes() == []
    assert world.query("select status from sync_health.sync_status") == [("failed",)]
    assert cli("--target", "prod", "sync", **environment).exit_code == 0
    assert world.query("select status from sync_health.sync_status") == [("active",)]


def test_a_sync_without_setup_says_what_is_missing(empty_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    empty_world.use_own_seeds()
    cli = _cli(empty_world, monkeypatch)
    result = cli("sync")
    assert result.exit_code == 2
    assert "salesforce_record_id" in result.output
    assert "HubSpot_Record_ID__c" in result.output
    assert "setup" in result.output
    shown = cli("setup", "--yes")
    assert shown.exit_code == 0
    assert "Contact.HubSpot_Record_ID__c" in shown.output
    assert "Both CRMs have what the sync needs" in cli("setup").output
    assert cli("sync").exit_code == 0


def test_one_cycle_at_a_time(world: World, cli: Cli) -> None:
    lock = Path(f"{world.settings.warehouse_path}.lock")
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        result = cli("sync")
    assert result.exit_code == 4
    assert "Another cycle is running" in result.output
    assert cli("sync").exit_code == 0


def test_a_push_limit_stops_the_run_before_the_first_write(world: World, cli: Cli) -> None:
    for number in range(3):
        world.create("contact", hubspot=hubspot_person(f"n{number}"))
    world.seed("push_limits", "salesforce,contact,create,2,,")
    world.api_writes()
    result = cli("sync")
    assert result.exit_code == 3, result.output
    assert "--accept salesforce.contact.create" in result.output
    assert world.api_writes() == []
    assert world.query("select status, last_run_status from sync_health.sync_status") == [("failed", "stopped")]
    assert cli("sync", "--accept", "salesforce.contact.create").exit_code == 0
    assert world.count("contact") == (3, 3)
    world.assert_quiet()


def test_a_damaged_warehouse_is_said_to_be_one(world: World, cli: Cli) -> None:
    world.settings.warehouse_path.write_bytes(b"this is no database" * 1000)
    result = cli("sync")
    assert result.exit_code == 1
    assert "warehouse" in result.output
    assert world.settings.warehouse_path.read_bytes().startswith(b"this is no database")


def test_a_lost_warehouse_is_rebuilt_from_the_ids_within_the_guards(world: World, cli: Cli) -> None:
    pair = world.create("contact", hubspot=hubspot_person("one"), salesforce=salesforce_person("one"))
    made = world.create("deal", salesforce={"Name": "D", "StageName": "Discovery", "CloseDate": "2026-12-01"})
    world.sync()
    made = world.linked(made)
    world.edit_salesforce(pair, Email="changed@northwind-traders.io")
    world.settings.warehouse_path.unlink()
    world.settings.health_path.unlink()
    world.seed("push_limits", "hubspot,contact,update,0,,")
    world.api_writes()

    stopped = cli("sync")
    assert stopped.exit_code == 3, stopped.output
    assert "--accept hubspot.contact.update" in stopped.output
    assert "links were restored from the ids" in stopped.output
    assert "the bases are new" in stopped.output
    assert world.api_writes() == []
    ((status, message),) = world.query("select last_run_status, last_run_message from sync_health.sync_status")
    assert status == "stopped"
    assert "the bases are new" in str(message)
    assert world.linked(pair) == pair
    assert world.linked(made) == made
    assert world.query("select distinct matched_by from matching.links") == [("stored_id",)]

    accepted = cli("sync", "--accept", "hubspot.contact.update")
    assert accepted.exit_code == 0, accepted.output
    assert "the bases are new" in accepted.output
    assert [one["changes"] for one in world.api_writes()] == [
        {"email": ["one@northwind-traders.io", "changed@northwind-traders.io"]}
    ]
    assert "the bases are new" in str(world.query("select last_run_message from sync_health.sync_status")[0][0])
    assert world.count("contact") == (1, 1)
    world.assert_quiet()


def test_a_warehouse_of_one_target_is_refused_to_another(world: World, cli: Cli) -> None:
    assert cli("sync").exit_code == 0
    result = cli("--target", "prod", "sync", **_stand_ins(world))
    assert result.exit_code == 2
    assert "belongs to the target sandbox" in result.output


def test_explain_status_and_query_answer_from_the_health_file(world: World, cli: Cli) -> None:
    assert cli("status").exit_code == 2
    world.create("contact", hubspot=hubspot_person("one", jobtitle="H"), salesforce=salesforce_person("one", Title="S"))
    assert cli("sync").exit_code == 0
    explained = cli("explain", "contact", "one@northwind-traders.io")
    assert explained.exit_code == 0
    assert "Salesforce won" in explained.output
    assert "[first_sync_prefer_salesforce]" in explained.output
    assert "Status:         active" in cli("status").output
    assert "active" in cli("query", "select status from sync_health.sync_status").output
    assert cli("explain", "contact", "nobody@nowhere.io").exit_code == 2
    assert cli("query", "select nonsense").exit_code == 2
    assert cli("check").exit_code == 0


def test_the_health_file_can_be_read_while_it_is_replaced(world: World, cli: Cli) -> None:
    assert cli("sync").exit_code == 0
    with duckdb.connect(str(world.settings.health_path), read_only=True) as reader:
        assert cli("sync").exit_code == 0
        assert reader.execute("select count(*) from sync_health.sync_runs").fetchone() == (1,)
    assert world.query("select count(*) from sync_health.sync_runs") == [(2,)]


def _stand_ins(world: World) -> dict[str, str]:
    """The environment of somebody who runs the target prod against these stand-ins."""
    lines = (world.state_dir / "sandbox.env").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if not line.startswith("SANDBOX_"))


def test_the_sandbox_can_be_played_with(world: World, cli: Cli) -> None:
    pair = world.create("contact", hubspot=hubspot_person("one"), salesforce=salesforce_person("one"))
    assert pair.salesforce_id is not None
    edited = cli("sandbox", "edit", "salesforce", "Contact", pair.salesforce_id, "Title=VP Sales")
    assert edited.exit_code == 0, edited.output
    assert "VP Sales" in cli("sandbox", "show", "salesforce", "Contact", pair.salesforce_id).output
    assert control.status(world.state_dir)["salesforce"]["running"]
    assert cli("sandbox", "edit", "salesforce", "Contact", "003000000000000AAA", "Title=x").exit_code == 1
