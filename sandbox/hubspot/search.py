"""Search v3: filters, sorting and paging over the (possibly lagging) index, translated to SQL.

Owns: the limits of search and how each operator compares. Source: [HubSpot docs: crm/search]. Whether the
negative operators find records without a value is not documented; here they do not.
"""

from __future__ import annotations

import fnmatch
import re
import sqlite3
from collections.abc import Mapping
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from sandbox.hubspot.errors import bad_request
from sandbox.hubspot.object_types import ObjectType
from sandbox.hubspot.organisation import HubSpotOrganisation
from sandbox.hubspot.requests import mapping, object_type, parse_object, sequence
from sandbox.hubspot.standard import Definition
from sandbox.hubspot.store import Stored
from sandbox.hubspot.times import iso, iso_date, parse_iso, parse_ms
from sandbox.serving import JsonResponse

PAGE_LIMIT = 200
RESULT_LIMIT = 10_000
BODY_LIMIT = 3_000
MAX_GROUPS, MAX_FILTERS, MAX_FILTERS_IN_ALL = 5, 6, 18

_COMPARISONS = {"EQ": "=", "NEQ": "<>", "LT": "<", "LTE": "<=", "GT": ">", "GTE": ">="}
Parameters = list[Any]

# What search sees while the index lags: the latest indexed version of each record.
_LAGGING_SOURCE = """(
    select type, id, properties, created, modified, state from records
    where type = ?1 and id not in (select id from unindexed where type = ?1)
    union all
    select type, id, properties, created, modified, state from unindexed as version
    where type = ?1 and existed and rowid = (
        select rowid from unindexed as other where other.type = version.type and other.id = version.id
        order by visible_at, rowid limit 1)
)"""


class Search:
    """The handler of `/crm/v3/objects/{object_type}/search`."""

    def __init__(self, organisation: HubSpotOrganisation) -> None:
        self.organisation = organisation
        connection = organisation.connection
        connection.create_function("fold", 1, _fold, deterministic=True)
        connection.create_function("contains_token", 2, _contains_token, deterministic=True)

    async def search(self, request: Request) -> Response:
        kind, raw = object_type(request), await request.body()
        if len(raw.decode(errors="replace")) > BODY_LIMIT:
            raise bad_request(f"The request body exceeds the maximum of {BODY_LIMIT} characters.")
        body = parse_object(raw)
        size, start = _page(body)
        query = _Query(self.organisation, kind)
        where = query.where(body)
        order = query.order(sequence(body.get("sorts"), "sorts"))
        connection, source = self.organisation.connection, self._source()
        parameters = query.parameters
        (total,) = connection.execute(f"select count(*) from {source} where {where}", parameters).fetchone()
        rows = connection.execute(
            "select type, id, properties, created, modified, state"
            f" from {source} where {where} order by {order} limit {size} offset {start}",
            parameters,
        )
        reply = self._reply(kind, body, rows)
        reply["total"] = total
        if start + size < total:
            reply["paging"] = {"next": {"after": str(start + size)}}
        return JsonResponse(reply)

    def _source(self) -> str:
        lagging = self.organisation.store.has_unindexed(self.organisation.settings.now_ms())
        return _LAGGING_SOURCE if lagging else "records"

    def _reply(self, kind: ObjectType, body: Mapping[str, Any], rows: sqlite3.Cursor) -> dict[str, Any]:
        renderer = self.organisation.renderer
        wanted = renderer.wanted(kind, sequence(body.get("properties"), "properties"))
        records = [
            Stored(type_, record_id, orjson.loads(text), created, modified, state)
            for type_, record_id, text, created, modified, state in rows
        ]
        return {"total": 0, "results": renderer.records(records, wanted)}


