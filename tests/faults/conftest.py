"""Stand-in CRMs for the fault tests: started once per process, emptied before each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from push_world import PushWorld, start_world

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
