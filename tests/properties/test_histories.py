"""Random histories of edits and clears on both sides, over several syncs, through the real SQL.

Every record lives through a history of its own, so that one dbt run decides hundreds. What both CRMs hold in the
end, and what is listed as a conflict, is compared with the short model of `decision_model`.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from decision_model import HUBSPOT, SALESFORCE, Field, State, Value, decide
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st
from warehouse import Warehouse, ids

ROUNDS, RECORDS = 3, 150
History = tuple[list[int], list[list[tuple[int, int, int, int]]]]
DIRECTIONS = ("prefer_salesforce", "always_salesforce", "prefer_hubspot", "always_hubspot", "two_way")
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
def test_histories_end_as_the_decision_table_says_and_then_rest(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    """The seed makes all histories: hundreds of them are more than hypothesis draws one by one."""
    assume(seed > 99)  # hypothesis always begins with 0
    live_through(tmp_path_factory.mktemp("histories"), [_history(Random(seed + record)) for record in range(RECORDS)])


def _history(random: Random) -> History:
    """First values, and per round: a field, what is chosen for it, who edits it (2 and 3: both), and the minute."""
    rounds = [
        [
            (random.randrange(len(FIELDS)), random.randrange(60), random.randrange(4), random.randrange(3))
            for _ in range(random.randrange(8))
        ]
        for _ in range(ROUNDS)
    ]
    return [random.randrange(60) for _ in range(4)], rounds


def live_through(folder: Path, history: list[History]) -> None:
    warehouse = Warehouse(folder, FIELDS)
    model: dict[tuple[int, str], State] = {}
    edited_at: dict[tuple[str, int], int] = {}
    expected: set[tuple[str, str, Value, Value, str | None]] = set()
    for record, (seed, _) in enumerate(history):
        for place, one in enumerate(FIELDS):
            choices = VALUES[one.kind]
            h, s = (choices[(seed[side] // (place + 1) + place * seed[2]) % len(choices)] for side in (0, 1))
            model[record, one.name] = State(h, s if one.kind not in ("cut", "number") else one.to_salesforce(s))
        minutes = [seed[2] % 3, seed[3] % 3]
        edited_at[HUBSPOT, record], edited_at[SALESFORCE, record] = minutes
        warehouse.add(
            record,
            {one.name: model[record, one.name].h for one in FIELDS},
            {one.name: model[record, one.name].s for one in FIELDS},
            minutes,
        )
    for turn in range(ROUNDS + 1):
        if turn:
            for record, (_, rounds) in enumerate(history):
                for place, choice, who, minute in rounds[turn - 1]:
                    one = FIELDS[place]
                    if who != 1:
                        _edit(warehouse, model, edited_at, (HUBSPOT, record, one, choice, turn * 60 + minute))
                    if who != 0:
                        later = turn * 60 + (minute + choice) % 3
                        _edit(warehouse, model, edited_at, (SALESFORCE, record, one, choice // 5 + who, later))
        warehouse.sync()
        for (record, name), state in model.items():
            one = next(each for each in FIELDS if each.name == name)
            before = (state.h, state.s)
            winner, is_conflict = decide(one, state, edited_at[HUBSPOT, record], edited_at[SALESFORCE, record])
            if is_conflict:
                expected.add((ids(record)[0], name, *before, winner))
            held = tuple(_held(one, warehouse.value(side, record, name)) for side in (HUBSPOT, SALESFORCE))
            assert held == (state.h, state.s), f"turn {turn}, {one}, before {before}, base then {state.base}, {record=}"
    listed = warehouse.conflicts()
    assert listed == expected
    assert {name for _, name, *_ in expected} == {one.name for one in FIELDS}  # every rule was put to the test
    assert warehouse.sync() == 0
    assert warehouse.conflicts() == listed


def _edit(
    warehouse: Warehouse,
    model: dict[tuple[int, str], State],
    edited_at: dict[tuple[str, int], int],
    edit: tuple[str, int, Field, int, int],
) -> None:
    """One person's edit, in the CRM and in the model alike."""
    side, record, one, choice, minute = edit
    value = VALUES[one.kind][choice % len(VALUES[one.kind])]
    if side == SALESFORCE:
        value = one.to_salesforce(value)  # a field cannot hold more than it can
        model[record, one.name].s = value
    else:
        model[record, one.name].h = value
    warehouse.edit(side, record, one.name, value, minute % 60)
    edited_at[side, record] = max(edited_at[side, record], minute)


def _held(one: Field, value: Value) -> Value:
    if value is None or one.kind != "multi":
        return value
    return ";".join(sorted(value.split(";")))
