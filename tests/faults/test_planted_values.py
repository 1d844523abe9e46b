"""Absurd values and planted secrets through whole runs of the command: the values arrive as they are, and nothing of
them, nor of any secret, is in what a run prints or logs at its default level."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from people import email, hubspot_person, salesforce_person
from world import REPOSITORY, World

from sandbox import control

#: Texts that a person could enter, each planted with a word to search for.
ABSURD = {
    "rtl": "‮plantedrtl‬ שלום",
    "combining": "plantedcombining " + "e\u0301\u0316" * 20,
    "emoji": "plantedemoji 👩‍👩‍👧‍👦",
    "formula": "=cmd|' /C plantedformula'!A0",
    "sql": "plantedsql'; drop table journal.runs; --",
    "soql": "plantedsoql' OR Name != '",
    "jinja": "{{ env_var('plantedjinja') }} {% endif %}",
    "html": "<script>plantedhtml</script>",
    "json": '"}], "plantedjson": "\\u0000',
    "nul": "planted\x00nul",
}
PLANTED = ["planted", "northwind-traders", "Lovelace"]


def _sync(world: World, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`crm-sync` in a process of its own, as a scheduler runs it."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("HUBSPOT_", "SALESFORCE_"))},
        "CRM_SYNC_SANDBOX_DIR": str(world.state_dir),
        "WAREHOUSE_PATH": str(world.settings.warehouse_path),
        "PYTHONPATH": str(REPOSITORY),
    }
    command = [sys.executable, "-c", "from crm_sync.cli import main; main()", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=REPOSITORY, timeout=300)


def _assert_nothing_planted(world: World, *runs: subprocess.CompletedProcess[str]) -> None:
    secrets = [
        line.partition("=")[2]
        for line in (world.state_dir / "sandbox.env").read_text(encoding="utf-8").splitlines()
        if "TOKEN" in line or "SECRET" in line
    ]
    assert len(secrets) == 2
    logs = [path for path in world.folder.rglob("*") if path.suffix in (".log", ".txt", ".json") and path.is_file()]
    texts = {str(path): path.read_text(encoding="utf-8", errors="replace") for path in logs}
    texts |= {f"run {number}": run.stdout + run.stderr for number, run in enumerate(runs)}
    assert any(Path(name).name == "dbt.log" for name in texts)
    for name, text in texts.items():
        for planted in (*PLANTED, *secrets):
            assert planted not in text, f"{planted} is in {name}"


def test_absurd_values_arrive_and_neither_they_nor_secrets_are_printed_or_logged(world: World) -> None:
    people = {
        name: world.create("contact", hubspot=hubspot_person(name, lastname="Lovelace", jobtitle=text))
        for name, text in ABSURD.items()
    }
    theirs = world.create("contact", salesforce=salesforce_person("theirs", Title=ABSURD["soql"]))
    huge = world.create("contact", hubspot=hubspot_person("huge", address="planted " + "x" * 60_000))
    control.change_metadata(
        world.state_dir, "salesforce", validation_rule="No_Pilots", object="Contact", when="Title = 'planted pilot'",
        message="planted pilots are not employed here", on=True,
    )  # fmt: skip
    refused = world.create("contact", hubspot=hubspot_person("refused", jobtitle="planted pilot"))
    first = _sync(world, "sync")
    assert first.returncode == 0, first.stdout + first.stderr
    assert "FIELD_CUSTOM_VALIDATION_EXCEPTION" in first.stdout
    for name, pair in people.items():
        title = world.salesforce(world.linked(pair))["Title"]
        assert title == world.hubspot(pair)["jobtitle"], name
        assert title.strip("‮").startswith(ABSURD[name].strip("‮")[:8]), name
    assert world.hubspot(world.linked(theirs))["jobtitle"] == ABSURD["soql"]
    assert not world.is_linked(refused)
    assert {issue["hubspot_id"] for issue in world.issues("value_too_long")} == {huge.hubspot_id}

    # the next run meets a CRM that answers with data of its records
    for number, crm in enumerate(control.CRMS):
        body = f'{{"message": "{email("planted")} is wrong", "plantedjson": '
        control.set_faults(world.state_dir, crm, {"rules": [{"kind": "malformed", "body": body, "nth": 3 + number}]})
    world.edit_hubspot(people["rtl"], phone="planted 1")
    second = _sync(world, "sync")
    for crm in control.CRMS:
        control.clear_faults(world.state_dir, crm)
    assert second.returncode in (0, 1), second.stderr
    world.sync()
    assert world.salesforce(world.linked(people["rtl"]))["Phone"] == "planted 1"
    _assert_nothing_planted(world, first, second)
    world.assert_quiet()
