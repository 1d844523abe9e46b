"""Who may call: private-app tokens and OAuth access tokens from the refresh flow.

Sources: [HubSpot docs: private-apps, working-with-oauth]; the 401 body from public captures.
"""

from __future__ import annotations

import secrets
import sqlite3
import uuid
from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response

from sandbox.hubspot.catalog import PORTAL_ID
from sandbox.hubspot.errors import ApiError
from sandbox.organisation import Settings
from sandbox.serving import JsonResponse, transaction

PRIVATE_APP_TOKEN = "pat-sandbox-4f3f1f4e-9d4b-4bd1-8f3c-5a1d2e7c9b10"
PRIVATE_APP_ID = "8801001"
OAUTH_APP_ID = "8801002"
CLIENT_ID = "5d0c1e9a-sandbox-client"
CLIENT_SECRET = "c0ffee00-sandbox-secret"
REFRESH_TOKEN = "sandbox-refresh-7b1c"
TOKEN_SECONDS = 1800

_MISSING = (
    "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more "
    "details at https://developers.hubspot.com/docs/methods/auth/oauth-overview"
)


@dataclass(frozen=True)
class Caller:
    """The app that a token belongs to."""

    app_id: str
    is_oauth: bool


class Authenticator:
    """Knows the tokens. OAuth access tokens are kept in the database with their expiry."""

    def __init__(self, connection: sqlite3.Connection, settings: Settings) -> None:
        self._connection = connection
        self._settings = settings
        self.is_revoked = False
        connection.execute("create table if not exists tokens (token text primary key, expires_at integer)")

    def caller(self, request: Request) -> Caller:
        """The app behind the bearer token; raises the 401."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and token:
            if token == PRIVATE_APP_TOKEN:
                return Caller(PRIVATE_APP_ID, is_oauth=False)
            row = self._connection.execute("select expires_at from tokens where token = ?", (token,)).fetchone()
            if row and row[0] > self._settings.now_ms():
                return Caller(OAUTH_APP_ID, is_oauth=True)
            if row:
                raise ApiError(401, "The OAuth token used to make this call expired.", "EXPIRED_AUTHENTICATION")
        raise ApiError(401, _MISSING, "INVALID_AUTHENTICATION")

    def expire_tokens(self) -> None:
        """Let every OAuth access token expire now."""
        self._connection.execute("update tokens set expires_at = 0")

    async def token(self, request: Request) -> Response:
        """`POST /oauth/v1/token`, form-encoded, grant type `refresh_token`."""
        form = dict(parse_qsl((await request.body()).decode("utf-8", errors="replace")))
        if form.get("grant_type") != "refresh_token":
            return _refused("BAD_GRANT_TYPE", "missing or unknown grant type")
        if form.get("client_id") != CLIENT_ID:
            return _refused("BAD_CLIENT_ID", "missing or unknown client id")
        if form.get("client_secret") != CLIENT_SECRET:
            return _refused("BAD_CLIENT_SECRET", "missing or invalid client secret")
        if form.get("refresh_token") != REFRESH_TOKEN or self.is_revoked:
            return _refused("BAD_REFRESH_TOKEN", "missing or unknown refresh token")
        token = f"CNsandbox-{secrets.token_urlsafe(48)}"
        seconds = int(self._settings.extra.get("token_seconds", TOKEN_SECONDS))
        expires_at = self._settings.now_ms() + seconds * 1000
        with transaction(self._connection):
            self._connection.execute("insert into tokens values (?, ?)", (token, expires_at))
        return JsonResponse(
            {
                "token_type": "bearer",
                "access_token": token,
                "refresh_token": REFRESH_TOKEN,
                "expires_in": seconds,
            }
        )

    async def token_info(self, request: Request) -> Response:
        """`GET /oauth/v1/access-tokens/{token}`: whose token it is and how long it lives."""
        token = request.path_params["token"]
        row = self._connection.execute("select expires_at from tokens where token = ?", (token,)).fetchone()
        seconds = (row[0] - self._settings.now_ms()) // 1000 if row else 0
        if seconds <= 0:
            return _refused("BAD_TOKEN", "missing or unknown access token", 404)
        return JsonResponse(
            {
                "token": token,
                "user": "integration@demo.example",
                "hub_domain": "demo.example",
                "scopes": self._settings.extra.get("scopes") or ["oauth"],
                "hub_id": PORTAL_ID,
                "app_id": int(OAUTH_APP_ID),
                "expires_in": seconds,
                "user_id": 7001,
                "token_type": "access",
            }
        )

    async def revoke(self, request: Request) -> Response:
        """`DELETE /oauth/v1/refresh-tokens/{token}`: that one is no longer good, until the next reset."""
        if request.path_params["token"] != REFRESH_TOKEN:
            return _refused("BAD_REFRESH_TOKEN", "missing or unknown refresh token", 404)
        self.is_revoked = True
        return Response(status_code=204)


def _refused(status: str, message: str, http_status: int = 400) -> Response:
    body = {"status": status, "message": message, "correlationId": str(uuid.uuid4())}
    return JsonResponse(body, status_code=http_status)
