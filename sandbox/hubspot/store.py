"""Records, their unique values, their history and their associations, in SQLite.

Owns: the tables and the statements on them. Refuses: to judge values (validation.py) or to know what a write
means (writing.py). Only non-empty and once-cleared values are stored; `hs_object_id` and the two times are
columns and are put into replies by rendering.py.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import orjson

LIVE, ARCHIVED, MERGED = 0, 1, 2
ID_CHUNK = 500

_TABLES = """
create table if not exists meta (key text primary key, value text);
create table if not exists records (type text, id integer, properties text not null, created integer not null,
    modified integer not null, state integer not null default 0, archived_at integer, merged_into integer,
    primary key (type, id)) without rowid;
create index if not exists records_by_modified on records (type, state, modified, id);
create index if not exists records_archived on records (type, id) where state = 1;
create index if not exists records_by_merge on records (type, merged_into) where merged_into is not null;
create table if not exists unique_values (type text, property text, value text, id integer not null,
    primary key (type, property, value)) without rowid;
create index if not exists unique_values_by_record on unique_values (type, id);
create table if not exists history (type text, id integer, property text, at integer, value text,
    source_type text, source_id text, user_id integer);
create index if not exists history_by_record on history (type, id, property);
create table if not exists associations (from_type text, from_id integer, to_type text, to_id integer,
    type_id integer, primary key (from_type, from_id, to_type, to_id, type_id)) without rowid;
create table if not exists dormant_associations (of_type text, of_id integer, from_type text, from_id integer,
    to_type text, to_id integer, type_id integer);
create table if not exists unindexed (type text, id integer, existed integer, properties text, created integer,
    modified integer, state integer, visible_at integer);
create index if not exists unindexed_by_record on unindexed (type, id, visible_at);
"""
_COLUMNS = "type, id, properties, created, modified, state, archived_at, merged_into"
Row = tuple[str, int, str, int, int, int, int | None, int | None]


@dataclass(slots=True)
class Stored:
    """One record as stored. Times are milliseconds since the epoch."""

    type: str
    id: int
    properties: dict[str, str]
    created: int
    modified: int
    state: int = LIVE
    archived_at: int | None = None
    merged_into: int | None = None


@dataclass(frozen=True, slots=True)
class Version:
    """One entry of a property's history."""

    value: str
    at: int
    source_type: str
    source_id: str
    user_id: int | None = None


def _stored(row: Row) -> Stored:
    return Stored(row[0], row[1], orjson.loads(row[2]), *row[3:])


def _row(record: Stored) -> Row:
    return (
        record.type,
        record.id,
        orjson.dumps(record.properties).decode(),
        record.created,
        record.modified,
        record.state,
        record.archived_at,
        record.merged_into,
    )


def chunks(ids: Iterable[int]) -> Iterable[Sequence[int]]:
    """The ids in lists that fit one SQL statement."""
    listed = list(ids)
    return (listed[start : start + ID_CHUNK] for start in range(0, len(listed), ID_CHUNK))


