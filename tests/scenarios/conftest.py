"""One pair of stand-in servers per test process, emptied before each scenario; a new warehouse for each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
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
    control.reset(state_dir, demo=False)
    for crm in control.CRMS:
        control.change_settings(state_dir, crm, rate_limits=False)
    return World(state_dir, tmp_path)


@pytest.fixture
def world(empty_world: World) -> World:
    """Both CRMs without records, set up for the sync."""
    empty_world.set_up()
    return empty_world


@pytest.fixture
def demo_world(state_dir: Path, tmp_path: Path) -> World:
    """Both CRMs with the demo data, set up for the sync."""
    control.reset(state_dir, demo=True)
    for crm in control.CRMS:
        control.change_settings(state_dir, crm, rate_limits=False)
    world = World(state_dir, tmp_path)
    world.set_up()
    return world
