"""The kinds of records and associations of one account: HubSpot's own and those that its users made.

Owns: custom object schemas and custom association types, kept in the database; looking all kinds up.
Refuses: properties (metadata.py) and records.
"""

from __future__ import annotations

import sqlite3
from dataclasses import asdict, replace
from typing import Any

import orjson

from sandbox.hubspot.object_types import ASSOCIATION_TYPES, OBJECT_TYPES, AssociationType, ObjectType

PORTAL_ID = 48_120_077
FIRST_CUSTOM_TYPE, FIRST_CUSTOM_ASSOCIATION = 3_400_101, 1_001
USER_DEFINED = "USER_DEFINED"
_TABLES = """
create table if not exists schemas (name text primary key, definition text);
create table if not exists association_types (type_id integer primary key, definition text);
"""
Schema = dict[str, Any]


class Catalog:
    """Reads from memory, writes through to the database."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        connection.executescript(_TABLES)
        self.read()

    def read(self) -> None:
        """Take over what the database holds."""
        rows = self._connection.execute("select definition from schemas order by rowid")
        self._schemas: dict[str, Schema] = {}
        for (text,) in rows:
            schema = orjson.loads(text)
            self._schemas[schema["name"]] = schema
        self.associations: dict[int, AssociationType] = dict(ASSOCIATION_TYPES)
        for (text,) in self._connection.execute("select definition from association_types order by type_id"):
            kind = AssociationType(**orjson.loads(text))
            self.associations[kind.type_id] = kind
        self._index_associations()
        self._index()

    def _index_associations(self) -> None:
        self._between: dict[tuple[str, str], list[AssociationType]] = {}
        for kind in self.associations.values():
            self._between.setdefault((kind.from_type, kind.to_type), []).append(kind)

    def _index(self) -> None:
        self.types: dict[str, ObjectType] = dict(OBJECT_TYPES)
        self._by_alias: dict[str, ObjectType] = {}
        for schema in self._schemas.values():
            if not schema["archived"]:
                self.types[schema["name"]] = _custom_type(schema)
        for kind in self.types.values():
            aliases = {kind.name, kind.singular, kind.type_id}
            if kind.is_custom:
                aliases = {kind.name, kind.type_id, f"p{PORTAL_ID}_{kind.name}", f"p_{kind.name}"}
            for alias in aliases:
                self._by_alias.setdefault(alias, kind)

    def clear(self) -> None:
        """Back to HubSpot's own kinds. Call inside a transaction."""
        for table in ("schemas", "association_types"):
            self._connection.execute(f"delete from {table}")
        self.read()

    # kinds of records -------------------------------------------------------------------------------------

    def find(self, text: str) -> ObjectType | None:
        """The object type of a path segment: name (plural or singular), objectTypeId, or a custom object's
        fully qualified name."""
        return self._by_alias.get(text)

    def schemas(self, archived: bool = False) -> list[Schema]:
        return [schema for schema in self._schemas.values() if schema["archived"] is archived]

    def schema(self, text: str) -> Schema | None:
        """The schema of a custom object that is not archived."""
        kind = self.find(text)
        return self._schemas.get(kind.name) if kind is not None and kind.is_custom else None

    def all_names(self) -> set[str]:
        """Names of custom objects that are or were in use."""
        return set(self._schemas)

    def next_type_id(self) -> str:
        return f"2-{FIRST_CUSTOM_TYPE + len(self._schemas)}"

    def save_schema(self, schema: Schema) -> None:
        """Create or replace a custom object's schema."""
        self._schemas[schema["name"]] = schema
        self._connection.execute(
            "insert or replace into schemas values (?, ?)", (schema["name"], orjson.dumps(schema).decode())
        )
        self._index()

    # kinds of associations --------------------------------------------------------------------------------

    def between(self, from_type: str, to_type: str) -> list[AssociationType]:
        """Every association type from one kind of record to another."""
        return self._between.get((from_type, to_type), [])

    def unlabelled(self, from_type: str, to_type: str) -> int | None:
        """The type id of the plain association between two kinds of records."""
        return next((kind.type_id for kind in self.between(from_type, to_type) if kind.label is None), None)

    def add_pair(
        self, from_type: str, to_type: str, name: str, labels: tuple[str | None, str | None]
    ) -> tuple[int, int]:
        """A new custom association type and its inverse; their ids, there and back."""
        there = max(FIRST_CUSTOM_ASSOCIATION - 1, *self.associations) + 1
        is_one = from_type == to_type and labels[0] == labels[1]
        back = there if is_one else there + 1
        kind = AssociationType(from_type, to_type, there, back, labels[0], name, name, USER_DEFINED)
        self._save(kind)
        if not is_one:
            inverse = f"{self.types[to_type].singular}_to_{self.types[from_type].singular}"
            self._save(AssociationType(to_type, from_type, back, there, labels[1], inverse, name, USER_DEFINED))
        return there, back

    def relabel(self, type_id: int, label: str) -> None:
        self._save(replace(self.associations[type_id], label=label))

    def remove(self, type_id: int) -> None:
        """Forget a custom association type and its inverse."""
        for each in {type_id, self.associations[type_id].inverse}:
            del self.associations[each]
            self._connection.execute("delete from association_types where type_id = ?", (each,))
        self._index_associations()

    def _save(self, kind: AssociationType) -> None:
        self.associations[kind.type_id] = kind
        self._index_associations()
        self._connection.execute(
            "insert or replace into association_types values (?, ?)",
            (kind.type_id, orjson.dumps(asdict(kind)).decode()),
        )


def _custom_type(schema: Schema) -> ObjectType:
    display = str(schema.get("primaryDisplayProperty") or "hs_object_id")
    return ObjectType(
        schema["name"],
        schema["objectTypeId"],
        schema["name"],
        "hs_lastmodifieddate",
        tuple(dict.fromkeys((display, "hs_createdate", "hs_lastmodifieddate", "hs_object_id"))),
        required=tuple(schema["requiredProperties"]),
        searchable=tuple(schema["searchableProperties"]) or (display,),
        display=display,
        created="hs_createdate",
        is_custom=True,
    )
