"""Stand-in CRMs for the fault tests: started once per process, emptied before each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from push_world import PushWorld, start_world
from world import World

from sandbox import control


@pytest.fixture(scope="session")
def fault_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("fault-sandbox")
    control.start(folder, demo=False)
    yield folder
    control.stop(folder)


@pytest.fixture
def crms(fault_sandbox: Path, tmp_path: Path) -> Iterator[PushWorld]:
    """Both CRMs behaving well, with clients and an empty warehouse."""
    for crm in control.CRMS:
        control.clear_faults(fault_sandbox, crm)
    world = start_world(fault_sandbox, tmp_path)
    yield world
    world.clients.close()
    for crm in control.CRMS:
        control.clear_faults(fault_sandbox, crm)


@pytest.fixture
def world(fault_sandbox: Path, tmp_path: Path) -> World:
    """Both CRMs without records, set up for the sync; a warehouse that does not exist yet."""
    control.reset(fault_sandbox, demo=False)
    for crm in control.CRMS:
        control.clear_faults(fault_sandbox, crm)
        control.change_settings(fault_sandbox, crm, rate_limits=False)
    world = World(fault_sandbox, tmp_path)
    world.set_up()
    return world
