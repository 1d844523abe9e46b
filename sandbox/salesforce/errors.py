"""Errors as Salesforce words them.

    ApiError                    becomes `[{"message", "errorCode", "fields"?}]` with its HTTP status
    ├── RowError                what a save refuses; also fits a row of a collections or Bulk reply
    ├── ParserError             JSON_PARSER_ERROR: the whole request fails, not one row
    └── SoqlError               a query that cannot be understood
    OauthError                  becomes `{"error", "error_description"}` (OAuth endpoints only)

Owns: codes, statuses and envelopes. Refuses: to decide when an error applies.
[Salesforce docs: status codes and error responses; captured replies]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

ROW_STATUS = {
    "ENTITY_IS_DELETED": 404,
    "NOT_FOUND": 404,
    "INSUFFICIENT_ACCESS_OR_READONLY": 403,
}


class ApiError(Exception):
    """A refusal in the REST envelope."""

    def __init__(
        self,
        code: str,
        message: str,
        status: int = 400,
        fields: Sequence[str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.fields = None if fields is None else list(fields)
        self.extra = dict(extra or {})

    def body(self) -> list[dict[str, Any]]:
        """The REST reply: an array of one error."""
        error: dict[str, Any] = {**self.extra, "message": self.message, "errorCode": self.code}
        if self.fields is not None:
            error["fields"] = self.fields
        return [error]

    def row(self) -> dict[str, Any]:
        """The same error inside a collections row, where the code is called `statusCode`."""
        return {**self.extra, "statusCode": self.code, "message": self.message, "fields": self.fields or []}


class RowError(ApiError):
    """A record that cannot be saved, read or deleted as asked."""

    def __init__(
        self, code: str, message: str, fields: Sequence[str] = (), extra: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(code, message, ROW_STATUS.get(code, 400), fields, extra)


class ParserError(ApiError):
    """A body that is not JSON, or a JSON value of the wrong kind for its field."""

    def __init__(self, message: str) -> None:
        super().__init__("JSON_PARSER_ERROR", message)


class SoqlError(ApiError):
    """A query that cannot be understood or run."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)


class OauthError(Exception):
    """A refusal in the OAuth envelope."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(f"{error}: {description}")
        self.error = error
        self.description = description
        self.status = status

    def body(self) -> dict[str, str]:
        return {"error": self.error, "error_description": self.description}


def not_found(message: str = "The requested resource does not exist") -> ApiError:
    return ApiError("NOT_FOUND", message, 404)


def entity_is_deleted() -> RowError:
    return RowError("ENTITY_IS_DELETED", "entity is deleted")


def no_such_column(field: str, object_name: str) -> RowError:
    return RowError("INVALID_FIELD", f"No such column '{field}' on sobject of type {object_name}")


def read_only_fields(fields: Sequence[str]) -> RowError:
    message = (
        f"Unable to create/update fields: {', '.join(fields)}. Please check the security settings of this"
        " field and verify that it is read/write for your profile or permission set."
    )
    return RowError("INVALID_FIELD_FOR_INSERT_UPDATE", message, fields)
