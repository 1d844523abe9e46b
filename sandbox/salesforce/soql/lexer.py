"""Cutting SOQL text into tokens, and the error texts that point into it.

Owns: tokens, string escapes, `ERROR at Row:Column`. Refuses: grammar.
[Salesforce docs: SOQL reference, quoted string escapes, date formats]
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sandbox.salesforce.errors import SoqlError

MAX_QUERY_LENGTH = 100_000

_PATTERN = re.compile(
    r"""
    (?P<space>\s+)
  | (?P<string>'(?:[^'\\]|\\.)*')
  | (?P<datetime>\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?P<zone>Z|[+-]\d{2}:?\d{2})?)
  | (?P<date>\d{4}-\d{2}-\d{2})
  | (?P<number>[+-]?(?:\d+\.\d*|\.\d+|\d+)(?:[eE][+-]?\d+)?)
  | (?P<name>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*(?::\d+)?)
  | (?P<operator><=|>=|!=|<>|=|<|>)
  | (?P<mark>[(),])
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_ESCAPES = {"'": "'", '"': '"', "\\": "\\", "n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
_ESCAPE_PATTERN = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))|([%_])|([^\\%_]+)", re.DOTALL)


@dataclass(frozen=True)
class Token:
    """One token; `kind` is a group name above, or `end`."""

    kind: str
    text: str
    position: int


def error_at(query: str, position: int, message: str, code: str = "MALFORMED_QUERY") -> SoqlError:
    """An error with the piece of query around a place, a caret under it and its row and column."""
    row = query.count("\n", 0, position) + 1
    line_start = query.rfind("\n", 0, position) + 1
    line_end = query.find("\n", position)
    line = query[line_start : len(query) if line_end < 0 else line_end]
    column = position - line_start
    start = max(0, column - 25)
    fragment = line[start : column + 30]
    pointer = " " * (column - start) + "^"
    text = f"\n{fragment}\n{pointer}\nERROR at Row:{row}:Column:{column + 1}\n{message}"
    return SoqlError(code, text)


def tokenize(query: str) -> list[Token]:
    """All tokens of a query, an `end` token last. SoqlError on a character that starts none."""
    if len(query) > MAX_QUERY_LENGTH:
        raise SoqlError("MALFORMED_QUERY", f"SOQL statements cannot be longer than {MAX_QUERY_LENGTH} characters.")
    tokens: list[Token] = []
    position = 0
    while position < len(query):
        match = _PATTERN.match(query, position)
        if match is None:
            raise _unexpected(query, position)
        kind = "datetime" if match["datetime"] else str(match.lastgroup)
        if kind == "datetime" and not match["zone"]:
            raise _unexpected(query, match.end())
        if kind != "space":
            tokens.append(Token(kind, match.group(), position))
        position = match.end()
    tokens.append(Token("end", "<EOF>", len(query)))
    return tokens


def _unexpected(query: str, position: int) -> SoqlError:
    character = query[position] if position < len(query) else "<EOF>"
    return SoqlError("MALFORMED_QUERY", f"line 1:{position} no viable alternative at character '{character}'")


def unquote(query: str, token: Token) -> tuple[str, str]:
    """A string token's value, and the same as a LIKE pattern in which `\\` escapes `%`, `_` and itself."""
    value: list[str] = []
    like: list[str] = []
    for unicode, escaped, wildcard, plain in _ESCAPE_PATTERN.findall(token.text[1:-1]):
        if plain or wildcard:
            value.append(plain or wildcard)
            like.append(plain or wildcard)
            continue
        if escaped in ("%", "_"):
            value.append(escaped)
            like.append("\\" + escaped)
            continue
        if not unicode and escaped.lower() not in _ESCAPES:
            raise error_at(query, token.position, f"Illegal character sequence '\\{escaped}' in string literal.")
        character = chr(int(unicode, 16)) if unicode else _ESCAPES[escaped.lower()]
        value.append(character)
        like.append("\\\\" if character == "\\" else character)
    return "".join(value), "".join(like)
