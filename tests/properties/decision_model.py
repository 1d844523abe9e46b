"""The decision table as a person would tell it: a short model in Python that shares nothing with the SQL.

One `Field` is one pair of fields with its direction and rule; `decide` is one sync of one linked pair.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

Value = str | None
HUBSPOT, SALESFORCE, BOTH = "hubspot", "salesforce", "both"


@dataclass(frozen=True)
class Field:
    """A mapped pair of fields. `kind`: text, number (Salesforce keeps two decimals), cut (three letters), multi."""

    name: str
    direction: str
    rule: str = "most_recent"
    kind: str = "text"

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
        return value[:3] if value is not None and self.kind == "cut" else value

    def agree(self, h: Value, s: Value) -> bool:
        return self.to_salesforce(h) == s or s == h


@dataclass
class State:
    """What both sides hold of one field, and the base."""

    h: Value = None
    s: Value = None
    base: tuple[Value, Value] | None = None


def decide(field: Field, state: State, hubspot_at: int, salesforce_at: int) -> tuple[str | None, bool]:
    """One sync: who wins (None: nobody has to), and whether it was a conflict. Writes the outcome into the state."""
    h, s = state.h, state.s
    if field.agree(h, s):
        state.base = (h, s)
        return None, False
    recent = HUBSPOT if hubspot_at > salesforce_at else SALESFORCE if salesforce_at > hubspot_at else field.preferred
    is_conflict = False
    if state.base is None:
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
        state.h = s
    elif winner == BOTH:
        state.h = state.s = _merged(state)
    if winner is not None:
        state.base = (state.h, state.s)
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
