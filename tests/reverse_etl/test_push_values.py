"""Values on the wire: when two texts are one value, and text as Salesforce takes it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from reverse_etl.values import hubspot_text, instant, salesforce_id_18, salesforce_json, same_value


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (None, ""),
        ("  ", None),
        ("a ", "a"),
        ("50000.00", "50000"),
        ("1e3", "1000.0"),
        (True, "true"),
        ("2026-03-01T09:30:00.000+0000", "2026-03-01T09:30:00Z"),
        ("a;b", "b;a"),
        ("Ann@Example.com", "ann@example.com"),
        ("line\r\nnext", "line\nnext"),
    ],
)
def test_one_value_in_two_spellings(left: Any, right: Any) -> None:
    assert same_value(left, right)
    assert same_value(right, left)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("a", "A"),
        ("0123", "123"),
        ("(415) 555-0100", "4155550100"),
        ("", "0"),
        ("false", None),
        ("2026-03-01T09:30:00Z", "2026-03-01T09:30:01Z"),
        ("a;b", "a"),
    ],
)
def test_two_values(left: Any, right: Any) -> None:
    assert not same_value(left, right)


@pytest.mark.parametrize(
    ("text", "field_type", "json"),
    [
        ("250.0", "number", b"250"),
        ("1e3", "number", b"1000"),
        ("0.1", "number", b"0.1"),
        ("-12.50", "number", b"-12.5"),
        ("1234567890123456.78", "number", b"1234567890123456.78"),
        ("12345678901234567890", "number", b"12345678901234567890"),
        ("abc", "number", b'"abc"'),
        ("NaN", "number", b'"NaN"'),
        ("true", "boolean", b"true"),
        ("FALSE", "boolean", b"false"),
        ("007", "text", b'"007"'),
        ("2026-02-28", "date", b'"2026-02-28"'),
        ("", "text", b"null"),
        (None, "number", b"null"),
    ],
)
def test_text_becomes_the_json_of_its_type(text: str | None, field_type: str, json: bytes) -> None:
    value = salesforce_json(text, field_type)
    written = orjson.dumps(value) if not isinstance(value, int) or abs(value) < 2**53 else str(value).encode()
    assert written == json


def test_null_clears_in_hubspot_with_the_empty_string() -> None:
    assert hubspot_text(None) == ""


def test_instants_of_both_crms() -> None:
    moment = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
    assert instant("2026-03-01T09:30:00.000+0000") == moment
    assert instant("2026-03-01T10:30:00+01:00") == moment
    assert instant(str(int(moment.timestamp() * 1000))) == moment
    assert instant("") is None
    assert instant("yesterday") is None


def test_checksum_of_salesforce_ids() -> None:
    assert salesforce_id_18("001D000000IqhSL") == "001D000000IqhSLIAZ"
    assert salesforce_id_18("001ZL000001QS6m") == "001ZL000001QS6mYAG"
    assert salesforce_id_18("001D000000IqhSLIAZ") == "001D000000IqhSLIAZ"
