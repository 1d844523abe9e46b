"""What setup makes, setup can take away; what is wrong, doctor names with its remedy. Without a cycle."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_world import CliWorld

from sandbox import control


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory, synced: CliWorld) -> Iterator[CliWorld]:
    """Stand-ins of their own that were never set up, and no warehouse."""
    folder = tmp_path_factory.mktemp("setup")
    control.start(folder / "sandbox", demo=False)
    yield CliWorld(folder / "sandbox", synced.project, folder / "warehouse" / "sandbox.duckdb")
    control.stop(folder / "sandbox")


def _levels(world: CliWorld, area: str, **more: str | None) -> tuple[int, list[dict[str, str]]]:
    result = world.run("doctor", "--format", "json", **more)
    return result.exit_code, [one for one in json.loads(result.output) if one["area"] == area]


def test_setup_asks_makes_once_and_takes_back(empty: CliWorld) -> None:
    asked = empty.run("setup")
    assert asked.exit_code == 0
    assert "Create the property salesforce_record_id" in asked.output
    assert "Nothing was created." in asked.output
    code, findings = _levels(empty, "id fields")
    assert code == 2
    assert all(one["remedy"] == "Run: crm-sync setup" for one in findings)

    assert "created." in empty.run("setup", "--yes").output
    assert "Both CRMs have what the sync needs." in empty.run("setup").output
    assert [one["level"] for one in _levels(empty, "id fields")[1]] == ["ok"]

    refused = empty.run("setup", "--remove")
    assert "Archive the property salesforce_record_id on HubSpot contacts" in refused.output
    assert "Nothing was removed." in refused.output
    removed = empty.run("setup", "--remove", "--yes")
    assert removed.exit_code == 0, removed.output
    assert "Delete the permission set HubSpot_Sync" in removed.output
    assert "Neither CRM has anything that setup has made." in empty.run("setup", "--remove").output
    assert "Create the property" in empty.run("setup", "--yes").output


def test_doctor_is_content_with_a_synced_world(synced: CliWorld) -> None:
    shown = synced.run("doctor")
    assert shown.exit_code == 0, shown.output
    for area in ("versions", "disk", "warehouse", "mapping files", "credentials", "scopes", "permissions",
                 "API limits", "id fields", "mapping rows", "inclusion rules", "picklists", "stages",
                 "owners"):  # fmt: skip
        assert f"{area}\n" in shown.output, area
    assert "0 errors" in shown.output
    assert "'Renewal Due' of pipeline 'Renewals' has no counterpart" in shown.output
    assert "Add rows to owner_mappings.csv" in shown.output


def test_doctor_names_missing_and_wrong_credentials_and_goes_on(synced: CliWorld) -> None:
    missing = synced.run("--target", "prod", "doctor")
    assert missing.exit_code == 2
    assert "HubSpot credentials are missing: HUBSPOT_ACCESS_TOKEN." in missing.output
    wrong = synced.run("--target", "prod", "doctor", **{**synced.stand_ins(), "HUBSPOT_ACCESS_TOKEN": "pat-wrong"})
    assert wrong.exit_code == 2
    assert "HubSpot refused the credentials" in wrong.output
    assert "Salesforce organisation" in wrong.output
    assert "pat-wrong" not in wrong.output


def test_doctor_names_missing_scopes_and_permissions(synced: CliWorld) -> None:
    granted = [
        f"crm.{area}.{name}.read" for area in ("objects", "schemas") for name in ("companies", "contacts", "deals")
    ]
    control.change_settings(synced.state_dir, "hubspot", scopes=[*granted, "crm.objects.owners.read"])
    try:
        code, findings = _levels(synced, "scopes")
    finally:
        control.change_settings(synced.state_dir, "hubspot", scopes=None)
    assert code == 2
    assert len(findings) == 3  # it may write none of the three objects
    assert all("HubSpot does not allow this" in one["message"] for one in findings)
    assert any("crm.objects.contacts.write" in one["message"] + one["remedy"] for one in findings)


def test_doctor_holds_every_mapping_row_against_the_crms(synced: CliWorld, tmp_path: Path) -> None:
    world = synced.with_own_seeds(tmp_path)
    _add(world, "field_mappings", "contact,jobtittle,Department,,,,,,,,", "contact,fax,Fax__c,,,,,,,,")
    _add(world, "value_mappings", "company,industry,SPACE_PIRACY,Technology,both,")
    _add(world, "stage_mappings", "Sales Pipeline,Gone Fishing,,Discovery,both,")
    _add(world, "owner_mappings", "nobody@demo.example,ghost@demo.example,")
    _add(world, "inclusion_rules", "deal,hubspot,1,dealtippe,is_known,,")
    result = world.run("doctor")
    assert result.exit_code == 2
    for text in (
        "HubSpot contacts has no property jobtittle.",
        "Salesforce Contact has no field Fax__c.",
        "deals has no field dealtippe.",
        "HubSpot has no value 'SPACE_PIRACY' for industry.",
        "HubSpot has no stage 'Gone Fishing' of pipeline 'Sales Pipeline'.",
        "HubSpot has no owner nobody@demo.example.",
        "the user ghost@demo.example does not exist.",
    ):
        assert text in result.output, text
    assert "field_mappings.csv line" in result.output


def test_doctor_reports_mistakes_in_the_files(synced: CliWorld, tmp_path: Path) -> None:
    world = synced.with_own_seeds(tmp_path)
    _add(world, "field_mappings", "contact,fax,Fax,sideways,,,,,,,")
    result = world.run("doctor")
    assert result.exit_code == 2
    assert "sideways" in result.output
    (world.seeds / "owner_mappings.csv").unlink()
    assert "owner_mappings.csv" in world.run("doctor").output


def _add(world: CliWorld, seed: str, *rows: str) -> None:
    path = world.seeds / f"{seed}.csv"
    path.write_text(path.read_text(encoding="utf-8").rstrip("\n") + "\n" + "\n".join(rows) + "\n", encoding="utf-8")
