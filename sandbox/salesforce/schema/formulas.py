"""Formula fields and roll-up summaries: computed when a record is read, so that no stamp moves when their inputs do.

Owns: a subset of the formula language, translated to SQL: numbers, 'texts', true, false, fields, fields of parents
(`Account.Name`), `+ - * / & = <> < <= > >=`, parentheses and the functions of `_FUNCTIONS`. An operation on a blank is
blank. Refuses: cross-object formulas deeper than one parent.
[Salesforce docs: formula fields, CustomField metadata `formula`, `summaryForeignKey`, `summaryOperation`]
That a roll-up's parent keeps its stamps is a guess: the documentation says only that roll-ups are recalculated later.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.salesforce.schema.catalog import Schema
    from sandbox.salesforce.schema.fields import Field, SObject

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?)|'(?P<text>[^']*)'|\"(?P<quoted>[^\"]*)\""
    r"|(?P<name>[A-Za-z_]\w*(?:\.\w+)?)|(?P<sign><>|!=|<=|>=|==|&&|\|\||[-+*/&=<>(),]))"
)
_COMPARISONS = {"=": "=", "==": "=", "<>": "<>", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_FUNCTIONS = {
    "IF": "case when {0} then {1} else {2} end",
    "ISBLANK": "({0} is null)",
    "BLANKVALUE": "coalesce({0}, {1})",
    "NOT": "(not {0})",
    "ROUND": "round({0}, {1})",
    "ABS": "abs({0})",
    "MAX": "max({0}, {1})",
    "MIN": "min({0}, {1})",
    "UPPER": "upper({0})",
    "LOWER": "lower({0})",
    "TRIM": "trim({0})",
    "LEN": "length({0})",
    "LEFT": "substr({0}, 1, {1})",
    "TEXT": "cast({0} as text)",
    "VALUE": "cast({0} as real)",
}
_SUMMARIES = {"count": "count(*)", "sum": "total({})", "min": "min({})", "max": "max({})"}


class FormulaError(ValueError):
    """A formula that cannot be understood."""


def column_sql(schema: Schema, sobject: SObject, field: Field, alias: str) -> str:
    """The SQL that reads a field of the row `alias`: its column, or what it is computed by."""
    if field.summary is not None:
        return _summary_sql(schema, sobject, field, alias)
    if field.formula is None:
        return f'{alias}."{field.name}"'
    sql = _Formula(schema, sobject, field.formula, alias).sql()
    return f"round({sql}, {field.scale})" if field.type in ("double", "currency", "percent") else f"({sql})"


def check(schema: Schema, sobject: SObject, field: Field) -> None:
    """FormulaError when a computed field's definition makes no sense."""
    column_sql(schema, sobject, field, "t0")


def _summary_sql(schema: Schema, sobject: SObject, field: Field, alias: str) -> str:
    assert field.summary is not None
    key, operation, summarized = field.summary
    child_name, _, link_name = key.partition(".")
    child = schema.find(child_name)
    link = child.find(link_name) if child is not None else None
    if child is None or link is None or sobject.name not in link.reference_to or operation not in _SUMMARIES:
        raise FormulaError(f"invalid roll-up summary: {operation} over {key}")
    value = "*"
    if operation != "count":
        column = child.find(summarized.partition(".")[2])
        if column is None or not column.is_stored:
            raise FormulaError(f"invalid summarized field: {summarized}")
        value = f'c."{column.name}"'
    alive = ' and c."IsDeleted" = 0' if child.has_recycle_bin else ""
    function = _SUMMARIES[operation].format(value)
    return f'(select {function} from "{child.name}" as c where c."{link.name}" = {alias}."Id"{alive})'


