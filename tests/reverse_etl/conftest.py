"""Stand-in CRMs over real HTTP for the push's tests: started once, emptied before each test that uses them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from push_world import PushWorld, start_world

from sandbox import control


@pytest.fixture(scope="session")
def sandbox_dir() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="push-sandbox-") as folder:
        state_dir = Path(folder)
        control.start(state_dir, demo=False)
        try:
            yield state_dir
        finally:
            control.stop(state_dir)


@pytest.fixture
def crms(sandbox_dir: Path, tmp_path: Path) -> Iterator[PushWorld]:
    world = start_world(sandbox_dir, tmp_path)
    yield world
    world.clients.close()
