"""What a GitHub Actions run shows of a command: annotations, and a job summary in Markdown.

Owns their form; the figures are the published tables'. Annotations go to the standard error stream, which the runner
reads as well, so that a plan that is piped into a file stays a plan. Elsewhere than in Actions nothing is written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from crm_sync.config import CiSettings
from crm_sync.errors import CrmSyncError
from crm_sync.open_matters import open_errors, open_issues
from crm_sync.summary import WRITTEN_COLUMNS, what_was_written
from crm_sync.wording import CRM_NAMES, REBUILT, counted, markdown_table, markdown_text, plain, seconds_words

if TYPE_CHECKING:
    from crm_sync.cycle import CycleResult

Say = Callable[[str], None]
_SEED_LINE = re.compile(r"^\s*(?P<file>\w+\.csv) line (?P<line>\d+): (?P<text>.+)$")
_EXITS = {
    1: "The cycle failed. What was completed is kept, and the next run continues.",
    2: "A setting, a credential or a CSV row is wrong. Nothing was pushed.",
    3: "Stopped by a guard. Nothing was pushed.",
    4: "Another cycle holds the lock of this warehouse.",
    5: "The sync is paused.",
}
#: GitHub shows ten of each kind for a step.
MOST_ANNOTATIONS = 10


def report_failure(ci: CiSettings, error: CrmSyncError, say: Say) -> None:
    """Annotations for a command that ended badly: at the CSV rows where there are any, else at the run."""
    if ci.is_github:
        for line in failure_annotations(error):
            say(line)
    _append(ci, [f"### crm-sync: exit code {error.exit_code}", "", _EXITS.get(error.exit_code, ""), "",
                 *(markdown_text(line) + "  " for line in str(error).splitlines())])  # fmt: skip


def report_cycle(ci: CiSettings, result: CycleResult, health: Path, say: Say) -> None:
    """A job summary of a cycle, and an annotation per class of open error."""
    if not ci.is_github and ci.summary is None:
        return
    with duckdb.connect(str(health), read_only=True) as connection:
        if ci.is_github:
            for line in error_annotations(connection):
                say(line)
        _append(ci, cycle_markdown(connection, result))


def report_plan(ci: CiSettings, lines: Iterable[str]) -> None:
    """A plan, already in Markdown, as the job summary."""
    if ci.summary is not None:
        _append(ci, ["### Plan", "", *lines])


def failure_annotations(error: CrmSyncError) -> Iterator[str]:
    """One annotation per CSV row that the message names; one for the run when it names none."""
    rows = [match for line in error.message.splitlines() if (match := _SEED_LINE.match(line))]
    for match in rows[:MOST_ANNOTATIONS]:
        yield annotation("error", match["text"], file=f"dbt_project/seeds/{match['file']}", line=match["line"])
    if not rows:
        yield annotation("error", str(error), title=f"crm-sync exit code {error.exit_code}")


def error_annotations(connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """One warning per CRM, class and code of open errors."""
    for one in open_errors(connection)[:MOST_ANNOTATIONS]:
        refused = f"{counted(one.records, 'record')} refused with {one.error_code}"
        text = f"{refused} since {one.first_seen_at:%Y-%m-%d %H:%M} UTC. Fix: {one.fix}"
        yield annotation("warning", text, title=f"{CRM_NAMES[one.target]}: {one.error_class}")


def annotation(level: str, message: str, **properties: str) -> str:
    """A workflow command; message and properties cannot break out of it."""
    given = ",".join(f"{name}={_escaped(value, ':,')}" for name, value in properties.items())
    return f"::{level}{' ' + given if given else ''}::{_escaped(message)}"


def cycle_markdown(connection: duckdb.DuckDBPyConnection, result: CycleResult) -> Iterator[str]:
    """The closing summary of a cycle as Markdown."""
    yield f"### crm-sync {result.command}: {result.status}"
    yield ""
    if result.is_rebuilt:
        yield f"> {' '.join(REBUILT.split())}"
        yield ""
    if result.pushed is not None:
        rows, sentence = what_was_written(connection, result)
        if rows:
            yield from markdown_table(WRITTEN_COLUMNS, rows)
            yield ""
        yield sentence
        yield ""
    if errors := open_errors(connection):
        yield "**Open errors**"
        yield ""
        cells = [
            (CRM_NAMES[one.target], one.error_class, one.error_code, one.fix, f"{one.records:,}") for one in errors
        ]
        yield from markdown_table(("CRM", "class", "code", "fix", "records"), cells, 4)
        yield ""
    if issues := open_issues(connection):
        yield "**Data-quality issues**"
        yield ""
        found = [(one.issue_type, one.fix, f"{one.records:,}") for one in issues]
        yield from markdown_table(("issue", "fix", "records"), found)
        yield ""
    seconds = seconds_words(sum(result.steps.values()))
    calls = ", ".join(f"{CRM_NAMES[crm]} {usage['calls']:,}" for crm, usage in result.api_calls.items())
    yield f"Run `{plain(result.run_id)}`, {seconds}. API calls: {calls}."


def _append(ci: CiSettings, lines: Iterable[str]) -> None:
    """Add to the job summary. That it cannot be written is no reason to fail a sync."""
    if ci.summary is None:
        return
    try:
        with ci.summary.open("a", encoding="utf-8") as file:
            file.write("\n".join([*lines, "", ""]))
    except OSError:
        return


def _escaped(text: str, more: str = "") -> str:
    for character in f"%\r\n{more}":
        text = text.replace(character, f"%{ord(character):02X}")
    return text
