"""What HubSpot says when the fault plan makes it fail.

Sources: [HubSpot docs: error-handling] names 423, 477 (with Retry-After) and the 5xx, but shows no bodies of theirs:
the texts here are guesses. The 429 bodies are limits.py's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response

from sandbox.faults import KINDS
from sandbox.hubspot.errors import ApiError
from sandbox.hubspot.limits import RateLimited
from sandbox.serving import JsonResponse

if TYPE_CHECKING:
    from sandbox.hubspot.organisation import HubSpotOrganisation

FAULT_KINDS = frozenset(KINDS) - {"row_lock"}
LOGIN_PATHS = ("/oauth/*",)
_POLICIES = {"DAILY": "daily", "TEN_SECONDLY_ROLLING": "ten_secondly_rolling", "SECONDLY": "secondly"}
_TEXTS = {
    401: ("The OAuth token used to make this call expired.", "EXPIRED_AUTHENTICATION"),
    423: ("This record is locked by another process. Try again later.", "LOCKED"),
    477: ("This account is being migrated between data centers.", "MIGRATION_IN_PROGRESS"),
    503: ("Service unavailable", "SERVICE_UNAVAILABLE"),
}


class HubSpotVoice:
    """See `sandbox.traffic.Voice`."""

    def __init__(self, organisation: HubSpotOrganisation) -> None:
        self._organisation = organisation

    def refusal(self, status: int) -> Response:
        message, category = _TEXTS.get(status, ("internal error", None))
        return JsonResponse(ApiError(status, message, category).body(), status_code=status)

    def rate_limited(self, policy: str) -> Response:
        name = policy.upper() or "TEN_SECONDLY_ROLLING"
        error = RateLimited(name, _POLICIES.get(name, name.lower()), {})
        return JsonResponse(error.body(), status_code=429)

    def expire_tokens(self) -> None:
        self._organisation.authenticator.expire_tokens()
