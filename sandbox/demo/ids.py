"""Salesforce record ids for demo data: 15 characters and the three that make case irrelevant."""

from __future__ import annotations

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_INSTANCE = "dM0000"


def salesforce_id(prefix: str, number: int) -> str:
    """The 18-character id of the record `number` of the object with this key prefix (`003`, `001`, …).

    [Salesforce docs: 18-character ids] the suffix has one character per five: bit n is set where the n-th of
    the five is an upper-case letter.
    """
    digits = ""
    rest = number
    while rest:
        rest, digit = divmod(rest, 62)
        digits = _BASE62[digit] + digits
    short = prefix + _INSTANCE + digits.rjust(6, "0")
    suffix = ""
    for start in (0, 5, 10):
        bits = sum(1 << index for index, char in enumerate(short[start : start + 5]) if "A" <= char <= "Z")
        suffix += _BASE32[bits]
    return short + suffix
