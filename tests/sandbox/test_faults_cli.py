"""`crm-sync sandbox faults` and the functions behind it, against servers in processes of their own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from crm_sync.cli_sandbox import sandbox_group
from sandbox import control


@pytest.fixture(scope="module")
def state_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("faults")
    control.start(folder, demo=False)
    yield folder
    control.stop(folder)


def test_set_show_and_clear(state_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(control.STATE_DIR_VARIABLE, str(state_dir))
    run = CliRunner().invoke
    file = tmp_path / "plan.json"
    file.write_text(json.dumps({"seed": 3, "rules": [{"kind": "row_lock", "share": 0.5, "first": 4}]}), "utf-8")
    assert (
        "1 fault rules are in force on salesforce"
        in run(sandbox_group, ["faults", "set", "salesforce", str(file)]).output
    )
    shown = json.loads(run(sandbox_group, ["faults", "show", "salesforce"]).output)
    assert (shown["seed"], shown["rules"][0]["share"], shown["injected"]) == (3, 0.5, 0)
    inline = '{"rules": [{"kind": "status", "status": 500}]}'
    assert run(sandbox_group, ["faults", "set", "hubspot", inline]).exit_code == 0
    assert run(sandbox_group, ["faults", "clear"]).exit_code == 0
    assert control.faults(state_dir, "hubspot")["rules"] == control.faults(state_dir, "salesforce")["rules"] == []


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        ('{"rules": [{"kind": "fire"}]}', "Unknown kind of fault"),
        ("{not json", "not JSON"),
        ("no-such-file.json", "cannot be read"),
    ],
)
def test_mistakes_are_explained(state_dir: Path, monkeypatch: pytest.MonkeyPatch, plan: str, message: str) -> None:
    monkeypatch.setenv(control.STATE_DIR_VARIABLE, str(state_dir))
    result = CliRunner().invoke(sandbox_group, ["faults", "set", "hubspot", plan])
    assert result.exit_code != 0
    assert message in result.output


def test_people_act_from_the_command_line(state_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(control.STATE_DIR_VARIABLE, str(state_dir))

    def run(*arguments: str) -> str:
        result = CliRunner().invoke(sandbox_group, arguments)
        assert result.exit_code == 0, result.output
        return result.output

    ids = [json.loads(run("create", "hubspot", "contacts", f"email={name}@example.com"))["id"] for name in "ab"]
    run("edit", "hubspot", "contacts", ids[0], "city=Rome", "--user", "priya.raman", "--at", "2026-10-05T08:00:00Z")
    assert json.loads(run("show", "hubspot", "contacts", ids[0]))["updatedAt"] == "2026-10-05T08:00:00.000Z"
    merge = json.dumps({"object": "contacts", "master": ids[0], "losers": [ids[1]]})
    assert json.loads(run("act", "hubspot", "merge", merge))["id"] == ids[0]
    run("delete", "hubspot", "contacts", ids[0])
    restored = json.loads(run("act", "hubspot", "restore", json.dumps({"object": "contacts", "id": ids[0]})))
    assert restored["archived"] is False
    operations = [json.loads(line)["operation"] for line in run("writes", "hubspot").splitlines()]
    assert operations == ["create", "create", "update", "merge", "archive", "restore"]
    assert json.loads(run("settings", "salesforce", '{"clock_skew_ms": 5}'))["clock_skew_ms"] == 5
    assert "500 contacts" in run("load", "--contacts", "500")
    assert run("calls", "hubspot") == ""
