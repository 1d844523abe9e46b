"""The account's metadata: properties, groups, pipelines, owners and lists, kept in the database.

Owns: those tables and what is derived from them (which stage is closed, which option exists).
Refuses: to touch records.
"""

from __future__ import annotations

import copy
import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from sandbox.demo.people import HUBSPOT_OWNERS
from sandbox.hubspot import activities, standard
from sandbox.hubspot.catalog import Catalog
from sandbox.hubspot.standard import Definition
from sandbox.hubspot.times import iso

_TABLES = """
create table if not exists properties (object text, name text, position integer, definition text,
    primary key (object, name));
create table if not exists property_groups (object text, name text, definition text, primary key (object, name));
create table if not exists pipelines (object text, id text, definition text, primary key (object, id));
create table if not exists owners (id integer primary key, definition text);
create table if not exists lists (id integer primary key, definition text);
create table if not exists list_memberships (list_id integer, record_id integer, added integer,
    primary key (list_id, record_id)) without rowid;
"""


class Metadata:
    """Reads from memory, writes through to the database."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        connection.executescript(_TABLES)
        self.catalog = Catalog(connection)
        self._properties: dict[str, dict[str, Definition]] = {}
        self._pipelines: dict[str, list[Definition]] = {}
        self._read()

    def _read(self) -> None:
        self._properties = {name: {} for name in self.catalog.types}
        rows = self._connection.execute("select object, name, definition from properties order by position")
        for object_, name, text in rows:
            self._properties.setdefault(object_, {})[name] = orjson.loads(text)
        self._pipelines = {name: [] for name in self.catalog.types}
        for object_, text in self._connection.execute("select object, definition from pipelines order by rowid"):
            self._pipelines.setdefault(object_, []).append(orjson.loads(text))

    def reset(self) -> None:
        """Back to the standard properties, pipelines and owners. Call inside a transaction."""
        for table in ("properties", "property_groups", "pipelines", "owners", "lists", "list_memberships"):
            self._connection.execute(f"delete from {table}")
        self.catalog.clear()
        self._read()
        self.install()

    def install(self) -> None:
        """What every account has and this one lacks: a new database all of it, an older one the newer objects.
        Call inside a transaction."""
        if not self.owners():
            for owner in HUBSPOT_OWNERS:
                self.save_owner(owner)
        for object_, definitions in (standard.PROPERTIES | activities.PROPERTIES).items():
            if self._properties[object_]:
                continue
            for definition in definitions:
                self.save_property(object_, copy.deepcopy(definition))
            for order, (name, label) in enumerate((standard.GROUPS | activities.GROUPS)[object_]):
                self.save_group(object_, {"name": name, "label": label, "displayOrder": order, "archived": False})
            for pipeline in standard.PIPELINES.get(object_, ()):
                self.save_pipeline(object_, copy.deepcopy(pipeline))

    def add_object(self, object_: str, group: str, label: str, definitions: Iterable[Definition]) -> None:
        """The properties and the group of a new custom object."""
        self._properties[object_] = {}
        self._pipelines[object_] = []
        self.save_group(object_, {"name": group, "label": label, "displayOrder": 0, "archived": False})
        for definition in definitions:
            self.save_property(object_, definition)

    # properties -------------------------------------------------------------------------------------------

    def properties(self, object_: str, archived: bool = False) -> list[Definition]:
        """All definitions of an object type that are (or are not) archived, in their order of creation."""
        return [item for item in self._properties[object_].values() if item["archived"] is archived]

    def property(self, object_: str, name: str) -> Definition | None:
        """The definition of a property that is not archived."""
        definition = self._properties[object_].get(name)
        return None if definition is None or definition["archived"] else definition

    def any_property(self, object_: str, name: str) -> Definition | None:
        """The definition of a property, archived or not."""
        return self._properties[object_].get(name)

    def known(self, object_: str, names: Iterable[str]) -> list[str]:
        """Those of the names that exist, each once, in the given order."""
        return [name for name in dict.fromkeys(names) if self.property(object_, name)]

    def unique_properties(self, object_: str) -> list[str]:
        """Names of the properties whose values identify one record, e-mail excepted."""
        return [item["name"] for item in self.properties(object_) if item["hasUniqueValue"]]

    def save_property(self, object_: str, definition: Definition) -> None:
        """Create or replace a definition."""
        self._properties[object_][definition["name"]] = definition
        position = list(self._properties[object_]).index(definition["name"])
        self._connection.execute(
            "insert or replace into properties values (?, ?, ?, ?)",
            (object_, definition["name"], position, orjson.dumps(definition).decode()),
        )

    def drop_property(self, object_: str, name: str) -> None:
        """Forget a definition altogether (a rename's old name)."""
        del self._properties[object_][name]
        self._connection.execute("delete from properties where object = ? and name = ?", (object_, name))

    def drop_group(self, object_: str, name: str) -> None:
        self._connection.execute("delete from property_groups where object = ? and name = ?", (object_, name))

    def groups(self, object_: str) -> list[Definition]:
        rows = self._connection.execute("select definition from property_groups where object = ?", (object_,))
        return sorted((orjson.loads(text) for (text,) in rows), key=lambda group: int(group["displayOrder"]))

    def save_group(self, object_: str, definition: Definition) -> None:
        self._connection.execute(
            "insert or replace into property_groups values (?, ?, ?)",
            (object_, definition["name"], orjson.dumps(definition).decode()),
        )

    # pipelines --------------------------------------------------------------------------------------------

    def pipelines(self, object_: str) -> list[Definition]:
        return self._pipelines[object_]

    def pipeline(self, object_: str, pipeline_id: str) -> Definition | None:
        return next((item for item in self._pipelines[object_] if item["id"] == pipeline_id), None)

    def stage(self, object_: str, pipeline_id: str, stage_id: str) -> Definition | None:
        """A stage of the given pipeline; None when the pipeline has no such stage."""
        pipeline = self.pipeline(object_, pipeline_id)
        stages: list[Definition] = pipeline["stages"] if pipeline else []
        return next((stage for stage in stages if stage["id"] == stage_id), None)

    def save_pipeline(self, object_: str, definition: Definition) -> None:
        others = [item for item in self._pipelines[object_] if item["id"] != definition["id"]]
        self._pipelines[object_] = [*others, definition]
        self._pipelines[object_].sort(key=lambda item: int(item["displayOrder"]))
        self._connection.execute(
            "insert or replace into pipelines values (?, ?, ?)",
            (object_, definition["id"], orjson.dumps(definition).decode()),
        )

    # owners -----------------------------------------------------------------------------------------------

    def owners(self) -> list[Definition]:
        """All owners, archived ones too, by id."""
        return [orjson.loads(text) for (text,) in self._connection.execute("select definition from owners order by id")]

    def owner(self, owner_id: str) -> Definition | None:
        if not owner_id.isascii() or not owner_id.isdigit():
            return None
        row = self._connection.execute("select definition from owners where id = ?", (int(owner_id),)).fetchone()
        return orjson.loads(row[0]) if row else None

    def save_owner(self, owner: Mapping[str, Any]) -> None:
        """Create or replace an owner given as the owners API returns it; only `id` and `email` are required."""
        archived = bool(owner.get("archived", False))
        user_id = owner.get("userId")
        full = {
            "id": str(owner["id"]),
            "email": owner["email"],
            "type": owner.get("type", "PERSON"),
            "firstName": owner.get("firstName", ""),
            "lastName": owner.get("lastName", ""),
            "userId": None if archived else user_id,
            "userIdIncludingInactive": user_id,
            "createdAt": owner.get("createdAt", "2024-01-08T09:00:00.000Z"),
            "updatedAt": owner.get("updatedAt", "2024-01-08T09:00:00.000Z"),
            "archived": archived,
        }
        self._connection.execute(
            "insert or replace into owners values (?, ?)", (int(full["id"]), orjson.dumps(full).decode())
        )

    # lists ------------------------------------------------------------------------------------------------

    def lists(self, deleted: bool = False) -> list[Definition]:
        rows = self._connection.execute("select definition from lists order by id")
        return [item for (text,) in rows if ("deletedAt" in (item := orjson.loads(text))) is deleted]

    def list_by_id(self, list_id: str, deleted: bool = False) -> Definition | None:
        return next((item for item in self.lists(deleted) if item["listId"] == list_id), None)

    def keep_list(self, definition: Definition) -> None:
        """Replace a list's definition, not its members."""
        self._connection.execute(
            "insert or replace into lists values (?, ?)",
            (int(definition["listId"]), orjson.dumps(definition).decode()),
        )

    def save_list(self, record: Mapping[str, Any], now_ms: int) -> None:
        """Create or replace a list: `listId`, `name`, and optionally `objectTypeId`, `processingType` and
        `memberships` (record ids)."""
        full = {
            "listId": str(record["listId"]),
            "listVersion": 1,
            "name": record["name"],
            "objectTypeId": record.get("objectTypeId", "0-1"),
            "processingType": record.get("processingType", "MANUAL"),
            "processingStatus": "COMPLETE",
            "createdAt": record.get("createdAt", iso(now_ms)),
            "updatedAt": iso(now_ms),
        }
        list_id = int(full["listId"])
        self._connection.execute("insert or replace into lists values (?, ?)", (list_id, orjson.dumps(full).decode()))
        self._connection.execute("delete from list_memberships where list_id = ?", (list_id,))
        self.add_members(list_id, (int(member) for member in record.get("memberships", ())), now_ms)

    def add_members(self, list_id: int, record_ids: Iterable[int], now_ms: int) -> None:
        self._connection.executemany(
            "insert or ignore into list_memberships values (?, ?, ?)",
            [(list_id, record_id, now_ms) for record_id in record_ids],
        )

    def remove_members(self, list_id: int, record_ids: Iterable[int]) -> None:
        self._connection.executemany(
            "delete from list_memberships where list_id = ? and record_id = ?",
            [(list_id, record_id) for record_id in record_ids],
        )

    def members(self, list_id: int, after: int = 0, limit: int = 1_000_000) -> list[tuple[int, int]]:
        """(record id, time added in ms) of the members with a greater record id, by record id."""
        return self._connection.execute(
            "select record_id, added from list_memberships where list_id = ? and record_id > ?"
            " order by record_id limit ?",
            (list_id, after, limit),
        ).fetchall()
