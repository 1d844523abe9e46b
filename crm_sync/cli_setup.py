"""`crm-sync setup` and `crm-sync check`: what has to be right before the first cycle."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from crm_sync.cli_base import clean_errors, context_of
from crm_sync.errors import ConfigError
from crm_sync.mapping_checks import require_valid
from crm_sync.mappings import Mappings, load_mappings

if TYPE_CHECKING:
    from crm_sync.clients import Clients


@click.command(short_help="create the id fields in both CRMs, after asking; or remove them")
@click.option("--yes", is_flag=True, help="Do it without asking.")
@click.option("--remove", is_flag=True, help="Take away what setup has made: the id fields and what they hold.")
@click.pass_context
@clean_errors
def setup(context: click.Context, yes: bool, remove: bool) -> None:
    """Show, then create, the id fields that the sync needs in both CRMs.

    May be repeated: it makes only what is missing, and changes nothing that exists. Nothing is made without
    confirmation. With --remove it shows and then removes the same fields; records keep all else.

    Example: crm-sync --target prod setup
    """
    with _clients_and_mappings(context) as (clients, mappings):
        if remove:
            _remove(clients, mappings, yes)
        else:
            _create(clients, mappings, yes)


def _create(clients: Clients, mappings: Mappings, yes: bool) -> None:
    from crm_sync.setup import apply_setup, inspect_setup

    missing = inspect_setup(clients, mappings)
    if not missing:
        click.echo("Both CRMs have what the sync needs.")
        return
    for item in missing:
        click.echo(f"  {item.description}")
    if not yes and not _confirmed("Create these?"):
        click.echo("Nothing was created.")
        return
    apply_setup(clients, missing)
    click.echo(f"{sum(item.is_appliable for item in missing)} created.")
    if by_hand := [item for item in missing if not item.is_appliable]:
        raise ConfigError("Something is left to do by hand.", "\n".join(item.description for item in by_hand))


def _remove(clients: Clients, mappings: Mappings, yes: bool) -> None:
    from crm_sync.setup_removal import apply_removal, inspect_removal

    present = inspect_removal(clients, mappings)
    if not present:
        click.echo("Neither CRM has anything that setup has made.")
        return
    for item in present:
        click.echo(f"  {item.description}")
    click.echo("The ids of the counterparts go with the fields: a lost warehouse could then not be rebuilt from them.")
    if not yes and not _confirmed("Remove these?"):
        click.echo("Nothing was removed.")
        return
    apply_removal(clients, present)
    click.echo(f"{len(present)} removed.")


def _confirmed(question: str) -> bool:
    """Ask; without anybody to answer (CI, a pipe) the answer is no."""
    try:
        return click.confirm(question)
    except click.Abort:
        click.echo("")
        return False


@click.command(short_help="check the mapping CSVs in seconds, without asking a CRM")
@click.pass_context
@clean_errors
def check(context: click.Context) -> None:
    """Check the mapping files in seconds, without asking a CRM.

    Example: crm-sync check
    """
    project = context_of(context).project
    mappings = load_mappings(project.seeds_dir)
    require_valid(mappings, project.macros_dir)
    rows = sum(len(one) for one in mappings.rows.values())
    click.echo(f"{rows} rows in {len(mappings.rows)} files: no mistakes.")


@contextmanager
def _clients_and_mappings(context: click.Context) -> Iterator[tuple[Clients, Mappings]]:
    from crm_sync.clients import build_clients

    settings = context_of(context).settings()
    mappings = load_mappings(settings.project.seeds_dir)
    require_valid(mappings, settings.project.macros_dir)
    clients = build_clients(settings)
    try:
        yield clients, mappings
    finally:
        clients.close()
