"""A full read of HubSpot from both ends: complete, each record once, whatever the search is worth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from time import sleep
from typing import Any

import pytest
from memory_crms import MemoryHubSpot

from crm_sync.clients import Refused
from pipelines.ahead import Ahead
from pipelines.both_ends import BothEnds, SearchTurns

PROPERTIES = ("email", "lastmodifieddate")
SETTLED = datetime(2026, 3, 1, tzinfo=UTC)


class Slow(MemoryHubSpot):
    """Each call takes a moment, so that list and search take turns."""

    seconds = 0.002

    def _called(self, what: str, details: Any) -> None:
        super()._called(what, details)
        sleep(self.seconds)


class Slower(Slow):
    """Each call takes far longer than a busy machine may keep a thread waiting."""

    seconds = 0.03


class Forgetful(Slow):
    """The index of the search lacks records."""

    def search(self, object_: str, body: Mapping[str, Any]) -> dict[str, Any]:
        page = super().search(object_, body)
        return {**page, "results": [row for row in page["results"] if int(row["id"]) % 7]}


class Shuffled(Slow):
    """The list is not in the order of the ids."""

    def list_page(self, *given: Any, **more: Any) -> dict[str, Any]:
        page = super().list_page(*given, **more)
        return {**page, "results": page["results"][::-1]}


class Refusing(Slow):
    """There is no search for this object."""

    def search(self, object_: str, body: Mapping[str, Any]) -> dict[str, Any]:
        raise Refused("no search here", status=400)


def read(crm: Any) -> Counter[str]:
    pages = BothEnds(crm, "contacts", PROPERTIES, SETTLED, SearchTurns()).pages()
    return Counter(record["id"] for page in pages for record in page)


def filled(crm: MemoryHubSpot, count: int) -> MemoryHubSpot:
    for number in range(1, count + 1):
        crm.add(number * 3, 1_000 + number)
    return crm


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 299, 300, 301, 2_345])
def test_every_record_comes_once(count: int) -> None:
    crm = filled(Slow(), count)
    assert read(crm) == Counter(str(number * 3) for number in range(1, count + 1))
    assert crm.calls <= count / 150 + 5


@pytest.mark.parametrize("kind", [Forgetful, Shuffled, Refusing])
def test_where_the_search_is_no_help_the_list_goes_on_to_its_end(kind: type[MemoryHubSpot]) -> None:
    assert set(read(filled(kind(), 2_000))) == {str(number * 3) for number in range(1, 2_001)}


def test_a_failing_search_fails_the_read() -> None:
    crm = filled(Slow(), 2_000)

    def fail_later(called: MemoryHubSpot) -> None:
        if called.calls == 6:
            raise OSError("the connection broke")

    crm.on_page = fail_later
    with pytest.raises(OSError, match="broke"):
        read(crm)


def test_the_object_with_the_most_records_to_come_searches_first() -> None:
    small, large, turns = filled(Slower(), 1_000), filled(Slower(), 4_000), SearchTurns()
    reads = [
        BothEnds(crm, name, PROPERTIES, SETTLED, turns)  # type: ignore[arg-type]
        for name, crm in (("small", small), ("large", large))
    ]
    with Ahead([read.pages for read in reads], 4) as pages:
        assert sum(len(page) for page in pages) == 5_000
    searches = [sum(what == "search" for what, _ in crm.asked) for crm in (small, large)]
    assert searches[0] <= 3 < 8 <= searches[1]
