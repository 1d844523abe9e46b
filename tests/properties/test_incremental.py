"""What a pass computes of a few records is what it would have computed of all.

Random histories go through the real SQL, and after every pass the models that follow from single records are compared,
row for row, with the same models made anew in a copy of the warehouse. Some passes die between two models, and more
happens before the next one.
"""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st
from matching_world import MODELS, MatchingWorld

TURNS, DEADLY_TURNS = 5, (2, 4)
COMPARED = (
    "staging.stg_written_records", "staging.stg_records", "inclusion.records_included", "matching.int_match_keys",
    "matching.links", "matching.match_issues", "matching.int_create_candidates",
    "matching.unlinked_records",
)  # fmt: skip
#: What comes up in any such history; without it, this would be a test of nothing.
SEEN = {
    ("matching.links", "status"): {"linked"},
    ("matching.links", "matched_by"): {"email", "domain"},
    ("matching.match_issues", "issue_type"): {"ambiguous_match", "duplicate_person", "missing_match_key"},
    ("matching.int_create_candidates", "target"): {"hubspot", "salesforce"},
}


@settings(max_examples=1, deadline=None, database=None, phases=[Phase.generate])
@given(seed=st.integers(0, 2**64))
def test_a_pass_over_a_few_records_ends_as_one_over_all(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    assume(seed > 99)  # hypothesis always begins with 0
    random = Random(seed)
    world = MatchingWorld(tmp_path_factory.mktemp("incremental"), random)
    world.decide()
    seen: set[tuple[str, str, str]] = set()
    for turn in range(1, TURNS + 1):
        world.pass_an_hour()
        if turn in DEADLY_TURNS:
            world.die_after(random.choice(MODELS[2:-1]))
            world.happen(0.02)
        anew = world.made_anew()
        world.decide()
        anew.decide()
        assert [one.seen("staging.stg_current_run", "is_whole") for one in (world, anew)] == [{False}, {True}]
        for table in COMPARED:
            assert world.rows(table) == anew.rows(table), f"{table}, turn {turn}"
        seen |= {(table, column, value) for table, column in SEEN for value in world.seen(table, column)}
    assert seen >= {(table, column, value) for (table, column), values in SEEN.items() for value in values}
