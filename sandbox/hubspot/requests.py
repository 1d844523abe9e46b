"""Reading what a request asks for: the JSON body, lists in the query, object types and ids in the path.

Owns: turning HTTP input into typed values, or HubSpot's 400/404.
"""

from __future__ import annotations

from typing import Any

import orjson
from starlette.requests import Request

from sandbox.hubspot.catalog import Catalog
from sandbox.hubspot.errors import ApiError, bad_request, not_found, unknown_object_type
from sandbox.hubspot.object_types import ObjectType

Body = dict[str, Any]
CATALOG_KEY = "sandbox.catalog"


async def json_body(request: Request) -> Body:
    """The request body, which must be a JSON object."""
    return parse_object(await request.body())


async def json_list(request: Request) -> list[Any]:
    """The request body, which must be a JSON array."""
    value = _parse(await request.body())
    if not isinstance(value, list):
        raise ApiError(400, "Invalid input JSON on line 1, column 1: Cannot deserialize value: expected an array")
    return value


def parse_object(raw: bytes) -> Body:
    value = _parse(raw)
    if not isinstance(value, dict):
        raise ApiError(400, "Invalid input JSON on line 1, column 1: Cannot deserialize value: expected an object")
    return value


def _parse(raw: bytes) -> Any:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise ApiError(400, f"Invalid input JSON on line {error.lineno}, column {error.colno}: {error.msg}") from error


def object_type(request: Request, parameter: str = "object_type") -> ObjectType:
    """The object type a path segment names."""
    return named_object_type(request, request.path_params[parameter])


def named_object_type(request: Request, text: str) -> ObjectType:
    catalog: Catalog = request.scope[CATALOG_KEY]
    found = catalog.find(text)
    if found is None:
        raise unknown_object_type(text)
    return found


def listed(request: Request, parameter: str) -> list[str]:
    """A comma-separated query parameter, which may also be given several times."""
    values = request.query_params.getlist(parameter)
    return [item.strip() for value in values for item in value.split(",") if item.strip()]


def flag(request: Request, parameter: str) -> bool:
    return request.query_params.get(parameter, "false").lower() == "true"


def limit(request: Request, default: int, maximum: int) -> int:
    """The page size, within the cap."""
    text = request.query_params.get("limit")
    if text is None:
        return default
    if not text.isdigit() or not 1 <= int(text) <= maximum:
        raise bad_request(f"Invalid limit {text}: it must be between 1 and {maximum}.")
    return int(text)


def after(request: Request) -> int:
    """The paging position; 0 at the start."""
    text = request.query_params.get("after", "0") or "0"
    if not text.isascii() or not text.isdigit():
        raise bad_request(f"Invalid paging cursor {text}.")
    return int(text)


def record_id(text: str) -> int | None:
    """A record id given as text; None when it cannot be one."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


def path_id(request: Request, parameter: str = "id") -> int:
    """A record id in the path; 404 when it cannot be one."""
    found = record_id(request.path_params[parameter])
    if found is None:
        raise not_found()
    return found


def mapping(value: Any, name: str) -> Body:
    """A JSON object inside a body."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise bad_request(f"Invalid input JSON: {name} must be an object.")
    return value


def sequence(value: Any, name: str) -> list[Any]:
    """A JSON array inside a body."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise bad_request(f"Invalid input JSON: {name} must be an array.")
    return value
