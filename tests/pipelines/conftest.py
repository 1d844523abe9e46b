"""Extraction from CRMs in memory, and from the stand-in servers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from memory_world import World
from sandbox_world import Sandbox

from crm_sync.config import HubSpotSettings, SalesforceSettings
from crm_sync.mappings import load_mappings
from sandbox import control

SEEDS = Path(__file__).parents[2] / "dbt_project" / "seeds"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "warehouse" / "test.duckdb")


@pytest.fixture(scope="session")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, str]]]:
    state_dir = tmp_path_factory.mktemp("sandbox")
    try:
        yield state_dir, dict(control.start(state_dir, demo=False).environment)
    finally:
        control.stop(state_dir)


@pytest.fixture
def sandbox(addresses: tuple[Path, dict[str, str]], tmp_path: Path) -> Sandbox:
    state_dir, env = addresses
    control.reset(state_dir, demo=False)
    return Sandbox(
        state_dir,
        tmp_path / "warehouse.duckdb",
        HubSpotSettings(env["HUBSPOT_BASE_URL"], env["HUBSPOT_ACCESS_TOKEN"]),
        SalesforceSettings(env["SALESFORCE_LOGIN_URL"], env["SALESFORCE_CLIENT_ID"], env["SALESFORCE_CLIENT_SECRET"]),
        load_mappings(SEEDS),
    )
