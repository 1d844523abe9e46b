"""Record ids: 15 case-sensitive characters, plus 3 that carry their upper-case bits.

Owns: making, checking and widening ids. Refuses: to know which records exist.
[Salesforce docs: 18-character ids: blocks of five characters, bit k set when character k is upper case]
"""

from __future__ import annotations

import re
import string

SUFFIX_ALPHABET = string.ascii_uppercase + "012345"
BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
INSTANCE = "dM0000"
ORGANISATION_ID_15 = "00DdM0000004Sbx"

_ID_PATTERN = re.compile(r"[a-zA-Z0-9]{15}(?:[a-zA-Z0-9]{3})?")
_UPPER = frozenset(string.ascii_uppercase)


def checksum(id15: str) -> str:
    """The three characters that turn a 15-character id into its 18-character form."""
    letters = []
    for start in (0, 5, 10):
        block = id15[start : start + 5]
        letters.append(SUFFIX_ALPHABET[sum(1 << k for k, char in enumerate(block) if char in _UPPER)])
    return "".join(letters)


def to_18(record_id: str) -> str:
    """The 18-character form of an id in either form; what is no id comes back unchanged."""
    return record_id + checksum(record_id) if len(record_id) == 15 else record_id


def make_id(key_prefix: str, number: int) -> str:
    """The 18-character id of the nth record of an object; greater numbers sort later."""
    digits = []
    for _ in range(6):
        number, digit = divmod(number, 62)
        digits.append(BASE62[digit])
    return to_18(key_prefix + INSTANCE + "".join(reversed(digits)))


def number_of(record_id: str) -> int:
    """The number that `make_id` made an id from; 0 for an id of another make."""
    if record_id[3:9] != INSTANCE:
        return 0
    number = 0
    for char in record_id[9:15]:
        number = number * 62 + BASE62.index(char)
    return number


def is_id(text: str) -> bool:
    """Whether a text has the form of an id, and where it has 18 characters, the right checksum."""
    if not _ID_PATTERN.fullmatch(text):
        return False
    return len(text) == 15 or text[15:].upper() == checksum(text[:15])


ORGANISATION_ID = to_18(ORGANISATION_ID_15)
