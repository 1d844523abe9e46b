"""Running queries: pages of records, cursors, counts, child rows.

Owns: `query`, `queryAll` and `queryMore` as functions over the store. Refuses: HTTP and SOQL's grammar.
A cursor is a snapshot of row numbers; rows are read when their page is. Cursors live two days.
[Salesforce docs: REST API query, API cursor limits]
"""

from __future__ import annotations

import secrets
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sandbox.salesforce.errors import SoqlError
from sandbox.salesforce.ids import BASE62
from sandbox.salesforce.schema.catalog import View
from sandbox.salesforce.soql.compiler import Child, Compiled, Node, compile_query
from sandbox.salesforce.soql.parser import parse
from sandbox.salesforce.soql.tree import Query
from sandbox.salesforce.store import Store
from sandbox.salesforce.values import format_datetime, parse_datetime

MAX_BATCH, MIN_BATCH = 2000, 200
LONG_TEXT_BATCH = 200  # two or more long text areas selected [Salesforce docs: headers_queryoptions]
CURSOR_LIFE = timedelta(days=2)
READ_CHUNK = 500

Record = dict[str, Any]


@dataclass(frozen=True)
class Reader:
    """Who reads, through which API version, and when."""

    view: View
    base: str
    now: datetime


class Queries:
    """Everything that answers SOQL."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def compile(self, soql: str, reader: Reader, all_rows: bool) -> Compiled:
        return compile_query(parse(soql), reader.view, reader.now.date(), all_rows)

    def first_page(self, soql: str, reader: Reader, all_rows: bool, batch_size: int) -> Record:
        """The reply to a query: `{totalSize, done, records, nextRecordsUrl?}`."""
        compiled = self.compile(soql, reader, all_rows)
        if compiled.query.is_count:
            return {"totalSize": self.count(compiled), "done": True, "records": []}
        if compiled.is_aggregate:
            return whole(self.aggregates(compiled))
        size = page_size(compiled, batch_size)
        rows = self.rows(compiled, size + 1)
        if len(rows) <= size:
            return whole(self.records(compiled, rows, reader))
        row_ids = self.row_ids(compiled)
        body = {"soql": soql, "all_rows": all_rows, "size": size}
        locator = self._save_cursor(body, row_ids, reader.now)
        return self._page(compiled, row_ids, 0, size, locator, reader)

    def next_page(self, locator: str, reader: Reader) -> Record:
        """The page that a `nextRecordsUrl` names, `<cursor>-<offset>`."""
        cursor, _, offset_text = locator.rpartition("-")
        saved = self.store.connection.execute(
            "select body, row_ids, created_at from cursors where locator = ?", (cursor,)
        ).fetchone()
        created = saved and parse_datetime(saved[2])
        if saved is None or not offset_text.isdigit() or created is None or reader.now - created > CURSOR_LIFE:
            raise SoqlError("INVALID_QUERY_LOCATOR", "invalid query locator")
        body = self.store.document_from(saved[0])
        row_ids = array("q", saved[1])
        offset = int(offset_text)
        if offset >= len(row_ids):
            raise SoqlError("INVALID_QUERY_LOCATOR", "invalid query locator")
        compiled = self.compile(body["soql"], reader, body["all_rows"])
        return self._page(compiled, row_ids, offset, body["size"], cursor, reader)

    # --- SQL

    def count(self, compiled: Compiled) -> int:
        query = compiled.query
        sql = f"select count(*) {compiled.source}"
        if query.limit is not None or query.offset:
            sql = f"select count(*) from (select 1 {compiled.source} limit {_limit(query)} offset {query.offset})"
        return int(self.store.connection.execute(sql, compiled.parameters).fetchone()[0])

    def rows(self, compiled: Compiled, most: int) -> list[tuple[Any, ...]]:
        limit = min(most, query_limit) if (query_limit := compiled.query.limit) is not None else most
        sql = (
            f"select {', '.join(compiled.columns)} {compiled.source} {compiled.group} {compiled.order}"
            f" limit {limit} offset {compiled.query.offset}"
        )
        return self.store.connection.execute(sql, compiled.parameters).fetchall()

    def row_ids(self, compiled: Compiled) -> array[int]:
        """The row numbers of all records of a query, in its order."""
        query = compiled.query
        sql = f"select t0._n {compiled.source} {compiled.order} limit {_limit(query)} offset {query.offset}"
        return array("q", (row[0] for row in self.store.connection.execute(sql, compiled.parameters)))

    def rows_by_number(self, compiled: Compiled, numbers: Sequence[int]) -> list[tuple[Any, ...]]:
        """The given rows as they are now, in the given order; rows deleted since are left out."""
        alive = f"and {compiled.alive}" if compiled.alive else ""
        found: dict[int, tuple[Any, ...]] = {}
        for start in range(0, len(numbers), READ_CHUNK):
            chunk = numbers[start : start + READ_CHUNK]
            marks = ", ".join(map(str, chunk))
            sql = f"select {', '.join(compiled.columns)}, t0._n {compiled.joins} where t0._n in ({marks}) {alive}"
            found.update((row[-1], row[:-1]) for row in self.store.connection.execute(sql))
        return [found[number] for number in numbers if number in found]

    # --- replies

    def aggregates(self, compiled: Compiled) -> list[Record]:
        keys = compiled.aggregate_keys
        return [
            {"attributes": {"type": "AggregateResult"}, **dict(zip(keys, row, strict=True))}
            for row in self.rows(compiled, MAX_BATCH)
        ]

    def records(self, compiled: Compiled, rows: Sequence[tuple[Any, ...]], reader: Reader) -> list[Record]:
        """Rows as records, parents nested, child subqueries answered."""
        assert compiled.root is not None
        build = builder(compiled.root, f"{reader.base}/sobjects/")
        records = [build(row) for row in rows]
        for child in compiled.children:
            self._add_children(child, compiled, rows, records, reader)
        return records  # type: ignore[return-value]

    def _page(
        self, compiled: Compiled, row_ids: array[int], offset: int, size: int, cursor: str, reader: Reader
    ) -> Record:
        rows = self.rows_by_number(compiled, row_ids[offset : offset + size])
        end = offset + size
        page: Record = {"totalSize": len(row_ids), "done": end >= len(row_ids)}
        if not page["done"]:
            page["nextRecordsUrl"] = f"{reader.base}/query/{cursor}-{end}"
        page["records"] = self.records(compiled, rows, reader)
        return page

    def _save_cursor(self, body: Record, row_ids: array[int], now: datetime) -> str:
        locator = "0r8" + "".join(secrets.choice(BASE62) for _ in range(15))
        oldest = format_datetime(now - CURSOR_LIFE)
        with self.store.savepoint():
            self.store.connection.execute("delete from cursors where created_at < ?", (oldest,))
            self.store.connection.execute(
                "insert into cursors values (?, ?, ?, ?)",
                (locator, self.store.document_text(body), row_ids.tobytes(), format_datetime(now)),
            )
        return locator

    def _add_children(
        self,
        child: Child,
        compiled: Compiled,
        rows: Sequence[tuple[Any, ...]],
        records: Sequence[Any],
        reader: Reader,
    ) -> None:
        """Run a child subquery once for all parents of a page and hand the rows out."""
        assert compiled.root is not None
        by_id = {row[compiled.root.id_column]: record for row, record in zip(rows, records, strict=True)}
        for record in records:
            record[child.relationship] = None
        compiled_child = compile_query(_as_query(child), reader.view, reader.now.date())
        link_column = len(compiled_child.columns)
        compiled_child.columns.append(f't0."{child.link.name}"')
        conditions = [part for part in (compiled_child.alive, compiled_child.condition) if part]
        grouped: dict[str, list[tuple[Any, ...]]] = {}
        ids = list(by_id)
        for start in range(0, len(ids), READ_CHUNK):
            chunk = ids[start : start + READ_CHUNK]
            marks = ", ".join("?" * len(chunk))
            where = " and ".join([*conditions, f't0."{child.link.name}" in ({marks})'])
            columns = ", ".join(compiled_child.columns)
            sql = f"select {columns} {compiled_child.joins} where {where} {compiled_child.order}"
            for row in self.store.connection.execute(sql, [*compiled_child.parameters, *chunk]):
                grouped.setdefault(row[link_column], []).append(row)
        for parent_id, children in grouped.items():
            cut = children[: child.query.limit] if child.query.limit is not None else children
            by_id[parent_id][child.relationship] = whole(self.records(compiled_child, cut, reader))


def page_size(compiled: Compiled, wanted: int) -> int:
    """How many records a page holds: what was asked for, fewer with several long texts."""
    long_texts = 0
    if compiled.root is not None:
        names = [key for key, _, _ in compiled.root.fields]
        long_texts = sum(compiled.object.fields[name].is_long_text for name in names if name in compiled.object.fields)
    return min(wanted, LONG_TEXT_BATCH) if long_texts >= 2 else wanted


def builder(node: Node, url_base: str) -> Callable[[Sequence[Any]], Record | None]:
    """A function that makes a record of a row; None where a parent is missing."""
    fields, id_column, object_column = node.fields, node.id_column, node.id_object_column
    parents = [(key, builder(parent, url_base)) for key, parent in node.parents]
    type_name = node.type_name
    fixed_url = f"{url_base}{type_name}/"

    def build(row: Sequence[Any]) -> Record | None:
        record_id = row[id_column]
        if record_id is None:
            return None
        url = fixed_url + record_id if object_column is None else f"{url_base}{row[object_column]}/{record_id}"
        record: Record = {"attributes": {"type": type_name, "url": url}}
        for key, column, convert in fields:
            value = row[column]
            record[key] = value if convert is None else convert(value)
        for key, make in parents:
            record[key] = make(row)
        return record

    return build


def whole(records: list[Record]) -> Record:
    return {"totalSize": len(records), "done": True, "records": records}


def _limit(query: Query) -> int:
    return -1 if query.limit is None else query.limit


def _as_query(child: Child) -> Query:
    """A subquery's own tree, with the relationship name replaced by the object it leads to."""
    query = child.query
    return Query(
        query.text, query.select, child.object.name, query.object_position, query.alias, query.where, (), None,
        query.order_by,
    )  # fmt: skip
