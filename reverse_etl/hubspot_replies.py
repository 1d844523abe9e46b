"""HubSpot's replies to batch writes: which input got which answer, and what an error means for its record.

Owns the shapes of results and errors; makes no call. Results come in any order, and an error names its input by
the trace id, by the record id, or not at all. [HubSpot docs: error handling; OpenAPI spec: crm/objects batch]
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from crm_sync.clients.errors import Refused
from reverse_etl.operations import CREATE, REJECTED, RETRYABLE, STALE, Operation, Outcome
from reverse_etl.values import instant, text

_EXISTING_ID = re.compile(r"Existing ID:\s*(\d+)")
_INVALID_VALUES = "Property values were not valid:"
_RETRYABLE_CODES = frozenset({"RATE_LIMITS", "RATE_LIMIT", "INTERNAL_ERROR", "SERVICE_UNAVAILABLE", "LOCKED"})
_LONGEST_MESSAGE = 2_000


@dataclass(frozen=True, slots=True)
class Answer:
    """One result of a batch: the record as the reply shows it."""

    record_id: str
    properties: Mapping[str, str | None]
    updated_at: datetime | None
    created_at: datetime | None = None


@dataclass
class Sorted:
    """A batch's reply by operation id; `left` are operations that neither a result nor an error names."""

    answers: dict[str, Answer] = field(default_factory=dict)
    failures: dict[str, Outcome] = field(default_factory=dict)
    left: list[Operation] = field(default_factory=list)
    stray_errors: list[Mapping[str, Any]] = field(default_factory=list)
    stray_answers: list[Answer] = field(default_factory=list)


def answer_of(result: Mapping[str, Any]) -> Answer:
    """A result of a read or a write."""
    properties = result.get("properties")
    values = {name: text(value) for name, value in properties.items()} if isinstance(properties, dict) else {}
    updated, created = (instant(text(result.get(name))) for name in ("updatedAt", "createdAt"))
    return Answer(str(result.get("id")), values, updated, created)


def results_of(body: Any) -> list[Mapping[str, Any]]:
    """The results of a batch reply; none where it has no list of them."""
    rows = body.get("results") if isinstance(body, dict) else None
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def errors_of(body: Any) -> list[Mapping[str, Any]]:
    """The errors of a batch reply."""
    rows = body.get("errors") if isinstance(body, dict) else None
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def sort_reply(body: Any, by_trace: Mapping[str, Operation], key_property: str | None) -> Sorted:
    """Give each operation its result or error. `key_property` holds the key of creates; updates go by id."""
    found = Sorted()
    by_key = {operation.key if key_property else operation.record_id: operation for operation in by_trace.values()}
    for result in results_of(body):
        answer = answer_of(result)
        key = answer.properties.get(key_property) if key_property else answer.record_id
        operation = by_trace.get(text(result.get("objectWriteTraceId")) or "") or by_key.get(key)
        if operation is None or (not key_property and answer.record_id != operation.record_id):
            found.stray_answers.append(answer)
        else:
            found.answers[operation.operation_id] = answer
    for error in errors_of(body):
        named = [by_trace[trace] for trace in _context(error, "objectWriteTraceId") if trace in by_trace]
        named = named or [by_key[one] for one in _context(error, "ids") if one in by_key]
        for operation in named:
            found.failures.setdefault(operation.operation_id, judge_error(operation, error))
        if not named:
            found.stray_errors.append(error)
    found.left = [
        operation
        for operation in by_trace.values()
        if operation.operation_id not in found.answers and operation.operation_id not in found.failures
    ]
    return found


def judge_refusal(operation: Operation, refusal: Refused) -> Outcome:
    """The outcome of a record that was refused on its own."""
    body = refusal.body if isinstance(refusal.body, dict) else {}
    error = {"category": refusal.code or str(refusal.status), "message": refusal.message, **body}
    return judge_error(operation, error, status=refusal.status)


def judge_error(operation: Operation, error: Mapping[str, Any], status: int | None = None) -> Outcome:
    """The outcome of a record that an error names."""
    code = error_code_of(error)
    message = (text(error.get("message")) or code)[:_LONGEST_MESSAGE]
    existing_id = _existing_id(error, message)
    is_conflict = status == 409 or code == "CONFLICT" or "already exists" in message
    if code in _RETRYABLE_CODES:
        state = RETRYABLE
    elif (is_conflict and operation.operation == CREATE and existing_id) or (
        code == "OBJECT_NOT_FOUND" and operation.operation != CREATE
    ):
        state = STALE
    else:
        state = REJECTED
    return Outcome(operation.operation_id, state, code, message, existing_id=existing_id if is_conflict else None)


def error_code_of(error: Mapping[str, Any]) -> str:
    """The most telling code of an error: that of the property where there is one, else its category."""
    for detail in errors_of(error):
        if code := text(detail.get("code")):
            return code
    return _code_in_message(text(error.get("message")) or "") or text(error.get("category")) or "UNKNOWN_ERROR"


def _code_in_message(message: str) -> str | None:
    """The `error` of the JSON list that follows "Property values were not valid: "."""
    _, found, document = message.partition(_INVALID_VALUES)
    if not found:
        return None
    try:
        details = orjson.loads(document.strip())
    except orjson.JSONDecodeError:
        return None
    codes = [detail.get("error") for detail in details if isinstance(detail, dict)] if isinstance(details, list) else []
    return next((code for code in codes if isinstance(code, str)), None)


def _existing_id(error: Mapping[str, Any], message: str) -> str | None:
    named = _context(error, "existingId") or _EXISTING_ID.findall(message)
    return named[0] if len(set(named)) == 1 else None


def _context(error: Mapping[str, Any], key: str) -> Sequence[str]:
    context = error.get("context")
    values = context.get(key) if isinstance(context, dict) else None
    if isinstance(values, str | int):
        values = [values]
    return [str(value) for value in values] if isinstance(values, list) else []
