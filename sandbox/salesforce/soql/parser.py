"""From SOQL text to a tree.

Owns: the grammar of the documented subset. Refuses: to know whether objects and fields exist.
[Salesforce docs: SOQL reference, SELECT syntax]
"""

from __future__ import annotations

import re

from sandbox.salesforce.errors import SoqlError
from sandbox.salesforce.soql.lexer import Token, error_at, tokenize, unquote
from sandbox.salesforce.soql.tree import (
    Both,
    Comparison,
    Condition,
    Function,
    Literal,
    Not,
    Order,
    Path,
    Query,
    Selected,
)

MAX_OFFSET = 2000
MAX_NUMBER = 2**62
FUNCTIONS = frozenset({"COUNT", "COUNT_DISTINCT", "MIN", "MAX", "SUM", "AVG", "TOLABEL", "FIELDS"})
_CLAUSES = frozenset(
    {"FROM", "WHERE", "WITH", "GROUP", "HAVING", "ORDER", "LIMIT", "OFFSET", "FOR", "USING", "ALL", "UPDATE"}
)
_RELATIVE = re.compile(
    r"(?:YESTERDAY|TODAY|TOMORROW|(?:LAST|THIS|NEXT)_(?:WEEK|MONTH|QUARTER|YEAR)|LAST_90_DAYS|NEXT_90_DAYS"
    r"|(?:LAST|NEXT)_N_(?:DAYS|WEEKS|MONTHS|QUARTERS|YEARS):\d+|N_(?:DAYS|WEEKS|MONTHS|YEARS)_AGO:\d+)"
)


def parse(text: str) -> Query:
    """The tree of a query; SoqlError (MALFORMED_QUERY and the like) when it is not one."""
    parser = _Parser(text)
    try:
        query = parser.query()
    except RecursionError:
        raise SoqlError("MALFORMED_QUERY", "Query is too complicated") from None
    parser.expect_end()
    return query


