"""`crm-sync plan`: what the next sync would write, and why."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from crm_sync.cli_base import FOUND, clean_errors, context_of
from crm_sync.config import TARGETS, load_ci_settings

FORMATS = ("text", "json", "csv", "markdown")
CRMS = ("hubspot", "salesforce")


def _crms(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """The CRMs named; who means the pair of CRMs is told where that goes."""
    for value in values:
        if value in TARGETS:
            raise click.BadParameter(f"'{value}' is a pair of CRMs: write crm-sync --target {value} plan.")
        if value not in CRMS:
            raise click.BadParameter(f"'{value}' is neither hubspot nor salesforce.")
    return values


@click.command(short_help="what the next sync would write, field by field, and why")
@click.option("--object", "objects", multiple=True, metavar="OBJECT", help="Only this object mapping; may be repeated.")
@click.option("--target", "--into", "targets", multiple=True, callback=_crms, metavar="CRM",
              help="Only what is written to hubspot or to salesforce.")  # fmt: skip
@click.option("--record", "records", multiple=True, metavar="KEY",
              help="Only this record: an id of either CRM, an e-mail address or a name; may be repeated.")  # fmt: skip
@click.option("--format", "format_", type=click.Choice(FORMATS), default="text", show_default=True,
              help="How to print the plan. JSON and CSV hold all of it.")  # fmt: skip
@click.option("--limit", type=click.IntRange(min=0), default=200, show_default=True,
              help="Records to show in text and Markdown (0: all).")  # fmt: skip
@click.option("--full", is_flag=True, help="Read every record again instead of only what changed.")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE",
              help="Keep the whole plan in a file, for `crm-sync sync --plan FILE`.")  # fmt: skip
@click.option("--detailed-exitcode", is_flag=True,
              help=f"Exit with {FOUND} when there is something to write, with 0 when there is not.")  # fmt: skip
@click.pass_context
@clean_errors
def plan(
    context: click.Context,
    objects: tuple[str, ...],
    targets: tuple[str, ...],
    records: tuple[str, ...],
    format_: str,
    limit: int,
    full: bool,
    out: Path | None,
    detailed_exitcode: bool,
) -> None:
    """Read both CRMs and show what the next sync would write, field by field, and why. Writes nothing.

    Example: crm-sync plan --object contact --target salesforce --limit 20
    """
    from crm_sync.ci_report import report_plan
    from crm_sync.cycle import CycleOptions, run_cycle
    from crm_sync.mappings import load_mappings
    from crm_sync.plan_checks import limits_exceeded, require_objects
    from crm_sync.plan_rendering import RENDERINGS, render_markdown
    from crm_sync.progress import display
    from crm_sync.saved_plan import save_plan
    from crm_sync.wording import REBUILT

    settings = context_of(context).settings()
    require_objects(load_mappings(settings.project.seeds_dir), objects)
    with display(sys.stderr, lambda line: click.echo(line, err=True)) as observer:
        result = run_cycle(settings, CycleOptions("plan", pushes=False, full=full), observer)
    assert result.plan is not None
    if out is not None:
        save_plan(out, result.plan, settings.target, result.run_id)
    chosen = result.plan.only(objects, targets, records)
    for line in RENDERINGS[format_](chosen, limit or None):
        click.echo(line)
    if result.is_rebuilt:
        click.echo(REBUILT, err=True)
    if format_ in ("text", "markdown"):
        for line in limits_exceeded(settings):
            click.echo(line)
    report_plan(load_ci_settings(os.environ), render_markdown(chosen, limit or None))
    if detailed_exitcode and not chosen.is_empty:
        sys.exit(FOUND)
