"""Two CRMs in memory, landed by hand, and the real SQL between them: dbt decides, this applies the diff.

Time is simulated: a round is an hour, edits fall into its first half, the sync's writes into the second.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
from decision_model import HUBSPOT, SALESFORCE, Field, Value

from crm_sync.config import Project, Settings, load_settings
from crm_sync.mappings import load_mappings
from crm_sync.transform import Transformer
from pipelines import reads
from pipelines.tables import JSON_COLUMNS, TABLES
from reverse_etl.journal import Journal

ROOT = Path(__file__).resolve().parents[2]
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
INTEGRATION_USER = "005000000000001AAA"
NOWHERE = "http://127.0.0.1:1"
_TYPES = {"text": ("string", "text", "string"), "number": ("number", "number", "double"),
          "cut": ("string", "text", "string"), "multi": ("enumeration", "checkbox", "multipicklist")}  # fmt: skip
OPTIONS = tuple("abcde")


@dataclass
class Record:
    """One side of a pair: its values, when a person and when anybody last changed it."""

    values: dict[str, Value]
    human_at: datetime
    modified_at: datetime
    by: str = "005000000000002AAA"
    is_deleted: bool = False
    merged_into: str | None = None


@dataclass
class Side:
    records: dict[str, Record] = field(default_factory=dict)


class Warehouse:
    """A warehouse with metadata for the given fields of contacts, and one run after the other."""

    def __init__(self, folder: Path, fields: Sequence[Field]) -> None:
        self.fields = fields
        self.sides = {HUBSPOT: Side(), SALESFORCE: Side()}
        self._round = 0
        self._settings = project_settings(folder)
        self.map(fields)
        with self.connect() as connection:
            create_tables(connection)
            _land_metadata(connection, fields)

    def map(self, fields: Sequence[Field]) -> None:
        """What an analyst does: other rows for the same fields."""
        self.fields = fields
        write_seeds(self._settings.project, _seed_rows(fields))
        self._transformer = Transformer(self._settings, load_mappings(self._settings.project.seeds_dir))
        self._seeded = False

    def connect(self) -> duckdb.DuckDBPyConnection:
        connection = duckdb.connect(str(self._settings.warehouse_path))
        connection.execute("set TimeZone = 'UTC'")
        return connection

    def at(self, minute: int) -> datetime:
        """A moment of the round that comes next."""
        return BEGIN + timedelta(hours=self._round, minutes=minute)

    def add(
        self, number: int, hubspot: Mapping[str, Value], salesforce: Mapping[str, Value], minutes: Sequence[int]
    ) -> None:
        """A linked pair: its ids are stored, so that nothing but values is left to decide."""
        h_id, s_id = ids(number)
        at = [self.at(minute) for minute in minutes]
        stored = {"salesforce_record_id": s_id, "email": None, "hs_object_id": h_id}
        self.sides[HUBSPOT].records[h_id] = Record({**stored, **hubspot}, at[0], at[0])
        own = {"Id": s_id, "HubSpot_Record_ID__c": h_id, "Email": None}
        renamed = {f"{name}__c": value for name, value in salesforce.items()}
        self.sides[SALESFORCE].records[s_id] = Record({**own, **renamed}, at[1], at[1])

    def edit(self, side: str, number: int, values: Mapping[str, Value], minute: int) -> None:
        """A person edits a record."""
        record = self._record(side, number)
        record.values.update({name if side == HUBSPOT else f"{name}__c": value for name, value in values.items()})
        record.human_at = record.modified_at = max(self.at(minute), record.human_at)
        record.by = "005000000000002AAA"

    def delete(self, side: str, number: int, *, restore: bool = False) -> None:
        """A person moves a record to the recycle bin, or takes it out again."""
        self._record(side, number).is_deleted = not restore

    def merge(self, side: str, loser: int, survivor: int, taken: Iterable[str], minute: int) -> None:
        """A person merges a record into another one, which takes over the values of some fields."""
        gone = self._record(side, loser)
        gone.is_deleted, gone.merged_into = True, ids(survivor)[side == SALESFORCE]
        self.edit(side, survivor, {name: self.value(side, loser, name) for name in taken}, minute)

    def value(self, side: str, number: int, name: str) -> Value:
        return self._record(side, number).values.get(name if side == HUBSPOT else f"{name}__c")

    def _record(self, side: str, number: int) -> Record:
        return self.sides[side].records[ids(number)[side == SALESFORCE]]

    def sync(self) -> int:
        """One run: land everything, decide, carry the diff out. Returns how many records were written."""
        run_id, started_at, written_at = f"run-{self._round}", self.at(30), self.at(40)
        with self.connect() as connection:
            for side, schema, object_ in (
                (HUBSPOT, "raw_hubspot", "contacts"),
                (SALESFORCE, "raw_salesforce", "Contact"),
            ):
                _land_records(connection, schema, object_, self.sides[side], side, started_at)
            connection.execute(
                "insert into journal.runs (run_id, command, target_name, started_at, status)"
                " values (?, 'sync', 'sandbox', ?, 'running')",
                [run_id, started_at],
            )
        if self._seeded:
            self._transformer.decide_again()
        else:
            self._transformer.decide()
        self._seeded = True
        with self.connect() as connection:
            connection.execute(
                "update journal.runs set decided_at = ?, status = 'succeeded' where run_id = ?",
                [started_at + timedelta(minutes=1), run_id],
            )
            written = sum(self._push(connection, side, run_id, written_at) for side in (HUBSPOT, SALESFORCE))
        self._round += 1
        return written

    def _push(self, connection: duckdb.DuckDBPyConnection, side: str, run_id: str, at: datetime) -> int:
        rows = connection.execute(
            "select operation_id, object, crm_object, operation, link_id, record_id, hubspot_id, salesforce_id,"
            " changes::varchar, previous::varchar, source_values::varchar, human_modified_at"
            f" from reverse_etl.diff_{side}"
        ).fetchall()
        for row in rows:
            assert row[3] == "update", row
            record = self.sides[side].records[row[5]]
            record.values.update(json.loads(row[8]))
            record.modified_at, record.by = at, INTEGRATION_USER
            if side == HUBSPOT:
                record.human_at = at  # HubSpot's one time moves with our writes as well
            connection.execute(
                "insert into journal.push_attempts (attempt_id, run_id, target, operation_id, object, crm_object,"
                " operation, link_id, record_id, hubspot_id, salesforce_id, changes, previous, source_values,"
                " human_modified_at, attempted_at, outcome, outcome_at, stored, target_modified_at)"
                " values (uuid()::varchar, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'succeeded', ?, ?, ?)",
                [run_id, side, *row, at, at, row[8], at],
            )
        return len(rows)

    def conflicts(self) -> set[tuple[str, str, Value, Value, str | None]]:
        """(link, property, both values, winner) of every conflict ever decided."""
        with self.connect() as connection:
            return set(
                connection.execute(
                    "select link_id, hubspot_property, hubspot_value, salesforce_value, winner"
                    " from sync_health.field_conflicts"
                ).fetchall()
            )


def ids(number: int) -> tuple[str, str]:
    return str(1000 + number), f"003{number:012d}AAA"


def project_settings(folder: Path) -> Settings:
    """A copy of the dbt project in `folder`, with a warehouse beside it and no CRMs."""
    root = folder / "project"
    ignored = shutil.ignore_patterns("target", "logs", "*.duckdb")
    shutil.copytree(ROOT / "dbt_project", root / "dbt_project", ignore=ignored)
    shutil.copy(ROOT / "profiles.yml", root)
    environ = {
        "WAREHOUSE_PATH": str(folder / "properties.duckdb"),
        "HUBSPOT_BASE_URL": NOWHERE, "HUBSPOT_ACCESS_TOKEN": "none",
        "SALESFORCE_LOGIN_URL": NOWHERE, "SALESFORCE_CLIENT_ID": "none", "SALESFORCE_CLIENT_SECRET": "none",
    }  # fmt: skip
    return load_settings("sandbox", environ, Project(root))


def _seed_rows(fields: Iterable[Field]) -> dict[str, list[str]]:
    return {
        "object_mappings": ["contact,contacts,Contact,true,1,email,Email,email,false,false,ignore,ignore"],
        "field_mappings": [
            f"contact,{one.name},{one.name}__c,{one.direction},{one.rule},{_chains(one)},,," for one in fields
        ],
        "value_mappings": [],
        "inclusion_rules": [],
        "stage_mappings": [],
    }


def write_seeds(project: Project, rows: Mapping[str, Iterable[str]]) -> None:
    """The given rows, by the name of the seed, in place of what the project has."""
    for name, lines in rows.items():
        path = project.seeds_dir / f"{name}.csv"
        header = path.read_text(encoding="utf-8").splitlines()[0]
        padded = [line + "," * (header.count(",") - line.count(",")) for line in lines]
        path.write_text("\n".join([header, *padded]) + "\n", encoding="utf-8")


def _chains(one: Field) -> str:
    """The columns to_salesforce and to_hubspot."""
    return "truncate," if one.kind == "cut" else "upper,upper" if one.is_loud else ","


def create_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """The landed tables and the journal, empty."""
    Journal(connection)
    for schema, tables in TABLES.items():
        connection.execute(f"create schema {schema}")
        for table in tables:
            connection.register("no_rows", table.empty())
            documents = [f"cast({name} as json) as {name}" for name in table.columns.names if name in JSON_COLUMNS]
            replaced = f" replace ({', '.join(documents)})" if documents else ""
            connection.execute(f"create table {schema}.{table.name} as select *{replaced} from no_rows")
            connection.unregister("no_rows")
        reads.create_tables(connection, schema)


def _land_metadata(connection: duckdb.DuckDBPyConnection, fields: Sequence[Field]) -> None:
    options = json.dumps([{"value": option} for option in OPTIONS])
    text = ("string", "text", "string")
    named = [(one.name, f"{one.name}__c", *_TYPES[one.kind], one.kind) for one in fields]
    named += [("email", "Email", *text, "text"), ("salesforce_record_id", "Id", *text, "text")]
    for hubspot, salesforce, type_, field_type, salesforce_type, kind in named:
        connection.execute(
            "insert into raw_hubspot.properties by name select 'contacts' as object, ? as name, ? as type,"
            " ? as field_type, ?::json as options, true as is_writable, false as is_calculated,"
            " ?::timestamptz as loaded_at",
            [hubspot, type_, field_type, options if kind == "multi" else "[]", BEGIN],
        )
        connection.execute(
            "insert into raw_salesforce.fields by name select 'Contact' as object, ? as name, ? as type, ? as length,"
            " 18 as precision, 2 as scale, true as is_nillable, true as is_createable, true as is_updateable,"
            " false as is_defaulted_on_create, false as is_calculated, ?::timestamptz as loaded_at",
            [salesforce, salesforce_type, 3 if kind == "cut" else 255, BEGIN],
        )
        if kind == "multi":
            connection.execute(
                "insert into raw_salesforce.picklist_values by name select 'Contact' as object, ? as field,"
                " unnest(?) as value, true as is_active, ?::timestamptz as loaded_at",
                [salesforce, list(OPTIONS), BEGIN],
            )
    connection.execute(
        "insert into raw_salesforce.org by name"
        " select '00D' as organization_id, ? as user_id, ?::timestamptz as loaded_at",
        [INTEGRATION_USER, BEGIN],
    )


def _land_records(
    connection: duckdb.DuckDBPyConnection, schema: str, object_: str, side: Side, name: str, loaded_at: datetime
) -> None:
    rows: list[list[Any]] = [
        [object_, record_id, json.dumps(record.values), BEGIN, record.modified_at, record.human_at,
         record.by if name == SALESFORCE else None, record.is_deleted, record.merged_into, loaded_at]
        for record_id, record in side.records.items()
    ]  # fmt: skip
    for row in rows:
        if name == SALESFORCE:
            row[5] = row[4]  # LastModifiedDate is whoever's last save; LastModifiedById says whose
    connection.execute(f"delete from {schema}.records")
    connection.executemany(
        f"insert into {schema}.records (object, id, properties, created_at, modified_at, human_time, last_modified_by,"
        " is_deleted, merged_into_id, loaded_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        rows,
    )
