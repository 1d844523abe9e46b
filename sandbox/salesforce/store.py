"""The tables: one per sObject with a column per field, and what else must survive a restart.

Owns: SQL for reading and writing rows, columns following the schema, ids, savepoints.
Refuses: to check values or to know what a save implies (`saving` does).

Text columns compare without case (COLLATE NOCASE), as SOQL does; letters beyond ASCII are compared through
the SQL function `fold`. Times are stored as they are answered.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import orjson

from sandbox.organisation import WriteLog
from sandbox.salesforce.ids import BASE62, INSTANCE, make_id, number_of
from sandbox.salesforce.schema.catalog import Schema
from sandbox.salesforce.schema.fields import NUMBER_TYPES, Field, SObject

Row = dict[str, Any]


def fold(text: str | None) -> str | None:
    """Case folding for all letters, where NOCASE knows ASCII only."""
    return None if text is None else str(text).casefold()


def quoted(name: str) -> str:
    return f'"{name}"'


class Store:
    """The database of one organisation."""

    def __init__(self, connection: sqlite3.Connection, schema: Schema) -> None:
        self.connection = connection
        self.schema = schema
        connection.create_function("fold", 1, fold, deterministic=True)
        self._counters: dict[str, int] = {}
        self._columns: dict[str, tuple[int, list[str], str]] = {}
        self._depth = 0
        connection.execute("create table if not exists documents (name text primary key, body text not null)")
        connection.execute(
            "create table if not exists recycle_bin (record_id text primary key, object text not null,"
            " root_id text not null, deleted_at text not null)"
        )
        connection.execute("create index if not exists recycle_bin_root on recycle_bin (root_id)")
        connection.execute(
            "create table if not exists cursors (locator text primary key, body text not null, row_ids blob not null,"
            " created_at text not null)"
        )
        self.writes = WriteLog(connection)

    # --- tables follow the schema

    def build(self) -> None:
        """Create the tables, columns and indexes that the schema asks for and the database lacks."""
        for sobject in self.schema:
            self.build_table(sobject)

    def build_table(self, sobject: SObject) -> None:
        table = quoted(sobject.name)
        present = {row[1].lower() for row in self.connection.execute(f"pragma table_info({table})")}
        stored = [field for field in sobject.fields.values() if field.is_stored]
        if not present:
            columns = ", ".join(f"{quoted(field.name)} {_column_type(field)}" for field in stored)
            self.connection.execute(f"create table {table} (_n integer primary key, {columns})")
        for field in stored:
            if present and field.name.lower() not in present:
                self.connection.execute(f"alter table {table} add column {quoted(field.name)} {_column_type(field)}")
        self._build_indexes(sobject)

    def _build_indexes(self, sobject: SObject) -> None:
        table = quoted(sobject.name)
        for name, columns in self._indexes(sobject).items():
            kind = "unique " if columns == ["Id"] else ""
            listed = ", ".join(map(quoted, columns))
            self.connection.execute(f"create {kind}index if not exists {quoted(name)} on {table} ({listed})")

    def _indexes(self, sobject: SObject) -> dict[str, list[str]]:
        """What records are looked up by: ids, keys, references with a name, and the cursor with its tie-breaker."""
        indexes = {
            f"{sobject.name}_{field.name}": [field.name]
            for field in sobject.fields.values()
            if field.unique or field.id_lookup or field.external_id or field.child_relationship
        }
        if "SystemModstamp" in sobject.fields:
            columns = ["SystemModstamp", "Id"] + (["IsDeleted"] if sobject.has_recycle_bin else [])
            indexes[f"{sobject.name}_SystemModstamp"] = columns
        return indexes

    @contextmanager
    def fast_loading(self, sobject: SObject) -> Iterator[None]:
        """Where the table is still empty, build its indexes after the rows inside are in, not row by row."""
        if self.connection.execute(f"select 1 from {quoted(sobject.name)} limit 1").fetchone() is None:
            for name, columns in self._indexes(sobject).items():
                if columns != ["Id"]:
                    self.connection.execute(f"drop index if exists {quoted(name)}")
        yield
        self._build_indexes(sobject)

    def drop_column(self, sobject: SObject, field: Field) -> None:
        """Forget a field's values."""
        self.connection.execute(f"drop index if exists {quoted(f'{sobject.name}_{field.name}')}")
        self.connection.execute(f"alter table {quoted(sobject.name)} drop column {quoted(field.name)}")

    def rename_column(self, sobject: SObject, old: str, new: str) -> None:
        self.connection.execute(f"alter table {quoted(sobject.name)} rename column {quoted(old)} to {quoted(new)}")

    def clear(self) -> None:
        """Empty the organisation: every table, document and log."""
        for sobject in self.schema:
            self.connection.execute(f"drop table if exists {quoted(sobject.name)}")
        for table in ("documents", "recycle_bin", "cursors"):
            self.connection.execute(f"delete from {table}")
        self.writes.clear()
        self._counters.clear()
        self._columns.clear()

    # --- transactions

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """All writes inside happen, or none. May be nested: an inner failure undoes the inner part only."""
        name = f"level_{self._depth}"
        self.connection.execute(f"savepoint {name}" if self._depth else "begin immediate")
        self._depth += 1
        try:
            yield
        except BaseException:
            self._depth -= 1
            if self._depth:
                self.connection.execute(f"rollback to {name}")
                self.connection.execute(f"release {name}")
            else:
                self.connection.execute("rollback")
            raise
        self._depth -= 1
        self.connection.execute(f"release {name}" if self._depth else "commit")

    # --- rows

    def columns(self, sobject: SObject) -> tuple[list[str], str]:
        """The stored fields of an object, and the same as a quoted SQL list."""
        cached = self._columns.get(sobject.name)
        if cached is None or cached[0] != self.schema.revision:
            names = [field.name for field in sobject.fields.values() if field.is_stored]
            cached = (self.schema.revision, names, ", ".join(map(quoted, names)))
            self._columns[sobject.name] = cached
        return cached[1], cached[2]

    def row(self, sobject: SObject, record_id: str) -> Row | None:
        """One row by its 18-character id, deleted or not, booleans as such."""
        return next(self.rows_where(sobject, '"Id" = ?', (record_id,)), None)

    def rows_where(self, sobject: SObject, condition: str, parameters: Sequence[Any] = ()) -> Iterator[Row]:
        """The rows that satisfy an SQL condition, in order of creation."""
        names, listed = self.columns(sobject)
        booleans = [name for name in names if sobject.fields[name].type == "boolean"]
        query = f"select {listed} from {quoted(sobject.name)} where {condition} order by _n"
        for values in self.connection.execute(query, parameters).fetchall():
            row = dict(zip(names, values, strict=True))
            for name in booleans:
                row[name] = bool(row[name])
            yield row

    def exists(self, sobject: SObject, record_id: str) -> bool | None:
        """True for a living record, False for one in the recycle bin, None for none."""
        deleted = '"IsDeleted"' if sobject.has_recycle_bin else "0"
        row = self.connection.execute(
            f'select {deleted} from {quoted(sobject.name)} where "Id" = ?', (record_id,)
        ).fetchone()
        return None if row is None else not row[0]

    def next_id(self, sobject: SObject) -> str:
        """A fresh id, greater than all this organisation has made for the object."""
        if sobject.name not in self._counters:
            prefix = (sobject.key_prefix or "000") + INSTANCE
            last = self.connection.execute(
                f'select max("Id") from {quoted(sobject.name)} where "Id" > ? and "Id" < ?',
                (prefix, prefix + BASE62[-1] * 9),
            ).fetchone()[0]
            self._counters[sobject.name] = number_of(last) if last else 0
        self._counters[sobject.name] += 1
        return make_id(sobject.key_prefix or "000", self._counters[sobject.name])

    def insert(self, sobject: SObject, row: Mapping[str, Any]) -> None:
        names = ", ".join(map(quoted, row))
        marks = ", ".join("?" * len(row))
        self.connection.execute(f"insert into {quoted(sobject.name)} ({names}) values ({marks})", list(row.values()))

    def replace_many(self, sobject: SObject, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Put many rows in at once, replacing those with the same id."""
        listed = ", ".join(map(quoted, names))
        updates = ", ".join(f"{quoted(name)} = excluded.{quoted(name)}" for name in names)
        marks = ", ".join("?" * len(names))
        self.connection.executemany(
            f"insert into {quoted(sobject.name)} ({listed}) values ({marks})"
            f' on conflict ("Id") do update set {updates}',
            rows,
        )
        self._counters.pop(sobject.name, None)

    def update(self, sobject: SObject, record_id: str, values: Mapping[str, Any]) -> None:
        sets = ", ".join(f"{quoted(name)} = ?" for name in values)
        self.connection.execute(
            f'update {quoted(sobject.name)} set {sets} where "Id" = ?', [*values.values(), record_id]
        )

    def remove(self, sobject: SObject, record_id: str) -> None:
        """Take a row out for good."""
        self.connection.execute(f'delete from {quoted(sobject.name)} where "Id" = ?', (record_id,))

    def ids_with(self, sobject: SObject, field: str, value: Any, limit: int = 100) -> list[str]:
        """Living records that hold a value in a field (without case for text fields)."""
        alive = 'and "IsDeleted" = 0' if sobject.has_recycle_bin else ""
        left = quoted(field)
        if isinstance(value, str) and not value.isascii():
            left, value = f"fold({left})", fold(value)
        rows = self.connection.execute(
            f'select "Id" from {quoted(sobject.name)} where {left} = ? {alive} order by _n limit {limit}',
            (value,),
        )
        return [row[0] for row in rows]

    # --- documents: small pieces of state by name

    def document(self, name: str) -> Any:
        row = self.connection.execute("select body from documents where name = ?", (name,)).fetchone()
        return None if row is None else orjson.loads(row[0])

    @staticmethod
    def document_text(body: Any) -> str:
        return orjson.dumps(body).decode()

    @staticmethod
    def document_from(text: str) -> Any:
        return orjson.loads(text)

    def put_document(self, name: str, body: Any) -> None:
        self.connection.execute(
            "insert or replace into documents (name, body) values (?, ?)", (name, self.document_text(body))
        )


def _column_type(field: Field) -> str:
    if field.type in ("boolean", "int"):
        return "integer"
    if field.type in NUMBER_TYPES:
        return "real"
    if field.type == "id":
        return "text not null"
    if field.is_text and not field.case_sensitive:
        return "text collate nocase"
    return "text"
