"""Between HTTP and the resources: one request as a `Call`, one answer as a `Reply`, a table of endpoints.

Owns: versions, sessions, limits, envelopes, the length of a URI. Refuses: what any resource does.
The same table answers HTTP requests and the subrequests of composite.
[Salesforce docs: REST API versions, status codes, URI limits]
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

import orjson
from starlette.requests import Request
from starlette.responses import Response

from sandbox.salesforce.errors import ApiError, OauthError, ParserError, not_found
from sandbox.salesforce.query import Reader
from sandbox.salesforce.saving import Actor
from sandbox.salesforce.schema.catalog import View
from sandbox.salesforce.schema.fields import SObject
from sandbox.serving import ApiRoute, JsonResponse

if TYPE_CHECKING:
    from sandbox.salesforce.organisation import SalesforceOrganisation

OLDEST_VERSION, RETIRED_BELOW, NEWEST_VERSION = 21, 31, 67
MAX_URI_AND_HEADERS = 16_384
logger = logging.getLogger(__name__)
_VERSION = re.compile(r"v(\d{2})\.0")


@dataclass(frozen=True)
class Reply:
    """An answer: `body` is JSON-able, or bytes with a `content-type` of their own, or None for no body."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> Response:
        if self.body is None:
            return Response(status_code=self.status, headers=dict(self.headers))
        if isinstance(self.body, bytes):
            return Response(self.body, status_code=self.status, headers=dict(self.headers))
        return JsonResponse(self.body, status_code=self.status, headers=dict(self.headers))


@dataclass(frozen=True)
class Call:
    """One request by one user through one API version."""

    organisation: SalesforceOrganisation
    method: str
    template: str
    path: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    base: str
    host: str
    user_id: str = ""

    def json(self) -> Any:
        """The body as JSON; JSON_PARSER_ERROR when it is none."""
        if not self.body:
            raise ParserError("The HTTP entity body is required, but this request has no entity body.")
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise ParserError(f"{error.msg} at [line:{error.lineno}, column:{error.colno}]") from error

    def json_object(self) -> dict[str, Any]:
        body = self.json()
        if not isinstance(body, dict):
            raise ParserError("Cannot deserialize instance of complexvalue from START_ARRAY value")
        return body

    @cached_property
    def view(self) -> View:
        return self.organisation.permissions.view(self.user_id)

    @cached_property
    def reader(self) -> Reader:
        return Reader(self.view, self.base, self.organisation.now())

    @cached_property
    def actor(self) -> Actor:
        """The API user as the author of writes."""
        duplicates = self.headers.get("sforce-duplicate-rule-header", "")
        return Actor(
            self.user_id,
            f"api:{self.organisation.username(self.user_id)}",
            f"{self.method} {self.template}",
            self.view,
            self.organisation.stamp_time(),
            allow_duplicates=bool(re.search(r"allowsave\s*=\s*true", duplicates, re.IGNORECASE)),
            url_base=self.base,
        )

    def sobject(self, name: str | None = None) -> SObject:
        """The object named in the path (or the given one); 404 when there is none."""
        sobject = self.organisation.schema.find(name or self.path["object"])
        if sobject is None:
            raise not_found()
        return sobject

    def flag(self, name: str) -> bool:
        return self.query.get(name, "").lower() == "true"


Handler = Callable[[Call], Reply]


@dataclass(frozen=True)
class Endpoint:
    """A handler at a path under `/services/data/vNN.0`; `{name:path}` takes slashes too."""

    method: str
    template: str
    handler: Handler
    can_be_nested: bool = True

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        names = re.sub(r"\{(\w+):path\}", r"(?P<\1>.+)", self.template)
        return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", names))


