"""One value against one field: what is accepted, what it becomes, and how a refusal is worded.

Owns: types, trimming, lengths, picklists, ranges. Refuses: anything that needs another value or record.
JSON of the wrong kind fails the whole request (JSON_PARSER_ERROR); the same in a CSV fails its row.
[Salesforce docs: field types, status codes; Apex guide on strings; captured replies]
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from sandbox.salesforce.errors import ApiError, ParserError, RowError
from sandbox.salesforce.ids import is_id, to_18
from sandbox.salesforce.schema.fields import NUMBER_TYPES, Field
from sandbox.salesforce.values import format_datetime, parse_date, parse_datetime

TRIMMED = "".join(map(chr, range(33)))  # U+00A0 survives
MIN_YEAR, MAX_YEAR = 1700, 4000
MAX_INT = 2**31 - 1
_EMAIL = re.compile(
    r"[^\s@<>()\[\],;:\"\\]+@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9-]+)*\.[A-Za-z0-9]{2,}"
)
_JSON_KINDS = {bool: "VALUE_TRUE", int: "VALUE_NUMBER_INT", float: "VALUE_NUMBER_FLOAT", str: "VALUE_STRING",
               list: "START_ARRAY", dict: "START_OBJECT"}  # fmt: skip

WrongType = Callable[[Field, Any], ApiError]


def wrong_json(field: Field, value: Any) -> ApiError:
    """The refusal of a JSON value of the wrong kind."""
    kind = "VALUE_FALSE" if value is False else _JSON_KINDS.get(type(value), "VALUE_NULL")
    type_name = {"datetime": "datetime", "id": "reference"}.get(field.type, field.type)
    shown = "" if kind.startswith("START") else f" value {str(value).lower() if isinstance(value, bool) else value}"
    return ParserError(
        f"Cannot deserialize instance of {type_name} from {kind}{shown or ' value'} or request may be missing a"
        " required field at [line:1, column:2]"
    )


def wrong_in_row(field: Field, value: Any) -> ApiError:
    """The refusal of a CSV value of the wrong kind, and of null for a checkbox."""
    shown = "" if value is None else value
    message = f"{field.label}: value not of required type: {shown}"
    return RowError("INVALID_TYPE_ON_FIELD_IN_RECORD", message, [field.name])


def normalise(field: Field, value: Any, wrong: WrongType = wrong_json) -> Any:
    """The value as it is stored; RowError or ParserError when it is not acceptable."""
    kind = field.type
    if value is None:
        if kind == "boolean":
            raise wrong_in_row(field, value)
        return None
    if field.is_text:
        return _text(field, value, wrong)
    if kind == "boolean":
        return _boolean(field, value, wrong)
    if kind == "int":
        return _int(field, value, wrong)
    if kind in NUMBER_TYPES:
        return _number(field, value, wrong)
    if kind == "date":
        return _date(field, value, wrong)
    if kind == "datetime":
        return _datetime(field, value, wrong)
    if kind in ("reference", "id"):
        return _reference(field, value, wrong)
    raise wrong(field, value)


def _text(field: Field, value: Any, wrong: WrongType) -> str | None:
    if not isinstance(value, str):
        raise wrong(field, value)
    trimmed = value.strip(TRIMMED)
    if not trimmed:
        return None
    if field.type == "email":
        trimmed = trimmed.lower()
        if not _EMAIL.fullmatch(trimmed):
            raise RowError("INVALID_EMAIL_ADDRESS", f"{field.label}: invalid email address: {value}", [field.name])
    if field.length and len(trimmed) > field.length:
        message = f"{field.label}: data value too large: {trimmed} (max length={field.length})"
        raise RowError("STRING_TOO_LONG", message, [field.name])
    if field.type == "picklist":
        _check_picklist(field, trimmed)
    elif field.type == "multipicklist":
        return _multi(field, trimmed)
    return trimmed


def _check_picklist(field: Field, value: str) -> None:
    if field.restricted and value not in field.active_values():
        if field.name == "CurrencyIsoCode":
            raise RowError("INVALID_CURRENCY_ISO", f"Currency ISO Code: invalid currency: {value}", [field.name])
        message = f"{field.label}: bad value for restricted picklist field: {value}"
        raise RowError("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, [field.name])


def _multi(field: Field, text: str) -> str | None:
    chosen = list(dict.fromkeys(part.strip(TRIMMED) for part in text.split(";") if part.strip(TRIMMED)))
    for value in chosen:
        _check_picklist(field, value)
    order = {value.value: index for index, value in enumerate(field.picklist)}
    return ";".join(sorted(chosen, key=lambda value: order.get(value, len(order)))) or None


def _boolean(field: Field, value: Any, wrong: WrongType) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in ("true", "false"):
        return value.strip().lower() == "true"
    if wrong is wrong_in_row and isinstance(value, str) and value.strip().lower() in ("1", "0", "yes", "no"):
        return value.strip().lower() in ("1", "yes")
    raise wrong(field, value)


def _int(field: Field, value: Any, wrong: WrongType) -> int:
    number: int
    if isinstance(value, str) and re.fullmatch(r"[+-]?\d+", value.strip()):
        number = int(value)
    elif isinstance(value, int) and not isinstance(value, bool):
        number = value
    else:
        raise wrong(field, value)
    if abs(number) > MAX_INT or (field.digits and len(str(abs(number))) > field.digits):
        raise _out_of_range(field, value)
    return number


def _number(field: Field, value: Any, wrong: WrongType) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise wrong(field, value)
    try:
        number = Decimal(str(value).strip())
        if not number.is_finite():
            raise wrong(field, value)
        number = number.quantize(Decimal(1).scaleb(-field.scale), ROUND_HALF_UP)
    except InvalidOperation:
        if isinstance(value, str):
            raise wrong(field, value) from None
        raise _out_of_range(field, value) from None
    if field.precision and abs(number) >= Decimal(10) ** (field.precision - field.scale):
        raise _out_of_range(field, value)
    return float(number)


def _out_of_range(field: Field, value: Any) -> RowError:
    message = f"{field.label}: value outside of valid range on numeric field: {value}"
    return RowError("NUMBER_OUTSIDE_VALID_RANGE", message, [field.name])


def _date(field: Field, value: Any, wrong: WrongType) -> str:
    if not isinstance(value, str):
        raise wrong(field, value)
    day = parse_date(value)
    if day is None:
        moment = parse_datetime(value)
        if moment is None:
            raise wrong(field, value)
        day = moment.astimezone(UTC).date()
    if not MIN_YEAR <= day.year <= MAX_YEAR:
        message = f"{field.label}: invalid date: {value}"
        raise RowError("NUMBER_OUTSIDE_VALID_RANGE", message, [field.name])
    return day.isoformat()


def _datetime(field: Field, value: Any, wrong: WrongType) -> str:
    if not isinstance(value, str):
        raise wrong(field, value)
    moment = parse_datetime(value)
    if moment is None:
        day = parse_date(value)
        if day is None:
            raise wrong(field, value)
        return f"{day.isoformat()}T00:00:00.000+0000"
    if not MIN_YEAR <= moment.year <= MAX_YEAR:
        message = f"{field.label}: invalid date: {value}"
        raise RowError("NUMBER_OUTSIDE_VALID_RANGE", message, [field.name])
    return format_datetime(moment)


def _reference(field: Field, value: Any, wrong: WrongType) -> str | None:
    if not isinstance(value, str):
        raise wrong(field, value)
    trimmed = value.strip(TRIMMED)
    if not trimmed:
        return None
    if not is_id(trimmed):
        raise RowError("MALFORMED_ID", f"malformed id {trimmed}", [field.name])
    return to_18(trimmed[:15])
