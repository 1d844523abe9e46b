"""One pair of stand-in servers per test process, emptied before each scenario; a new warehouse for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from lockstep import Group, Outcome, selected
from world import World

from sandbox import control


@pytest.fixture(scope="session")
def state_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("sandbox")
    control.start(folder, demo=False)
    yield folder
    control.stop(folder)


@pytest.fixture
def empty_world(state_dir: Path, tmp_path: Path) -> World:
    """Both CRMs without records and without the sync's own fields."""
    return _new_world(state_dir, tmp_path)


@pytest.fixture
def world(empty_world: World) -> World:
    """Both CRMs without records, set up for the sync."""
    empty_world.set_up()
    return empty_world


@pytest.fixture
def demo_world(state_dir: Path, tmp_path: Path) -> World:
    """Both CRMs with the demo data, set up for the sync."""
    world = _new_world(state_dir, tmp_path, demo=True)
    world.set_up()
    return world


@pytest.fixture(scope="session")
def lockstep(
    request: pytest.FixtureRequest, state_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Group], Outcome]:
    """What came of each scenario of a group; the first that asks runs those that this session has chosen."""
    outcomes: dict[Group, Outcome] = {}

    def outcome(group: Group) -> Outcome:
        if group not in outcomes:
            world = _new_world(state_dir, tmp_path_factory.mktemp(group.name))
            world.set_up()
            outcomes[group] = group.run(world, selected(group, request.session.items))
        return outcomes[group]

    return outcome


def _new_world(state_dir: Path, folder: Path, demo: bool = False) -> World:
    control.reset(state_dir, demo=demo)
    for crm in control.CRMS:
        control.change_settings(state_dir, crm, rate_limits=False)
    return World(state_dir, folder)
