"""HubSpot's limits: no record is missed and none of the API's caps is passed, whatever the times look like."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from memory_crms import MemoryHubSpot

from crm_sync.clients import UnreadableAnswer
from pipelines.columns import parse_time, timestamps
from pipelines.hubspot_reading import SEARCH_BODY_BYTES, changed, listed

PROPERTIES = ("email", "lastmodifieddate")


def ids(pages: Any) -> list[str]:
    return [record["id"] for page in pages for record in page]


@settings(max_examples=25, deadline=None)
@given(
    groups=st.lists(st.tuples(st.integers(1_000, 1_030), st.integers(1, 450)), min_size=1, max_size=8),
    since=st.integers(990, 1_040),
)
def test_a_search_finds_exactly_what_changed_since(groups: list[tuple[int, int]], since: int) -> None:
    hubspot: Any = MemoryHubSpot()
    number = 0
    for moment, count in groups:
        for _ in range(count):
            number += 1
            hubspot.records.append(
                {
                    "id": str(number),
                    "properties": {"lastmodifieddate": f"1970-01-01T00:00:0{moment // 1000}.{moment % 1000:03d}Z"},
                    "archived": False,
                }
            )
    expected = {r["id"] for r in hubspot.records if hubspot._number(r, "lastmodifieddate") >= since}
    assert set(ids(changed(hubspot, "contacts", PROPERTIES, since))) == expected


def test_a_record_edited_during_the_search_pushes_no_other_over_a_page_edge() -> None:
    hubspot: Any = MemoryHubSpot()
    for number in range(1, 601):
        hubspot.add(number, 1_000 + number)

    def edit_an_early_one(crm: MemoryHubSpot) -> None:
        crm.add(crm.calls, 50_000 + crm.calls)

    hubspot.on_page = edit_an_early_one
    assert set(ids(changed(hubspot, "contacts", PROPERTIES, 0))) == {str(n) for n in range(1, 601)}


def test_many_properties_are_read_by_batch_instead_of_url_and_search_body() -> None:
    names = [f"a_property_with_a_rather_long_name_{n:04d}" for n in range(400)]
    hubspot: Any = MemoryHubSpot()
    for number in range(1, 251):
        hubspot.add(number, 1_000 + number, **{names[0]: "x", names[-1]: str(number)})
    for pages in (
        listed(hubspot, "contacts", names, archived=False),
        changed(hubspot, "contacts", names, 0),
    ):
        records = [record for page in pages for record in page]
        assert {r["properties"][names[-1]] for r in records} == {str(n) for n in range(1, 251)}
    searches = [body for what, body in hubspot.asked if what == "search"]
    assert all(len(str(body)) < SEARCH_BODY_BYTES for body in searches)


def test_a_search_that_does_not_tell_times_is_refused() -> None:
    hubspot: Any = MemoryHubSpot()
    hubspot.search = lambda object_, body: {"results": [{"id": "1"}], "paging": {"next": {"after": "1"}}}
    with pytest.raises(UnreadableAnswer, match="lastmodifieddate"):
        list(changed(hubspot, "contacts", PROPERTIES, 0))


@pytest.mark.parametrize(
    "text",
    ["2026-03-01T09:30:00.000+0000", "2026-03-01T09:30:00Z", "2026-03-01T10:30:00.000+01:00", "1772357400000"],
)
def test_every_form_of_timestamp_is_the_same_moment(text: str) -> None:
    expected = parse_time("2026-03-01T09:30:00.000Z")
    assert timestamps([text, None]).to_pylist() == [expected, None]
    assert timestamps([text, "nonsense", ""]).to_pylist() == [expected, None, None]
