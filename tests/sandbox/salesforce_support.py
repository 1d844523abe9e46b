"""How tests talk to a stand-in Salesforce; the fixtures are in `salesforce_fixtures`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import requests

DATA = "/services/data/v60.0"
ID_FIELD = "HubSpot_Record_ID__c"
Json = Any


@dataclass
class Salesforce:
    """A running organisation, with a session of the integration user."""

    url: str
    control_url: str
    session: requests.Session
    environment: dict[str, str]

    def call(self, method: str, path: str, **arguments: Any) -> requests.Response:
        path = path if path.startswith("/services") else DATA + path
        return self.session.request(method, self.url + path, timeout=30, **arguments)

    def get(self, path: str, headers: dict[str, str] | None = None, **params: Any) -> requests.Response:
        return self.call("GET", path, params=params, headers=headers)

    def post(self, path: str, body: Json, **arguments: Any) -> requests.Response:
        return self.call("POST", path, json=body, **arguments)

    def patch(self, path: str, body: Json, **arguments: Any) -> requests.Response:
        return self.call("PATCH", path, json=body, **arguments)

    def delete(self, path: str, **params: Any) -> requests.Response:
        return self.call("DELETE", path, params=params)

    def control(self, path: str, body: Json = None) -> Json:
        """Call the control port; fails the test when it refuses."""
        method = "GET" if body is None else "POST"
        response = requests.request(method, self.control_url + path, json=body, timeout=30)
        assert response.ok, response.text
        return response.json()

    def log_in(self) -> str:
        form = {
            "grant_type": "client_credentials",
            "client_id": self.environment["SALESFORCE_CLIENT_ID"],
            "client_secret": self.environment["SALESFORCE_CLIENT_SECRET"],
        }
        token = str(requests.post(f"{self.url}/services/oauth2/token", data=form, timeout=10).json()["access_token"])
        self.session.headers["Authorization"] = f"Bearer {token}"
        return token

    # --- shorthands

    def create(self, object_name: str, **values: Any) -> str:
        response = self.post(f"/sobjects/{object_name}", values)
        assert response.status_code == 201, response.text
        return str(response.json()["id"])

    def query(self, soql: str, path: str = "/query") -> list[dict[str, Any]]:
        response = self.get(path, q=soql)
        assert response.ok, response.text
        return list(response.json()["records"])

    def query_error(self, soql: str) -> tuple[str, str]:
        response = self.get("/query", q=soql)
        assert response.status_code == 400, response.text
        error = response.json()[0]
        return error["errorCode"], error["message"]

    def add_id_field(self, object_name: str = "Contact") -> None:
        """The external id field, as `crm-sync setup` makes it, with permissions for the integration user."""
        metadata = {"label": "HubSpot Record ID", "type": "Text", "length": 32, "externalId": True, "unique": True}
        body = {"FullName": f"{object_name}.{ID_FIELD}", "Metadata": {**metadata, "caseSensitive": False}}
        assert self.post("/tooling/sobjects/CustomField", body).status_code == 201
        permission_set = self.create("PermissionSet", Name=f"Sync_{object_name}", Label=f"Sync {object_name}")
        self.create(
            "FieldPermissions", ParentId=permission_set, SobjectType=object_name, Field=f"{object_name}.{ID_FIELD}",
            PermissionsRead=True, PermissionsEdit=True,
        )  # fmt: skip
        user_id = self.get("/services/oauth2/userinfo").json()["user_id"]
        self.create("PermissionSetAssignment", PermissionSetId=permission_set, AssigneeId=user_id)
