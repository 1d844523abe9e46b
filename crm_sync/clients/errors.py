"""What a call to a CRM's API can end in, other than the expected answer.

ApiError                      (never raised itself)
├── NotSent                   no connection, no such host, TLS refused: certainly not made
├── NoResponse                sent, but no usable answer: the outcome of a write is unknown
│   └── UnreadableAnswer      an answer came, truncated or not what the API documents
└── Refused                   the CRM answered and said no
    ├── Unauthorized          401, or the token endpoint refused the credentials
    │   └── SessionRefused    401 for a token that was given just before: the credentials themselves are good
    ├── RateLimited           429, or 403 REQUEST_LIMIT_EXCEEDED
    │   └── BudgetSpent       not the CRM's word but our own: the call was not made
    └── ServerTrouble         5xx, 423 (locked), 477 (account is being moved), after retries

Only `NoResponse`, and `ServerTrouble` with a 5xx status, leave the outcome of a write unknown; each error says
so itself in `is_outcome_unknown`. Messages never contain tokens, secrets or request bodies.

`explain` turns any of them into the one message and exit code that a user gets. It refuses to guess: an error
that is neither the user's configuration nor the CRM's trouble stays a failed cycle with the CRM's own words.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crm_sync.errors import ConfigError, CrmSyncError, CycleFailed, GuardStop


class ApiError(Exception):
    """A call that did not end in the expected answer; `crm` and `request` say which one."""

    is_outcome_unknown = False

    def __init__(self, message: str, *, crm: str = "", request: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.crm = crm
        self.request = request

    def __str__(self) -> str:
        place = " ".join(part for part in (self.crm, self.request) if part)
        return f"{place}: {self.message}" if place else self.message


class NotSent(ApiError):
    """The request never left: the CRM cannot have acted on it."""


class NoResponse(ApiError):
    """The request was sent and no usable answer came: the CRM may or may not have acted on it."""

    is_outcome_unknown = True


class UnreadableAnswer(NoResponse):
    """An answer came that is truncated, not JSON, or not shaped as documented."""


class Refused(ApiError):
    """The CRM answered with a status that the caller did not expect."""

    def __init__(
        self,
        message: str,
        *,
        status: int,
        code: str = "",
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        crm: str = "",
        request: str = "",
    ) -> None:
        super().__init__(message, crm=crm, request=request)
        self.status = status
        self.code = code
        self.body = body
        self.headers: Mapping[str, str] = headers or {}

    def __str__(self) -> str:
        place = " ".join(part for part in (self.crm, self.request) if part)
        label = f"{self.status} {self.code}".strip()
        return f"{place}: {label}: {self.message}" if place else f"{label}: {self.message}"


class Unauthorized(Refused):
    """The credentials were refused."""


class SessionRefused(Unauthorized):
    """A session that was opened with good credentials a moment ago was refused all the same."""


class RateLimited(Refused):
    """A limit was reached. `policy` is the CRM's name for it; DAILY is not worth waiting for."""

    def __init__(self, message: str, *, policy: str, **details: Any) -> None:
        super().__init__(message, **details)
        self.policy = policy

    @property
    def is_daily(self) -> bool:
        return self.policy == "DAILY"


class BudgetSpent(RateLimited):
    """The project's own API budget of the day is spent: the call was not made."""

    def __init__(self, message: str, *, crm: str, request: str = "") -> None:
        super().__init__(message, policy="BUDGET", status=0, code="API_BUDGET_SPENT", crm=crm, request=request)

    @property
    def is_daily(self) -> bool:
        return True


class ServerTrouble(Refused):
    """The CRM's own trouble. A 5xx may come after the effect; 423 and 477 come before it."""

    @property
    def is_outcome_unknown(self) -> bool:  # type: ignore[override]
        return self.status >= 500


def explain(error: ApiError) -> CrmSyncError:
    """The one clear message, remedy and exit code for a call that ended a cycle.

    Bad or missing credentials and scopes are a ConfigError (exit 2); an unreachable, limited or failing CRM is a
    CycleFailed (exit 1), a spent budget a GuardStop (exit 3).
    """
    crm = error.crm or "The CRM"
    if isinstance(error, SessionRefused):
        return CycleFailed(
            f"{crm} refused a session that it had opened just before: {error.message}",
            "Nothing was lost; run again. If it comes back, something ends the integration user's sessions.",
        )
    if isinstance(error, Unauthorized):
        return ConfigError(f"{crm} refused the credentials: {error.message}", _credential_remedy(error.crm))
    if isinstance(error, BudgetSpent):
        name = f"{error.crm.lower()}_api_budget_share"
        return GuardStop(
            f"{crm}'s API budget of the day is spent: {error.message}. What was done stays, the rest waits.",
            f"The next run goes on once calls of the last 24 hours no longer count. To go on now: "
            f"--accept {error.crm.lower()}.api_budget, or raise {name} in dbt_project.yml.",
        )
    if isinstance(error, RateLimited):
        return CycleFailed(f"{crm}'s API limit is used up ({error.policy}): {error.message}", _limit_remedy(error))
    if isinstance(error, ServerTrouble):
        return CycleFailed(
            f"{crm} is in trouble: {error.status} {error.message}",
            f"Nothing was lost; run again when {crm} has recovered.",
        )
    if isinstance(error, Refused):
        if error.code in ("MISSING_SCOPES", "API_DISABLED_FOR_ORG"):
            return ConfigError(f"{crm} does not allow this: {error.message}", _permission_remedy(error.crm))
        return CycleFailed(f"{crm} refused {error.request}: {error.status} {error.code} {error.message}".strip())
    if isinstance(error, NotSent):
        return CycleFailed(
            f"{crm} cannot be reached: {error.message}",
            "Check the network and the base URL in the environment or .env; nothing was changed.",
        )
    if isinstance(error, UnreadableAnswer):
        return CycleFailed(
            f"{crm} sent an answer that cannot be read: {error}", "Run again; report it if it comes back."
        )
    return CycleFailed(f"{crm} did not answer: {error}", "Nothing was lost; run again.")


def _credential_remedy(crm: str) -> str:
    if crm == "HubSpot":
        return (
            "Check HUBSPOT_ACCESS_TOKEN, or HUBSPOT_CLIENT_ID, HUBSPOT_CLIENT_SECRET and "
            "HUBSPOT_REFRESH_TOKEN, in the environment or .env."
        )
    return (
        "Check SALESFORCE_LOGIN_URL, SALESFORCE_CLIENT_ID and SALESFORCE_CLIENT_SECRET (or SALESFORCE_USERNAME and "
        "SALESFORCE_PRIVATE_KEY_FILE) in the environment or .env, and that the connected app has a run-as user."
    )


def _permission_remedy(crm: str) -> str:
    if crm == "HubSpot":
        return "Add the scopes to the private app (or reconnect the OAuth app with them), then run again."
    return "Give the integration user the permission 'API Enabled', then run again."


def _limit_remedy(error: RateLimited) -> str:
    if error.is_daily:
        return "The daily limit is reached: run again after it was reset, or raise the limit."
    return "Run again in a minute; if it comes back, another integration uses the same limit."
