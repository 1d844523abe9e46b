"""A small and quarrelsome world of landed records, for whether they match: few keys for many records, stored ids that
contradict each other, merges in chains, converted leads, lists, creates that no read has shown.

What changes is landed as a read would land it, and the models that follow from single records are run over it: as
usual in one warehouse, wholly in a copy of it.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import duckdb
from landed_world import BEGIN, INTEGRATION_USER, create_tables, project_settings, write_seeds

from crm_sync.config import Settings
from crm_sync.mappings import load_mappings
from crm_sync.transform import Transformer

PEOPLE, LEADS, COMPANIES = 150, 50, 70
SEEDS = {
    "object_mappings": [
        "company,companies,Account,true,1,domain,Website,domain,true,true,ignore,ignore",
        "contact,contacts,Contact,true,1,email,Email,email,true,true,ignore,ignore",
        "lead,contacts,Lead,true,2,email,Email,email,true,false,ignore,ignore",
    ],
    "field_mappings": ["contact,jobtitle,Title,two_way"],
    "inclusion_rules": [
        "contact,hubspot,1,stage,is_any_of,customer;lead",
        "contact,hubspot,2,,in_list,77",
        "company,salesforce,1,Type,is_none_of,Partner",
    ],
    "value_mappings": [],
    "stage_mappings": [],
}
#: In the order in which a pass runs them.
MODELS = (
    "stg_current_run", "int_records_touched", "stg_written_records", "stg_records", "records_included",
    "int_match_keys", "int_records_affected", "links", "match_issues", "int_create_candidates",
    "unlinked_records",
)  # fmt: skip
#: How the ids of each object begin, and how many of its records there will be.
KINDS = {
    ("hubspot", "contacts"): ("h", PEOPLE),
    ("salesforce", "Contact"): ("003", PEOPLE),
    ("salesforce", "Lead"): ("00Q", LEADS),
    ("hubspot", "companies"): ("c", COMPANIES),
    ("salesforce", "Account"): ("001", COMPANIES),
}
COUNTERPARTS = {
    "contacts": [("salesforce", "Contact"), ("salesforce", "Contact"), ("salesforce", "Lead")],
    "Contact": [("hubspot", "contacts")],
    "Lead": [("hubspot", "contacts")],
    "companies": [("salesforce", "Account")],
    "Account": [("hubspot", "companies")],
}
CRM_OBJECTS = {
    "company": {"hubspot": "companies", "salesforce": "Account"},
    "contact": {"hubspot": "contacts", "salesforce": "Contact"},
    "lead": {"hubspot": "contacts", "salesforce": "Lead"},
}
STORED_ID = {"hubspot": "salesforce_record_id", "salesforce": "HubSpot_Record_ID__c"}
PERSON = "005000000000002AAA"


@dataclass
class Record:
    """A record as a read shows it."""

    side: str
    object: str
    id: str
    properties: dict[str, Any]
    is_deleted: bool = False
    merged_into: str | None = None
    by: str = PERSON


@dataclass
class MatchingWorld:
    """Records, and a warehouse that has seen them."""

    folder: Path
    random: Random
    records: dict[tuple[str, str, str], Record] = field(default_factory=dict)
    hour: int = 0

    def __post_init__(self) -> None:
        self._settings: Settings = project_settings(self.folder)
        write_seeds(self._settings.project, SEEDS)
        self._transformer = Transformer(self._settings, load_mappings(self._settings.project.seeds_dir))
        with self._connect() as connection:
            create_tables(connection)
            connection.execute(
                "insert into raw_salesforce.org by name select '00D' as organization_id, ? as user_id",
                [INTEGRATION_USER],
            )
        for (side, object_), (prefix, count) in KINDS.items():
            for number in range(count * 2 // 3):  # the others come later
                self._add(side, object_, f"{prefix}{number}")
        self._land(list(self.records.values()))

    # ------------------------------------------------------------ what happens

    def pass_an_hour(self) -> None:
        self.hour += 1
        self.happen(0.06)

    def happen(self, share: float) -> None:
        """Something happens to a share of all records, and is read; some of it stems from writes of ours."""
        changed = [record for record in self.records.values() if self.random.random() < share]
        events = (self._rekey, self._rekey, self._rekey, self._store_id, self._delete, self._restore, self._merge,
                  self._convert, self._rescope)  # fmt: skip
        for record in changed:
            self.random.choice(events)(record)
        for (side, object_), (prefix, count) in KINDS.items():
            ids = [f"{prefix}{number}" for number in range(count)]
            to_come = [one for one in ids if (side, object_, one) not in self.records]
            changed += [self._add(side, object_, one) for one in to_come if self.random.random() < share]
        self._land(changed)
        self._list(share)
        self._write(share)

    def _add(self, side: str, object_: str, record_id: str) -> Record:
        record = self.records[side, object_, record_id] = Record(side, object_, record_id, {})
        self._rekey(record)
        self._rescope(record)
        if self.random.random() < 0.1:
            self._store_id(record)
        return record

    def _rekey(self, record: Record) -> None:
        choice, properties = self.random.choice, record.properties
        if record.object in ("companies", "Account"):
            number = self.random.randrange(COMPANIES)
            domain, name = ("domain", "name") if record.side == "hubspot" else ("Website", "Name")
            properties[domain] = choice((None, f"www.firm{number}.com", f"firm{number}.com"))
            properties[name] = choice((None, f"Firm {number // 3} Inc.", f"firm {number // 3}"))
            return
        number = self.random.randrange(PEOPLE)
        properties["email" if record.side == "hubspot" else "Email"] = choice((None, *[f"Person{number}@x.com"] * 5))
        if record.side == "hubspot":
            others = [f"person{self.random.randrange(PEOPLE)}@x.com" for _ in range(self.random.randrange(3))]
            properties["hs_additional_emails"] = ";".join(others) or None

    def _store_id(self, record: Record) -> None:
        prefix, count = KINDS[self.random.choice(COUNTERPARTS[record.object])]
        stored = f"{prefix}{self.random.randrange(count)}"
        record.properties[STORED_ID[record.side]] = self.random.choice((None, stored, stored, stored))

    def _rescope(self, record: Record) -> None:
        record.properties["stage"] = self.random.choice(("customer", "customer", "lead", "other", None))
        record.properties["Type"] = self.random.choice(("Partner", "Customer", "Customer"))
        record.by = self.random.choice((INTEGRATION_USER, PERSON))

    def _delete(self, record: Record) -> None:
        record.is_deleted = True

    def _restore(self, record: Record) -> None:
        record.is_deleted, record.merged_into = False, None

    def _merge(self, record: Record) -> None:
        survivor = self._any(record.side, record.object)
        if survivor is not record:
            record.is_deleted, record.merged_into = True, survivor.id

    def _convert(self, record: Record) -> None:
        if record.object == "Lead":
            record.properties |= {"IsConverted": True, "ConvertedContactId": self._any("salesforce", "Contact").id}

    def _any(self, side: str, object_: str) -> Record:
        return self.random.choice([one for one in self.records.values() if (one.side, one.object) == (side, object_)])

    # ------------------------------------------------------------ what lands

    def _at(self, minute: int) -> datetime:
        return BEGIN + timedelta(hours=self.hour, minutes=minute)

    def _connect(self) -> duckdb.DuckDBPyConnection:
        connection = duckdb.connect(str(self._settings.warehouse_path))
        connection.execute("set TimeZone = 'UTC'")
        return connection

    def _land(self, records: list[Record]) -> None:
        with self._connect() as connection:
            for one in records:
                schema = f"raw_{one.side}"
                connection.execute(f"delete from {schema}.records where (object, id) = (?, ?)", [one.object, one.id])
                connection.execute(
                    f"insert into {schema}.records (object, id, properties, created_at, modified_at, human_time,"
                    " last_modified_by, is_deleted, merged_into_id, loaded_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    [one.object, one.id, json.dumps(one.properties), BEGIN, self._at(10), self._at(10),
                     one.by if one.side == "salesforce" else None, one.is_deleted, one.merged_into, self._at(20)],
                )  # fmt: skip

    def _list(self, share: float) -> None:
        """The list gets and loses members."""
        with self._connect() as connection:
            for number in range(PEOPLE):
                if self.random.random() < share / 2:
                    connection.execute("delete from raw_hubspot.list_memberships where record_id = ?", [f"h{number}"])
                    connection.execute(
                        "insert into raw_hubspot.list_memberships by name select '77' as list_id, 'VIP' as list_name,"
                        " 'contacts' as object, ? as record_id, ? as is_present, ?::timestamptz as loaded_at",
                        [f"h{number}", self.random.random() < 0.6, self._at(20)],
                    )

    def _write(self, share: float) -> None:
        """What a push leaves in the journal: creates, duplicates that it met, updates and archives."""
        with self._connect() as connection:
            creates = connection.execute(
                "select object, side, record_id, target, link_id from matching.int_create_candidates order by all"
            ).fetchall()
            linked = connection.execute(
                "select object, hubspot_id, salesforce_id, link_id from matching.links order by all"
            ).fetchall()
            for object_, side, record_id, target, link_id in creates:
                if self.random.random() < share * 2:
                    crm_object = CRM_OBJECTS[object_][target]
                    is_found = self.random.random() < 0.3
                    new = None if is_found else f"{KINDS[target, crm_object][0]}{self.random.randrange(PEOPLE)}"
                    existing = f"{KINDS[target, crm_object][0]}{self.random.randrange(PEOPLE)}" if is_found else None
                    ids = {side: record_id, target: new}
                    self._attempt(connection, (target, object_, crm_object, "create", link_id), ids, existing)
            for object_, hubspot_id, salesforce_id, link_id in linked:
                if self.random.random() < share / 2:
                    target = self.random.choice(("hubspot", "salesforce"))
                    operation = self.random.choice(("update", "update", "archive"))
                    ids = {"hubspot": hubspot_id, "salesforce": salesforce_id}
                    about = (target, object_, CRM_OBJECTS[object_][target], operation, link_id)
                    self._attempt(connection, about, ids)

    def _attempt(
        self,
        connection: duckdb.DuckDBPyConnection,
        about: tuple[str, str, str, str, str],
        ids: dict[str, str | None],
        existing: str | None = None,
    ) -> None:
        record_id = None if about[3] == "create" else ids[about[0]]
        connection.execute(
            "insert into journal.push_attempts (attempt_id, run_id, operation_id, target, object, crm_object,"
            " operation, link_id, record_id, hubspot_id, salesforce_id, human_modified_at, attempted_at, outcome,"
            " outcome_at, existing_id, target_modified_at)"
            " values (uuid()::varchar, 'run', 'any', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [*about, record_id, ids["hubspot"], ids["salesforce"], self._at(1), self._at(30),
             "rejected" if existing else "succeeded", self._at(30), existing, self._at(30)],
        )  # fmt: skip

    # ------------------------------------------------------------ passes

    def decide(self) -> None:
        """One pass that comes to its end."""
        run_id = self._begin(50)
        if self.hour == 0:
            self._transformer._build(
                "seed", "model", selection=("--select", "+int_create_candidates", "+unlinked_records")
            )
        else:
            self._transformer._run("--select", *MODELS)
        with self._connect() as connection:
            connection.execute("update journal.runs set decided_at = started_at where run_id = ?", [run_id])

    def die_after(self, model: str) -> None:
        """A pass that ends after one of its models."""
        self._begin(40)
        self._transformer._run("--select", *MODELS[: MODELS.index(model) + 1])

    def _begin(self, minute: int) -> str:
        run_id = f"run-{self.hour}-{minute}"
        with self._connect() as connection:
            connection.execute(
                "insert into journal.runs (run_id, command, target_name, started_at, status)"
                " values (?, 'sync', 'sandbox', ?, 'running')",
                [run_id, self._at(minute)],
            )
        return run_id

    def made_anew(self) -> MatchingWorld:
        """The same world with a copy of the warehouse, whose next pass computes everything."""
        folder = self.folder / f"copy-{self.hour}"
        folder.mkdir()
        warehouse = folder / self._settings.warehouse_path.name
        shutil.copy(self._settings.warehouse_path, warehouse)
        copy = MatchingWorld.__new__(MatchingWorld)
        vars(copy).update(vars(self))
        copy._settings = replace(self._settings, warehouse_path=warehouse)
        copy._transformer = Transformer(copy._settings, load_mappings(copy._settings.project.seeds_dir))
        with copy._connect() as connection:
            connection.execute("update staging.stg_current_run set rules_version = 'of another version'")
        return copy

    def rows(self, table: str) -> list[tuple[Any, ...]]:
        """All rows of a table, in an order of their own."""
        return self._query(f"select * from {table} order by all")

    def seen(self, table: str, column: str) -> set[Any]:
        return {row[0] for row in self._query(f"select distinct {column} from {table}")}

    def _query(self, sql: str) -> list[tuple[Any, ...]]:
        with self._connect() as connection:
            return connection.execute(sql).fetchall()