class Dispatcher:
    """Finds and runs the endpoint of a request, from HTTP or from within composite."""

    def __init__(self, organisation: SalesforceOrganisation, endpoints: Iterable[Endpoint]) -> None:
        self.organisation = organisation
        self.endpoints = list(endpoints)

    def routes(self) -> list[ApiRoute]:
        """Starlette routes, one per template."""
        templates: dict[str, list[Endpoint]] = {}
        for endpoint in self.endpoints:
            templates.setdefault(endpoint.template, []).append(endpoint)
        methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
        return [
            ApiRoute(f"/services/data/{{version}}{template}", self._http(group), methods=methods)
            for template, group in templates.items()
        ]

    def _http(self, group: list[Endpoint]) -> Callable[[Request], Any]:
        by_method = {endpoint.method: endpoint for endpoint in group}

        async def handle(request: Request) -> Response:
            body = await request.body()
            refused = too_long(request)
            if refused is not None:
                return refused
            reply = self._answer(request, body, by_method)
            headers = dict(reply.headers) | self.organisation.limits.header()
            return replace(reply, headers=headers).response()

        return handle

    def _answer(self, request: Request, body: bytes, by_method: Mapping[str, Endpoint]) -> Reply:
        try:
            version = check_version(request.path_params["version"])
            user_id = self.organisation.auth.user_of(request.headers.get("authorization", ""))
            self.organisation.limits.count()
            method = request.headers.get("x-http-method-override", request.method)
            method = request.query_params.get("_HttpMethod", method).upper()
            endpoint = by_method.get(method)
            if endpoint is None:
                message = f"HTTP Method '{method}' not allowed. Allowed are {','.join(sorted(by_method))}"
                raise ApiError("METHOD_NOT_ALLOWED", message, 405)
            call = Call(
                self.organisation,
                method,
                f"/services/data/{{version}}{endpoint.template}",
                request.path_params,
                request.query_params,
                request.headers,
                body,
                f"/services/data/{version}",
                str(request.base_url).rstrip("/"),
                user_id,
            )
            return endpoint.handler(call)
        except ApiError as error:
            return Reply(error.body(), error.status)
        except Exception:  # a mistake of this server: told like the real one's, so that the connection lives on
            logger.exception("%s %s failed", request.method, request.url.path)
            return Reply(ApiError("UNKNOWN_EXCEPTION", "An unexpected error occurred.", 500).body(), 500)

    def nested(self, outer: Call, method: str, url: str, headers: Mapping[str, str], body: Any) -> Reply:
        """Answer a subrequest; errors come back as replies."""
        try:
            parts = _split_url(url)
            base, path = _split_version(parts.path, outer.base)
            for endpoint in self.endpoints:
                match = endpoint.pattern.fullmatch(path)
                if match is None or endpoint.method != method.upper() or not endpoint.can_be_nested:
                    continue
                values = {name: unquote(value) for name, value in match.groupdict().items()}
                call = replace(
                    outer,
                    method=endpoint.method,
                    template=f"/services/data/{{version}}{endpoint.template}",
                    path=values,
                    query=dict(parse_qsl(parts.query, keep_blank_values=True)),
                    headers={**outer.headers, **{name.lower(): value for name, value in headers.items()}},
                    body=b"" if body is None else orjson.dumps(body),
                    base=base,
                )
                return endpoint.handler(call)
            raise not_found()
        except ApiError as error:
            return Reply(error.body(), error.status)


def check_version(text: str) -> str:
    """`v60.0` as it came; 404 for what is no version, 410 for a retired one."""
    match = _VERSION.fullmatch(text)
    if match is None or not OLDEST_VERSION <= int(match[1]) <= NEWEST_VERSION:
        raise not_found()
    if int(match[1]) < RETIRED_BELOW:
        raise ApiError("GONE", "The requested API version has been retired.", 410)
    return text


def too_long(request: Request) -> Response | None:
    """414 or 431, in the web server's own words, when the URI and headers exceed 16,384 bytes."""
    uri = len(request.scope["raw_path"]) + len(request.scope["query_string"])
    headers = sum(len(name) + len(value) for name, value in request.scope["headers"])
    if uri + headers <= MAX_URI_AND_HEADERS:
        return None
    status, reason = (414, "URI Too Long") if uri > headers else (431, "Request Header Fields Too Large")
    text = f"<h1>Bad Message {status}</h1><pre>reason: {reason}</pre>"
    return Response(text, status_code=status, media_type="text/html")


def _split_url(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:
        raise not_found() from None


def _split_version(path: str, base: str) -> tuple[str, str]:
    match = re.fullmatch(r"/services/data/(v\d{2}\.0)(/.*)", path)
    if match is None:
        if re.fullmatch(r"v\d{2}\.0/.*", path):  # composite/batch names its subrequests from the version on
            version, _, rest = path.partition("/")
            return f"/services/data/{check_version(version)}", f"/{rest}"
        return base, path
    return f"/services/data/{check_version(match[1])}", match[2]


async def oauth_error(request: Request, error: Exception) -> Response:
    """The exception handler of the OAuth endpoints."""
    assert isinstance(error, OauthError)
    return JsonResponse(error.body(), status_code=error.status)


async def api_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    return JsonResponse(error.body(), status_code=error.status)
