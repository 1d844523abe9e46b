"""The stand-ins as separate processes for the whole session, emptied before each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from conformance_support import Stands

from sandbox import control


@pytest.fixture(scope="session")
def running_stands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stands]:
    state_dir: Path = tmp_path_factory.mktemp("stands")
    yield Stands(state_dir, control.start(state_dir, demo=False))
    control.stop(state_dir)


@pytest.fixture
def stands(running_stands: Stands) -> Stands:
    running_stands.reset()
    return running_stands
