"""Makes the page out of a document: one HTML file that needs nothing else, neither network nor server.

Owns the escaping. The document travels as JSON in a script element that no browser executes, and becomes text nodes;
the content security policy names the page's own script and styles by their hashes and forbids everything else, so that
nothing a CRM holds can ever run or be fetched.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

ASSETS = Path(__file__).parent / "assets"
SCRIPTS = ("dom.js", "words.js", "charts.js", "tables.js", "sections.js", "lists.js", "main.js")
# inside a script element these could end it or, in old parsers, a line of it
_ESCAPED = {ord(character): f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}


@dataclass(frozen=True)
class Live:
    """What a served page needs to ask for newer documents: the tag of the one it has, and how often to ask."""

    tag: str
    every_ms: int


def render_page(document: dict[str, Any], live: Live | None = None) -> str:
    """The page. Without `live` it asks nobody for anything."""
    script, style = _script(), _style()
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            document=document,
            data=embedded_json({**document, "live": asdict(live) if live else None}),
            script=script,
            style=style,
            policy="; ".join(
                (
                    "default-src 'none'",
                    f"script-src '{_hash(script)}'",
                    f"style-src '{_hash(style)}'",
                    "img-src data:",
                    "connect-src 'self'" if live else "connect-src 'none'",
                    "base-uri 'none'",
                    "form-action 'none'",
                )
            ),
        )
    )


def embedded_json(document: dict[str, Any]) -> str:
    """JSON that may stand inside a script element, whatever its texts hold."""
    return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")).translate(_ESCAPED)


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(ASSETS),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _script() -> str:
    body = "\n".join((ASSETS / name).read_text(encoding="utf-8") for name in SCRIPTS)
    return f'(() => {{\n"use strict";\n{body}}})();\n'


@cache
def _style() -> str:
    return (ASSETS / "page.css").read_text(encoding="utf-8")
