"""Codes of the tables in words, values as people read them, and plain tables. Owns wording only.

Codes stay in the tables and in JSON and CSV output; words are for text and Markdown.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

#: Of a warehouse that is new while the CRMs hold ids of links.
REBUILT = (
    "This warehouse is new while the CRMs hold ids of earlier links: links were restored from the ids,\n"
    "the bases are new, and every field was decided as at the first sync."
)
CRM_NAMES = {"hubspot": "HubSpot", "salesforce": "Salesforce"}
DIRECTIONS = {
    "salesforce": "HubSpot -> Salesforce",
    "hubspot": "Salesforce -> HubSpot",
    "hubspot_to_salesforce": "HubSpot -> Salesforce",
    "salesforce_to_hubspot": "Salesforce -> HubSpot",
}

_EXACT = {
    "agreed": "both sides agree",
    "unchanged": "neither side was edited; this is how the CRMs store it",
    "unknown_value": "one side cannot be read, so nothing is decided",
    "unknown": "not decided",
    "edited_in_hubspot": "edited in HubSpot only",
    "edited_in_salesforce": "edited in Salesforce only",
    "reverted_to_hubspot": "edited in Salesforce, but the mapping says always HubSpot",
    "reverted_to_salesforce": "edited in HubSpot, but the mapping says always Salesforce",
    "new_in_hubspot": "new in HubSpot",
    "new_in_salesforce": "new in Salesforce",
    "deleted_in_hubspot": "deleted in HubSpot",
    "deleted_in_salesforce": "deleted in Salesforce",
    "currency_of_amount": "the currency of an amount that is written",
    "stage_of_pipeline": "a stage that belongs to the pipeline that is written",
}
_SITUATIONS = {
    "first_sync": "first sync",
    "remapped": "the mapping has changed",
    "conflict": "both sides were edited",
    "hubspot_only": "edited in HubSpot only",
    "salesforce_only": "edited in Salesforce only",
}
_RULES = {
    "always_hubspot": "the mapping says always HubSpot",
    "always_salesforce": "the mapping says always Salesforce",
    "prefer_hubspot": "the mapping prefers HubSpot",
    "prefer_salesforce": "the mapping prefers Salesforce",
    "only_value": "only one side holds a value",
    "most_recent": "the most recent edit wins",
    "hubspot": "the rule says HubSpot",
    "salesforce": "the rule says Salesforce",
    "longest": "the longest value wins",
    "largest": "the largest value wins",
    "smallest": "the smallest value wins",
    "union": "the sets are merged",
    "review": "the rule leaves it to a person",
    "resolved": "a row of conflict_resolutions.csv says who wins",
}
_HELD = {
    "excluded": "the winner's record is out of scope and may not write",
    "out_of_scope": "the record it refers to is out of scope",
    "blocked": "the record it refers to has to be created first",
    "ignored_write": "the CRM accepted the value and kept its own: see data_quality_issues",
    "held_for_review": "a person has to decide: see `crm-sync review`",
}


def reason_words(code: str) -> str:
    """What a reason code means; a code of somebody's own rule stays as it is."""
    if code in _EXACT:
        return _EXACT[code]
    for situation, words in _SITUATIONS.items():
        rest = code.removeprefix(f"{situation}_")
        if rest != code:
            return f"{words}: {_RULES.get(rest, f'the rule {rest} decides')}"
    return code


def held_words(code: str) -> str:
    """What keeps a value from being written."""
    return _HELD.get(code, f"{code.replace('_', ' ')}: see data_quality_issues")


def direction_words(code: str) -> str:
    """A direction, a target or a direction column in words."""
    return DIRECTIONS.get(code, code)


def value_shown(value: str | None, most: int = 80) -> str:
    """A value between quotes, cut to a length, control characters escaped so that no value can move the cursor."""
    if value is None or value == "":
        return "(blank)"
    text = "".join(_printable(character) for character in json.dumps(value, ensure_ascii=False))
    return text if len(text) <= most else f'{text[: most - 4]}..."'


def _printable(character: str) -> str:
    if unicodedata.category(character) in ("Cc", "Cf", "Co", "Cs", "Zl", "Zp"):
        return f"\\u{ord(character):04x}"
    return character


def plain(text: str | None, most: int = 160) -> str:
    """The first line of a text, cut to a length, without control characters."""
    lines = (text or "").strip().splitlines()
    line = "".join(_printable(character) for character in lines[0]) if lines else ""
    return line if len(line) <= most else f"{line[: most - 3]}..."


def spreadsheet_text(value: str | None) -> str | None:
    """A value that a spreadsheet would run as a formula, as text; numbers and phones as they are."""
    if not value:
        return value
    is_number_like = all(character in "+-0123456789.,() /" for character in value)
    is_formula = value[0] in "=@\t\r" or (value[0] in "+-" and not is_number_like)
    return f"'{value}" if is_formula else value


def moment(at: datetime | None) -> str:
    """A time in UTC, or never."""
    return f"{at:%Y-%m-%d %H:%M:%S} UTC" if at else "never"


def seconds_words(seconds: float) -> str:
    """A span of time: 12 s, 3.5 min, 2.1 h, 4 days."""
    for limit, unit, size in ((120, "s", 1), (7_200, "min", 60), (172_800, "h", 3_600)):
        if seconds < limit:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 86_400:.3g} days"


def counted(number: int, singular: str, plural: str | None = None) -> str:
    """`1 record`, `1,234 records`."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def table(header: Sequence[str], rows: Iterable[Sequence[str]], text_columns: int = 2) -> Iterator[str]:
    """Lines of a table whose first `text_columns` are set left and the others, numbers, right."""
    lines = [list(header), *(list(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    for line in lines:
        cells = [
            text.ljust(width) if column < text_columns else text.rjust(width)
            for column, (text, width) in enumerate(zip(line, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]], text_columns: int = 2) -> Iterator[str]:
    """Lines of a Markdown table; cells cannot break out of it."""
    yield "| " + " | ".join(header) + " |"
    marks = ["---" if column < text_columns else "---:" for column in range(len(header))]
    yield "| " + " | ".join(marks) + " |"
    for row in rows:
        yield "| " + " | ".join(markdown_text(cell) for cell in row) + " |"


def markdown_text(text: str) -> str:
    """Text that Markdown and the HTML in it take literally, in a table cell too."""
    escaped = text.replace("&", "&amp;")
    # the number sign first: the others become references that hold one
    for mark in "#\\`*_[]|@":
        escaped = escaped.replace(mark, f"&#{ord(mark)};")
    escaped = escaped.replace("<", "&lt;").replace(">", "&gt;")
    return " ".join(escaped.split())
