"""Two stand-in CRMs and a warehouse, for whole cycles over HTTP.

Owns the vocabulary of the scenarios: people who create and edit records, a sync, and what was written. Calls the
product as the command line does, and looks at the CRMs only through their control ports.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from crm_sync.clients import build_clients
from crm_sync.config import Project, Settings, load_settings
from crm_sync.cycle import CycleOptions, CycleResult, run_cycle
from crm_sync.mappings import load_mappings
from crm_sync.setup import apply_setup, inspect_setup
from sandbox import control

REPOSITORY = Path(__file__).resolve().parents[2]
OBJECTS = {
    "contact": ("contacts", "Contact"),
    "company": ("companies", "Account"),
    "deal": ("deals", "Opportunity"),
    "lead": ("contacts", "Lead"),
}
Values = Mapping[str, Any]


@dataclass(frozen=True)
class Pair:
    """The ids of what is, or is to become, one thing in both CRMs."""

    object: str
    hubspot_id: str | None
    salesforce_id: str | None


class World:
    """Both CRMs empty but for metadata, users and owners; a warehouse that does not exist yet."""

    def __init__(self, state_dir: Path, folder: Path) -> None:
        self.state_dir = state_dir
        self.folder = folder
        self.project = Project(REPOSITORY)
        self.began = datetime.now(UTC)
        self.objects = dict(OBJECTS)
        self._seen = {"hubspot": 0, "salesforce": 0}

    # ------------------------------------------------------------ the product

    @property
    def settings(self) -> Settings:
        environ = {"WAREHOUSE_PATH": str(self.folder / "sandbox.duckdb")}
        return load_settings("sandbox", environ, self.project, self.state_dir / "sandbox.env")

    def use_own_seeds(self) -> None:
        """Work on a copy of the dbt project, whose seeds a scenario may change with `seed`.

        One copy serves all scenarios of a process, so that dbt parses it once; its seeds are laid anew for each.
        """
        root = self.state_dir.parent / f"{self.state_dir.name}_project"
        if not root.exists():
            _copy_project(root)
        shutil.rmtree(root / "dbt_project" / "seeds")
        shutil.copytree(REPOSITORY / "dbt_project" / "seeds", root / "dbt_project" / "seeds", ignore=_UNREAD)
        self.project = Project(root)

    def use_own_macros(self) -> None:
        """Work on a copy of the dbt project of this scenario's own, with the present seeds, to add macros to it."""
        root = self.folder / "project"
        _copy_project(root)
        shutil.copytree(self.project.seeds_dir, root / "dbt_project" / "seeds", dirs_exist_ok=True)
        self.project = Project(root)

    def seed(self, name: str, *rows: str) -> None:
        """Replace the rows of a seed of this world's own project, keeping its header."""
        assert self.project.root != REPOSITORY, "a scenario must not change the repository's seeds: use_own_seeds first"
        path = self.project.seeds_dir / f"{name}.csv"
        header = path.read_text(encoding="utf-8").splitlines()[0]
        path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")

    def seed_rows(self, name: str) -> list[str]:
        """The rows of a seed, without its header."""
        return (self.project.seeds_dir / f"{name}.csv").read_text(encoding="utf-8").splitlines()[1:]

    def set_up(self) -> None:
        """What `crm-sync setup --yes` does."""
        clients = build_clients(self.settings)
        mappings = load_mappings(self.project.seeds_dir)
        apply_setup(clients, inspect_setup(clients, mappings))
        clients.close()

    def sync(self, **options: Any) -> CycleResult:
        """One cycle."""
        return run_cycle(self.settings, CycleOptions(**options))

    def plan(self) -> CycleResult:
        """What `crm-sync plan` does."""
        return run_cycle(self.settings, CycleOptions("plan", pushes=False))

    def query(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Rows of the published health file."""
        with duckdb.connect(str(self.settings.health_path), read_only=True) as connection:
            return connection.execute(sql, parameters).fetchall()

    # ------------------------------------------------------------ people

    def minutes_ago(self, minutes: float) -> datetime:
        """A time before this moment, to the second as Salesforce keeps it."""
        return (datetime.now(UTC) - timedelta(minutes=minutes)).replace(microsecond=0)

    def create(
        self, object_: str, hubspot: Values | None = None, salesforce: Values | None = None, minutes_ago: float = 50
    ) -> Pair:
        """A person creates a record in one CRM or in both."""
        ids: dict[str, str | None] = {"hubspot": None, "salesforce": None}
        for crm, values in (("hubspot", hubspot), ("salesforce", salesforce)):
            if values is not None:
                at = self.minutes_ago(minutes_ago)
                made = control.create(self.state_dir, crm, self.api_name(object_, crm), values, at=at)
                ids[crm] = made["id"] if crm == "hubspot" else made["Id"]
        return Pair(object_, ids["hubspot"], ids["salesforce"])

    def moment(self, seconds: int) -> datetime:
        """A whole second shortly after this one: later than anything the sync has written so far."""
        return (datetime.now(UTC) + timedelta(seconds=1 + seconds)).replace(microsecond=0)

    def edit_hubspot(self, pair: Pair, at: datetime | None = None, **values: Any) -> None:
        """A person edits the HubSpot record, now or at a moment."""
        name = self.api_name(pair.object, "hubspot")
        control.edit(self.state_dir, "hubspot", name, _id(pair.hubspot_id), values, at=at)

    def edit_salesforce(self, pair: Pair, at: datetime | None = None, **values: Any) -> None:
        """A person edits the Salesforce record, now or at a moment."""
        name = self.api_name(pair.object, "salesforce")
        control.edit(self.state_dir, "salesforce", name, _id(pair.salesforce_id), values, at=at)

    def active_owner(self) -> str:
        """An active HubSpot owner who is an active Salesforce user as well."""
        users = {
            user["Email"].lower() for user in control.records(self.state_dir, "salesforce", "User") if user["IsActive"]
        }
        clients = build_clients(self.settings)
        owners = list(clients.hubspot.owners())
        clients.close()
        return next(str(owner["id"]) for owner in owners if owner["email"].lower() in users)

    def associate(self, pair: Pair, other: Pair, *, remove: bool = False) -> None:
        """Somebody associates two HubSpot records, or takes the association away: no modification time moves."""
        from_, to = (self.api_name(one.object, "hubspot") for one in (pair, other))
        clients = build_clients(self.settings)
        ends = {"from": {"id": _id(pair.hubspot_id)}, "to": {"id": _id(other.hubspot_id)}}
        if remove:
            clients.hubspot.associations_batch_archive(from_, to, [{**ends, "to": [ends["to"]]}])
        else:
            clients.hubspot.associations_batch_create(from_, to, [ends], default=True)
        clients.close()

    def associated(self, pair: Pair, object_: str) -> set[str]:
        """Ids of the HubSpot records of an object that the pair's record is associated with."""
        clients = build_clients(self.settings)
        from_, to = self.api_name(pair.object, "hubspot"), self.api_name(object_, "hubspot")
        body = clients.hubspot.associations_batch_read(from_, to, [_id(pair.hubspot_id)]).body
        clients.close()
        return {str(other["toObjectId"]) for result in body["results"] for other in result["to"]}

    def wait_until(self, moment: datetime) -> None:
        """Let a moment pass, so that the sync comes after the edits made at it."""
        time.sleep(max(0.0, (moment - datetime.now(UTC)).total_seconds()) + 0.01)

    # ------------------------------------------------------------ looking

    def api_name(self, object_: str, crm: str) -> str:
        return self.objects[object_][crm == "salesforce"]

    def linked(self, pair: Pair) -> Pair:
        """The same pair with the id of the counterpart that a sync has found or made."""
        rows = self.query(
            "select hubspot_id, salesforce_id from matching.links where status = 'linked' and object = ?"
            " and (hubspot_id = ? or salesforce_id = ?)",
            pair.object,
            pair.hubspot_id,
            pair.salesforce_id,
        )
        assert len(rows) == 1, f"{pair} has {len(rows)} links"
        return Pair(pair.object, *rows[0])

    def is_linked(self, pair: Pair) -> bool:
        """Whether any link holds one of the pair's records."""
        return bool(
            self.query(
                "select 1 from matching.links where object = ? and (hubspot_id = ? or salesforce_id = ?)",
                pair.object,
                pair.hubspot_id,
                pair.salesforce_id,
            )
        )

    def hubspot(self, pair: Pair) -> dict[str, Any]:
        """The properties that HubSpot holds now."""
        record = control.show(self.state_dir, "hubspot", self.api_name(pair.object, "hubspot"), _id(pair.hubspot_id))
        properties: dict[str, Any] = record["properties"]
        return properties

    def salesforce(self, pair: Pair) -> dict[str, Any]:
        """The fields that Salesforce holds now."""
        name = self.api_name(pair.object, "salesforce")
        return control.show(self.state_dir, "salesforce", name, _id(pair.salesforce_id))

    def count(self, object_: str) -> tuple[int, int]:
        """How many living records there are in HubSpot and in Salesforce."""
        return (
            len(control.records(self.state_dir, "hubspot", self.objects[object_][0])),
            len(control.records(self.state_dir, "salesforce", self.objects[object_][1])),
        )

    def api_writes(self) -> list[dict[str, Any]]:
        """What the sync has changed in either CRM since the last call of this, from the CRMs' own write logs."""
        writes = []
        for crm in ("hubspot", "salesforce"):
            log = control.write_log(self.state_dir, crm, self._seen[crm])
            if log:
                self._seen[crm] = log[-1]["seq"]
            writes += [{"crm": crm, **entry} for entry in log if str(entry["actor"]).startswith("api:")]
        return writes

    def assert_quiet(self) -> None:
        """Another sync writes nothing to either CRM, and says so. The last assertion of every scenario."""
        self.api_writes()
        result = self.sync()
        assert self.api_writes() == []
        assert result.pushed is not None
        assert result.pushed.records("succeeded") == 0

    def decision(self, pair: Pair, hubspot_property: str) -> dict[str, Any]:
        """The row of field_decisions that explains a field."""
        with duckdb.connect(str(self.settings.health_path), read_only=True) as connection:
            cursor = connection.execute(
                "select * from merging.field_decisions where object = ? and hubspot_property = ?"
                " and (hubspot_id = ? or salesforce_id = ?)",
                [pair.object, hubspot_property, pair.hubspot_id, pair.salesforce_id],
            )
            columns = [column[0] for column in cursor.description or ()]
            rows = cursor.fetchall()
        assert len(rows) == 1
        return dict(zip(columns, rows[0], strict=True))

    def issues(self, issue_type: str) -> list[dict[str, Any]]:
        """The open data-quality issues of one type."""
        columns = ("object", "field", "hubspot_id", "salesforce_id", "detail", "fix")
        rows = self.query(
            f"select {', '.join(columns)} from sync_health.data_quality_issues where issue_type = ?", issue_type
        )
        return [dict(zip(columns, row, strict=True)) for row in rows]


#: Descriptions and tests take most of the time to parse, and decide nothing.
_UNREAD = shutil.ignore_patterns("target", "logs", "*.duckdb", "[!sd]*.yml")


def _copy_project(root: Path) -> None:
    shutil.copytree(REPOSITORY / "dbt_project", root / "dbt_project", ignore=_UNREAD)
    shutil.copy(REPOSITORY / "profiles.yml", root)


def _id(value: str | None) -> str:
    assert value is not None
    return value
