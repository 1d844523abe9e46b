"""The API app: every resource's endpoints in one table, errors in their envelopes, traffic counted.

Owns: putting the ASGI app together. Refuses: anything a resource does.
"""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from sandbox.salesforce import (
    bulk,
    catalogue,
    collections,
    composite,
    queries,
    records,
    replication,
    tooling,
)
from sandbox.salesforce.errors import ApiError, OauthError, not_found
from sandbox.salesforce.misbehaving import SalesforceVoice
from sandbox.salesforce.organisation import SalesforceOrganisation
from sandbox.salesforce.web import Dispatcher, api_error, oauth_error
from sandbox.serving import JsonResponse, TrafficMiddleware


def create_app(organisation: SalesforceOrganisation) -> ASGIApp:
    """The REST API of one organisation."""
    dispatcher = Dispatcher(organisation, ())
    dispatcher.endpoints = [
        *catalogue.endpoints(),
        *queries.endpoints(),
        *composite.endpoints(dispatcher),
        *collections.endpoints(),
        *tooling.endpoints(),
        *bulk.endpoints(),
        *replication.endpoints(),
        *records.endpoints(),
    ]
    routes = [
        *organisation.auth.routes(),
        *catalogue.version_routes(organisation),
        *dispatcher.routes(),
    ]
    handlers = {ApiError: api_error, OauthError: oauth_error, 404: _unknown, 405: _unknown, 500: _failed}
    app = Starlette(routes=routes, exception_handlers=handlers)
    app.router.redirect_slashes = False
    return TrafficMiddleware(app, organisation, SalesforceVoice(organisation), app.routes)


async def _unknown(request: Request, error: Exception) -> Response:
    return JsonResponse(not_found().body(), status_code=404)


async def _failed(request: Request, error: Exception) -> Response:
    body = ApiError("UNKNOWN_EXCEPTION", "An unexpected error occurred.", 500).body()
    return JsonResponse(body, status_code=500)
