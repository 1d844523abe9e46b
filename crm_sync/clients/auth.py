"""Tokens: where they come from and how they are renewed.

Owns the OAuth exchanges of both CRMs. A token lives in memory only; it is never written, logged or shown. Each
source is thread-safe: threads whose token was refused at the same time share one renewal.

Sources: HubSpot docs: OAuth tokens (form-encoded POST /oauth/v1/token, expires_in 1800); Salesforce help: client
credentials flow, JWT bearer flow (assertion of at most 5 minutes, no refresh token, no expires_in).
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from crm_sync.clients.errors import Refused, ServerTrouble, Unauthorized, UnreadableAnswer
from crm_sync.clients.http import ApiClient, Credential, checked_base_url
from crm_sync.clients.limits import Clock
from crm_sync.errors import ConfigError

RENEW_BEFORE_END_SECONDS = 60.0
JWT_SECONDS = 180
JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class StaticToken:
    """A private app's or service key's token: there is nothing to renew."""

    def __init__(self, token: str) -> None:
        self._credential = Credential(token)

    def credential(self) -> Credential:
        return self._credential

    def renew(self, refused: Credential) -> Credential | None:
        return None


class HubSpotOAuth:
    """Access tokens from a refresh token, renewed shortly before their end."""

    def __init__(self, login: ApiClient, client_id: str, client_secret: str, refresh_token: str, clock: Clock) -> None:
        self._login = login
        self._form = {
            "grant_type": "refresh_token",
            "client_id": client_id,
            "client_secret": client_secret,
            "refresh_token": refresh_token,
        }
        self._clock = clock
        self._lock = threading.Lock()
        self._credential: Credential | None = None
        self._ends_at = 0.0

    def credential(self) -> Credential:
        with self._lock:
            if self._credential is None or self._clock() > self._ends_at - RENEW_BEFORE_END_SECONDS:
                self._credential = self._fetch()
            return self._credential

    def renew(self, refused: Credential) -> Credential | None:
        with self._lock:
            if self._credential is refused:
                self._credential = self._fetch()
            return self._credential

    def _fetch(self) -> Credential:
        reply = _token_reply(self._login, "/oauth/v1/token", self._form)
        if isinstance(reply.get("refresh_token"), str):
            self._form["refresh_token"] = reply["refresh_token"]
        seconds = reply.get("expires_in")
        self._ends_at = self._clock() + (float(seconds) if isinstance(seconds, int | float) else 1800.0)
        return Credential(reply["access_token"])


@dataclass(frozen=True)
class Identity:
    """Who the token acts for: the organisation and the integration user."""

    organization_id: str
    user_id: str
    instance_url: str


class SalesforceAuth:
    """Access tokens by client credentials or JWT bearer; the reply names the instance to call."""

    def __init__(self, login: ApiClient, form: Callable[[], dict[str, str]]) -> None:
        self._login = login
        self._form = form
        self._lock = threading.Lock()
        self._credential: Credential | None = None
        self._identity: Identity | None = None

    def credential(self) -> Credential:
        with self._lock:
            if self._credential is None:
                self._credential = self._fetch()
            return self._credential

    def renew(self, refused: Credential) -> Credential | None:
        with self._lock:
            if self._credential is refused:
                self._credential = self._fetch()
            return self._credential

    def identity(self) -> Identity:
        """From the `id` URL of the token reply: .../id/<organisation id>/<user id>."""
        self.credential()
        if self._identity is None:
            raise UnreadableAnswer("the token reply names no identity", crm="Salesforce", request="POST token")
        return self._identity

    def _fetch(self) -> Credential:
        reply = _token_reply(self._login, "/services/oauth2/token", self._form())
        instance_url = self._instance_url(reply)
        match = re.search(r"/id/([A-Za-z0-9]{15,18})/([A-Za-z0-9]{15,18})/?$", str(reply.get("id") or ""))
        self._identity = Identity(match[1], match[2], instance_url) if match else None
        return Credential(reply["access_token"], instance_url)

    def _instance_url(self, reply: Mapping[str, Any]) -> str:
        try:
            return checked_base_url(str(reply.get("instance_url") or ""), "instance_url")
        except ConfigError as error:
            raise UnreadableAnswer(
                "the token reply's instance_url is missing or not https", crm="Salesforce", request="POST token"
            ) from error


def client_credentials_form(client_id: str, client_secret: str) -> Callable[[], dict[str, str]]:
    """The form of the client credentials flow."""
    return lambda: {
        "grant_type": "client_credentials",
        "client_id": client_id,
        "client_secret": client_secret,
    }


def jwt_form(
    client_id: str, username: str, private_key_file: Path, login_url: str, wall_clock: Clock
) -> Callable[[], dict[str, str]]:
    """The form of the JWT bearer flow, signed anew each time. ConfigError when the key cannot be used."""

    def form() -> dict[str, str]:
        import jwt  # with its cryptography it takes a tenth of a second, and few use this flow

        claims = {
            "iss": client_id,
            "sub": username,
            "aud": _audience(login_url),
            "exp": int(wall_clock()) + JWT_SECONDS,
        }
        try:
            assertion = jwt.encode(claims, private_key_file.read_text(encoding="ascii"), algorithm="RS256")
        except (OSError, ValueError, TypeError, jwt.PyJWTError) as error:
            raise ConfigError(
                f"SALESFORCE_PRIVATE_KEY_FILE cannot be used: {private_key_file} ({type(error).__name__}).",
                "It must be a readable RSA private key in PEM form without a passphrase.",
            ) from error
        return {"grant_type": JWT_GRANT, "assertion": assertion}

    return form


def _audience(login_url: str) -> str:
    """The login host of the kind of organisation; it is the same for every My Domain."""
    host = urlsplit(login_url).hostname or ""
    is_sandbox = host == "test.salesforce.com" or ".sandbox." in host
    return "https://test.salesforce.com" if is_sandbox else "https://login.salesforce.com"


def _token_reply(login: ApiClient, path: str, form: dict[str, str]) -> dict[str, Any]:
    """The token endpoint's reply; any refusal of it is Unauthorized, except its server's own trouble."""
    try:
        body = login.request("POST", path, data=form, retry_unknown=True).body
    except (Unauthorized, ServerTrouble):
        raise
    except Refused as error:
        if error.status == 429:
            raise
        raise Unauthorized(
            error.message or error.code,
            status=error.status,
            code=error.code,
            headers=error.headers,
            crm=error.crm,
            request=error.request,
        ) from error
    if not isinstance(body, dict) or not isinstance(body.get("access_token"), str):
        raise UnreadableAnswer("the token reply has no access_token", crm=login.crm, request=f"POST {path}")
    return body
