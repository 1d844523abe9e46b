"""After a busy hour: what is known already is not read again, and what was missed is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from memory_crms import NOW, ms
from memory_world import World

BUSY = 900
START = ms(NOW - timedelta(minutes=50))


def stamp(seconds: int) -> str:
    return (NOW + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.000+0000")


@pytest.fixture
def busy(world: World) -> World:
    """All records were modified within one hour, and are known."""
    for number in range(1, BUSY + 1):
        world.hubspot.add(number, START + number * 1_000, email=f"{number}@x.example")
    world.salesforce.page_size = 200
    world.salesforce.records = [
        {"Id": f"003{number:012d}AAA", "SystemModstamp": stamp(number // 10), "IsDeleted": number % 50 == 0}
        for number in range(BUSY)
    ]
    world.extract()
    extract(world)
    return world


def extract(world: World) -> tuple[int, int]:
    """A minute after the last one: how many searches and queries of records it took."""
    world.now -= timedelta(minutes=59)
    world.extract()
    searches = sum(what == "search" for what, _ in world.hubspot.asked)
    asked = world.salesforce.calls
    world.salesforce.calls = 0
    return searches, asked - 3  # describe, users, record types


def emails(world: World, **wanted: str) -> list[tuple[Any, ...]]:
    ids = ", ".join(f"'{record_id}'" for record_id in wanted.values())
    return world.rows(f"select properties->>'email' from raw_hubspot.records where id in ({ids}) order by 1")


def test_what_is_known_and_few_changes_cost_one_call_and_many_their_pages(busy: World) -> None:
    busy.salesforce.calls = 0
    assert extract(busy) == (1, 1)
    latest = START + BUSY * 1_000
    for number in range(1, 11):
        busy.hubspot.add(number, latest + 200_000 + number, email="edited")
    assert extract(busy)[0] == 1
    for number in range(11, 501):
        busy.hubspot.add(number, latest + 400_000 + number, email="edited")
    assert extract(busy)[0] <= 6
    assert busy.value("select count(*) from raw_hubspot.records where properties->>'email' = 'edited'") == 500
    assert extract(busy)[0] == 1


def test_what_the_index_shows_late_is_found_by_the_count_or_within_half_an_hour(busy: World) -> None:
    busy.hubspot.add(9_999, START + 5_500, email="late")
    busy.salesforce.records.insert(0, {"Id": "003999999999999AAA", "SystemModstamp": stamp(5), "IsDeleted": False})
    extract(busy)
    assert emails(busy, late="9999") == [("late",)]
    assert busy.value("select count(*) from raw_salesforce.records where id = '003999999999999AAA'") == 1
    busy.hubspot.add(1, START + 5_500, email="late")  # a known one: no count tells
    extract(busy)
    assert emails(busy, late="1") == [("1@x.example",)]
    busy.now += timedelta(minutes=31)
    extract(busy)
    assert emails(busy, late="1") == [("late",)]
