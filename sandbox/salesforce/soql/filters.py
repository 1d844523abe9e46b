"""WHERE and HAVING: conditions to SQL, with the types checked as Salesforce checks them.

Owns: operators, literals against field types, two-valued logic (a null is simply "not equal").
Refuses: to resolve names (the scope does).
[Salesforce docs: SOQL reference, comparison operators, date formats]
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from sandbox.salesforce.errors import SoqlError
from sandbox.salesforce.ids import is_id, to_18
from sandbox.salesforce.schema.fields import NUMBER_TYPES, Field
from sandbox.salesforce.soql.lexer import error_at
from sandbox.salesforce.soql.relative_dates import date_range
from sandbox.salesforce.soql.scope import Column, Scope
from sandbox.salesforce.soql.tree import Both, Comparison, Condition, Function, Literal, Not, Query
from sandbox.salesforce.values import format_with_milliseconds, parse_date, parse_datetime

MAX_LITERAL_LENGTH = 4000
Sql = tuple[str, list[Any]]
Subqueries = Callable[[Query], Sql]
Aggregates = Callable[[Function, Scope], str]


def compile_condition(
    condition: Condition, scope: Scope, subqueries: Subqueries, aggregates: Aggregates | None = None
) -> Sql:
    """The SQL of a condition and its parameters, in order."""
    if isinstance(condition, Not):
        sql, parameters = compile_condition(condition.condition, scope, subqueries, aggregates)
        return f"not coalesce(({sql}), 0)", parameters
    if isinstance(condition, Both):
        parts = [compile_condition(each, scope, subqueries, aggregates) for each in condition.conditions]
        joined = _join([f"({sql})" for sql, _ in parts], f" {condition.operator.lower()} ")
        return joined, [parameter for _, parameters in parts for parameter in parameters]
    if isinstance(condition.left, Function):
        return _compare_aggregate(condition, scope, aggregates)
    return _Comparer(condition, scope.column(condition.left), scope).compile(subqueries)


def _join(parts: Sequence[str], glue: str) -> str:
    """Join by halves, so that SQLite's limit on the depth of an expression is far away."""
    if len(parts) <= 2:
        return glue.join(parts)
    middle = len(parts) // 2
    return f"({_join(parts[:middle], glue)}){glue}({_join(parts[middle:], glue)})"


def _compare_aggregate(comparison: Comparison, scope: Scope, aggregates: Aggregates | None) -> Sql:
    function, literal = comparison.left, comparison.right
    assert isinstance(function, Function)
    if aggregates is None or not isinstance(literal, Literal) or comparison.operator == "LIKE":
        raise error_at(scope.query.text, comparison.position, f"unexpected token: '{function.name}'")
    return f"{aggregates(function, scope)} {comparison.operator} ?", [literal.value]


