"""The account around the records: owners, pipelines, account information and API usage.

Sources: [HubSpot docs: crm/owners, crm/pipelines], the public OpenAPI description of account information.
"""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from sandbox.hubspot.catalog import PORTAL_ID
from sandbox.hubspot.errors import not_found
from sandbox.hubspot.organisation import HubSpotOrganisation
from sandbox.hubspot.requests import after, flag, limit, object_type
from sandbox.hubspot.times import iso
from sandbox.serving import JsonResponse

OWNERS_PAGE_LIMIT = 500
DAY_MS = 86_400_000


class Account:
    """The handlers of owners, pipelines and account information."""

    def __init__(self, organisation: HubSpotOrganisation) -> None:
        self.organisation = organisation
        self.metadata = organisation.metadata

    async def owners(self, request: Request) -> Response:
        size, position = limit(request, 100, OWNERS_PAGE_LIMIT), after(request)
        email = request.query_params.get("email", "").lower()
        owners = [
            owner
            for owner in self.metadata.owners()
            if owner["archived"] is flag(request, "archived")
            and int(owner["id"]) >= position
            and (not email or owner["email"].lower() == email)
        ]
        reply: dict[str, Any] = {"results": owners[:size]}
        if len(owners) > size:
            next_position = owners[size]["id"]
            link = str(request.url.include_query_params(after=next_position))
            reply["paging"] = {"next": {"after": next_position, "link": link}}
        return JsonResponse(reply)

    async def owner(self, request: Request) -> Response:
        by = "userId" if request.query_params.get("idProperty") == "userId" else "id"
        for owner in self.metadata.owners():
            is_asked = str(owner[by]) == request.path_params["id"]
            if is_asked and owner["archived"] is flag(request, "archived"):
                return JsonResponse(owner)
        raise not_found()

    async def pipelines(self, request: Request) -> Response:
        return JsonResponse({"results": self.metadata.pipelines(object_type(request).name)})

    async def pipeline(self, request: Request) -> Response:
        return JsonResponse(self._pipeline(request))

    async def stages(self, request: Request) -> Response:
        return JsonResponse({"results": self._pipeline(request)["stages"]})

    async def details(self, request: Request) -> Response:
        return JsonResponse(
            {
                "portalId": PORTAL_ID,
                "accountType": "STANDARD",
                "timeZone": "UTC",
                "companyCurrency": "USD",
                "additionalCurrencies": [],
                "utcOffset": "+00:00",
                "utcOffsetMilliseconds": 0,
                "uiDomain": "app.hubspot.com",
                "dataHostingLocation": "na1",
            }
        )

    async def daily_usage(self, request: Request) -> Response:
        now = self.organisation.settings.now_ms()
        usage = {
            "name": "private-apps-api-calls-daily",
            "usageLimit": self.organisation.limiter.daily_limit,
            "currentUsage": self.organisation.limiter.daily_used,
            "collectedAt": iso(now),
            "fetchStatus": "SUCCESS",
            "resetsAt": iso((now // DAY_MS + 1) * DAY_MS),
        }
        return JsonResponse({"results": [usage]})

    def _pipeline(self, request: Request) -> dict[str, Any]:
        found = self.metadata.pipeline(object_type(request).name, request.path_params["pipeline_id"])
        if found is None:
            raise not_found()
        return found
