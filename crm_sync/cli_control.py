"""Commands that stop, continue and take back: `pause`, `resume`, `undo`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from crm_sync.cli_base import Context, clean_errors, context_of
from crm_sync.config import warehouse_path

if TYPE_CHECKING:
    from reverse_etl.undo import Undone

_SHOWN = 50


@click.command(short_help="stop syncing until resume")
@click.option("--reason", help="Why, for whoever finds the sync paused.")
@click.pass_context
@clean_errors
def pause(context: click.Context, reason: str | None) -> None:
    """Stop syncing until `resume`: every sync then ends with exit code 5.

    A cycle that runs is waited for. `plan` and `undo` still work.

    Example: crm-sync --target prod pause --reason "data clean-up in Salesforce"
    """
    from crm_sync.pausing import PAUSE

    is_new = _switch(context_of(context), PAUSE, reason)
    click.echo("Paused. Continue with: crm-sync resume" if is_new else "It is paused already.")


@click.command(short_help="continue after pause")
@click.pass_context
@clean_errors
def resume(context: click.Context) -> None:
    """Continue after `pause`; the next sync catches up with what changed meanwhile.

    Example: crm-sync --target prod resume
    """
    from crm_sync.pausing import RESUME

    is_new = _switch(context_of(context), RESUME, None)
    click.echo("Resumed. The next sync catches up." if is_new else "It is not paused.")


@click.command(short_help="put back what a run wrote, where nobody has edited it since")
@click.argument("run")
@click.option("--preview", is_flag=True, help="Show what would be put back, and write nothing.")
@click.option("--accept", "accepted", multiple=True, metavar="LIMIT",
              help="Exceed a push limit in this undo: target.object.operation, or all.")  # fmt: skip
@click.pass_context
@clean_errors
def undo(context: click.Context, run: str, preview: bool, accepted: tuple[str, ...]) -> None:
    """Put back what a run wrote, where nobody has edited it since.

    RUN is a run's id (`crm-sync status` shows the newest), or `last`. Fields get their former values, records that the
    run created go to the recycle bin; what was edited since is left alone and listed. An undo can be undone.

    Example: crm-sync undo 20261124T115221-fc6c1b --preview
    """
    from crm_sync.cycle import CycleOptions, run_cycle

    settings = context_of(context).settings()
    options = CycleOptions("undo", pushes=not preview, accepted=accepted, undoes=run)
    result = run_cycle(settings, options)
    assert result.undone is not None
    for line in undo_lines(result.undone, result.run_id):
        click.echo(line)


def _switch(context: Context, command: str, reason: str | None) -> bool:
    from crm_sync.pausing import switch

    path = warehouse_path(context.project, context.target, os.environ)

    def waiting(holder: str) -> None:
        click.echo(f"Waiting for the cycle that runs (process {holder}) to end ...", err=True)

    return switch(context.project, context.target, path, command, reason, waiting)


def undo_lines(undone: Undone, run_id: str) -> Iterator[str]:
    """What an undo did, or would do."""
    from reverse_etl.operations import SUCCEEDED

    operations = [*undone.plan.operations, *undone.plan.stamps]
    if undone.report is None:
        yield f"Would put back {len(operations):,} records of the run {undone.run_id}:"
        for operation in operations[:_SHOWN]:
            record = operation.record_id or "(new)"
            fields = "".join(f"\n      {name}: {_value(value)}" for name, value in sorted(operation.changes.items()))
            yield f"  {operation.target} {operation.crm_object} {record}: {operation.operation}{fields}"
        if len(operations) > _SHOWN:
            yield f"  ... and {len(operations) - _SHOWN:,} more"
    else:
        written = undone.report.records(SUCCEEDED)
        yield f"Run {undone.run_id}: {written:,} writes were put back (as run {run_id}, which can be undone)."
        for count in undone.report.counts:
            if count.outcome not in (SUCCEEDED, "stale"):
                kind = f"{count.operation} in {count.target}"
                yield f"  {count.records:,} {count.outcome}: {kind}; see journal.push_attempts"
    if undone.skipped:
        yield f"{len(undone.skipped):,} left as they are:"
    for one in undone.skipped[:_SHOWN]:
        fields = f" {', '.join(one.fields)}" if one.fields else ""
        yield f"  {one.target} {one.crm_object} {one.record_id}{fields}: {one.reason}"
    if len(undone.skipped) > _SHOWN:
        yield f"  ... and {len(undone.skipped) - _SHOWN:,} more"


def _value(value: str | None) -> str:
    return "(blank)" if value is None else repr(value if len(value) <= 60 else value[:57] + "...")


COMMANDS = (pause, resume, undo)