class _Query:
    """One search as SQL. Parameters are numbered; ?1 is the object type."""

    def __init__(self, organisation: HubSpotOrganisation, kind: ObjectType) -> None:
        self._organisation = organisation
        self._kind = kind
        self.parameters: Parameters = [kind.name]

    def where(self, body: Mapping[str, Any]) -> str:
        groups = [
            [mapping(item, "filters") for item in sequence(mapping(group, "filterGroups").get("filters"), "filters")]
            for group in sequence(body.get("filterGroups"), "filterGroups")
        ]
        loose = [mapping(item, "filters") for item in sequence(body.get("filters"), "filters")]
        if loose:
            groups.append(loose)
        _check_sizes(groups)
        conditions = ["type = ?1", "state = 0"]
        alternatives = [" and ".join(self._condition(item) for item in group) for group in groups if group]
        if alternatives:
            conditions.append("(" + " or ".join(f"({text})" for text in alternatives) + ")")
        conditions += [self._text_condition(word) for word in _fold(str(body.get("query") or "")).split()]
        return " and ".join(conditions)

    def order(self, sorts: list[Any]) -> str:
        if len(sorts) > 1:
            raise bad_request("Only one sort is supported.")
        if not sorts:
            return "created, id"
        if isinstance(sorts[0], str):
            name, descending = sorts[0].lstrip("-"), sorts[0].startswith("-")
        else:
            spec = mapping(sorts[0], "sorts")
            name, descending = str(spec.get("propertyName")), spec.get("direction") == "DESCENDING"
        expression = self._sortable(self._definition(name))
        return f"{expression} {'desc' if descending else 'asc'}, id"

    def _parameter(self, value: Any) -> str:
        self.parameters.append(value)
        return f"?{len(self.parameters)}"

    def _definition(self, name: str) -> Definition:
        definition = self._organisation.metadata.property(self._kind.name, name)
        if definition is None:
            detail = {"message": f"Property {name} does not exist", "context": {"propertyName": [name]}}
            raise bad_request("There was a problem with the request.", errors=[detail])
        return definition

    def _expression(self, name: str) -> str:
        columns = {"hs_object_id": "id", self._kind.created: "created", self._kind.modified: "modified"}
        return columns.get(name) or f"nullif(json_extract(properties, '$.\"{name}\"'), '')"

    def _sortable(self, definition: Definition) -> str:
        expression = self._expression(definition["name"])
        if expression in ("id", "created", "modified"):
            return expression
        if definition["type"] == "number":
            return f"cast({expression} as real)"
        return f"fold({expression})" if definition["type"] == "string" else expression

    def _comparable(self, definition: Definition, value: Any) -> Any:
        """A filter value in the form of the expression it is compared with."""
        name, text = definition["name"], str(value).strip()
        column = self._expression(name)
        if column == "id" or definition["type"] == "number":
            return _number(name, text)
        if definition["type"] in ("date", "datetime"):
            ms = parse_ms(text)
            ms = parse_iso(text) if ms is None else ms
            if ms is None:
                raise bad_request(f"{text} is not a valid time for {name}.")
            if column in ("created", "modified"):
                return ms
            return iso_date(ms) if definition["type"] == "date" else iso(ms)
        return _fold(text) if definition["type"] == "string" else text

    def _condition(self, item: Mapping[str, Any]) -> str:
        name, operator = str(item.get("propertyName")), str(item.get("operator"))
        if name.startswith("associations."):
            return self._association(name.partition(".")[2], item)
        definition = self._definition(name)
        expression = self._expression(name)
        if operator == "HAS_PROPERTY":
            return f"{expression} is not null"
        if operator == "NOT_HAS_PROPERTY":
            return f"{expression} is null"
        if operator in ("IN", "NOT_IN"):
            return self._membership(definition, operator, sequence(item.get("values"), "values"))
        if operator == "BETWEEN":
            low, high = (self._comparable(definition, item.get(key)) for key in ("value", "highValue"))
            return f"{self._sortable(definition)} between {self._parameter(low)} and {self._parameter(high)}"
        if operator in ("CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN"):
            wanted = 1 if operator == "CONTAINS_TOKEN" else 0
            return f"contains_token({expression}, {self._parameter(_fold(str(item.get('value'))))}) = {wanted}"
        if operator not in _COMPARISONS:
            raise bad_request(f"Invalid operator {operator}.")
        if definition["fieldType"] == "checkbox" and operator in ("EQ", "NEQ"):
            return self._membership(definition, "IN" if operator == "EQ" else "NOT_IN", [item.get("value")])
        return self._compared(definition, operator, item.get("value"))

    def _compared(self, definition: Definition, operator: str, value: Any) -> str:
        comparable = self._comparable(definition, value)
        parameter = self._parameter(comparable)
        condition = f"{self._sortable(definition)} {_COMPARISONS[operator]} {parameter}"
        if operator == "EQ" and definition["name"] in self._unique_names() and self._is_indexed():
            # A shortcut through the table of unique values; the condition itself still decides.
            name = self._parameter(definition["name"])
            raw = self._parameter(str(value).strip())
            holders = "select id from unique_values where type = ?1"
            return f"id in ({holders} and property = {name} and value in ({parameter}, {raw})) and {condition}"
        return condition

    def _is_indexed(self) -> bool:
        return not self._organisation.store.has_unindexed(self._organisation.settings.now_ms())

    def _unique_names(self) -> list[str]:
        return [*self._organisation.metadata.unique_properties(self._kind.name), "email"]

    def _membership(self, definition: Definition, operator: str, values: list[Any]) -> str:
        """IN and NOT_IN: on text properties the given values are compared as they are with the stored ones
        in lower case, so that a value with a capital letter finds nothing."""
        expression = self._sortable(definition)
        if definition["fieldType"] == "checkbox":
            parts = [f"instr(';' || {expression} || ';', {self._parameter(f';{value};')}) > 0" for value in values]
            condition = "(" + (" or ".join(parts) or "0") + ")"
            return condition if operator == "IN" else f"({expression} is not null and not {condition})"
        if definition["type"] == "string":
            comparables: list[Any] = [str(value).strip() for value in values]
        else:
            comparables = [self._comparable(definition, value) for value in values]
        marks = ", ".join(self._parameter(value) for value in comparables)
        return f"{expression} {'in' if operator == 'IN' else 'not in'} ({marks})"

    def _association(self, target: str, item: Mapping[str, Any]) -> str:
        found = self._organisation.metadata.catalog.find(target)
        if found is None:
            raise bad_request(f"Unable to infer object type from: {target}")
        operator = str(item.get("operator"))
        to_type = self._parameter(found.name)
        rows = f"select from_id from associations where from_type = ?1 and to_type = {to_type}"
        if operator in ("EQ", "IN"):
            values = [item.get("value")] if operator == "EQ" else sequence(item.get("values"), "values")
            marks = ", ".join(self._parameter(_number(target, str(value))) for value in values)
            return f"id in ({rows} and to_id in ({marks}))"
        if operator in ("HAS_PROPERTY", "NOT_HAS_PROPERTY"):
            return f"id {'in' if operator == 'HAS_PROPERTY' else 'not in'} ({rows})"
        raise bad_request(f"Invalid operator {operator} for associations.")

    def _text_condition(self, word: str) -> str:
        """`query`: every word must occur in one of the object's default searchable properties."""
        parts = [f"coalesce({self._expression(name)}, '')" for name in self._kind.searchable]
        return f"instr(fold({' || char(10) || '.join(parts)}), {self._parameter(word)}) > 0"


