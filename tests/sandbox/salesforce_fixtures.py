"""A stand-in Salesforce on free loopback ports: one per test module, emptied before each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from salesforce_support import Salesforce

from sandbox import salesforce
from sandbox.control_app import create_control_app
from sandbox.serving import serve_in_thread


@pytest.fixture(scope="module")
def salesforce_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Salesforce]:
    path: Path = tmp_path_factory.mktemp("salesforce") / "salesforce.db"
    organisation = salesforce.open_organisation(path)
    with serve_in_thread(salesforce.create_app(organisation), create_control_app(organisation)) as servers:
        environment = organisation.environment(servers.api_url)
        yield Salesforce(servers.api_url, servers.control_url, requests.Session(), environment)
    organisation.close()


@pytest.fixture
def org(salesforce_server: Salesforce) -> Salesforce:
    """An organisation with users and metadata only, and a fresh session."""
    salesforce_server.control("/reset", {"demo": False})
    defaults = {
        "latency_ms": 0,
        "clock_skew_ms": 0,
        "daily_api_limit": 100_000,
        "session_seconds": 7200,
        "max_page_size": 2000,
    }
    salesforce_server.control("/settings", defaults)
    salesforce_server.log_in()
    return salesforce_server
