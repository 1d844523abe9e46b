"""Resources about the organisation itself: limits, the global describe, describe of an object.

Owns: those replies. Refuses: records. [Salesforce docs: REST API versions, limits, describe]
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response

from sandbox.salesforce.schema.describe import describe_global_entry, describe_object
from sandbox.salesforce.web import NEWEST_VERSION, RETIRED_BELOW, Call, Endpoint, Reply
from sandbox.serving import ApiRoute, JsonResponse

if TYPE_CHECKING:
    from sandbox.salesforce.organisation import SalesforceOrganisation

SEASONS = ("Spring", "Summer", "Winter")
RESOURCES = ("sobjects", "query", "queryAll", "limits", "composite", "tooling", "jobs")


def endpoints() -> list[Endpoint]:
    return [
        Endpoint("GET", "", _resources),
        Endpoint("GET", "/", _resources),
        Endpoint("GET", "/limits", _limits),
        Endpoint("GET", "/limits/", _limits),
        Endpoint("GET", "/sobjects", _global),
        Endpoint("GET", "/sobjects/", _global),
        Endpoint("GET", "/sobjects/{object}/describe", _describe),
        Endpoint("GET", "/sobjects/{object}/describe/", _describe),
    ]


def version_routes(organisation: SalesforceOrganisation) -> list[ApiRoute]:
    """The list of versions, which needs no session and carries no limit header."""

    async def versions(request: Request) -> Response:
        return JsonResponse(
            [
                {"label": _release(number), "url": f"/services/data/v{number}.0", "version": f"{number}.0"}
                for number in range(RETIRED_BELOW, NEWEST_VERSION + 1)
            ]
        )

    return [ApiRoute("/services/data", versions), ApiRoute("/services/data/", versions)]


def _release(number: int) -> str:
    """`Spring '24` is 60.0; three releases a year, Winter '25 (62.0) comes out in 2024."""
    return f"{SEASONS[number % 3]} '{(number + 12) // 3:02d}"


def _resources(call: Call) -> Reply:
    return Reply({name: f"{call.base}/{name}" for name in RESOURCES} | {"identity": f"{call.host}/id"})


def _limits(call: Call) -> Reply:
    return Reply(call.organisation.limits.report())


def _global(call: Call) -> Reply:
    entries = [describe_global_entry(sobject, call.base) for sobject in call.organisation.schema]
    entries.sort(key=lambda entry: entry["name"])
    return Reply({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": entries})


def _describe(call: Call) -> Reply:
    sobject = call.sobject()
    etag = f'"{hashlib.md5(f"{sobject.name}{call.organisation.schema.revision}".encode()).hexdigest()}"'
    changed = call.organisation.schema_changed_at()
    headers = {"ETag": etag, "Last-Modified": format_datetime(changed, usegmt=True)}
    if call.headers.get("if-none-match") == etag or _is_unchanged(call, changed):
        return Reply(status=304, headers=headers)
    record_type = call.organisation.schema.objects["recordtype"]
    record_types = list(
        call.organisation.store.rows_where(record_type, '"SobjectType" = ?', (sobject.name,))
        if "RecordTypeId" in sobject.fields
        else ()
    )
    return Reply(describe_object(sobject, call.view, call.base, record_types), headers=headers)


def _is_unchanged(call: Call, changed: datetime) -> bool:
    """Whether `If-Modified-Since` says that the caller knows the present schema."""
    try:
        since = parsedate_to_datetime(call.headers.get("if-modified-since", ""))
    except ValueError:
        return False
    return changed <= (since if since.tzinfo else since.replace(tzinfo=UTC))
