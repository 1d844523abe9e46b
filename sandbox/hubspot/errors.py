"""What this stand-in HubSpot refuses, in HubSpot's own words.

Owns: the error bodies and their texts. Sources: [HubSpot docs: error-handling], public captures of replies.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from sandbox.hubspot.object_types import ObjectType

Context = Mapping[str, Sequence[str]]


class ApiError(Exception):
    """A refusal: an HTTP status and HubSpot's general error body (correlationId is added on rendering)."""

    def __init__(
        self,
        status: int,
        message: str,
        category: str | None = None,
        *,
        context: Context | None = None,
        errors: Sequence[Mapping[str, Any]] | None = None,
        sub_category: str | None = None,
        **more: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.category = category
        self.context = context
        self.errors = errors
        self.sub_category = sub_category
        self.more = more

    def body(self) -> dict[str, Any]:
        """The reply's JSON."""
        body: dict[str, Any] = {
            "status": "error",
            "message": self.message,
            "correlationId": str(uuid.uuid4()),
        }
        optional = {
            "context": self.context,
            "errors": self.errors,
            "category": self.category,
            "subCategory": self.sub_category,
        }
        return body | {key: value for key, value in optional.items() if value is not None} | self.more

    def batch_entry(self, context: Context) -> dict[str, Any]:
        """The same refusal as one entry of a batch reply's `errors`.

        `errors` and `links` are always there: the official client's model requires them.
        """
        entry: dict[str, Any] = {
            "status": "error",
            "category": self.category or "VALIDATION_ERROR",
            "message": self.message,
            "context": {**(self.context or {}), **context},
            "errors": list(self.errors or ()),
            "links": {},
        }
        if self.sub_category:
            entry["subCategory"] = self.sub_category
        return entry


@dataclass(frozen=True)
class InvalidValue(Exception):
    """One property value that cannot be stored."""

    name: str
    code: str
    message: str

    def as_message_item(self) -> dict[str, Any]:
        return {"isValid": False, "message": self.message, "error": self.code, "name": self.name}

    def as_detail(self) -> dict[str, Any]:
        return {"message": self.message, "code": self.code, "context": {"propertyName": [self.name]}}


def invalid_values(problems: Sequence[InvalidValue]) -> ApiError:
    """400 with both forms in which HubSpot lists bad values: inside the message text and as `errors`."""
    listing = orjson.dumps([problem.as_message_item() for problem in problems]).decode()
    return ApiError(
        400,
        f"Property values were not valid: {listing}",
        "VALIDATION_ERROR",
        errors=[problem.as_detail() for problem in problems],
    )


def not_found() -> ApiError:
    """404 for a record, a property or a path that is not there."""
    return ApiError(404, "resource not found", "OBJECT_NOT_FOUND")


def unknown_object_type(text: str) -> ApiError:
    return ApiError(400, f"Unable to infer object type from: {text}")


def contact_exists(existing_id: int) -> ApiError:
    """409 for an e-mail that another contact has, as primary or additional address."""
    return ApiError(409, f"Contact already exists. Existing ID: {existing_id}", "CONFLICT")


def value_taken(object_type: ObjectType, name: str, value: str, record_id: int, holder: int, portal: int) -> ApiError:
    """400 for a value of a unique property that another record has (wording from public captures)."""
    return ApiError(
        400,
        f"Cannot set PropertyValueCoordinates{{portalId={portal}, "
        f"objectTypeId=ObjectTypeId{{legacyObjectType={object_type.legacy_name}}}, "
        f"propertyName={name}, value={value}}} on {record_id}. {holder} already has that value.",
        "VALIDATION_ERROR",
    )


def required_missing(object_type: ObjectType, names: Sequence[str]) -> ApiError:
    return ApiError(
        400,
        f"Error creating {object_type.legacy_name}. Some required properties were not set.",
        "VALIDATION_ERROR",
        context={"properties": list(names)},
    )


def bad_request(message: str, **more: Any) -> ApiError:
    return ApiError(400, message, "VALIDATION_ERROR", **more)


def duplicate_ids(ids: Sequence[str]) -> ApiError:
    return bad_request(
        f"Duplicate IDs found in batch input: [{', '.join(ids)}]. IDs must be unique",
        context={"ids": list(ids)},
    )


def unknown_ids(object_type: ObjectType, ids: Sequence[str]) -> ApiError:
    """The one batch error that lists every id that was not found."""
    return ApiError(
        404,
        f"Could not get some {object_type.legacy_name} objects, they may be deleted or not exist. "
        "Check that ids are valid.",
        "OBJECT_NOT_FOUND",
        context={"ids": list(ids)},
    )