class _Parser:
    """A recursive-descent parser: one method per rule of the grammar."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokenize(text)
        self.index = 0

    # --- reading tokens

    @property
    def token(self) -> Token:
        return self.tokens[self.index]

    def unexpected(self, token: Token | None = None) -> SoqlError:
        token = token or self.token
        return error_at(self.text, token.position, f"unexpected token: '{token.text}'")

    def is_word(self, *words: str) -> bool:
        return self.token.kind == "name" and self.token.text.upper() in words

    def take_word(self, *words: str) -> bool:
        if self.is_word(*words):
            self.index += 1
            return True
        return False

    def take_mark(self, mark: str) -> bool:
        if self.token.kind in ("mark", "operator") and self.token.text == mark:
            self.index += 1
            return True
        return False

    def expect_word(self, word: str) -> None:
        if not self.take_word(word):
            raise self.unexpected()

    def expect_mark(self, mark: str) -> None:
        if not self.take_mark(mark):
            raise self.unexpected()

    def expect_name(self) -> Token:
        token = self.token
        if token.kind != "name" or ":" in token.text:
            raise self.unexpected()
        self.index += 1
        return token

    def expect_number(self) -> int:
        token = self.token
        if token.kind != "number" or not token.text.isdigit():
            raise self.unexpected()
        self.index += 1
        return min(int(token.text), MAX_NUMBER)

    def expect_end(self) -> None:
        if self.token.kind != "end":
            raise self.unexpected()

    # --- the grammar

    def query(self) -> Query:
        self.expect_word("SELECT")
        select = self.select_list()
        self.expect_word("FROM")
        object_token = self.expect_name()
        alias = self.alias()
        if self.take_word("USING"):
            self.expect_word("SCOPE")
            self.expect_name()
        where = self.condition() if self.take_word("WHERE") else None
        if self.take_word("WITH"):
            self.expect_name()
        group_by = self.group_by()
        having = self.condition() if self.take_word("HAVING") else None
        order_by = self.order_by()
        limit = self.expect_number() if self.take_word("LIMIT") else None
        offset = self.offset()
        if self.take_word("FOR"):
            self.expect_name()
        all_rows = self.take_word("ALL")
        if all_rows:
            self.expect_word("ROWS")
        return Query(
            self.text, select, object_token.text, object_token.position, alias, where, group_by, having, order_by,
            limit, offset, all_rows,
        )  # fmt: skip

    def alias(self) -> str | None:
        if self.token.kind != "name" or self.is_word(*_CLAUSES):
            return None
        self.take_word("AS")
        return self.expect_name().text

    def select_list(self) -> tuple[Selected, ...]:
        items = [self.selected()]
        while self.take_mark(","):
            items.append(self.selected())
        return tuple(items)

    def selected(self) -> Selected:
        if self.take_mark("("):
            query = self.query()
            self.expect_mark(")")
            return Selected(query)
        item = self.path_or_function()
        has_alias = self.token.kind == "name" and not self.is_word(*_CLAUSES)
        return Selected(item, self.expect_name().text if has_alias else None)

    def path_or_function(self) -> Path | Function:
        token = self.token
        if self.is_word("FROM"):
            raise self.unexpected()
        self.expect_name()
        if not (self.token.kind == "mark" and self.token.text == "("):
            return Path(tuple(token.text.split(".")), token.position)
        name = token.text.upper()
        if name not in FUNCTIONS:
            raise self.unexpected()
        self.expect_mark("(")
        path = None
        if not (self.token.kind == "mark" and self.token.text == ")"):
            argument = self.expect_name()
            path = Path(tuple(argument.text.split(".")), argument.position)
        self.expect_mark(")")
        return Function(name, path, token.position)

    def condition(self) -> Condition:
        first = self.simple_condition()
        if not self.is_word("AND", "OR"):
            return first
        operator = self.token.text.upper()
        conditions = [first]
        while self.take_word(operator):
            conditions.append(self.simple_condition())
        if self.is_word("AND", "OR"):  # the two may not be mixed without parentheses
            raise self.unexpected()
        return Both("AND" if operator == "AND" else "OR", tuple(conditions))

    def simple_condition(self) -> Condition:
        if self.take_word("NOT"):
            return Not(self.simple_condition())
        if self.take_mark("("):
            condition = self.condition()
            self.expect_mark(")")
            return condition
        return self.comparison()

    def comparison(self) -> Comparison:
        position = self.token.position
        left = self.path_or_function()
        if self.token.kind == "operator":
            operator = "!=" if self.token.text == "<>" else self.token.text
            self.index += 1
            return Comparison(left, operator, self.literal(), position)
        if self.take_word("LIKE"):
            return Comparison(left, "LIKE", self.literal(), position)
        if self.take_word("NOT"):
            self.expect_word("IN")
            return Comparison(left, "NOT IN", self.list_or_query(), position)
        for operator in ("IN", "INCLUDES", "EXCLUDES"):
            if self.take_word(operator):
                return Comparison(left, operator, self.list_or_query(), position)
        raise self.unexpected()

    def list_or_query(self) -> tuple[Literal, ...] | Query:
        self.expect_mark("(")
        if self.is_word("SELECT"):
            query = self.query()
            self.expect_mark(")")
            return query
        values = [self.literal()]
        while self.take_mark(","):
            values.append(self.literal())
        self.expect_mark(")")
        return tuple(values)

    def literal(self) -> Literal:
        token = self.token
        self.index += 1
        if token.kind == "string":
            value, like = unquote(self.text, token)
            return Literal("string", value, token.position, like)
        if token.kind == "number":
            number: int | float = float(token.text)
            if token.text.lstrip("+-").isdigit() and abs(number) < MAX_NUMBER:
                number = int(token.text)
            return Literal("number", number, token.position)
        if token.kind == "date":
            return Literal("date", token.text, token.position)
        if token.kind == "datetime":
            return Literal("datetime", token.text, token.position)
        if token.kind == "name":
            word = token.text.upper()
            if word == "NULL":
                return Literal("null", None, token.position)
            if word in ("TRUE", "FALSE"):
                return Literal("boolean", word == "TRUE", token.position)
            if _RELATIVE.fullmatch(word):
                return Literal("relative", word, token.position)
            raise self.unexpected(token)
        raise self.unexpected(token)

    def group_by(self) -> tuple[Path, ...]:
        if not self.take_word("GROUP"):
            return ()
        self.expect_word("BY")
        paths = [self.group_path()]
        while self.take_mark(","):
            paths.append(self.group_path())
        return tuple(paths)

    def group_path(self) -> Path:
        token = self.expect_name()
        return Path(tuple(token.text.split(".")), token.position)

    def order_by(self) -> tuple[Order, ...]:
        if not self.take_word("ORDER"):
            return ()
        self.expect_word("BY")
        orders = [self.order()]
        while self.take_mark(","):
            orders.append(self.order())
        return tuple(orders)

    def order(self) -> Order:
        by = self.path_or_function()
        descending = not self.take_word("ASC") and self.take_word("DESC")
        nulls_last = False
        if self.take_word("NULLS"):
            nulls_last = self.take_word("LAST")
            if not nulls_last:
                self.expect_word("FIRST")
        return Order(by, descending, nulls_last)

    def offset(self) -> int:
        if not self.take_word("OFFSET"):
            return 0
        offset = self.expect_number()
        if offset > MAX_OFFSET:
            raise SoqlError("NUMBER_OUTSIDE_VALID_RANGE", f"Maximum SOQL offset allowed is {MAX_OFFSET}")
        return offset