def _page(body: Mapping[str, Any]) -> tuple[int, int]:
    """(page size, offset) within the caps."""
    try:
        size, start = int(body.get("limit") or 10), int(body.get("after") or 0)
    except (TypeError, ValueError) as error:
        raise bad_request("limit and after must be integers.") from error
    if not 1 <= size <= PAGE_LIMIT:
        raise bad_request(f"Invalid limit {size}: it must be between 1 and {PAGE_LIMIT}.")
    if start < 0 or start + size > RESULT_LIMIT:
        raise bad_request(f"The search endpoints are limited to {RESULT_LIMIT} total results per query.")
    return size, start


def _check_sizes(groups: list[list[dict[str, Any]]]) -> None:
    sizes = [len(group) for group in groups]
    if len(groups) > MAX_GROUPS or max(sizes, default=0) > MAX_FILTERS or sum(sizes) > MAX_FILTERS_IN_ALL:
        raise bad_request(
            f"A search may have {MAX_GROUPS} filterGroups of {MAX_FILTERS} filters, {MAX_FILTERS_IN_ALL} in all."
        )


def _number(name: str, text: str) -> float | int:
    try:
        return int(text) if re.fullmatch(r"[+-]?\d{1,18}", text) else float(text)
    except ValueError as error:
        raise bad_request(f"{text} was not a valid number for {name}.") from error


def _fold(text: str | None) -> Any:
    return text.casefold() if text is not None else None


def _contains_token(text: str | None, pattern: str) -> int | None:
    """Whether a text has the words of a pattern, in which `*` stands for anything; null for no text."""
    if text is None:
        return None
    folded = text.casefold()
    words = {folded, *re.split(r"[\s,;]+", folded), *re.split(r"\W+", folded)}
    return int(all(any(fnmatch.fnmatchcase(word, part) for word in words) for part in pattern.split()))
