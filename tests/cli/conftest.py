"""One world for the whole session: tests that change anything make their own, or put it back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from cli_world import CliWorld, make_world

from sandbox import control


@pytest.fixture(scope="session")
def synced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CliWorld]:
    folder = tmp_path_factory.mktemp("cli")
    try:
        yield make_world(folder)
    finally:
        control.stop(folder / "sandbox")
