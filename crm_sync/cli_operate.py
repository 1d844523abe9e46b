"""Commands for whoever keeps it running: `doctor` before trouble, `watch` for cycles without end."""

from __future__ import annotations

import json
import sys
from itertools import groupby

import click

from crm_sync.cli_base import Interval, clean_errors, context_of

_MARKS = {"ok": ("ok", "green"), "warning": ("warning", "yellow"), "error": ("ERROR", "red")}


@click.command(short_help="check credentials, permissions, limits and every mapping row")
@click.option("--format", "format_", type=click.Choice(("text", "json")), default="text", show_default=True,
              help="text for people, json for programs.")  # fmt: skip
@click.pass_context
@clean_errors
def doctor(context: click.Context, format_: str) -> None:
    """Look at everything that a sync needs, and say what to do about what is wrong. Changes nothing.

    Versions, disk, warehouse, credentials, scopes and permissions, API limits, id fields, and every row of the
    mapping files against what the CRMs say of themselves. Exits with 2 when something keeps the sync from working.

    Example: crm-sync --target prod doctor
    """
    from crm_sync.doctor import examine, exit_code

    shared = context_of(context)
    findings = []
    for area, group in groupby(examine(shared.settings, shared.project, shared.warehouse_path), lambda one: one.area):
        for number, finding in enumerate(group):
            findings.append(finding)
            if format_ == "text":
                if number == 0:
                    click.echo(area)
                word, colour = _MARKS[finding.level]
                click.echo(f"  {click.style(f'{word:<8}', fg=colour)} {finding.message}")
                if finding.remedy:
                    click.echo(f"           {finding.remedy}")
    if format_ == "json":
        click.echo(json.dumps([vars(finding) for finding in findings], ensure_ascii=False, indent=2))
    else:
        errors, warnings = (sum(one.level == level for one in findings) for level in ("error", "warning"))
        click.echo(f"\n{errors} errors, {warnings} warnings, {len(findings) - errors - warnings} things in order.")
    sys.exit(exit_code(findings))


@click.command(short_help="cycles without end, in one process")
@click.option("--every", type=Interval(), default="60s", show_default=True,
              help="From the start of one cycle to that of the next: 60s, 5m, 1h.")  # fmt: skip
@click.option("--cycles", type=click.IntRange(min=1), help="Stop after so many cycles (default: never).")
@click.pass_context
@clean_errors
def watch(context: click.Context, every: float, cycles: int | None) -> None:
    """Run cycles until told to stop, in one process that reads the project once.

    SIGTERM or Ctrl-C stops it after the step that is under way. A CRM that fails is tried again after ever longer
    waits; what a person has to correct first (exit codes 2 and 3) is waited for likewise. While the sync is paused it
    looks again at every interval. One line per cycle says what was written and how long edits took to arrive.

    Example: crm-sync --target prod watch --every 5m
    """
    from crm_sync.watch import Watch

    shared = context_of(context)
    sys.exit(Watch(shared.settings, every, cycles, click.echo, shared.afterwards()).run())


COMMANDS = (doctor, watch)
