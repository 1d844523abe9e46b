"""The If-Modified-Since family on single records.

Owns: comparing LastModifiedDate with a header, to the second, and the ETags that only Account rows have.
[Salesforce docs: REST API conditional requests]
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime

from sandbox.salesforce.errors import ApiError
from sandbox.salesforce.schema.fields import SObject
from sandbox.salesforce.store import Row
from sandbox.salesforce.values import parse_datetime
from sandbox.salesforce.web import Call


def account_headers(sobject: SObject, row: Row) -> dict[str, str]:
    """`ETag` and `Last-Modified` of an account; other rows have neither."""
    if sobject.name != "Account":
        return {}
    tag = hashlib.md5(f"{row['Id']}{row['SystemModstamp']}".encode()).hexdigest()
    return {"ETag": f'"{tag}"', "Last-Modified": format_datetime(_modified(row), usegmt=True)}


def is_not_modified(call: Call, row: Row, headers: Mapping[str, str]) -> bool:
    """Whether a GET may be answered with 304."""
    if "ETag" in headers and headers["ETag"] in _tags(call, "if-none-match"):
        return True
    since = _header(call, "if-modified-since", strict=False)
    return since is not None and _modified(row) <= since


def check_unmodified(call: Call, sobject: SObject, row: Row) -> None:
    """412 when the record was changed after the `If-Unmodified-Since` of a PATCH (or, for an account, no longer
    has the ETag of `If-Match`); 400 for a bad date."""
    tags = _tags(call, "if-match")
    if tags and sobject.name == "Account" and not {account_headers(sobject, row)["ETag"], "*"} & tags:
        raise ApiError("PRECONDITION_FAILED", "One or more conditions failed for this request.", 412)
    since = _header(call, "if-unmodified-since", strict=True)
    if since is not None and _modified(row) > since:
        raise ApiError("PRECONDITION_FAILED", "One or more conditions failed for this request.", 412)
    changed_since = _header(call, "if-modified-since", strict=True)
    if changed_since is not None and _modified(row) <= changed_since:
        raise ApiError("PRECONDITION_FAILED", "One or more conditions failed for this request.", 412)


def _tags(call: Call, name: str) -> set[str]:
    return {tag.strip().removesuffix('--gzip"') for tag in call.headers.get(name, "").split(",") if tag.strip()}


def _modified(row: Row) -> datetime:
    return parse_datetime(row.get("LastModifiedDate") or "") or datetime.min.replace(tzinfo=UTC)


def _header(call: Call, name: str, strict: bool) -> datetime | None:
    text = call.headers.get(name)
    if text is None:
        return None
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        if strict:
            raise ApiError("INVALID_HEADER_VALUE", f"Invalid date in header {name}: {text}") from None
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
