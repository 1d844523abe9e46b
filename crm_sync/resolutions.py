"""Rows of conflict_resolutions.csv: the one seed that the command line may write, and only when a person says so.

Keeps the file as it is: its columns, line ends and byte order mark. A row for the same record and field is replaced,
since a resolution counts for the conflict of its time only and a new one has to look new.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from crm_sync.errors import ConfigError

FILE = "conflict_resolutions.csv"
_KEY = ("object", "hubspot_id", "salesforce_id", "hubspot_property")
_BOM = "\ufeff"


def resolve(seeds_dir: Path, conflict: Mapping[str, str | None], winner: str, now: datetime) -> str:
    """Write the row that lets `winner` (hubspot or salesforce) win the conflict; returns the row as it stands."""
    path = seeds_dir / FILE
    text = _read(path)
    mark = _BOM if text.startswith(_BOM) else ""
    line_end = "\r\n" if "\r\n" in text else "\n"
    lines = list(csv.reader(io.StringIO(text.removeprefix(_BOM), newline="")))
    header = lines[0] if lines else []
    if missing := [column for column in (*_KEY, "winner") if column not in header]:
        raise ConfigError(f"{FILE} lacks the columns {', '.join(missing)}.", "Restore its first line.")
    values = {column: conflict[column] or "" for column in _KEY}
    values |= {"winner": winner, "comment": f"crm-sync review, {now:%Y-%m-%d %H:%M:%S} UTC"}
    row = [values.get(column, "") for column in header]
    kept = [line for line in lines[1:] if any(cell.strip() for cell in line) and not _is_same(header, line, values)]
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator=line_end).writerows([header, *kept, row])
    _replace(path, mark + buffer.getvalue())
    return ",".join(row)


def _is_same(header: list[str], line: list[str], values: Mapping[str, str]) -> bool:
    given = dict(zip(header, line, strict=False))
    return all(given.get(column, "").strip() == values[column] for column in _KEY)


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{FILE} cannot be read: {error}.", "Restore it from version control.") from None


def _replace(path: Path, text: str) -> None:
    fresh = path.with_name(f".{path.name}.new")
    try:
        fresh.write_bytes(text.encode("utf-8"))
        os.replace(fresh, path)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise ConfigError(f"{FILE} cannot be written: {error.strerror}.", "Give write access to the folder.") from None
