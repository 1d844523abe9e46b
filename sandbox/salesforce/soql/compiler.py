"""From a SOQL tree to SQL over the store's tables, and the plan by which rows become records.

Owns: resolving names for one user, joins for parent paths, the SELECT list. Refuses: to run anything.
Filters are compiled in `filters`, which shares this module's scope.
[Salesforce docs: SOQL reference]
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import orjson

from sandbox.salesforce.errors import SoqlError
from sandbox.salesforce.schema.catalog import View
from sandbox.salesforce.schema.fields import Field, SObject
from sandbox.salesforce.soql.filters import compile_condition
from sandbox.salesforce.soql.lexer import error_at
from sandbox.salesforce.soql.scope import Column, Scope
from sandbox.salesforce.soql.tree import Function, Order, Path, Query, Selected

AGGREGATES = {
    "COUNT": "count({})",
    "COUNT_DISTINCT": "count(distinct {})",
    "MIN": "min({})",
    "MAX": "max({})",
    "SUM": "sum({})",
    "AVG": "avg({})",
}
MAX_FIELDS_FUNCTION_ROWS = 200
Converter = Callable[[Any], Any]


@dataclass
class Node:
    """A record to build: its fields as (key, column, converter) and its parents as (key, node)."""

    type_name: str
    id_column: int
    id_object_column: int | None = None
    fields: list[tuple[str, int, Converter | None]] = field(default_factory=list)
    parents: list[tuple[str, Node]] = field(default_factory=list)


@dataclass
class Child:
    """A subquery of the SELECT list, to be run for each page of parents."""

    relationship: str
    query: Query
    object: SObject
    link: Field


@dataclass
class Compiled:
    """A query ready to run: SQL in parts, and how its rows become records.

    `names` are the selected paths as written, `types` the field types of their columns;
    `alive` leaves out the recycle bin ("" when it does not), `condition` is the query's own filter.
    """

    query: Query
    object: SObject
    columns: list[str] = field(default_factory=list)
    joins: str = ""
    alive: str = ""
    condition: str = ""
    parameters: list[Any] = field(default_factory=list)
    order: str = ""
    group: str = ""
    root: Node | None = None
    aggregate_keys: list[str] = field(default_factory=list)
    children: list[Child] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    types: dict[int, str] = field(default_factory=dict)

    @property
    def source(self) -> str:
        """The SQL from FROM to WHERE."""
        where = " and ".join(part for part in (self.alive, self.condition) if part)
        return f"{self.joins} where {where}" if where else self.joins

    @property
    def is_aggregate(self) -> bool:
        return bool(self.aggregate_keys)


def compile_query(query: Query, view: View, today: date, all_rows: bool = False) -> Compiled:
    """Resolve a parsed query against what a user may see; SoqlError where it names what he cannot."""
    sobject = find_object(query, view)
    scope = Scope(query, sobject, view, today)
    compiled = Compiled(query, sobject)
    if sobject.has_recycle_bin and not (all_rows or query.all_rows):
        compiled.alive = f'{scope.alias}."IsDeleted" = 0'
    visible = view.visible_sql(scope.alias)
    compiled.alive = " and ".join(part for part in (compiled.alive, visible) if part)
    if query.where is not None:
        condition, compiled.parameters = compile_condition(query.where, scope, compile_subquery(view, today))
        compiled.condition = f"({condition})"
    if query.group_by or _has_aggregate(query):
        _select_aggregates(compiled, scope)
    elif not query.is_count:
        _select_fields(compiled, scope)
    compiled.order = _order(query, scope)
    compiled.joins = scope.joins_sql()
    return compiled


def find_object(query: Query, view: View) -> SObject:
    """The object a query reads; INVALID_TYPE when there is none."""
    sobject = view.schema.find(query.object_name)
    if sobject is None:
        message = (
            f"sObject type '{query.object_name}' is not supported. If you are attempting to use a custom object,"
            " be sure to append the '__c' after the entity name. Please reference your WSDL or the describe call"
            " for the appropriate names."
        )
        raise error_at(query.text, query.object_position, message, "INVALID_TYPE")
    return sobject


def compile_subquery(view: View, today: date) -> Callable[[Query], tuple[str, list[Any]]]:
    """How filters compile a semi-join: one selected column of living rows."""

    def compile_one(query: Query) -> tuple[str, list[Any]]:
        if len(query.select) != 1 or not isinstance(query.select[0].item, Path):
            raise SoqlError("MALFORMED_QUERY", "Semi join sub-selects must select exactly one field")
        scope = Scope(query, find_object(query, view), view, today, depth=1)
        column = scope.column(query.select[0].item)
        parts = [f"{column.sql} is not null"]
        if scope.object.has_recycle_bin:
            parts.append(f'{scope.alias}."IsDeleted" = 0')
        parts += [visible] if (visible := view.visible_sql(scope.alias)) else []
        parameters: list[Any] = []
        if query.where is not None:
            condition, parameters = compile_condition(query.where, scope, compile_subquery(view, today))
            parts.append(f"({condition})")
        return f"select {column.sql} {scope.joins_sql()} where {' and '.join(parts)}", parameters

    return compile_one


def converter(of: Field) -> Converter | None:
    """How a stored value of a field becomes its JSON value; None when it is the same."""
    if of.type == "boolean":
        return bool
    if of.type in ("anyType", "address"):
        return _loads
    return None


def _loads(value: Any) -> Any:
    return None if value is None else orjson.loads(value)


def _has_aggregate(query: Query) -> bool:
    return not query.is_count and any(
        isinstance(each.item, Function) and each.item.name in AGGREGATES for each in query.select
    )


def _select_fields(compiled: Compiled, scope: Scope) -> None:
    root = Node(compiled.object.name, _add(compiled, f'{scope.alias}."Id"'))
    compiled.root = root
    for selected in compiled.query.select:
        item = selected.item
        if isinstance(item, Query):
            compiled.children.append(_child(item, scope))
        elif isinstance(item, Function):
            _select_function(item, selected, compiled, scope, root)
        else:
            _select_path(item, compiled, scope, root)


def _select_path(path: Path, compiled: Compiled, scope: Scope, root: Node) -> None:
    column = scope.column(path)
    node = root
    for depth, hop in enumerate(column.hops):
        parent = next((each for key, each in node.parents if key == hop.name), None)
        if parent is None:
            id_column = scope.hop_id(column.hops[: depth + 1])
            parent = Node(hop.type_name, _add(compiled, id_column))
            if hop.object_sql:
                parent.id_object_column = _add(compiled, hop.object_sql)
            node.parents.append((hop.name, parent))
        node = parent
    if any(key == column.name for key, _, _ in node.fields):
        raise SoqlError("INVALID_FIELD", f"duplicate field selected: {'.'.join(path.parts)}")
    index = _add(compiled, column.sql)
    compiled.types[index] = column.field.type
    node.fields.append((column.name, index, converter(column.field)))
    compiled.names.append(".".join(path.parts))


def _select_function(item: Function, selected: Selected, compiled: Compiled, scope: Scope, root: Node) -> None:
    if item.name == "FIELDS" and item.path is not None:
        _select_all(item, compiled, scope, root)
        return
    if item.name != "TOLABEL" or item.path is None:
        raise error_at(compiled.query.text, item.position, f"unexpected token: '{item.name}'")
    column = scope.column(item.path)
    labels = {value.value: value.label for value in column.field.picklist}
    key = selected.alias or column.name
    root.fields.append((key, _add(compiled, column.sql), lambda value: labels.get(value, value)))
    compiled.names.append(key)


def _select_all(item: Function, compiled: Compiled, scope: Scope, root: Node) -> None:
    which = item.path.parts[0].upper() if item.path else ""
    limit = compiled.query.limit
    if which != "STANDARD" and (limit is None or limit > MAX_FIELDS_FUNCTION_ROWS):
        message = f"The SOQL FIELDS function must have a LIMIT of at most {MAX_FIELDS_FUNCTION_ROWS}"
        raise SoqlError("MALFORMED_QUERY", message)
    for each in scope.view.fields(compiled.object):
        if which == "ALL" or each.custom == (which == "CUSTOM"):
            _select_path(Path((each.name,), item.position), compiled, scope, root)


def _child(query: Query, scope: Scope) -> Child:
    relationship = query.object_name.lower()
    for sobject in scope.view.schema:
        for link in scope.view.fields(sobject):
            name = link.child_relationship
            if name and name.lower() == relationship and scope.object.name in link.reference_to:
                return Child(name, query, sobject, link)
    message = (
        f"Didn't understand relationship '{query.object_name}' in FROM part of query call. If you are attempting"
        " to use a custom relationship, be sure to append the '__r' after the custom relationship name. Please"
        " reference your WSDL or the describe call for the appropriate names."
    )
    raise error_at(query.text, query.object_position, message, "INVALID_TYPE")


def _select_aggregates(compiled: Compiled, scope: Scope) -> None:
    query = compiled.query
    grouped = [scope.column(path).sql for path in query.group_by]
    unnamed = 0
    for selected in query.select:
        item = selected.item
        if isinstance(item, Query):
            raise SoqlError("MALFORMED_QUERY", "Grouped query cannot contain a subquery")
        if isinstance(item, Path):
            column = scope.column(item)
            if column.sql not in grouped:
                message = f"Field must be grouped or aggregated: {column.name}"
                raise error_at(query.text, item.position, message)
            compiled.aggregate_keys.append(selected.alias or column.name)
            _add(compiled, column.sql)
            continue
        key = selected.alias or f"expr{unnamed}"
        unnamed += selected.alias is None
        compiled.aggregate_keys.append(key)
        _add(compiled, aggregate_sql(item, scope))
    if grouped:
        compiled.group = f"group by {', '.join(grouped)}"
    if query.having is not None:
        condition, parameters = compile_condition(
            query.having, scope, compile_subquery(scope.view, scope.today), aggregate_sql
        )
        compiled.group += f" having {condition}"
        compiled.parameters += parameters


def aggregate_sql(item: Function, scope: Scope) -> str:
    """The SQL of an aggregate function."""
    if item.name not in AGGREGATES:
        raise error_at(scope.query.text, item.position, f"unexpected token: '{item.name}'")
    return AGGREGATES[item.name].format(scope.column(item.path).sql if item.path else "*")


def _order(query: Query, scope: Scope) -> str:
    if not query.order_by:
        return "" if query.group_by or _has_aggregate(query) else f"order by {scope.alias}._n"
    return "order by " + ", ".join(_order_item(order, scope) for order in query.order_by)


def _order_item(order: Order, scope: Scope) -> str:
    direction = "desc" if order.descending else "asc"
    if isinstance(order.by, Function):
        return f"{aggregate_sql(order.by, scope)} {direction}"
    column: Column = scope.column(order.by)
    if not column.field.sortable:
        message = f"field '{column.name}' can not be sorted in a query call"
        raise error_at(scope.query.text, order.by.position, message)
    if not column.field.nillable and not column.hops:
        return f"{column.sql} {direction}"
    return f"{column.sql} {direction} nulls {'last' if order.nulls_last else 'first'}"


def _add(compiled: Compiled, sql: str) -> int:
    compiled.columns.append(sql)
    return len(compiled.columns) - 1
