"""Stand-in CRMs on free loopback ports, one per test module, emptied before each test."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from sandbox import hubspot
from sandbox.control_app import create_control_app
from sandbox.serving import Organisation, serve_in_thread


@dataclass
class Crm:
    """A running stand-in CRM, its control port and a session that carries credentials."""

    url: str
    control_url: str
    session: requests.Session
    organisation: Organisation

    def call(self, method: str, path: str, **arguments: Any) -> requests.Response:
        return self.session.request(method, self.url + path, timeout=10, **arguments)

    def get(self, path: str, **params: Any) -> requests.Response:
        return self.call("GET", path, params=params)

    def post(self, path: str, body: Any = None) -> requests.Response:
        return self.call("POST", path, json=body)

    def patch(self, path: str, body: Any) -> requests.Response:
        return self.call("PATCH", path, json=body)

    def put(self, path: str, body: Any = None) -> requests.Response:
        return self.call("PUT", path, json=body)

    def delete(self, path: str) -> requests.Response:
        return self.call("DELETE", path)

    def control(self, path: str, body: Any = None) -> Any:
        """Call the control port; raises when it refuses."""
        method = "GET" if body is None else "POST"
        response = requests.request(method, self.control_url + path, json=body, timeout=30)
        assert response.ok, response.text
        return response.json()

    def writes(self, since: int = 0) -> list[dict[str, Any]]:
        return list(self.control(f"/writes?since={since}"))


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
