"""The command line: the group, and the commands that plan, write and set up.

Each command is one small function; the work is in the modules it calls. Commands for other audiences are in
`cli_health.py` (what happened and why), `cli_operate.py` (running it for long), `cli_sandbox.py` (trying it out).
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import click

from crm_sync import __version__
from crm_sync.cli_base import Contents, clean_errors, context_of
from crm_sync.cli_control import COMMANDS as CONTROL_COMMANDS
from crm_sync.cli_dashboard import dashboard
from crm_sync.cli_health import COMMANDS as HEALTH_COMMANDS
from crm_sync.cli_operate import COMMANDS as OPERATE_COMMANDS
from crm_sync.cli_plan import plan
from crm_sync.cli_sandbox import sandbox_group
from crm_sync.cli_setup import check, setup
from crm_sync.config import SANDBOX, TARGETS
from crm_sync.errors import CrmSyncError


@click.group(cls=Contents, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="crm-sync")
@click.option(
    "--target",
    type=click.Choice(TARGETS),
    envvar="CRM_SYNC_TARGET",
    default=SANDBOX,
    show_default=True,
    help="Which pair of CRMs: the stand-ins on this machine, or those of the environment.",
)
@click.option("-v", "--verbose", count=True, help="Say more; twice for debugging (may show record ids).")
@click.pass_context
def main(context: click.Context, target: str, verbose: int) -> None:
    """Keep HubSpot and Salesforce in step.

    Look before you write: `plan`, then `sync`, then `status`. Every command has --help with an example.

    Exit codes: 0 completed, 1 failed, 2 a setting, credential or CSV row is wrong, 3 stopped by a guard,
    4 another cycle runs, 5 paused.
    """
    level = (logging.WARNING, logging.INFO, logging.DEBUG)[min(verbose, 2)]
    logging.basicConfig(level=level, format="%(levelname)s %(name)s: %(message)s")
    context.obj = target


@main.command(short_help="read both CRMs, decide, write the difference")
@click.option("--accept", "accepted", multiple=True, metavar="LIMIT",
              help="Exceed a push limit in this run: target.object.operation, or all.")  # fmt: skip
@click.option("--full", is_flag=True, help="Read every record again instead of only what changed.")
@click.option("--reconcile", is_flag=True, help="Compare all records by id and time, and read what was missed.")
@click.option("--plan", "plan_file", type=click.Path(path_type=Path), metavar="FILE",
              help="Write exactly what this saved plan says, or nothing.")  # fmt: skip
@click.option("-q", "--quiet", is_flag=True, help="No progress; only the closing summary.")
@click.pass_context
@clean_errors
def sync(
    context: click.Context,
    accepted: tuple[str, ...],
    full: bool,
    reconcile: bool,
    plan_file: Path | None,
    quiet: bool,
) -> None:
    """Run one cycle: read both CRMs, decide, write the difference.

    Example: crm-sync sync --accept salesforce.contact.create
    """
    from crm_sync.cycle import CycleOptions, run_cycle
    from crm_sync.progress import display
    from crm_sync.saved_plan import approved_plan
    from crm_sync.summary import cycle_summary

    shared = context_of(context)
    approved = approved_plan(plan_file, shared.target)
    options = CycleOptions("sync", pushes=True, full=full, reconcile=reconcile, accepted=accepted, approved=approved)
    try:
        settings = shared.settings()
        with display(sys.stderr, click.echo, is_quiet=quiet) as observer:
            result = run_cycle(settings, options, observer)
    except CrmSyncError as error:
        shared.afterwards().failed(error)
        raise
    for line in cycle_summary(result, settings.health_path):
        click.echo(line)
    shared.afterwards().succeeded(result)


for command in (
    plan, setup, check, *HEALTH_COMMANDS, *OPERATE_COMMANDS, dashboard, *CONTROL_COMMANDS, sandbox_group,
):  # fmt: skip
    main.add_command(command)
