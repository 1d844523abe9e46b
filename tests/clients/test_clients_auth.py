"""Where tokens come from, and what a refused or broken login is told as."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import jwt
import pytest
from client_support import FakeTime
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from scripted_server import ScriptedServer, answer, reset

from crm_sync.clients import (
    Clients,
    NotSent,
    SessionRefused,
    Unauthorized,
    UnreadableAnswer,
    build_clients,
    explain,
)
from crm_sync.errors import ConfigError, CycleFailed

Serve = Callable[..., ScriptedServer]
LOGIN = "https://login.salesforce.com"
USER, ORG = "005000000000001AAA", "00D000000000001EAA"


@dataclass(frozen=True)
class HubSpot:
    base_url: str = "http://127.0.0.1:1"
    access_token: str | None = "pat-1"
    client_id: str | None = None
    client_secret: str | None = None
    refresh_token: str | None = None


@dataclass(frozen=True)
class Salesforce:
    login_url: str = "http://127.0.0.1:1"
    client_id: str | None = "client"
    client_secret: str | None = "secret"
    username: str | None = None
    private_key_file: Path | None = None
    api_version: str = "v60.0"


@dataclass(frozen=True)
class Settings:
    hubspot: HubSpot
    salesforce: Salesforce


def clients(time: FakeTime, hubspot: HubSpot | None = None, salesforce: Salesforce | None = None) -> Clients:
    settings: Any = Settings(hubspot or HubSpot(), salesforce or Salesforce())
    return build_clients(settings, clock=time.clock, sleep=time.sleep, rng=random.Random(1))


def token_reply(instance_url: str, token: str = "00Dtoken") -> dict[str, str]:
    return {
        "access_token": token,
        "instance_url": instance_url,
        "id": f"https://login.salesforce.com/id/{ORG}/{USER}",
        "token_type": "Bearer",
    }


def test_salesforce_is_called_at_the_instance_that_the_token_names(serve: Serve, time: FakeTime) -> None:
    instance = serve(answer(200, {"records": [{"Id": "1", "N": 5}], "done": True, "totalSize": 1}))
    login = serve(answer(200, token_reply(instance.url)))
    client = clients(time, salesforce=Salesforce(login_url=login.url)).salesforce
    assert list(client.query("SELECT Id FROM Contact")) == [[{"Id": "1", "N": "5"}]]
    assert parse_qs(login.requests[0].body.decode())["grant_type"] == ["client_credentials"]
    assert instance.requests[0].target == "/services/data/v60.0/query?q=SELECT+Id+FROM+Contact"
    assert instance.requests[0].headers["authorization"] == "Bearer 00Dtoken"
    identity = client.identity()
    assert (identity.organization_id, identity.user_id) == (ORG, USER)
    assert len(login.requests) == 1
    assert client.calls == 1


def test_an_expired_session_is_renewed_once(serve: Serve, time: FakeTime) -> None:
    gone = answer(401, [{"errorCode": "INVALID_SESSION_ID", "message": "Session expired or invalid"}])
    instance = serve(gone, answer(200, {"records": [], "done": True}))
    login = serve(answer(200, token_reply(instance.url, "a")), answer(200, token_reply(instance.url, "b")))
    assert list(clients(time, salesforce=Salesforce(login_url=login.url)).salesforce.query("x")) == [[]]
    assert [request.headers["authorization"] for request in instance.requests] == ["Bearer a", "Bearer b"]


def test_a_session_that_is_refused_right_after_its_renewal_is_no_mistake_in_the_configuration(
    serve: Serve, time: FakeTime
) -> None:
    gone = answer(401, [{"errorCode": "INVALID_SESSION_ID", "message": "Session expired or invalid"}])
    instance = serve(gone, gone)
    login = serve(answer(200, token_reply(instance.url, "a")), answer(200, token_reply(instance.url, "b")))
    with pytest.raises(SessionRefused) as caught:
        list(clients(time, salesforce=Salesforce(login_url=login.url)).salesforce.query("x"))
    told = explain(caught.value)
    assert (type(told), told.exit_code) == (CycleFailed, 1)
    assert "Session expired or invalid" in told.message
    # where the login is refused as well, the credentials are to blame
    login = serve(answer(200, token_reply(serve(gone).url)), answer(400, {"error": "invalid_grant"}))
    with pytest.raises(Unauthorized) as caught_first:
        list(clients(time, salesforce=Salesforce(login_url=login.url)).salesforce.query("x"))
    assert (type(caught_first.value), explain(caught_first.value).exit_code) == (Unauthorized, 2)


@pytest.mark.parametrize("url", ["http://evil.example", "", "javascript:1"])
def test_a_token_that_names_no_safe_instance_is_refused(serve: Serve, time: FakeTime, url: str) -> None:
    login = serve(answer(200, token_reply(url)))
    with pytest.raises(NotSent, match="instance_url") as caught:
        clients(time, salesforce=Salesforce(login_url=login.url)).salesforce.describe("Contact")
    assert isinstance(caught.value.__cause__, UnreadableAnswer)


@pytest.mark.parametrize(
    "body",
    [
        {"error": "invalid_client_id", "error_description": "client identifier invalid"},
        {"error": "invalid_grant", "error_description": "no client credentials user enabled"},
    ],
)
def test_a_refused_login_is_a_configuration_error(serve: Serve, time: FakeTime, body: dict[str, str]) -> None:
    login = serve(answer(400, body))
    with pytest.raises(Unauthorized) as caught:
        clients(time, salesforce=Salesforce(login_url=login.url)).salesforce.describe("Contact")
    told = explain(caught.value)
    assert isinstance(told, ConfigError)
    assert body["error_description"] in told.message
    assert "SALESFORCE_CLIENT_ID" in told.remedy


def test_a_write_whose_login_broke_was_not_sent(serve: Serve, time: FakeTime) -> None:
    login = serve(reset())
    with pytest.raises(NotSent) as caught:
        clients(time, salesforce=Salesforce(login_url=login.url)).salesforce.collections_create([{"a": 1}])
    assert not caught.value.is_outcome_unknown


def test_jwt_bearer_signs_an_assertion(serve: Serve, time: FakeTime, tmp_path: Path) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    key_file = tmp_path / "key.pem"
    key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    instance = serve(answer(200, {"fields": []}))
    login = serve(answer(200, token_reply(instance.url)))
    settings = Salesforce(login_url=login.url, client_secret=None, username="me@example.com", private_key_file=key_file)
    clients(time, salesforce=settings).salesforce.describe("Contact")
    form = parse_qs(login.requests[0].body.decode())
    assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
    claims = jwt.decode(form["assertion"][0], key.public_key(), algorithms=["RS256"], audience=LOGIN)
    assert (claims["iss"], claims["sub"]) == ("client", "me@example.com")


def test_a_key_file_that_cannot_be_used_is_named(serve: Serve, time: FakeTime, tmp_path: Path) -> None:
    key_file = tmp_path / "key.pem"
    key_file.write_text("not a key")
    settings = Salesforce(client_secret=None, username="me@example.com", private_key_file=key_file)
    with pytest.raises(ConfigError, match="SALESFORCE_PRIVATE_KEY_FILE"):
        clients(time, salesforce=settings).salesforce.describe("Contact")


def test_hubspot_oauth_renews_before_the_token_ends(serve: Serve, time: FakeTime) -> None:
    first = answer(200, {"access_token": "one", "refresh_token": "r", "expires_in": 1800})
    second = answer(200, {"access_token": "two", "refresh_token": "r", "expires_in": 1800})
    owners = answer(200, {"results": []})
    server = serve(first, owners, owners, second, owners)
    settings = HubSpot(server.url, None, "id", "secret", "r")
    client = clients(time, hubspot=settings).hubspot
    list(client.owners())
    list(client.owners())
    time.now += 1750
    list(client.owners())
    tokens = [request.headers.get("authorization") for request in server.requests]
    assert tokens == [None, "Bearer one", "Bearer one", None, "Bearer two"]


@pytest.mark.parametrize("field", ["client_id", "client_secret"])
def test_missing_credentials_are_a_configuration_error(time: FakeTime, field: str) -> None:
    with pytest.raises(ConfigError, match="Salesforce's credentials"):
        clients(time, salesforce=replace(Salesforce(), **{field: None}))
    with pytest.raises(ConfigError, match="HubSpot's credentials"):
        clients(time, hubspot=HubSpot(access_token=None))
