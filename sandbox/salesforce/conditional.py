"""The If-Modified-Since family on single records.

Owns: comparing LastModifiedDate with a header, to the second. Refuses: ETags.
[Salesforce docs: REST API conditional requests]
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from sandbox.salesforce.errors import ApiError
from sandbox.salesforce.store import Row
from sandbox.salesforce.values import parse_datetime
from sandbox.salesforce.web import Call


def is_not_modified(call: Call, row: Row) -> bool:
    """Whether a GET may be answered with 304."""
    since = _header(call, "if-modified-since", strict=False)
    return since is not None and _modified(row) <= since


def check_unmodified(call: Call, row: Row) -> None:
    """412 when the record was changed after the `If-Unmodified-Since` of a PATCH; 400 for a bad date."""
    since = _header(call, "if-unmodified-since", strict=True)
    if since is not None and _modified(row) > since:
        raise ApiError("PRECONDITION_FAILED", "One or more conditions failed for this request.", 412)
    changed_since = _header(call, "if-modified-since", strict=True)
    if changed_since is not None and _modified(row) <= changed_since:
        raise ApiError("PRECONDITION_FAILED", "One or more conditions failed for this request.", 412)


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
