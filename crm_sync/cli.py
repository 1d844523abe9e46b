"""The command line. Each command is one small function; the work is in the modules it calls."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import ParamSpec

import click
import duckdb

from crm_sync import __version__
from crm_sync.cli_sandbox import sandbox_group, start_for_sync
from crm_sync.config import (
    SANDBOX,
    TARGETS,
    Project,
    Settings,
    find_project,
    health_path,
    load_settings,
    names_stand_ins,
    warehouse_path,
)
from crm_sync.errors import ConfigError, CrmSyncError
from sandbox.control import default_state_dir

P = ParamSpec("P")


class Context:
    """What every command shares: the target and where the project is. Settings are read when first needed."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.project: Project = find_project(Path.cwd())

    def settings(self, starts_sandbox: bool = True) -> Settings:
        """Settings of the target. For the sandbox its servers are started first, if they are not running."""
        state_dir = default_state_dir()
        if self.target == SANDBOX and starts_sandbox and not names_stand_ins(self.project, os.environ):
            start_for_sync(state_dir)
        return load_settings(self.target, os.environ, self.project, state_dir / "sandbox.env")

    @property
    def health_path(self) -> Path:
        """The published file; needs no credentials, so that readers can do without them."""
        return health_path(warehouse_path(self.project, self.target, os.environ))


def clean_errors(command: Callable[P, None]) -> Callable[P, None]:
    """Turn what a user can act on into one message and the exit code of the contract."""

    @wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except CrmSyncError as error:
            click.echo(f"Error: {error.message}", err=True)
            if error.remedy:
                click.echo(error.remedy, err=True)
            sys.exit(error.exit_code)
        except KeyboardInterrupt:
            click.echo("Interrupted; the next run continues where this one stopped.", err=True)
            sys.exit(1)

    return wrapped


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
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

    \b
    crm-sync plan      what would be written, and why
    crm-sync sync      write it
    crm-sync status    is it healthy
    crm-sync explain   why a record looks as it does
    """
    level = (logging.WARNING, logging.INFO, logging.DEBUG)[min(verbose, 2)]
    logging.basicConfig(level=level, format="%(levelname)s %(name)s: %(message)s")
    context.obj = target


def _context(context: click.Context) -> Context:
    return Context(context.obj)


@main.command()
@click.option("--accept", "accepted", multiple=True, metavar="LIMIT",
              help="Exceed a push limit in this run: target.object.operation, or all.")  # fmt: skip
@click.option("--full", is_flag=True, help="Read every record again instead of only what changed.")
@click.pass_context
@clean_errors
def sync(context: click.Context, accepted: tuple[str, ...], full: bool) -> None:
    """Run one cycle: extract, decide, push, settle.

    Example: crm-sync sync --accept salesforce.contact.create
    """
    from crm_sync.cycle import CycleOptions, run_cycle
    from crm_sync.summary import cycle_summary

    settings = _context(context).settings()
    options = CycleOptions("sync", pushes=True, full=full, accepted=accepted)
    result = run_cycle(settings, options, lambda step: click.echo(f"{step} ..."))
    for line in cycle_summary(result, settings.health_path):
        click.echo(line)


@main.command()
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True,
              help="How to print the plan.")  # fmt: skip
@click.option("--limit", default=200, show_default=True, help="Records to show in text (0: all).")
@click.option("--full", is_flag=True, help="Read every record again instead of only what changed.")
@click.pass_context
@clean_errors
def plan(context: click.Context, format_: str, limit: int, full: bool) -> None:
    """Extract and decide, print what the next sync would write, and write nothing.

    Example: crm-sync plan --format json > plan.json
    """
    from crm_sync.cycle import CycleOptions, run_cycle
    from crm_sync.plan import plan_document, render_plan

    settings = _context(context).settings()
    options = CycleOptions("plan", pushes=False, full=full)
    result = run_cycle(settings, options, lambda step: click.echo(f"{step} ...", err=True))
    assert result.plan is not None
    if format_ == "json":
        click.echo(json.dumps(plan_document(result.plan), ensure_ascii=False, indent=2))
        return
    for line in render_plan(result.plan, limit or None):
        click.echo(line)


@main.command()
@click.pass_context
@clean_errors
def status(context: click.Context) -> None:
    """Show the health at a glance, from the published file.

    Example: crm-sync --target prod status
    """
    from crm_sync.summary import health_at_a_glance

    for line in health_at_a_glance(_context(context).health_path):
        click.echo(line)


@main.command()
@click.argument("object_", metavar="OBJECT")
@click.argument("key")
@click.pass_context
@clean_errors
def explain(context: click.Context, object_: str, key: str) -> None:
    """Explain a record: its link, its scope, and why each field holds what it holds.

    KEY is a record id of either CRM, an e-mail address or a name.

    Example: crm-sync explain contact jane@acme.com
    """
    from crm_sync.explain import explain_record

    for line in explain_record(_context(context).health_path, object_, key):
        click.echo(line)


@main.command()
@click.option("--yes", is_flag=True, help="Create without asking.")
@click.pass_context
@clean_errors
def setup(context: click.Context, yes: bool) -> None:
    """Show, then create, the id fields that the sync needs in both CRMs. May be repeated.

    Example: crm-sync --target prod setup
    """
    from crm_sync.clients import build_clients
    from crm_sync.mapping_checks import require_valid
    from crm_sync.mappings import load_mappings
    from crm_sync.setup import apply_setup, inspect_setup

    settings = _context(context).settings()
    mappings = load_mappings(settings.project.seeds_dir)
    require_valid(mappings, settings.project.macros_dir)
    clients = build_clients(settings)
    try:
        missing = inspect_setup(clients, mappings)
        if not missing:
            click.echo("Both CRMs have what the sync needs.")
            return
        for item in missing:
            click.echo(f"  {item.description}")
        if not yes and not click.confirm("Create these?"):
            click.echo("Nothing was created.")
            return
        apply_setup(clients, missing)
        click.echo(f"{sum(item.is_appliable for item in missing)} created.")
        if by_hand := [item for item in missing if not item.is_appliable]:
            raise ConfigError("Something is left to do by hand.", "\n".join(item.description for item in by_hand))
    finally:
        clients.close()


@main.command(name="check")
@click.pass_context
@clean_errors
def check(context: click.Context) -> None:
    """Check the mapping files in seconds, without asking a CRM.

    Example: crm-sync check
    """
    from crm_sync.mapping_checks import require_valid
    from crm_sync.mappings import load_mappings

    project = _context(context).project
    mappings = load_mappings(project.seeds_dir)
    require_valid(mappings, project.macros_dir)
    rows = sum(len(one) for one in mappings.rows.values())
    click.echo(f"{rows} rows in {len(mappings.rows)} files: no mistakes.")


@main.command(name="query")
@click.argument("sql")
@click.pass_context
@clean_errors
def query(context: click.Context, sql: str) -> None:
    """Run one SQL query on the published health file.

    Example: crm-sync query "from sync_health.sync_errors where status = 'open'"
    """
    path = _context(context).health_path
    if not path.exists():
        raise ConfigError(f"There is no health file {path.name} yet.", "Run a cycle first: make sync")
    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            connection.sql(sql).show(max_width=10_000, max_rows=1_000)
    except duckdb.Error as error:
        raise ConfigError(
            f"The query failed: {error}", 'crm-sync query "show all tables" lists what there is.'
        ) from None


main.add_command(sandbox_group)
