"""Who is calling: OAuth flows, sessions and the identity URL.

Owns: tokens and their life. Refuses: permissions. Times come from the organisation's clock.
Settings: `session_seconds` (default 7,200). [Salesforce docs: OAuth client credentials, JWT bearer, refresh flows]
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import jwt
from starlette.requests import Request
from starlette.responses import Response

from sandbox.salesforce.errors import ApiError, OauthError
from sandbox.salesforce.ids import ORGANISATION_ID, ORGANISATION_ID_15
from sandbox.serving import ApiRoute, JsonResponse

if TYPE_CHECKING:
    from sandbox.salesforce.organisation import SalesforceOrganisation

CLIENT_ID = "3MVG9sandboxConnectedApp000000000000000000000000000"
CLIENT_SECRET = "sandbox-client-secret"
REFRESH_TOKEN = "5Aep861sandboxRefreshToken"
PASSWORD = "sandbox-password"
JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
AUDIENCES = ("https://login.salesforce.com", "https://test.salesforce.com")
DEFAULT_SESSION_SECONDS = 7200
MAX_ASSERTION_SECONDS = 300


@dataclass(frozen=True)
class Session:
    user_id: str
    issued_at_ms: int


class Auth:
    """Sessions of one organisation; they survive a restart."""

    def __init__(self, organisation: SalesforceOrganisation) -> None:
        self.organisation = organisation
        self.connection = organisation.store.connection
        self.connection.execute(
            "create table if not exists sessions (token text primary key, user_id text not null,"
            " issued_at_ms integer not null)"
        )
        self._sessions: dict[str, Session] = {
            token: Session(user_id, issued)
            for token, user_id, issued in self.connection.execute("select token, user_id, issued_at_ms from sessions")
        }

    def routes(self) -> list[ApiRoute]:
        return [
            ApiRoute("/services/oauth2/token", self.token, methods=["POST"]),
            ApiRoute("/services/oauth2/revoke", self.revoke, methods=["GET", "POST"]),
            ApiRoute("/services/oauth2/userinfo", self.userinfo, methods=["GET", "POST"]),
            ApiRoute("/id/{organization_id}/{user_id}", self.identity, methods=["GET", "POST"]),
        ]

    # --- sessions

    def issue(self, user_id: str) -> tuple[str, int]:
        """A new session of a user: its token and the time of issue in milliseconds."""
        token = f"{ORGANISATION_ID_15}!AQ{secrets.token_urlsafe(60).replace('-', '_')}"
        issued = self.organisation.settings.now_ms()
        self._sessions[token] = Session(user_id, issued)
        with self.organisation.store.savepoint():
            self.connection.execute("insert into sessions values (?, ?, ?)", (token, user_id, issued))
        return token, issued

    def expire_all(self) -> None:
        """End every session at once."""
        self._sessions.clear()
        with self.organisation.store.savepoint():
            self.connection.execute("delete from sessions")

    def user_of(self, header: str) -> str:
        """The user of an `Authorization` header; 401 INVALID_SESSION_ID when it names no living session."""
        scheme, _, token = header.partition(" ")
        session = self._sessions.get(token.strip()) if scheme.lower() in ("bearer", "oauth") else None
        life = float(self.organisation.settings.extra.get("session_seconds", DEFAULT_SESSION_SECONDS))
        if session is None or self.organisation.settings.now_ms() - session.issued_at_ms > life * 1000:
            raise ApiError("INVALID_SESSION_ID", "Session expired or invalid", 401)
        return session.user_id

    # --- endpoints

    async def token(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
        user_id = self._user_for(form, request)
        token, issued = self.issue(user_id)
        base = str(request.base_url).rstrip("/")
        identity = f"{base}/id/{ORGANISATION_ID}/{user_id}"
        signed = hmac.new(CLIENT_SECRET.encode(), f"{identity}{issued}".encode(), hashlib.sha256).digest()
        body = {
            "access_token": token,
            "signature": base64.b64encode(signed).decode(),
            "scope": "id api refresh_token",
            "instance_url": base,
            "id": identity,
            "token_type": "Bearer",
            "issued_at": str(issued),
            "api_instance_url": base,
        }
        return JsonResponse(body)

    def _user_for(self, form: Mapping[str, str], request: Request) -> str:
        grant = form.get("grant_type", "")
        if grant == JWT_GRANT:
            return self._by_assertion(form.get("assertion", ""), str(request.base_url).rstrip("/"))
        client_id, client_secret = _client_of(form, request)
        if grant not in ("client_credentials", "refresh_token", "password"):
            raise OauthError("unsupported_grant_type", "grant type not supported")
        if client_id != CLIENT_ID:
            raise OauthError("invalid_client_id", "client identifier invalid")
        needs_secret = grant != "refresh_token" or client_secret
        if needs_secret and client_secret != CLIENT_SECRET:
            raise OauthError("invalid_client", "invalid client credentials")
        if grant == "refresh_token":
            if form.get("refresh_token") != REFRESH_TOKEN:
                raise OauthError("invalid_grant", "expired access/refresh token")
            return self.organisation.integration_user_id
        if grant == "password":
            return self._by_password(form)
        user = self.organisation.user(self.organisation.integration_user_id)
        if user is None or not user["IsActive"]:
            raise OauthError("invalid_grant", "no client credentials user enabled")
        return self.organisation.integration_user_id

    def _by_password(self, form: Mapping[str, str]) -> str:
        user = self.organisation.user_named(form.get("username", ""))
        if user is None or not form.get("password", "").startswith(PASSWORD):
            raise OauthError("invalid_grant", "authentication failure")
        if not user["IsActive"]:
            raise OauthError("inactive_user", "user is inactive")
        return str(user["Id"])

    def _by_assertion(self, assertion: str, base: str) -> str:
        key = self.organisation.store.document("jwt_public_key")
        if key is None:
            raise OauthError("invalid_grant", "user hasn't approved this consumer")
        try:
            claims: dict[str, Any] = jwt.decode(
                assertion, key, algorithms=["RS256"], audience=[*AUDIENCES, base], options={"verify_exp": False}
            )
        except jwt.InvalidAudienceError as error:
            raise OauthError("invalid_grant", "audience is invalid") from error
        except jwt.PyJWTError as error:
            raise OauthError("invalid_grant", "invalid assertion") from error
        now = self.organisation.settings.now_ms() / 1000
        if claims.get("iss") != CLIENT_ID:
            raise OauthError("invalid_client_id", "client identifier invalid")
        if not now - 1 <= float(claims.get("exp") or 0) <= now + MAX_ASSERTION_SECONDS:
            raise OauthError("invalid_grant", "expired authorization code")
        user = self.organisation.user_named(str(claims.get("sub", "")))
        if user is None:
            raise OauthError("invalid_grant", "user hasn't approved this consumer")
        if not user["IsActive"]:
            raise OauthError("inactive_user", "user is inactive")
        return str(user["Id"])

    async def revoke(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode())) or dict(request.query_params)
        token = form.get("token", "")
        if self._sessions.pop(token, None) is None:
            raise OauthError("invalid_token", "invalid token: " + token[:10])
        with self.organisation.store.savepoint():
            self.connection.execute("delete from sessions where token = ?", (token,))
        return Response(status_code=200)

    async def userinfo(self, request: Request) -> Response:
        user = self._current(request)
        base = str(request.base_url).rstrip("/")
        body = {
            "sub": f"{base}/id/{ORGANISATION_ID}/{user['Id']}",
            "user_id": user["Id"],
            "organization_id": ORGANISATION_ID,
            "preferred_username": user["Username"],
            "nickname": user["CommunityNickname"],
            "name": user["Name"],
            "email": user["Email"],
            "email_verified": True,
            "given_name": user["FirstName"],
            "family_name": user["LastName"],
            "zoneinfo": user["TimeZoneSidKey"],
            "active": user["IsActive"],
            "user_type": "STANDARD",
            "language": user["LanguageLocaleKey"],
            "locale": user["LocaleSidKey"],
            "utcOffset": 0,
        }
        return JsonResponse(body)

    async def identity(self, request: Request) -> Response:
        caller = self._current(request)
        user = self.organisation.user(request.path_params["user_id"])
        if user is None or request.path_params["organization_id"][:15] != ORGANISATION_ID_15:
            raise ApiError("NOT_FOUND", "Bad_Id", 404)
        if user["Id"] != caller["Id"]:
            raise ApiError("FORBIDDEN", "Wrong_User", 403)
        base = str(request.base_url).rstrip("/")
        body = {
            "id": f"{base}/id/{ORGANISATION_ID}/{user['Id']}",
            "asserted_user": True,
            "user_id": user["Id"],
            "organization_id": ORGANISATION_ID,
            "username": user["Username"],
            "nick_name": user["CommunityNickname"],
            "display_name": user["Name"],
            "email": user["Email"],
            "email_verified": True,
            "first_name": user["FirstName"],
            "last_name": user["LastName"],
            "timezone": user["TimeZoneSidKey"],
            "urls": {"rest": f"{base}/services/data/v{{version}}/"},
            "active": user["IsActive"],
            "user_type": "STANDARD",
            "language": user["LanguageLocaleKey"],
            "locale": user["LocaleSidKey"],
            "utcOffset": 0,
            "last_modified_date": user["LastModifiedDate"],
            "is_app_installed": True,
        }
        return JsonResponse(body)

    def _current(self, request: Request) -> dict[str, Any]:
        user = self.organisation.user(self.user_of(request.headers.get("authorization", "")))
        if user is None:
            raise ApiError("INVALID_SESSION_ID", "Session expired or invalid", 401)
        return user


def _client_of(form: Mapping[str, str], request: Request) -> tuple[str, str]:
    """The client's id and secret, from the form or from a Basic header."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            client_id, _, secret = base64.b64decode(encoded).decode().partition(":")
        except ValueError:
            return "", ""
        return client_id, secret
    return form.get("client_id", ""), form.get("client_secret", "")
