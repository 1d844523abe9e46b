"""What Salesforce says when the fault plan makes it fail.

[Salesforce docs: status codes and error responses; a published table of real error envelopes]
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response

from sandbox.faults import KINDS
from sandbox.salesforce.errors import ApiError
from sandbox.serving import JsonResponse

if TYPE_CHECKING:
    from sandbox.salesforce.organisation import SalesforceOrganisation

FAULT_KINDS = frozenset(KINDS) - {"index_lag"}
LOGIN_PATHS = ("/services/oauth2/*",)
_TEXTS = {
    401: ("INVALID_SESSION_ID", "Session expired or invalid"),
    423: ("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record"),
    503: ("SERVER_UNAVAILABLE", "The server is temporarily unavailable. Please try again later."),
}
_LIMITS = {
    "DAILY": "TotalRequests Limit exceeded.",
    "CONCURRENT": "ConcurrentRequests (Concurrent API Requests) Limit exceeded.",
}


class SalesforceVoice:
    """See `sandbox.traffic.Voice`."""

    def __init__(self, organisation: SalesforceOrganisation) -> None:
        self._organisation = organisation

    def refusal(self, status: int) -> Response:
        code, message = _TEXTS.get(status, ("UNKNOWN_EXCEPTION", "An unexpected error occurred."))
        return JsonResponse(ApiError(code, message, status).body(), status_code=status)

    def rate_limited(self, policy: str) -> Response:
        message = _LIMITS.get(policy.upper() or "CONCURRENT", policy)
        error = ApiError("REQUEST_LIMIT_EXCEEDED", message, 403)
        return JsonResponse(error.body(), status_code=error.status, headers=self._organisation.limits.header())

    def expire_tokens(self) -> None:
        self._organisation.auth.expire_all()
