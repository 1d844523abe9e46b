"""Stand-in CRMs on free loopback ports, one per test module, emptied before each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests
from hubspot_support import Crm

from sandbox import hubspot
from sandbox.control_app import create_control_app
from sandbox.serving import serve_in_thread


@pytest.fixture(scope="module")
def hubspot_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crm]:
    organisation = hubspot.open_organisation(tmp_path_factory.mktemp("hubspot") / "hubspot.db")
    with serve_in_thread(hubspot.create_app(organisation), create_control_app(organisation)) as servers:
        session = requests.Session()
        token = organisation.environment(servers.api_url)["HUBSPOT_ACCESS_TOKEN"]
        session.headers["Authorization"] = f"Bearer {token}"
        yield Crm(servers.api_url, servers.control_url, session, organisation)
    organisation.close()


@pytest.fixture
def crm(hubspot_server: Crm) -> Crm:
    """An empty HubSpot account without rate limits."""
    hubspot_server.control("/reset", {"demo": False})
    hubspot_server.control("/settings", {"rate_limits": False, "latency_ms": 0, "index_lag_ms": 0})
    return hubspot_server
