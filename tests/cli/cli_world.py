"""One synced demo world for all tests of the command line that only look.

Owns a pair of stand-in CRMs, a copy of the project whose seeds may be edited, a warehouse that two syncs have filled,
and a way to run `crm-sync` on them as a person would. The second sync leaves something of everything behind: a
conflict that was decided, one that waits for a person, a record that Salesforce refuses, a lag.
"""

from __future__ import annotations

import shutil
import time
from contextlib import chdir
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
from click.testing import CliRunner, Result

from crm_sync.cli import main
from sandbox import control

REPOSITORY = Path(__file__).resolve().parents[2]
#: Ada Brandt and the next contact of the demo data: both linked by e-mail.
ADA = ("30100000001", "003dM0000000001QAA")
_UNREAD = shutil.ignore_patterns("target", "logs", "*.duckdb", "[!sd]*.yml")
_HIDDEN = ("HUBSPOT_BASE_URL", "HUBSPOT_ACCESS_TOKEN", "SALESFORCE_LOGIN_URL", "SALESFORCE_CLIENT_ID",
           "SALESFORCE_CLIENT_SECRET", "CRM_SYNC_TARGET", "GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY",
           "CRM_SYNC_ALERT_WEBHOOK", "CRM_SYNC_ALERT_COMMAND")  # fmt: skip


NO_WIZARDS = {
    "validation_rule": "No_Wizards",
    "object": "Account",
    "when": "Name = 'Wizards Inc'",
    "message": "We do not sell to wizards",
    "on": True,
}


@dataclass(frozen=True)
class CliWorld:
    """Where everything is, and how to run a command on it."""

    state_dir: Path
    project: Path
    warehouse: Path

    @property
    def health(self) -> Path:
        return self.warehouse.with_name("sandbox_health.duckdb")

    @property
    def told(self) -> Path:
        """A folder with what the second sync told: its output, the job summary of CI, an alert."""
        return self.state_dir.parent / "told"

    @property
    def seeds(self) -> Path:
        return self.project / "dbt_project" / "seeds"

    @property
    def environment(self) -> dict[str, str | None]:
        return {
            **dict.fromkeys(_HIDDEN),
            "CRM_SYNC_SANDBOX_DIR": str(self.state_dir),
            "WAREHOUSE_PATH": str(self.warehouse),
        }

    def run(self, *arguments: str, **more: str | None) -> Result:
        """`crm-sync ...` in the project's folder. Nothing may end in a traceback."""
        with chdir(self.project):
            result = CliRunner().invoke(main, list(arguments), env={**self.environment, **more})
        assert result.exception is None or isinstance(result.exception, SystemExit), result.output
        return result

    def with_own_seeds(self, folder: Path) -> CliWorld:
        """The same world with a project of its own, for a test that edits seeds and runs no cycle: dbt would have to
        parse the copy."""
        shutil.copytree(self.project, folder / "project")
        return replace(self, project=folder / "project")

    def with_own_warehouse(self, folder: Path) -> CliWorld:
        """The same world with a warehouse of its own, for a test that runs a cycle."""
        shutil.copytree(self.warehouse.parent, folder / "warehouse")
        return replace(self, warehouse=folder / "warehouse" / self.warehouse.name)

    def query(self, sql: str) -> list[tuple[object, ...]]:
        with duckdb.connect(str(self.health), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def stand_ins(self) -> dict[str, str | None]:
        """The environment of somebody who runs the target prod against these stand-ins."""
        lines = (self.state_dir / "sandbox.env").read_text(encoding="utf-8").splitlines()
        return dict(line.split("=", 1) for line in lines if not line.startswith("SANDBOX_"))


def make_world(folder: Path) -> CliWorld:
    """Stand-ins with demo data, a project, and two syncs. The caller stops the stand-ins."""
    world = CliWorld(folder / "sandbox", folder / "project", folder / "warehouse" / "sandbox.duckdb")
    _copy_project(world.project)
    world.told.mkdir()
    control.start(world.state_dir)
    for crm in control.CRMS:
        control.change_settings(world.state_dir, crm, rate_limits=False)
    _use_rule_review(world.seeds, "contact,mobilephone,MobilePhone,")
    for arguments in (("setup", "--yes"), ("sync", "--quiet")):
        done = world.run(*arguments)
        assert done.exit_code == 0, done.output
    _edit(world)
    done = world.run(
        "sync",
        GITHUB_ACTIONS="true",
        GITHUB_STEP_SUMMARY=str(world.told / "summary.md"),
        CRM_SYNC_ALERT_COMMAND=f"cat > {world.told / 'alert.txt'}",
    )
    assert done.exit_code == 0, done.output
    (world.told / "output.txt").write_text(done.output, encoding="utf-8")
    return world


def _copy_project(root: Path) -> None:
    shutil.copytree(REPOSITORY / "dbt_project", root / "dbt_project", ignore=_UNREAD)
    shutil.copy(REPOSITORY / "profiles.yml", root)


def _use_rule_review(seeds: Path, row: str) -> None:
    """Give one field mapping the conflict rule review."""
    path = seeds / "field_mappings.csv"
    text = path.read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if line.startswith(row))
    cells = line.split(",")
    cells[4] = "review"
    path.write_text(text.replace(line, ",".join(cells)), encoding="utf-8")


def _edit(world: CliWorld) -> None:
    """A rep and a marketer at work, in conflict twice, and a rule in Salesforce that refuses a third edit."""
    now = datetime.now(UTC).replace(microsecond=0)
    earlier, later = now + timedelta(seconds=1), now + timedelta(seconds=2)
    hubspot_id, salesforce_id = ADA
    edit = control.edit
    edit(world.state_dir, "hubspot", "contacts", hubspot_id, {"jobtitle": "Head of Sales"}, at=earlier)
    edit(world.state_dir, "salesforce", "Contact", salesforce_id, {"Title": "Chief Revenue Officer"}, at=later)
    edit(world.state_dir, "hubspot", "contacts", hubspot_id, {"mobilephone": "+49 30 1"}, at=earlier)
    edit(world.state_dir, "salesforce", "Contact", salesforce_id, {"MobilePhone": "+49 30 2"}, at=later)
    control.change_metadata(world.state_dir, "salesforce", **NO_WIZARDS)
    refused = world.query("select hubspot_id from matching.links where object = 'company' and status = 'linked'"
                          " order by hubspot_id limit 1")[0][0]  # fmt: skip
    edit(world.state_dir, "hubspot", "companies", str(refused), {"name": "Wizards Inc"}, at=later)
    time.sleep(max(0.0, (later - datetime.now(UTC)).total_seconds()) + 0.01)
