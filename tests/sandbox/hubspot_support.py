"""How tests talk to a stand-in CRM and its control port; the fixtures are in `conftest`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import requests

from sandbox.serving import Organisation


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
