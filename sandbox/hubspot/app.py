"""The API app: which path leads to which room, and what every call passes first.

Owns: routes, the guard (URL length, credentials, rate limits, correlation id) and the JSON error replies.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from sandbox.hubspot.account import Account
from sandbox.hubspot.association_labels import AssociationLabels
from sandbox.hubspot.associations import Associations
from sandbox.hubspot.batch import Batches
from sandbox.hubspot.errors import ApiError
from sandbox.hubspot.limits import RateLimited
from sandbox.hubspot.lists import Lists
from sandbox.hubspot.misbehaving import HubSpotVoice
from sandbox.hubspot.objects import AUTHOR_KEY, Objects
from sandbox.hubspot.organisation import HubSpotOrganisation
from sandbox.hubspot.properties import Properties
from sandbox.hubspot.requests import CATALOG_KEY
from sandbox.hubspot.schemas import Schemas
from sandbox.hubspot.scopes import check_scopes
from sandbox.hubspot.search import Search
from sandbox.hubspot.writing import Author
from sandbox.serving import TEMPLATE_KEY, ApiRoute, JsonResponse, TrafficMiddleware

URL_LIMIT = 16_000
Handler = Callable[[Request], Awaitable[Response]]
logger = logging.getLogger(__name__)


def create_app(organisation: HubSpotOrganisation) -> ASGIApp:
    """The API of one account."""
    routes = [
        ApiRoute(path, _guarded(organisation, handler), methods=[method])
        for method, path, handler in _endpoints(organisation)
    ]
    authenticator = organisation.authenticator
    routes += [
        ApiRoute("/oauth/v1/token", authenticator.token, methods=["POST"]),
        ApiRoute("/oauth/v3/token", authenticator.token, methods=["POST"]),
        ApiRoute("/oauth/v1/access-tokens/{token}", authenticator.token_info, methods=["GET"]),
        ApiRoute("/oauth/v1/refresh-tokens/{token}", authenticator.revoke, methods=["DELETE"]),
    ]
    handlers: dict[Any, Any] = {ApiError: _refusal, HTTPException: _http_error, Exception: _server_error}
    app = Starlette(routes=routes, exception_handlers=handlers)
    return TrafficMiddleware(app, organisation, HubSpotVoice(organisation), app.routes)


def _endpoints(organisation: HubSpotOrganisation) -> list[tuple[str, str, Handler]]:
    """(method, path template, handler); more specific paths come first."""
    objects, batches, search = Objects(organisation), Batches(organisation), Search(organisation)
    associations, properties = Associations(organisation), Properties(organisation)
    account, lists, labels = Account(organisation), Lists(organisation), AssociationLabels(organisation)
    records = "/crm/v3/objects/{object_type}"
    schema = "/crm/v3/properties/{object_type}"
    linked = "/crm/v4/objects/{from_type}/{id}/associations"
    links = "/crm/v4/associations/{from_type}/{to_type}"
    return [
        ("GET", records, objects.list_all),
        ("POST", records, objects.create),
        ("POST", records + "/search", search.search),
        ("POST", records + "/merge", objects.merge),
        ("POST", records + "/gdpr-delete", objects.gdpr_delete),
        ("POST", records + "/batch/read", batches.read),
        ("POST", records + "/batch/create", batches.create),
        ("POST", records + "/batch/update", batches.update),
        ("POST", records + "/batch/upsert", batches.upsert),
        ("POST", records + "/batch/archive", batches.archive),
        ("GET", records + "/{id}", objects.read),
        ("PATCH", records + "/{id}", objects.update),
        ("DELETE", records + "/{id}", objects.archive),
        ("PUT", linked + "/default/{to_type}/{to_id}", associations.set_default),
        ("PUT", linked + "/{to_type}/{to_id}", associations.set_labels),
        ("DELETE", linked + "/{to_type}/{to_id}", associations.remove),
        ("GET", linked + "/{to_type}", associations.list_all),
        ("GET", links + "/labels", labels.list_all),
        ("POST", links + "/labels", labels.create),
        ("PUT", links + "/labels", labels.update),
        ("DELETE", links + "/labels/{type_id}", labels.remove),
        ("POST", links + "/batch/read", associations.batch_read),
        ("POST", links + "/batch/create", associations.batch_create),
        ("POST", links + "/batch/associate/default", associations.batch_default),
        ("POST", links + "/batch/archive", associations.batch_archive),
        ("POST", links + "/batch/labels/archive", associations.batch_archive_labels),
        ("GET", schema, properties.list_all),
        ("POST", schema, properties.create),
        ("GET", schema + "/groups", properties.groups),
        ("POST", schema + "/groups", properties.create_group),
        ("GET", schema + "/groups/{name}", properties.read_group),
        ("PATCH", schema + "/groups/{name}", properties.update_group),
        ("DELETE", schema + "/groups/{name}", properties.archive_group),
        ("POST", schema + "/batch/read", properties.batch_read),
        ("POST", schema + "/batch/create", properties.batch_create),
        ("POST", schema + "/batch/archive", properties.batch_archive),
        ("GET", schema + "/{name}", properties.read),
        ("PATCH", schema + "/{name}", properties.update),
        ("DELETE", schema + "/{name}", properties.archive),
        ("GET", "/crm/v3/pipelines/{object_type}", account.pipelines),
        ("GET", "/crm/v3/pipelines/{object_type}/{pipeline_id}", account.pipeline),
        ("GET", "/crm/v3/pipelines/{object_type}/{pipeline_id}/stages", account.stages),
        ("GET", "/crm/v3/owners", account.owners),
        ("GET", "/crm/v3/owners/{id}", account.owner),
        ("GET", "/account-info/v3/details", account.details),
        ("GET", "/account-info/v3/api-usage/daily/private-apps", account.daily_usage),
        ("POST", "/crm/v3/lists/search", lists.search),
        ("POST", "/crm/v3/lists", lists.create),
        ("GET", "/crm/v3/lists/object-type-id/{object_type}/name/{name}", lists.read_by_name),
        ("GET", "/crm/v3/lists/records/{object_type}/{id}/memberships", lists.record_memberships),
        ("GET", "/crm/v3/lists/{list_id}/memberships", lists.memberships),
        ("PUT", "/crm/v3/lists/{list_id}/memberships/add", lists.add),
        ("PUT", "/crm/v3/lists/{list_id}/memberships/remove", lists.remove),
        ("PUT", "/crm/v3/lists/{list_id}/memberships/add-and-remove", lists.add_and_remove),
        ("GET", "/crm/v3/lists/{list_id}/memberships/join-order", lists.memberships_by_join),
        ("DELETE", "/crm/v3/lists/{list_id}/memberships", lists.remove_all),
        ("PUT", "/crm/v3/lists/{list_id}/restore", lists.restore),
        ("PUT", "/crm/v3/lists/{list_id}/update-list-name", lists.rename),
        ("GET", "/crm/v3/lists", lists.read_many),
        ("GET", "/crm/v3/lists/{list_id}", lists.read),
        ("DELETE", "/crm/v3/lists/{list_id}", lists.delete),
        *_schema_endpoints(Schemas(organisation)),
    ]


def _schema_endpoints(schemas: Schemas) -> list[tuple[str, str, Handler]]:
    """Custom objects, under the path of the documentation and that of the specification."""
    return [
        (method, base + rest, handler)
        for base in ("/crm/v3/schemas", "/crm-object-schemas/v3/schemas")
        for method, rest, handler in (
            ("GET", "", schemas.list_all),
            ("POST", "", schemas.create),
            ("GET", "/{schema}", schemas.read),
            ("PATCH", "/{schema}", schemas.update),
            ("DELETE", "/{schema}", schemas.archive),
            ("POST", "/{schema}/associations", schemas.associate),
            ("DELETE", "/{schema}/associations/{association_id}", schemas.dissociate),
        )
    ]


def _guarded(organisation: HubSpotOrganisation, handler: Handler) -> Handler:
    """What every call passes before its handler, and the headers of its reply."""

    async def endpoint(request: Request) -> Response:
        length = len(request.scope.get("raw_path") or b"") + len(request.scope["query_string"])
        if length > URL_LIMIT:
            return Response("URI Too Long", status_code=414)
        caller = organisation.authenticator.caller(request)
        template = request.scope[TEMPLATE_KEY]
        catalog = organisation.metadata.catalog
        request.scope[CATALOG_KEY] = catalog
        headers = organisation.limiter.admit(caller, is_search=template.endswith("/{object_type}/search"))
        request.scope[AUTHOR_KEY] = Author(
            f"api:{caller.app_id}", f"{request.method} {template}", "INTEGRATION", caller.app_id
        )
        try:
            named = (request.path_params.get(name) for name in ("object_type", "from_type", "to_type"))
            kinds = [kind for text in named if text and (kind := catalog.find(text)) is not None]
            check_scopes(organisation.settings, request.method, template, kinds)
            response = await handler(request)
        except ApiError as error:
            response = await _refusal(request, error)
        headers["X-HubSpot-Correlation-Id"] = str(uuid.uuid4())
        response.headers.update(headers)
        return response

    return endpoint


async def _refusal(request: Request, error: ApiError) -> Response:
    headers = error.headers if isinstance(error, RateLimited) else None
    return JsonResponse(error.body(), status_code=error.status, headers=headers)


async def _http_error(request: Request, error: HTTPException) -> Response:
    """No such path, or not with this method."""
    message = "resource not found" if error.status_code == 404 else str(error.detail)
    return JsonResponse(ApiError(error.status_code, message).body(), status_code=error.status_code)


async def _server_error(request: Request, error: Exception) -> Response:
    logger.exception("%s %s", request.method, request.url.path)
    return JsonResponse(ApiError(500, "internal error").body(), status_code=500)
