"""The CRMs' APIs: sessions, tokens, limits, retries (http.py) and one method per documented call.

`build_clients` is the one place that puts the parts together; no call is made until a method is used.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from crm_sync.clients.auth import HubSpotOAuth, SalesforceAuth, StaticToken, client_credentials_form, jwt_form
from crm_sync.clients.errors import (
    ApiError,
    NoResponse,
    NotSent,
    RateLimited,
    Refused,
    ServerTrouble,
    SessionRefused,
    Unauthorized,
    UnreadableAnswer,
    explain,
)
from crm_sync.clients.http import (
    RETRY_BUDGET_SECONDS,
    ApiClient,
    ApiResponse,
    Auth,
    NoAuth,
    Sessions,
    checked_base_url,
)
from crm_sync.clients.hubspot import HubSpotClient
from crm_sync.clients.limits import ApiLimits, Clock, HubSpotLimiter, Limiter, NoLimiter, SalesforceLimiter, Sleep
from crm_sync.clients.salesforce import SalesforceClient
from crm_sync.errors import ConfigError

if TYPE_CHECKING:
    from crm_sync.config import HubSpotSettings, SalesforceSettings, Settings

__all__ = [
    "ApiClient",
    "ApiError",
    "ApiLimits",
    "ApiResponse",
    "Clients",
    "HubSpotClient",
    "NoResponse",
    "NotSent",
    "RateLimited",
    "Refused",
    "SalesforceClient",
    "ServerTrouble",
    "SessionRefused",
    "Unauthorized",
    "UnreadableAnswer",
    "build_clients",
    "explain",
]


@dataclass(frozen=True)
class Clients:
    """Both CRMs' clients; close() gives their connections back."""

    hubspot: HubSpotClient
    salesforce: SalesforceClient
    sessions: Sessions

    def close(self) -> None:
        self.sessions.close()


@dataclass(frozen=True)
class _Parts:
    sessions: Sessions
    clock: Clock
    sleep: Sleep
    rng: random.Random
    budget: float

    def client(self, crm: str, base_url: str, auth: Auth, limiter: Limiter) -> ApiClient:
        return ApiClient(self.sessions, base_url, auth, limiter, self.clock, self.sleep, self.rng, self.budget, crm=crm)


def build_clients(
    settings: Settings,
    *,
    clock: Clock = time.monotonic,
    sleep: Sleep = time.sleep,
    rng: random.Random | None = None,
    max_elapsed_seconds: float = RETRY_BUDGET_SECONDS,
) -> Clients:
    """Clients for the settings; ConfigError for a URL that is not https (or http to this machine)."""
    parts = _Parts(Sessions(), clock, sleep, rng or random.Random(), max_elapsed_seconds)
    return Clients(
        hubspot=_hubspot(settings.hubspot, parts),
        salesforce=_salesforce(settings.salesforce, parts),
        sessions=parts.sessions,
    )


def _hubspot(settings: HubSpotSettings, parts: _Parts) -> HubSpotClient:
    base_url = checked_base_url(settings.base_url, "HUBSPOT_BASE_URL")
    auth: Auth
    if settings.access_token:
        auth = StaticToken(settings.access_token)
    elif settings.client_id and settings.client_secret and settings.refresh_token:
        login = parts.client("HubSpot", base_url, NoAuth(), NoLimiter())
        auth = HubSpotOAuth(login, settings.client_id, settings.client_secret, settings.refresh_token, parts.clock)
    else:
        raise ConfigError(
            "HubSpot's credentials are missing.",
            "Set HUBSPOT_ACCESS_TOKEN, or HUBSPOT_CLIENT_ID, HUBSPOT_CLIENT_SECRET and HUBSPOT_REFRESH_TOKEN.",
        )
    return HubSpotClient(parts.client("HubSpot", base_url, auth, HubSpotLimiter(parts.clock, parts.sleep)))


def _salesforce(settings: SalesforceSettings, parts: _Parts) -> SalesforceClient:
    login_url = checked_base_url(settings.login_url, "SALESFORCE_LOGIN_URL")
    login = parts.client("Salesforce", login_url, NoAuth(), NoLimiter())
    if settings.client_id and settings.client_secret:
        form = client_credentials_form(settings.client_id, settings.client_secret)
    elif settings.client_id and settings.username and settings.private_key_file:
        key_file = Path(settings.private_key_file)
        form = jwt_form(settings.client_id, settings.username, key_file, login_url, time.time)
    else:
        raise ConfigError(
            "Salesforce's credentials are missing.",
            "Set SALESFORCE_CLIENT_ID and SALESFORCE_CLIENT_SECRET, or SALESFORCE_CLIENT_ID, "
            "SALESFORCE_USERNAME and SALESFORCE_PRIVATE_KEY_FILE.",
        )
    auth = SalesforceAuth(login, form)
    api = parts.client("Salesforce", login_url, auth, SalesforceLimiter())
    return SalesforceClient(api, auth, settings.api_version)
