"""The decision table as a person would tell it: a short model in Python that shares nothing with the SQL.

One `Field` is one pair of fields with its direction and rule; `decide` is one sync of one linked pair. Which pairs are
linked, after merges, deletes and restores, is told by `links_model`.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

Value = str | None
HUBSPOT, SALESFORCE, BOTH = "hubspot", "salesforce", "both"


@dataclass(frozen=True)
class Field:
    """A mapped pair of fields. `kind`: text, number (Salesforce keeps two decimals), cut (three letters), multi.
    `is_loud`: the row has the transform `upper` both ways."""

    name: str
    direction: str
    rule: str = "most_recent"
    kind: str = "text"
    is_loud: bool = False

    @property
    def mapping(self) -> tuple[str, str, bool]:
        """What an analyst may change of the row."""
        return self.direction, self.rule, self.is_loud

    @property
    def preferred(self) -> str:
        return HUBSPOT if self.direction.endswith("_hubspot") else SALESFORCE

    @property
    def always(self) -> str | None:
        return self.preferred if self.direction.startswith("always") else None

    def to_salesforce(self, value: Value) -> Value:
        if value is not None and self.kind == "number":
            rounded = Decimal(value).quantize(Decimal("0.01"), ROUND_HALF_UP).normalize()
            return f"{rounded:f}"
        return value[:3] if value is not None and self.kind == "cut" else self.to_hubspot(value)

    def to_hubspot(self, value: Value) -> Value:
        return value.upper() if value is not None and self.is_loud else value

    def agree(self, h: Value, s: Value) -> bool:
        return self.to_salesforce(h) == s or self.to_hubspot(s) == h


@dataclass
class State:
    """What both sides hold of one field, and the base."""

    h: Value = None
    s: Value = None
    base: tuple[Value, Value] | None = None
    based_on: tuple[str, str, bool] | None = None


def decide(field: Field, state: State, hubspot_at: int, salesforce_at: int) -> tuple[str | None, bool]:
    """One sync: who wins (None: nobody has to), and whether it was a conflict. Writes the outcome into the state."""
    h, s = state.h, state.s
    if field.agree(h, s):
        state.base, state.based_on = (h, s), field.mapping
        return None, False
    recent = HUBSPOT if hubspot_at > salesforce_at else SALESFORCE if salesforce_at > hubspot_at else field.preferred
    is_conflict = False
    is_edited = state.base is not None and (h, s) != state.base
    if state.base is None or (not is_edited and state.based_on != field.mapping):
        filled = SALESFORCE if h is None else HUBSPOT if s is None else None
        winner = field.always or filled or (recent if field.direction == "two_way" else field.preferred)
    elif h != state.base[0] and s != state.base[1]:
        is_conflict = True
        winner = field.always or _by_rule(field, state, recent)
    elif h != state.base[0]:
        winner = field.always or HUBSPOT
    elif s != state.base[1]:
        winner = field.always or SALESFORCE
    else:
        return None, False
    if winner == HUBSPOT:
        state.s = field.to_salesforce(h)
    elif winner == SALESFORCE:
        state.h = field.to_hubspot(s)
    elif winner == BOTH:
        state.h = state.s = _merged(state)
    if winner is not None:
        state.base, state.based_on = (state.h, state.s), field.mapping
    return winner, is_conflict


def _by_rule(field: Field, state: State, recent: str) -> str | None:
    h, s = state.h, state.s
    if field.rule in (HUBSPOT, SALESFORCE):
        return field.rule
    if field.rule == "review":
        return None
    if field.rule == "union":
        merged = _merged(state)
        return BOTH if merged not in (h, s) else SALESFORCE if merged != h else HUBSPOT
    if field.rule == "most_recent":
        return recent
    if h is None or s is None:
        return SALESFORCE if h is None else HUBSPOT
    left, right = (Decimal(len(v)) if field.rule == "longest" else Decimal(v) for v in (h, s))
    if left == right:
        return field.preferred
    return HUBSPOT if (left < right) == (field.rule == "smallest") else SALESFORCE


def _merged(state: State) -> Value:
    assert state.base is not None
    before, h, s = (set((value or "").split(";")) - {""} for value in (state.base[0], state.h, state.s))
    return ";".join(sorted((h | s) - (before - (h & s)))) or None
