"""What sqlfluff has to know of dbt beyond its own stand-ins, so that models can be linted without a warehouse.

The dbt templater of sqlfluff compiles for real but takes minutes; a linter needs the shape of the SQL only.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

Macro = Callable[..., str]


def _call(name: str) -> Macro:
    """A macro that is chosen at run time, shown as a function call of that name on its arguments."""

    def macro(*arguments: Any, **named: Any) -> str:
        if name == "json_members":
            return f"json_each({arguments[0]}) as {arguments[1]}"
        if name == "text_hash":
            return f"md5({', '.join(arguments[0])})"
        return f"{name}({', '.join(str(argument) for argument in arguments)})"

    return macro


class _Context(dict[str, Macro]):
    """dbt's `context`: every macro by its name."""

    def __missing__(self, name: str) -> Macro:
        return _call(name)


context = _Context()
target = SimpleNamespace(type="duckdb", name="sandbox", schema="main")
adapter = SimpleNamespace(dispatch=lambda name, *_: _call(name), get_relation=lambda **_: None)