class Store:
    """All statements on the tables above. Writes expect to run inside `database.transaction`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        connection.executescript(_TABLES)

    # meta -------------------------------------------------------------------------------------------------

    def meta(self, key: str) -> str | None:
        row = self.connection.execute("select value from meta where key = ?", (key,)).fetchone()
        return row[0] if row else None

    def set_meta(self, key: str, value: str) -> None:
        self.connection.execute("insert or replace into meta values (?, ?)", (key, value))

    def clear(self) -> None:
        """Delete every record and all that hangs on them."""
        for table in (
            "records",
            "unique_values",
            "history",
            "associations",
            "dormant_associations",
            "unindexed",
            "meta",
        ):
            self.connection.execute(f"delete from {table}")

    # records ----------------------------------------------------------------------------------------------

    def next_id(self, first: int) -> int:
        """A fresh record id, greater than every id seen so far and at least `first`."""
        record_id = max(int(self.meta("last_id") or 0) + 1, first)
        self.set_meta("last_id", str(record_id))
        return record_id

    def saw_id(self, record_id: int) -> None:
        """Remember that this id is taken."""
        if record_id > int(self.meta("last_id") or 0):
            self.set_meta("last_id", str(record_id))

    def get(self, type_: str, record_id: int) -> Stored | None:
        """The record with this very id: live, archived or merged away."""
        row = self.connection.execute(
            f"select {_COLUMNS} from records where type = ? and id = ?", (type_, record_id)
        ).fetchone()
        return _stored(row) if row else None

    def survivor(self, type_: str, record_id: int) -> Stored | None:
        """The record that this id stands for now: itself, or the one it was merged into."""
        record = self.get(type_, record_id)
        while record is not None and record.merged_into is not None:
            record = self.get(type_, record.merged_into)
        return record

    def many(self, type_: str, ids: Iterable[int]) -> dict[int, Stored]:
        """The records with these very ids, by id."""
        found: dict[int, Stored] = {}
        for chunk in chunks(ids):
            marks = ",".join("?" * len(chunk))
            rows = self.connection.execute(
                f"select {_COLUMNS} from records where type = ? and id in ({marks})", (type_, *chunk)
            )
            found.update((row[1], _stored(row)) for row in rows)
        return found

    def page(self, type_: str, start: int, limit: int, state: int) -> list[Stored]:
        """Up to `limit` records of a state with ids from `start` on, by id."""
        rows = self.connection.execute(
            f"select {_COLUMNS} from records where type = ? and id >= ? and state = {state:d} order by id limit ?",
            (type_, start, limit),
        )
        return [_stored(row) for row in rows]

    def all(self, type_: str) -> Iterable[Stored]:
        """Every live record, by id."""
        rows = self.connection.execute(
            f"select {_COLUMNS} from records where type = ? and state = 0 order by id", (type_,)
        )
        return (_stored(row) for row in rows)

    def save(self, record: Stored) -> None:
        """Insert or replace a record."""
        self.connection.execute(
            f"insert or replace into records ({_COLUMNS}) values (?, ?, ?, ?, ?, ?, ?, ?)", _row(record)
        )

    def save_many(self, records: Iterable[Stored]) -> None:
        self.connection.executemany(
            f"insert or replace into records ({_COLUMNS}) values (?, ?, ?, ?, ?, ?, ?, ?)",
            (_row(record) for record in records),
        )

    def merged_into(self, type_: str, record_id: int) -> list[int]:
        """Ids of the records that were merged directly into this one."""
        rows = self.connection.execute(
            "select id from records where type = ? and merged_into = ? order by id", (type_, record_id)
        )
        return [row[0] for row in rows]

    # values that identify a record ------------------------------------------------------------------------

    def holder(self, type_: str, name: str, value: str) -> int | None:
        """The id of the record that has this unique value."""
        row = self.connection.execute(
            "select id from unique_values where type = ? and property = ? and value = ?", (type_, name, value)
        ).fetchone()
        return row[0] if row else None

    def set_unique(self, type_: str, record_id: int, values: Iterable[tuple[str, str]]) -> None:
        """Make these (property, value) pairs all the unique values of a record."""
        self.connection.execute("delete from unique_values where type = ? and id = ?", (type_, record_id))
        self.connection.executemany(
            "insert or replace into unique_values values (?, ?, ?, ?)",
            [(type_, name, value, record_id) for name, value in values],
        )

    def replace_unique(self, type_: str, record_ids: Iterable[int], rows: Iterable[tuple[str, str, str, int]]) -> None:
        """Make these (type, property, value, id) rows all the unique values of many records."""
        self.connection.executemany(
            "delete from unique_values where type = ? and id = ?",
            ((type_, record_id) for record_id in record_ids),
        )
        self.connection.executemany("insert or replace into unique_values values (?, ?, ?, ?)", rows)

    # history ----------------------------------------------------------------------------------------------

    def add_versions(self, record: Stored, versions: Iterable[tuple[str, Version]]) -> None:
        self.connection.executemany(
            "insert into history values (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (record.type, record.id, name, v.at, v.value, v.source_type, v.source_id, v.user_id)
                for name, v in versions
            ],
        )

    def versions(self, type_: str, record_id: int, name: str) -> list[Version]:
        """The kept versions of a property, newest first; empty while it never changed."""
        rows = self.connection.execute(
            "select value, at, source_type, source_id, user_id from history"
            " where type = ? and id = ? and property = ? order by at desc, rowid desc",
            (type_, record_id, name),
        )
        return [Version(*row) for row in rows]

    # associations -----------------------------------------------------------------------------------------

    def associations(self, from_type: str, from_ids: Iterable[int], to_type: str) -> dict[int, dict[int, list[int]]]:
        """from id -> to id -> sorted type ids."""
        found: dict[int, dict[int, list[int]]] = {}
        for chunk in chunks(from_ids):
            marks = ",".join("?" * len(chunk))
            rows = self.connection.execute(
                "select from_id, to_id, type_id from associations where from_type = ? and to_type = ?"
                f" and from_id in ({marks}) order by from_id, to_id, type_id",
                (from_type, to_type, *chunk),
            )
            for from_id, to_id, type_id in rows:
                found.setdefault(from_id, {}).setdefault(to_id, []).append(type_id)
        return found

    def add_associations(self, rows: Iterable[tuple[str, int, str, int, int]]) -> None:
        """Add rows (from type, from id, to type, to id, type id); the caller adds both directions."""
        self.connection.executemany("insert or ignore into associations values (?, ?, ?, ?, ?)", rows)

    def remove_associations(self, rows: Iterable[tuple[str, int, str, int, int]]) -> None:
        self.connection.executemany(
            "delete from associations where from_type = ? and from_id = ? and to_type = ? and to_id = ?"
            " and type_id = ?",
            rows,
        )

    def associations_of(self, type_: str, record_id: int) -> list[tuple[str, int, int]]:
        """(to type, to id, type id) of everything a record is associated with."""
        return self.connection.execute(
            "select to_type, to_id, type_id from associations where from_type = ? and from_id = ?"
            " order by to_type, to_id, type_id",
            (type_, record_id),
        ).fetchall()

    def forget_association_types(self, type_ids: Iterable[int]) -> None:
        """Take association types away from every pair of records."""
        for table in ("associations", "dormant_associations"):
            self.connection.executemany(f"delete from {table} where type_id = ?", [(each,) for each in type_ids])

    def erase(self, type_: str, record_id: int) -> None:
        """Forget a record and all that hangs on it, for good."""
        for table in ("records", "unique_values", "history", "unindexed"):
            self.connection.execute(f"delete from {table} where type = ? and id = ?", (type_, record_id))
        for table in ("associations", "dormant_associations"):
            for end in ("from", "to"):
                where = f"{end}_type = ? and {end}_id = ?"
                self.connection.execute(f"delete from {table} where {where}", (type_, record_id))

    def put_to_sleep(self, type_: str, record_id: int) -> None:
        """Keep an archived record's associations aside, for the day it is restored."""
        self.connection.execute(
            "insert into dormant_associations select ?, ?, from_type, from_id, to_type, to_id, type_id"
            " from associations where from_type = ? and from_id = ?",
            (type_, record_id, type_, record_id),
        )

    def wake_up(self, type_: str, record_id: int) -> list[tuple[str, int, int]]:
        """The associations kept aside for a record, as (to type, to id, type id); they are forgotten here."""
        rows = self.connection.execute(
            "select to_type, to_id, type_id from dormant_associations where of_type = ? and of_id = ?",
            (type_, record_id),
        ).fetchall()
        self.connection.execute("delete from dormant_associations where of_type = ? and of_id = ?", (type_, record_id))
        return rows

    # the delayed search index -----------------------------------------------------------------------------

    def keep_indexed(self, type_: str, record_id: int, visible_at: int) -> None:
        """Before a write: what search goes on seeing of this record until `visible_at`."""
        before = self.get(type_, record_id)
        if before is None:
            row: tuple[object, ...] = (type_, record_id, 0, "{}", 0, 0, ARCHIVED, visible_at)
        else:
            stored = _row(before)
            row = (type_, record_id, 1, *stored[2:6], visible_at)
        self.connection.execute("insert into unindexed values (?, ?, ?, ?, ?, ?, ?, ?)", row)

    def has_unindexed(self, now: int) -> bool:
        """Whether search still lags behind at `now`; forgets what it has caught up with."""
        row = self.connection.execute("select max(visible_at), min(visible_at) from unindexed").fetchone()
        if row[0] is None:
            return False
        if row[1] <= now:
            self.connection.execute("delete from unindexed where visible_at <= ?", (now,))
        return bool(row[0] > now)