class _Comparer:
    """One comparison of one column."""

    def __init__(self, comparison: Comparison, column: Column, scope: Scope) -> None:
        self.comparison = comparison
        self.column = column
        self.field: Field = column.field
        self.scope = scope

    def compile(self, subqueries: Subqueries) -> Sql:
        if not self.field.filterable:
            message = f"field '{self.field.name}' can not be filtered in a query call"
            raise self.error(message, "INVALID_FIELD")
        operator, right = self.comparison.operator, self.comparison.right
        if isinstance(right, Query):
            sql, parameters = subqueries(right)
            inside = f"{self.column.sql} in ({sql})"
            return (inside if operator == "IN" else f"not coalesce({inside}, 0)"), parameters
        if isinstance(right, tuple):
            return self.multi(right) if self.field.type == "multipicklist" else self.member(right)
        if operator == "LIKE":
            return self.like(right)
        if right.kind == "relative":
            return self.relative(str(right.value))
        return self.ordered(self.value(right))

    def error(self, message: str, code: str) -> SoqlError:
        return error_at(self.scope.query.text, self.comparison.position, message, code)

    # --- operators

    def ordered(self, value: Any) -> Sql:
        operator, column = self.comparison.operator, self.column.sql
        if value is None or value == "":
            if operator not in ("=", "!="):
                return "0", []
            return f"{column} is {'not ' if operator == '!=' else ''}null", []
        if isinstance(value, str) and not value.isascii() and self.field.is_text:
            column, value = f"fold({column})", value.casefold()
        if operator == "!=":
            return f"{column} is not ?", [value]
        return f"{column} {operator} ?", [value]

    def member(self, literals: Sequence[Literal]) -> Sql:
        operator = self.comparison.operator
        if operator not in ("IN", "NOT IN"):
            raise self.error(f"invalid operator on {self.field.type} field", "INVALID_QUERY_FILTER_OPERATOR")
        values = [self.value(each) for each in literals]
        plain = [value for value in values if value not in (None, "") and not self._needs_fold(value)]
        folded = [value.casefold() for value in values if value is not None and self._needs_fold(value)]
        parts = []
        if plain:
            parts.append(f"{self.column.sql} in ({', '.join('?' * len(plain))})")
        if folded:
            parts.append(f"fold({self.column.sql}) in ({', '.join('?' * len(folded))})")
        if any(value in (None, "") for value in values):
            parts.append(f"{self.column.sql} is null")
        inside = " or ".join(parts)
        return (inside if operator == "IN" else f"not coalesce(({inside}), 0)"), [*plain, *folded]

    def multi(self, literals: Sequence[Literal]) -> Sql:
        """INCLUDES and EXCLUDES: each literal is a set of values joined by `;`, any of the sets suffices."""
        sets, parameters = [], []
        for literal in literals:
            values = [part for part in str(self.value(literal) or "").split(";") if part]
            sets.append(" and ".join(f"instr(';' || {self.column.sql} || ';', ?) > 0" for _ in values) or "0")
            parameters += [f";{value};" for value in values]
        inside = " or ".join(f"({each})" for each in sets)
        negative = self.comparison.operator in ("EXCLUDES", "NOT IN")
        return (f"not coalesce(({inside}), 0)" if negative else inside), parameters

    def like(self, literal: Literal) -> Sql:
        if not self.field.is_text or literal.kind != "string":
            raise self.error("invalid operator on non-string field", "INVALID_QUERY_FILTER_OPERATOR")
        self._text(literal)
        column, pattern = self.column.sql, literal.like
        if not pattern.isascii():
            column, pattern = f"fold({column})", pattern.casefold()
        return f"{column} like ? escape '\\'", [pattern]

    def relative(self, word: str) -> Sql:
        if self.field.type not in ("date", "datetime"):
            raise self.type_error()
        start, end = (self._day(day) for day in date_range(word, self.scope.today))
        column, operator = self.column.sql, self.comparison.operator
        match operator:
            case "=":
                return f"({column} >= ? and {column} < ?)", [start, end]
            case "!=":
                return f"not coalesce({column} >= ? and {column} < ?, 0)", [start, end]
            case "<" | ">=":
                return f"{column} {operator} ?", [start]
            case _:
                return f"{column} {'<' if operator == '<=' else '>='} ?", [end]

    def _day(self, day: date) -> str:
        return day.isoformat() if self.field.type == "date" else f"{day.isoformat()}T00:00:00.000+0000"

    def _needs_fold(self, value: Any) -> bool:
        return isinstance(value, str) and not value.isascii() and self.field.is_text

    # --- literals

    def type_error(self) -> SoqlError:
        kind = {"datetime": "dateTime", "currency": "double", "percent": "double"}.get(self.field.type, self.field.type)
        if self.field.is_text or self.field.type in ("id", "reference"):
            kind, quotes = ("string" if self.field.is_text else "ID"), "be enclosed"
        else:
            quotes = "not be enclosed"
        message = (
            f"value of filter criterion for field '{self.field.name}' must be of type {kind} and should {quotes}"
            " in quotes"
        )
        return self.error(message, "INVALID_FIELD")

    def value(self, literal: Literal) -> Any:
        """A literal as the column holds it; SoqlError when it is of the wrong type for the field."""
        if literal.kind == "null":
            return None
        kind = self.field.type
        if kind in ("id", "reference"):
            return self._id(literal)
        if self.field.is_text:
            return self._text(literal)
        if kind == "boolean" and literal.kind == "boolean":
            return int(bool(literal.value))
        if kind in NUMBER_TYPES or kind == "int":
            if literal.kind == "number":
                return literal.value
        elif kind == "date" and literal.kind == "date":
            day = parse_date(str(literal.value))
            if day is not None:
                return day.isoformat()
        elif kind == "datetime" and literal.kind == "datetime":
            moment = parse_datetime(str(literal.value))
            if moment is not None:
                return format_with_milliseconds(moment)
        raise self.type_error()

    def _id(self, literal: Literal) -> str:
        if literal.kind != "string":
            raise self.type_error()
        value = str(literal.value)
        if value and not is_id(value):
            raise self.error(f"invalid ID field: {value}", "INVALID_QUERY_FILTER_OPERATOR")
        return to_18(value)

    def _text(self, literal: Literal) -> str:
        if literal.kind != "string":
            raise self.type_error()
        value = str(literal.value)
        if len(value) > MAX_LITERAL_LENGTH:
            message = f"maximum length of a string literal is {MAX_LITERAL_LENGTH} characters"
            raise self.error(message, "INVALID_QUERY_FILTER_OPERATOR")
        return value
