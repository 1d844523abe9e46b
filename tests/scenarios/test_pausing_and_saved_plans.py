"""Pausing, resuming, and a plan that is applied as it was looked at, over the command line."""

from __future__ import annotations

import json

from people import hubspot_person, salesforce_person
from test_bad_input import Cli, cli  # noqa: F401
from world import World


def test_a_paused_sync_touches_nothing_and_catches_up_when_resumed(world: World, cli: Cli) -> None:  # noqa: F811
    pair = world.create("contact", hubspot=hubspot_person("one"), salesforce=salesforce_person("one"))
    assert cli("sync").exit_code == 0
    paused = cli("pause", "--reason", "moving house")
    assert paused.exit_code == 0, paused.output
    assert "paused already" in cli("pause").output
    assert world.query("select status from sync_health.sync_status") == [("paused",)]
    world.edit_hubspot(pair, jobtitle="Director")
    before = world.settings.warehouse_path.read_bytes()
    refused = cli("sync")
    assert refused.exit_code == 5
    assert "moving house" in refused.output
    assert "resume" in refused.output
    assert world.settings.warehouse_path.read_bytes() == before
    assert world.salesforce(pair)["Title"] is None
    assert cli("plan").exit_code == 0  # one may look
    assert cli("resume").exit_code == 0
    assert "not paused" in cli("resume").output
    assert world.query("select status from sync_health.sync_status") == [("active",)]
    assert cli("sync").exit_code == 0
    assert world.salesforce(pair)["Title"] == "Director"
    world.assert_quiet()


def test_a_saved_plan_is_applied_exactly_or_not_at_all(world: World, cli: Cli) -> None:  # noqa: F811
    pair = world.create("contact", hubspot=hubspot_person("one"), salesforce=salesforce_person("one"))
    assert cli("sync").exit_code == 0
    world.edit_hubspot(pair, jobtitle="Director")
    file = world.folder / "plan.json"
    assert cli("plan", "--out", str(file)).exit_code == 0
    assert file.stat().st_mode & 0o077 == 0
    planned = json.loads(file.read_text(encoding="utf-8"))
    world.edit_hubspot(pair, phone="2")
    world.api_writes()
    refused = cli("sync", "--plan", str(file))
    assert refused.exit_code == 3, refused.output
    assert "no longer what plan.json says" in refused.output
    assert world.api_writes() == []

    assert cli("plan", "--out", str(file)).exit_code == 0
    planned = json.loads(file.read_text(encoding="utf-8"))
    world.edit_hubspot(pair, phone="2")  # nothing new
    applied = cli("sync", "--plan", str(file))
    assert applied.exit_code == 0, applied.output
    changes = {change["field"]: change["new"] for one in planned["operations"] for change in one["changes"]}
    assert changes == {"Title": "Director", "Phone": "2"}
    assert [{name: new for name, (_, new) in one["changes"].items()} for one in world.api_writes()] == [changes]
    assert cli("sync", "--plan", str(world.folder / "none.json")).exit_code == 2
    file.write_text('{"operations": 1}', encoding="utf-8")
    damaged = cli("sync", "--plan", str(file))
    assert damaged.exit_code == 2
    assert "not a saved plan" in damaged.output
    world.assert_quiet()
