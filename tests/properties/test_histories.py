"""Random histories on both sides, over several syncs, through the real SQL: edits, clears, merges, deletes, restores,
and an analyst who changes mappings in between.

Hundreds of records live at once, so that one dbt run decides all of them. What both CRMs hold after each sync, and
what is listed as a conflict, is compared with the short models of `decision_model` and `links_model`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from random import Random

import pytest
from decision_model import HUBSPOT, SALESFORCE, Field, State, Value, decide
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st
from landed_world import Warehouse, ids
from links_model import SIDES, Link, Records, link_id, living_links

ROUNDS, RECORDS = 4, 150
DIRECTIONS = ("prefer_salesforce", "always_salesforce", "prefer_hubspot", "always_hubspot", "two_way")
RULES = {
    "text": ("most_recent", "hubspot", "salesforce", "longest", "review"),
    "cut": ("most_recent", "hubspot", "review"),
    "number": ("most_recent", "largest", "smallest"),
    "multi": ("union", "most_recent"),
}
FIELDS = (
    *(Field(f"recent_{direction}", direction) for direction in DIRECTIONS),
    Field("by_hubspot", "two_way", "hubspot"),
    Field("by_salesforce", "prefer_hubspot", "salesforce"),
    Field("by_longest", "two_way", "longest"),
    Field("by_largest", "prefer_hubspot", "largest", "number"),
    Field("by_smallest", "prefer_salesforce", "smallest", "number"),
    Field("by_review", "two_way", "review"),
    Field("by_union", "two_way", "union", "multi"),
    Field("cut", "two_way", "most_recent", "cut"),
)
VALUES: dict[str, tuple[Value, ...]] = {
    "text": (None, "A", "bb", "ccc", "Ümlaut"),
    "number": (None, "0", "1.5", "1.505", "-20", "1000000000000.25"),
    "cut": (None, "abc", "abcdef", "xyzzy", "q"),
    "multi": (None, "a", "a;b", "b;c;d", "e", "a;b;c;d;e"),
}


@settings(max_examples=1, deadline=None, database=None, phases=[Phase.generate])
@given(seed=st.integers(0, 2**64))
def test_histories_end_as_the_models_say_and_then_rest(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    """The seed makes all histories: hundreds of them are more than hypothesis draws one by one."""
    assume(seed > 99)  # hypothesis always begins with 0
    life = Life(Warehouse(tmp_path_factory.mktemp("histories"), FIELDS), Random(seed))
    life.sync("first")
    for turn in range(1, ROUNDS + 1):
        life.pass_an_hour(turn)
        life.sync(f"turn {turn}")
    assert life.warehouse.conflicts() == life.conflicts
    assert {name for _, name, *_ in life.conflicts} == {one.name for one in FIELDS}  # every rule was put to the test
    assert set(life.events) == {"edit", "delete", "restore", "merge", "remap", "superseded", "remapped"}
    assert life.warehouse.sync() == 0
    assert life.warehouse.conflicts() == life.conflicts


@dataclass
class Life:
    """Both CRMs' records as the models see them, beside the warehouse that goes through the same."""

    warehouse: Warehouse
    random: Random
    fields: dict[str, Field] = field(default_factory=lambda: {one.name: one for one in FIELDS})
    values: dict[tuple[str, int, str], Value] = field(default_factory=dict)
    edited_at: dict[tuple[str, int], int] = field(default_factory=dict)
    records: Records = field(default_factory=Records)
    links: list[Link] = field(default_factory=list)
    states: dict[tuple[str, str], State] = field(default_factory=dict)
    decided: dict[object, tuple[str, str, Value, Value, str | None]] = field(default_factory=dict)
    events: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        for number in range(RECORDS):
            minutes = [self.random.randrange(3) for _ in SIDES]
            for side, minute in zip(SIDES, minutes, strict=True):
                self.edited_at[side, number] = minute
                for one in FIELDS:
                    self.values[side, number, one.name] = self._choice(side, one)
            held = [{one.name: self.values[side, number, one.name] for one in FIELDS} for side in SIDES]
            self.warehouse.add(number, *held, minutes)
            self.links.append(Link(dict.fromkeys(SIDES, number), link_id(*ids(number))))

    # ------------------------------------------------------------ what people do

    def pass_an_hour(self, turn: int) -> None:
        if turn > 1:
            self._remap()
        for number in range(RECORDS):
            for _ in range(self.random.randrange(7)):
                self._edit(number, turn)
            for side in SIDES:
                chance = self.random.random()
                if chance < 0.08:
                    self._delete(side, number)
                elif chance < 0.6:
                    self._restore(side, number)
                elif chance < 0.66:
                    self._merge(side, number, (number + self.random.randrange(1, 4)) % RECORDS, turn)

    def _choice(self, side: str, one: Field) -> Value:
        value = self.random.choice(VALUES[one.kind])
        # a field cannot hold more than it can
        return replace(one, is_loud=False).to_salesforce(value) if side == SALESFORCE else value

    def _edit(self, number: int, turn: int) -> None:
        """One person edits a field on one side, or two people edit it on both."""
        one = self.random.choice(FIELDS)
        for side in self.random.choice(((HUBSPOT,), (SALESFORCE,), SIDES, SIDES)):
            if self.records.is_alive(side, number):
                self._write(side, number, {one.name: self._choice(side, one)}, turn)
                self.events["edit"] += 1

    def _write(self, side: str, number: int, values: dict[str, Value], turn: int) -> None:
        minute = self.random.randrange(3)
        self.warehouse.edit(side, number, values, minute)
        self.edited_at[side, number] = max(self.edited_at[side, number], turn * 60 + minute)
        for name, value in values.items():
            self.values[side, number, name] = value

    def _delete(self, side: str, number: int) -> None:
        if self.records.is_alive(side, number):
            self.records.deleted.add((side, number))
            self.warehouse.delete(side, number)
            self.events["delete"] += 1

    def _restore(self, side: str, number: int) -> None:
        """Only what some link still waits for: a restored record without one would be matched anew."""
        is_waited_for = any(not link.is_over and link.ends[side] == number for link in self.links)
        if (side, number) in self.records.deleted and is_waited_for:
            self.records.deleted.discard((side, number))
            self.warehouse.delete(side, number, restore=True)
            self.events["restore"] += 1

    def _merge(self, side: str, loser: int, survivor: int, turn: int) -> None:
        if self.records.is_alive(side, loser) and self.records.is_alive(side, survivor):
            taken = self.random.sample(list(self.fields), 4)
            self.records.merged[side, loser] = survivor
            self.warehouse.merge(side, loser, survivor, (), 0)
            self._write(side, survivor, {name: self.values[side, loser, name] for name in taken}, turn)
            self.events["merge"] += 1

    def _remap(self) -> None:
        """An analyst gives some rows another direction, rule or transform."""
        for name in self.random.sample(list(self.fields), 4):
            one = self.fields[name]
            self.fields[name] = replace(
                one,
                direction=self.random.choice(DIRECTIONS),
                rule=self.random.choice(RULES[one.kind]),
                is_loud=one.kind == "text" and self.random.random() < 0.5,
            )
        self.warehouse.map(list(self.fields.values()))
        self.events["remap"] += 1

    # ------------------------------------------------------------ a sync

    @property
    def conflicts(self) -> set[tuple[str, str, Value, Value, str | None]]:
        return set(self.decided.values())

    def sync(self, moment: str) -> None:
        """The real one, then the models' one; afterwards both CRMs hold the same in both worlds."""
        self.warehouse.sync()
        over_before = sum(link.is_over for link in self.links)
        for link in living_links(self.links, self.records):
            for one in self.fields.values():
                self._decide(link, one)
        self.events["superseded"] += sum(link.is_over for link in self.links) - over_before
        for (side, number, name), value in self.values.items():
            held = _sorted(self.fields[name], self.warehouse.value(side, number, name))
            assert held == _sorted(self.fields[name], value), f"{moment}: {side} {number} {self.fields[name]}"

    def _decide(self, link: Link, one: Field) -> None:
        h, s = ((side, link.ends[side], one.name) for side in SIDES)
        state = self.states.setdefault((link.link_id, one.name), State())
        state.h, state.s = self.values[h], self.values[s]
        before, base = (state.h, state.s), state.base
        is_remapped = state.base == before and state.based_on != one.mapping
        winner, is_conflict = decide(one, state, self.edited_at[h[:2]], self.edited_at[s[:2]])
        self.values[h], self.values[s] = state.h, state.s
        if is_conflict:  # one that was held and is now decided is the same one
            self.decided[link.link_id, one.name, before, base] = (link.link_id, one.name, *before, winner)
        if is_remapped and winner is not None:
            self.events["remapped"] += 1


def _sorted(one: Field, value: Value) -> Value:
    return value if value is None or one.kind != "multi" else ";".join(sorted(value.split(";")))
