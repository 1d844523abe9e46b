"""A plan as text, Markdown, JSON or CSV.

Text and Markdown say reasons in words and may be cut short; JSON and CSV hold every operation with its codes.
"""

from __future__ import annotations

import csv
import io
import json
import textwrap
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import click

from crm_sync.plan import FieldChange, Plan, PlannedOperation
from crm_sync.wording import (
    CRM_NAMES,
    counted,
    markdown_table,
    markdown_text,
    reason_words,
    spreadsheet_text,
    table,
    value_shown,
)

SIGNS = {"create": "+", "update": "~", "associate": "~", "archive": "-"}
_COLOURS = {"+": "green", "~": "yellow", "-": "red"}
_CSV_COLUMNS = (
    "target", "object", "operation", "crm_object", "hubspot_id", "salesforce_id", "name", "field", "old", "new",
    "reason",
)  # fmt: skip
#: GitHub takes comments of up to 65,536 characters.
MARKDOWN_LIMIT = 60_000


def render_text(plan: Plan, most: int | None = None) -> Iterator[str]:
    """Counts, then record by record what each field holds and will hold, and why. `most` limits the records."""
    if plan.is_empty:
        yield "Nothing to write: both CRMs agree."
        return
    yield f"Would write {counted(len(plan.operations), 'record')}:"
    yield from (f"  {line}" for line in table(("target", "object", "operation", "records"), _counts(plan), 3))
    shown = plan.operations if most is None else plan.operations[:most]
    for operation in shown:
        yield ""
        sign = SIGNS.get(operation.operation, "~")
        yield f"{click.style(sign, fg=_COLOURS[sign])} {_headline(operation)}"
        width = max((len(change.field) for change in operation.changes), default=0)
        for change in operation.changes:
            yield f"    {change.field:<{width}}  {_change(operation, change)}"
    if len(shown) < len(plan.operations):
        yield ""
        yield f"... and {counted(len(plan.operations) - len(shown), 'more record')} (--limit 0 shows all)."


def render_markdown(plan: Plan, most: int | None = None) -> Iterator[str]:
    """The same for a pull request or a job summary; stays below the size that GitHub takes."""
    if plan.is_empty:
        yield "**Nothing to write:** both CRMs agree."
        return
    yield f"**Would write {counted(len(plan.operations), 'record')}.**"
    yield ""
    yield from markdown_table(("target", "object", "operation", "records"), _counts(plan), 3)
    shown, size = 0, 0
    for operation in plan.operations if most is None else plan.operations[:most]:
        block = list(_markdown_operation(operation))
        size += sum(len(line) + 1 for line in block)
        if size > MARKDOWN_LIMIT:
            break
        yield from block
        shown += 1
    if shown < len(plan.operations):
        yield ""
        yield f"... and {counted(len(plan.operations) - shown, 'more record')}."


def render_json(plan: Plan, most: int | None = None) -> Iterator[str]:
    """All of it, whatever `most` says: a program counts on that. Operation by operation, since there may be many."""
    counts = json.dumps(_count_rows(plan), ensure_ascii=False, indent=2)
    if plan.is_empty:
        yield json.dumps({"counts": [], "operations": []}, indent=2)
        return
    yield '{\n  "counts": ' + textwrap.indent(counts, "  ").lstrip() + ",\n" + '  "operations": ['
    last = len(plan.operations) - 1
    for place, operation in enumerate(plan.operations):
        text = json.dumps(operation.document(), ensure_ascii=False, indent=2)
        yield textwrap.indent(text, "    ") + ("," if place < last else "")
    yield "  ]\n}"


def _count_rows(plan: Plan) -> list[dict[str, Any]]:
    return [
        {"target": target, "object": object_, "operation": operation, "records": records}
        for (target, object_, operation), records in plan.counts.items()
    ]


def render_csv(plan: Plan, most: int | None = None) -> Iterator[str]:
    """One row per field to write; an operation without fields has one row with a blank field."""
    yield _csv_line(_CSV_COLUMNS)
    for operation in plan.operations:
        for change in operation.changes or (FieldChange("", None, None, ""),):
            yield _csv_line(
                [
                    operation.target, operation.object, operation.operation, operation.crm_object,
                    operation.hubspot_id, operation.salesforce_id, spreadsheet_text(operation.name), change.field,
                    spreadsheet_text(change.old), spreadsheet_text(change.new), change.reason,
                ]
            )  # fmt: skip


def _csv_line(cells: Sequence[str | None]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="").writerow(cells)
    return text.getvalue()


RENDERINGS: dict[str, Callable[[Plan, int | None], Iterator[str]]] = {
    "text": render_text,
    "markdown": render_markdown,
    "json": render_json,
    "csv": render_csv,
}


def _counts(plan: Plan) -> list[tuple[str, str, str, str]]:
    return [
        (CRM_NAMES[target], object_, operation, f"{records:,}")
        for (target, object_, operation), records in plan.counts.items()
    ]


def _headline(operation: PlannedOperation) -> str:
    place = f"{operation.target} {operation.crm_object}"
    name = f" ({value_shown(operation.name, 60)[1:-1]})" if operation.name else ""
    if operation.operation == "create":
        source = operation.hubspot_id or operation.salesforce_id
        other = "HubSpot" if operation.target == "salesforce" else "Salesforce"
        return f"{place}{name}: create from {other} {source}"
    if operation.operation == "archive":
        return f"{place} {operation.record_id}{name}: to the recycle bin"
    return f"{place} {operation.record_id}{name}: {operation.operation}"


def _change(operation: PlannedOperation, change: FieldChange) -> str:
    if operation.operation == "create":
        return value_shown(change.new)
    why = f"  ({reason_words(change.reason)})" if change.reason else ""
    return f"{value_shown(change.old)} -> {value_shown(change.new)}{why}"


def _markdown_operation(operation: PlannedOperation) -> Iterator[str]:
    yield ""
    yield "<details><summary>" + markdown_text(f"{SIGNS.get(operation.operation, '~')} {_headline(operation)}")
    yield "</summary>"
    yield ""
    rows = [
        (
            change.field,
            "" if operation.operation == "create" else value_shown(change.old),
            value_shown(change.new),
            reason_words(change.reason) if change.reason else "",
        )
        for change in operation.changes
    ]
    yield from markdown_table(("field", "holds", "will hold", "why"), rows, 4)
    yield ""
    yield "</details>"
