"""Values on the wire: text from JSON, JSON from text, and when two texts are the same value.

Owns no rule of the merge: dbt decides what a field shall hold. These comparisons only answer whether a target still
holds, or already holds, a given value.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

import orjson

_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?\Z")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")
#: Beyond these digits a double no longer holds a decimal number exactly.
_EXACT_DIGITS = 15


def text(value: object) -> str | None:
    """A JSON scalar as text: booleans as true/false, null as None."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def instant(value: object) -> datetime | None:
    """A timestamp of either CRM in UTC, or None where there is none: ISO text or epoch milliseconds."""
    if isinstance(value, datetime):
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    raw = text(value)
    if not raw:
        return None
    if raw.isdigit():
        return datetime.fromtimestamp(int(raw) / 1000, UTC)
    try:
        parsed = datetime.fromisoformat(raw)
    except ValueError:
        return None
    return parsed.astimezone(UTC) if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def same_value(left: object, right: object) -> bool:
    """Whether two values are one: blank equals blank, and numbers, instants and sets ignore their spelling."""
    first, second = (text(left) or "").strip(), (text(right) or "").strip()
    if first == second:
        return True
    if _NUMBER.match(first) and _NUMBER.match(second):
        return Decimal(first) == Decimal(second)
    if _INSTANT.match(first) and _INSTANT.match(second):
        moment = instant(first)
        return moment is not None and moment == instant(second)
    if ";" in first and ";" in second:
        return _members(first) == _members(second)
    if "@" in first and "@" in second:
        return first.casefold() == second.casefold()
    return first.replace("\r\n", "\n") == second.replace("\r\n", "\n")


def _members(value: str) -> list[str]:
    return sorted(part.strip() for part in value.split(";") if part.strip())


def salesforce_json(value: str | None, field_type: str | None) -> object:
    """Text as the JSON value that Salesforce takes for a field of this canonical type; null clears.

    Whole numbers are sent without a fraction, since an int field refuses `250.0` (INVALID_TYPE_ON_FIELD_IN_RECORD).
    A number of more digits than a double holds goes into the document digit by digit.
    """
    if value is None or value == "":
        return None
    if field_type == "boolean":
        return {"true": True, "false": False}.get(value.strip().lower(), value)
    if field_type == "number":
        return _json_number(value.strip())
    return value


def _json_number(value: str) -> object:
    try:
        number = Decimal(value)
    except InvalidOperation:
        return value
    if not number.is_finite():
        return value
    if number == number.to_integral_value():
        return int(number)
    if len(number.normalize().as_tuple().digits) <= _EXACT_DIGITS:
        return float(number)
    return orjson.Fragment(format(number, "f"))


def hubspot_text(value: str | None) -> str:
    """Text as HubSpot takes it; the empty string clears. [HubSpot docs: crm/properties]"""
    return "" if value is None else value


def salesforce_id_18(record_id: str) -> str:
    """An 18-character Salesforce id from one of 15 characters; anything else unchanged.

    Each block of five yields one checksum character, whose bits say which of the five are upper case.
    """
    if len(record_id) != 15:
        return record_id
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
    blocks = (record_id[start : start + 5] for start in (0, 5, 10))
    checksum = (sum(1 << place for place, char in enumerate(block) if char.isupper()) for block in blocks)
    return record_id + "".join(alphabet[bits] for bits in checksum)
