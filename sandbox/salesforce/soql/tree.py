"""The parts of a parsed SOQL query.

Owns: the shapes between parser and compiler. Refuses: to know any schema.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal as Choice


@dataclass(frozen=True)
class Path:
    """A field, perhaps through parents (`Account.Owner.Name`); `position` is where it stands in the text."""

    parts: tuple[str, ...]
    position: int


@dataclass(frozen=True)
class Function:
    """An aggregate (`MAX(Amount)`), `toLabel(StageName)` or `FIELDS(ALL)`; `path` is None for `COUNT()`."""

    name: str
    path: Path | None
    position: int


@dataclass(frozen=True)
class Literal:
    """A value in a filter. `like` is a string's form as a LIKE pattern, escapes kept."""

    kind: Choice["string", "number", "boolean", "null", "date", "datetime", "relative"]
    value: str | float | int | bool | None
    position: int
    like: str = ""


@dataclass(frozen=True)
class Comparison:
    """`field operator value`, where the value is a literal, a list of them, or a semi-join."""

    left: Path | Function
    operator: str
    right: Literal | tuple[Literal, ...] | Query
    position: int


@dataclass(frozen=True)
class Not:
    condition: Condition


@dataclass(frozen=True)
class Both:
    """Several conditions joined by `AND` or by `OR`."""

    operator: Choice["AND", "OR"]
    conditions: tuple[Condition, ...]


Condition = Comparison | Not | Both


@dataclass(frozen=True)
class Selected:
    """One item of the SELECT list."""

    item: Path | Function | Query
    alias: str | None = None


@dataclass(frozen=True)
class Order:
    """One item of ORDER BY."""

    by: Path | Function
    descending: bool
    nulls_last: bool


@dataclass(frozen=True)
class Query:
    """A whole query, or a subquery in parentheses."""

    text: str
    select: tuple[Selected, ...]
    object_name: str
    object_position: int
    alias: str | None = None
    where: Condition | None = None
    group_by: tuple[Path, ...] = ()
    having: Condition | None = None
    order_by: tuple[Order, ...] = ()
    limit: int | None = None
    offset: int = 0
    all_rows: bool = False

    @property
    def is_count(self) -> bool:
        """Whether this is the bare `SELECT COUNT() FROM …`, which answers a number and no records."""
        if len(self.select) != 1:
            return False
        item = self.select[0].item
        return isinstance(item, Function) and item.name == "COUNT" and item.path is None