class _Formula:
    """One formula over the row `alias`, by recursive descent."""

    def __init__(self, schema: Schema, sobject: SObject, text: str, alias: str) -> None:
        self._schema = schema
        self._object = sobject
        self._alias = alias
        self._tokens = _tokens(text)
        self._position = 0

    def sql(self) -> str:
        result = self._expression()
        if self._position < len(self._tokens):
            raise FormulaError(f"Syntax error. Extra {self._tokens[self._position][1]}")
        return result

    def _peek(self) -> str:
        if self._position >= len(self._tokens):
            return ""
        kind, text = self._tokens[self._position]
        return text if kind == "sign" else ""

    def _next(self) -> tuple[str, str]:
        if self._position >= len(self._tokens):
            raise FormulaError("Syntax error. Missing an operand")
        self._position += 1
        return self._tokens[self._position - 1]

    def _take(self, sign: str) -> None:
        if self._next() != ("sign", sign):
            raise FormulaError(f"Syntax error. Missing '{sign}'")

    def _expression(self) -> str:
        left = self._sum()
        while self._peek() in (*_COMPARISONS, "&&", "||"):
            sign = self._next()[1]
            operator = {"&&": "and", "||": "or"}.get(sign) or _COMPARISONS[sign]
            left = f"({left} {operator} {self._sum()})"
        return left

    def _sum(self) -> str:
        left = self._product()
        while (sign := self._peek()) in ("+", "-", "&"):
            self._next()
            right = self._product()
            left = f"(coalesce({left}, '') || coalesce({right}, ''))" if sign == "&" else f"({left} {sign} {right})"
        return left

    def _product(self) -> str:
        left = self._operand()
        while (sign := self._peek()) in ("*", "/"):
            self._next()
            right = self._operand()
            left = f"({left} * {right})" if sign == "*" else f"({left} * 1.0 / {right})"
        return left

    def _operand(self) -> str:
        kind, text = self._next()
        if kind == "number":
            return text
        if kind == "text":
            return "'" + text.replace("'", "''") + "'"
        if kind == "name":
            return self._call(text.upper()) if self._peek() == "(" else self._named(text)
        if text == "-":
            return f"(-{self._operand()})"
        if text == "(":
            inner = self._expression()
            self._take(")")
            return f"({inner})"
        raise FormulaError(f"Syntax error. Found '{text}'")

    def _call(self, name: str) -> str:
        self._take("(")
        arguments: list[str] = []
        while self._peek() != ")":
            arguments.append(self._expression())
            if self._peek() == ",":
                self._next()
        self._take(")")
        if name in ("AND", "OR") and arguments:
            return "(" + f" {name.lower()} ".join(arguments) + ")"
        try:
            return _FUNCTIONS[name].format(*arguments)
        except (KeyError, IndexError):
            raise FormulaError(f"Unknown function {name} or wrong number of its parameters") from None

    def _named(self, path: str) -> str:
        if path.lower() in ("true", "false"):
            return "1" if path.lower() == "true" else "0"
        parent_name, _, name = path.rpartition(".")
        if not parent_name:
            return self._column(self._object, name, self._alias)
        link = next(
            (f for f in self._object.fields.values() if (f.relationship or "").lower() == parent_name.lower()), None
        )
        parent = self._schema.find(link.reference_to[0]) if link is not None else None
        if link is None or parent is None:
            raise FormulaError(f"Field {path} does not exist. Check spelling.")
        column = self._column(parent, name, "p")
        return f'(select {column} from "{parent.name}" as p where p."Id" = {self._alias}."{link.name}")'

    def _column(self, sobject: SObject, name: str, alias: str) -> str:
        field = sobject.find(name)
        if field is None or field.type == "address":
            raise FormulaError(f"Field {name} does not exist. Check spelling.")
        return column_sql(self._schema, sobject, field, alias)


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens: list[tuple[str, str]] = []
    position = 0
    while position < len(text.rstrip()):
        match = _TOKEN.match(text, position)
        if match is None:
            raise FormulaError(f"Syntax error at '{text[position : position + 20].strip()}'")
        kind = str(match.lastgroup)
        tokens.append(("text" if kind == "quoted" else kind, match[kind]))
        position = match.end()
    return tokens
