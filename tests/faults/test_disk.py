"""A disk that is full at any moment, and places that cannot be written: a clear failure, and nothing lost."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from people import hubspot_person, salesforce_person
from world import World

from crm_sync.errors import ConfigError, CycleFailed, Unexpected
from crm_sync.lock import cycle_lock


@contextmanager
def _no_file_larger_than(size: int) -> Iterator[None]:
    """Writing beyond fails as it does on a full disk: with an error from the system."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_fails_the_cycle_and_the_next_one_completes_it(world: World) -> None:
    pair = world.create("contact", hubspot=hubspot_person("one"), salesforce=salesforce_person("one"))
    world.sync()
    failures = []
    for number, room in enumerate((4_096, 1_200_000)):
        world.edit_hubspot(pair, jobtitle=f"Title {number}")
        world.create("contact", hubspot=hubspot_person(f"new{number}"))
        size = world.settings.warehouse_path.stat().st_size
        with _no_file_larger_than(size + room if number else room):
            try:
                world.sync()
            except CycleFailed as failure:
                failures.append(failure)
    assert failures
    assert not any(isinstance(failure, Unexpected) for failure in failures), failures
    assert all("disk" in f"{failure.message} {failure.remedy}" for failure in failures), failures
    world.sync()
    assert world.salesforce(pair)["Title"] == "Title 1"
    assert world.count("contact") == (3, 3)
    world.assert_quiet()


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    for warehouse in (tmp_path / "file" / "w.duckdb", Path("/proc/nowhere/w.duckdb")):
        with pytest.raises(ConfigError, match="cannot be written") as error, cycle_lock(warehouse):
            pass
        assert "WAREHOUSE_PATH" in error.value.remedy
