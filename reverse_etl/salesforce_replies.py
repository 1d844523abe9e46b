"""Salesforce's answers to collection writes: what a row's errors mean for its record.

Owns the classification of status codes; makes no call. A row's error has `statusCode`, `message`, `fields`, and for
a duplicate rule perhaps the records found. [Salesforce docs: sObject Collections; status codes]
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from crm_sync.clients.errors import Refused
from reverse_etl.operations import CREATE, REJECTED, RETRYABLE, STALE, Operation, Outcome
from reverse_etl.values import salesforce_id_18, text

#: The record is busy, or Salesforce is: the same row may go through in a moment.
LOCK_CODES = frozenset({"UNABLE_TO_LOCK_ROW"})
_RETRYABLE_CODES = LOCK_CODES | {
    "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    "PROCESSING_HALTED",
    "QUERY_TIMEOUT",
    "REQUEST_LIMIT_EXCEEDED",
    "SERVER_UNAVAILABLE",
    "TXN_SECURITY_METERING_ERROR",
    "UNKNOWN_EXCEPTION",
}
_DUPLICATE_CODES = frozenset({"DUPLICATE_VALUE", "DUPLICATES_DETECTED", "DUPLICATE_EXTERNAL_ID"})
_GONE_CODES = frozenset({"ENTITY_IS_DELETED", "NOT_FOUND"})
_RECORD_ID = re.compile(r"record with id:\s*([A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?)\b")
_LONGEST_MESSAGE = 2_000


def judge_row(operation: Operation, row: Mapping[str, Any]) -> Outcome:
    """The outcome of a row that was not written."""
    errors = [error for error in row.get("errors") or [] if isinstance(error, dict)]
    return _judge(operation, errors)


def judge_refusal(operation: Operation, refusal: Refused) -> Outcome:
    """The outcome of a record that was refused on its own."""
    body = refusal.body if isinstance(refusal.body, list) else []
    errors = [error for error in body if isinstance(error, dict)]
    return _judge(operation, errors or [{"statusCode": refusal.code, "message": refusal.message}])


def _judge(operation: Operation, errors: list[dict[str, Any]]) -> Outcome:
    first = errors[0] if errors else {}
    code = text(first.get("statusCode") or first.get("errorCode")) or "UNKNOWN_ERROR"
    message = "; ".join(text(error.get("message")) or code for error in errors)[:_LONGEST_MESSAGE] or code
    found = sorted({salesforce_id_18(record_id) for error in errors for record_id in _named_records(error)})
    existing_id = found[0] if code in _DUPLICATE_CODES and len(found) == 1 else None
    is_stale = existing_id is not None if operation.operation == CREATE else code in _GONE_CODES
    state = RETRYABLE if code in _RETRYABLE_CODES else STALE if is_stale else REJECTED
    return Outcome(operation.operation_id, state, code, message, existing_id=existing_id)


def _named_records(error: Mapping[str, Any]) -> Iterator[str]:
    """The records that a duplicate error names, in its text or among its match results."""
    yield from _RECORD_ID.findall(text(error.get("message")) or "")
    duplicates = error.get("duplicateResult")
    for match in _dicts(duplicates.get("matchResults")) if isinstance(duplicates, dict) else ():
        for matched in _dicts(match.get("matchRecords")):
            record = matched.get("record")
            if isinstance(record, dict) and isinstance(record.get("Id"), str):
                yield record["Id"]


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
