"""Bytes of an API's answer to Python values, and back.

Owns two ways of reading JSON: the fast one, and one that keeps every number's literal text (Salesforce currency
and double values have more digits than a float holds; `1.50` must not become `1.5`). Lone surrogates, which JSON
escapes can spell and UTF-8 cannot, become U+FFFD. Raises ValueError for anything that is not one JSON document.
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

import orjson

_SURROGATE_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]")
_SURROGATE = re.compile("[\ud800-\udfff]")


def _reject_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


_EXACT = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=_reject_constant)
_LENIENT = json.JSONDecoder(parse_constant=_reject_constant)


def decode(content: bytes) -> Any:
    """Parsed JSON with ordinary numbers."""
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        if not _SURROGATE_ESCAPE.search(content):
            raise
    return _decode_carefully(_LENIENT, content)


def decode_exact(content: bytes) -> Any:
    """Parsed JSON in which every number is the text that stood in the document."""
    return _decode_carefully(_EXACT, content)


def encode(value: Any) -> bytes:
    """JSON as UTF-8; text that UTF-8 cannot hold is sent with U+FFFD in its place."""
    try:
        return orjson.dumps(value)
    except (orjson.JSONEncodeError, TypeError):
        return json.dumps(without_surrogates(value), ensure_ascii=False).encode()


def without_surrogates(value: Any) -> Any:
    """The same value with each lone surrogate in its texts replaced by U+FFFD."""
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, list):
        return [without_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {without_surrogates(key): without_surrogates(item) for key, item in value.items()}
    return value


def _decode_carefully(decoder: json.JSONDecoder, content: bytes) -> Any:
    try:
        value = decoder.decode(content.decode("utf-8-sig"))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    return without_surrogates(value) if _SURROGATE_ESCAPE.search(content) else value
