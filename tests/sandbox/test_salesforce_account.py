"""Logging in, sessions, limits, versions and the length of requests."""

from __future__ import annotations

import time
from typing import Any

import jwt
import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from salesforce_support import DATA, Salesforce

pytest_plugins = ["salesforce_fixtures"]

JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def token(org: Salesforce, **form: Any) -> requests.Response:
    client = {"client_id": org.environment["SALESFORCE_CLIENT_ID"]}
    return requests.post(f"{org.url}/services/oauth2/token", data=client | form, timeout=10)


def test_client_credentials(org: Salesforce) -> None:
    reply = token(
        org, grant_type="client_credentials", client_secret=org.environment["SALESFORCE_CLIENT_SECRET"]
    ).json()
    assert "expires_in" not in reply
    assert (reply["token_type"], reply["instance_url"]) == ("Bearer", org.url)
    identity = requests.get(
        reply["id"], headers={"Authorization": f"Bearer {reply['access_token']}"}, timeout=10
    ).json()
    assert identity["username"] == "integration@demo.example"
    assert reply["id"].endswith(f"/{identity['organization_id']}/{identity['user_id']}")
    assert org.get("/services/oauth2/userinfo").json()["user_id"] == identity["user_id"]


@pytest.mark.parametrize(
    ("form", "error", "description"),
    [
        ({"client_secret": "wrong"}, "invalid_client", "invalid client credentials"),
        ({"client_id": "wrong", "client_secret": "x"}, "invalid_client_id", "client identifier invalid"),
        ({"grant_type": "magic"}, "unsupported_grant_type", "grant type not supported"),
        (
            {"grant_type": "refresh_token", "refresh_token": "old"},
            "invalid_grant",
            "expired access/refresh token",
        ),
        ({"grant_type": JWT_GRANT, "assertion": "x"}, "invalid_grant", "user hasn't approved this consumer"),
    ],
)
def test_refused_logins(org: Salesforce, form: dict[str, str], error: str, description: str) -> None:
    response = token(org, **{"grant_type": "client_credentials", **form})
    assert response.status_code == 400
    assert response.json() == {"error": error, "error_description": description}


def test_jwt_bearer(org: Salesforce) -> None:
    key = rsa.generate_private_key(65537, 2048)
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    org.control("/metadata", {"jwt_public_key": public.decode()})
    claims = {
        "iss": org.environment["SALESFORCE_CLIENT_ID"],
        "sub": "maya.okafor@demo.example",
        "aud": "https://login.salesforce.com",
        "exp": int(time.time()) + 180,
    }
    assertion = jwt.encode(claims, key, algorithm="RS256")
    reply = token(org, grant_type=JWT_GRANT, assertion=assertion).json()
    org.session.headers["Authorization"] = f"Bearer {reply['access_token']}"
    record = org.create("Contact", LastName="x")
    owner = org.query(f"SELECT Owner.Name FROM Contact WHERE Id = '{record}'")[0]["Owner"]["Name"]
    assert owner == "Maya Okafor"
    for wrong in ({"exp": int(time.time()) - 10}, {"aud": "https://evil.example"}, {"sub": "nobody@demo.example"}):
        bad = jwt.encode(claims | wrong, key, algorithm="RS256")
        assert token(org, grant_type=JWT_GRANT, assertion=bad).json()["error"] == "invalid_grant"


def test_sessions_end(org: Salesforce) -> None:
    expired = [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]
    org.control("/act/expire_sessions", {"now": True})
    response = org.get("/limits")
    assert (response.status_code, response.json()) == (401, expired)
    org.log_in()
    assert org.get("/limits").ok
    org.control("/settings", {"session_seconds": 60, "clock_skew_ms": 61_000})
    assert org.get("/limits").status_code == 401
    no_header = requests.get(f"{org.url}{DATA}/limits", timeout=10)
    assert (no_header.status_code, no_header.json()) == (401, expired)


def test_daily_limit(org: Salesforce) -> None:
    used = int(org.get("/limits").headers["Sforce-Limit-Info"].split("=")[1].split("/")[0])
    org.control("/settings", {"daily_api_limit": used + 1})
    response = org.get("/query", q="SELECT Id FROM Contact")
    assert response.headers["Sforce-Limit-Info"] == f"api-usage={used + 1}/{used + 1}"
    response = org.get("/query", q="SELECT Id FROM Contact")
    assert response.status_code == 403
    assert response.json() == [{"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}]
    assert "Sforce-Limit-Info" in response.headers


def test_versions(org: Salesforce) -> None:
    versions = requests.get(f"{org.url}/services/data", timeout=10)
    assert versions.json()[0]["version"] == "31.0"
    assert {"label": "Spring '24", "url": DATA, "version": "60.0"} in versions.json()
    assert "Sforce-Limit-Info" not in versions.headers
    assert org.get("/services/data/v29.0/limits").status_code == 410
    assert org.get("/services/data/v99.0/limits").status_code == 404
    assert org.get("/services/data/v60.0/nothing").json()[0]["errorCode"] == "NOT_FOUND"
    wrong_method = org.call("PUT", "/sobjects/Contact")
    assert (wrong_method.status_code, wrong_method.json()[0]["errorCode"]) == (405, "METHOD_NOT_ALLOWED")


def test_long_addresses(org: Salesforce) -> None:
    soql = "SELECT Id FROM Contact WHERE LastName = '{}'"
    assert org.get("/query", q=soql.format("x" * 3_900)).ok
    response = org.get("/query", q=soql.format("x" * 17_000))
    assert (response.status_code, response.headers["content-type"]) == (414, "text/html; charset=utf-8")


def test_calls_are_counted_by_template(org: Salesforce) -> None:
    org.control("/calls/reset", {"now": True})
    record_id = org.create("Contact", LastName="x")
    org.get(f"/sobjects/Contact/{record_id}")
    assert org.control("/calls") == {
        "GET /services/data/{version}/sobjects/{object}/{id}": 1,
        "POST /services/data/{version}/sobjects/{object}": 1,
    }
