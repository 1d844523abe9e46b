"""Commands for whoever looks after the data: what happened, why, and what waits for a decision.

They read the published health file and need no credentials; `review` also notes what a person decides.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import click
import duckdb

from crm_sync.cli_base import FOUND, Context, Interval, clean_errors, context_of
from crm_sync.errors import ConfigError

FORMATS = ("text", "json", "csv")
_LIMIT = click.option("--limit", type=click.IntRange(min=0), default=20, show_default=True,
                      help="How many to show in text (0: all).")  # fmt: skip
_FORMAT = click.option("--format", "format_", type=click.Choice(FORMATS), default="text", show_default=True,
                       help="How to print them. JSON and CSV hold all.")  # fmt: skip
_OBJECT = click.option("--object", "object_", metavar="OBJECT", help="Only this object: contact, company, deal, ...")
_RECORD = click.option("--record", "records", multiple=True, metavar="KEY",
                       help="Only this record: an id of either CRM, an e-mail address or a name.")  # fmt: skip
Command = Callable[..., Any]


def _listing(command: Command) -> Command:
    """The options that every list has."""
    for option in (_LIMIT, _FORMAT, _RECORD, _OBJECT):
        command = option(command)
    return command


def _objects(shared: Context, object_: str | None) -> list[str]:
    from crm_sync.mappings import load_mappings
    from crm_sync.records import objects_named

    return objects_named(load_mappings(shared.project.seeds_dir), object_) if object_ else []


@click.command(short_help="the health at a glance")
@click.option("--format", "format_", type=click.Choice(FORMATS[:2]), default="text", show_default=True,
              help="text for people, json for programs.")  # fmt: skip
@click.pass_context
@clean_errors
def status(context: click.Context, format_: str) -> None:
    """Show the health at a glance: state, errors and issues with their fix, conflicts, lag, API calls.

    Example: crm-sync --target prod status
    """
    from crm_sync.status import status_document, status_lines

    with context_of(context).health() as connection:
        if format_ == "json":
            click.echo(json.dumps(status_document(connection), ensure_ascii=False, indent=2, default=str))
            return
        for line in status_lines(connection):
            click.echo(line)


@click.command(short_help="why a record looks as it does, and what comes next")
@click.argument("object_", metavar="OBJECT")
@click.argument("key")
@click.option("--all", "with_agreed", is_flag=True, help="Also fields that agree and were never decided on.")
@click.option("--format", "format_", type=click.Choice(FORMATS[:2]), default="text", show_default=True,
              help="text for people, json for programs.")  # fmt: skip
@click.pass_context
@clean_errors
def explain(context: click.Context, object_: str, key: str, with_agreed: bool, format_: str) -> None:
    """Explain a record: its link, its scope, why each field holds what it holds, and what comes next.

    OBJECT is contact, company, deal and so on. KEY is a record id of either CRM, an e-mail address or a name.

    Example: crm-sync explain contact ada.brandt@acme.com
    """
    from crm_sync.explain import explain_record
    from crm_sync.explain_text import explanation_lines

    shared = context_of(context)
    objects = _objects(shared, object_)
    with shared.health() as connection:
        documents = explain_record(connection, objects, key)
    if format_ == "json":
        click.echo(json.dumps(documents, ensure_ascii=False, indent=2, default=str))
        return
    for document in documents:
        for line in explanation_lines(document, with_agreed):
            click.echo(line)


@click.command(short_help="what a CRM has refused, with cause and fix")
@_listing
@click.option(
    "--class", "error_class", metavar="CLASS", help="Only this class or code: validation, DUPLICATE_VALUE, ..."
)
@click.option("--crm", type=click.Choice(("hubspot", "salesforce")), help="Only what this CRM has refused.")
@click.option("--older-than", type=Interval(), metavar="AGE", help="Only what was first refused so long ago: 12h, 7d.")
@click.option("--closed", is_flag=True, help="Also errors that have ended.")
@click.option("--detailed-exitcode", is_flag=True, help=f"Exit with {FOUND} when there are any, with 0 when not.")
@click.pass_context
@clean_errors
def errors(
    context: click.Context,
    object_: str | None,
    records: tuple[str, ...],
    format_: str,
    limit: int,
    error_class: str | None,
    crm: str | None,
    older_than: float | None,
    closed: bool,
    detailed_exitcode: bool,
) -> None:
    """List what a CRM has refused: the record, what it said, cause and fix, and when it is tried again.

    Example: crm-sync errors --class validation --object contact
    """
    from crm_sync.listing import Choice, list_errors, render

    shared = context_of(context)
    before = datetime.now(UTC) - timedelta(seconds=older_than) if older_than is not None else None
    choice = Choice(_objects(shared, object_), records, crm, error_class, closed=closed, seen_before=before)
    with shared.health() as connection:
        rows = list_errors(connection, choice)
    for line in render(rows, format_, limit or None, "error" if closed else "open error"):
        click.echo(line)
    if detailed_exitcode and rows:
        sys.exit(FOUND)


@click.command(short_help="who won against whom, when both sides were edited")
@_listing
@click.option("--field", metavar="FIELD", help="Only this HubSpot property or Salesforce field.")
@click.pass_context
@clean_errors
def conflicts(
    context: click.Context,
    object_: str | None,
    records: tuple[str, ...],
    format_: str,
    limit: int,
    field: str | None,
) -> None:
    """List conflicts, newest first: both edits, what was there before, who won and by which rule.

    Example: crm-sync conflicts --field jobtitle --limit 5
    """
    from crm_sync.listing import Choice, list_conflicts, render

    shared = context_of(context)
    with shared.health() as connection:
        rows = list_conflicts(connection, Choice(_objects(shared, object_), records, field=field))
    for line in render(rows, format_, limit or None, "conflict"):
        click.echo(line)


@click.command(short_help="what waits for a person: retry it, or resolve it")
@_listing
@click.option("--field", metavar="FIELD", help="Only this HubSpot property or Salesforce field.")
@click.option("--retry", is_flag=True, help="Let the refused records among them be tried again in the next sync.")
@click.option("--resolve", "winner", type=click.Choice(("hubspot", "salesforce")),
              help="Let this side win the one conflict that the filters leave.")  # fmt: skip
@click.pass_context
@clean_errors
def review(
    context: click.Context,
    object_: str | None,
    records: tuple[str, ...],
    format_: str,
    limit: int,
    field: str | None,
    retry: bool,
    winner: str | None,
) -> None:
    """List what waits for a person: conflicts under the rule review, and refused records. Retry or resolve them.

    A resolution is a row that is written to conflict_resolutions.csv; the next sync carries it out.

    \b
    Example: crm-sync review --record ada.brandt@acme.com --field jobtitle --resolve hubspot
    Example: crm-sync review --object contact --retry
    """
    from crm_sync.listing import Choice, list_held, list_refused, render

    shared = context_of(context)
    choice = Choice(_objects(shared, object_), records, field=field)
    with shared.health() as connection:
        held = list_held(connection, choice)
        refused = [] if field else list_refused(connection, choice)
    if winner:
        _resolve(shared, held, winner)
    if retry:
        _retry(shared, refused)
    if winner or retry:
        return
    if format_ != "text":
        for line in render([*held, *refused] if format_ == "json" else held or refused, format_, None, "row"):
            click.echo(line)
        return
    for line in render(held, format_, limit or None, "conflict to decide"):
        click.echo(line.replace("conflict to decides", "conflicts to decide"))
    click.echo("")
    for line in render(refused, format_, limit or None, "refused record"):
        click.echo(line)


def _resolve(shared: Context, held: list[dict[str, Any]], winner: str) -> None:
    from crm_sync.resolutions import FILE, resolve

    if len(held) != 1:
        raise ConfigError(
            f"{len(held)} conflicts wait for a decision under these filters; --resolve settles one at a time.",
            "Name it with --object, --record and --field; `crm-sync review` lists them.",
        )
    row = resolve(shared.project.seeds_dir, held[0], winner, datetime.now(UTC))
    click.echo(f"Added to dbt_project/seeds/{FILE}: {row}")
    click.echo("The next sync carries it out: crm-sync sync")


def _retry(shared: Context, refused: list[dict[str, Any]]) -> None:
    from crm_sync.retrying import request_retries

    if not refused:
        click.echo("No refused record matches; nothing to try again.")
        return
    request_retries(shared.warehouse_path, [(row["target"], row["link_id"]) for row in refused], datetime.now(UTC))
    click.echo(f"{len(refused)} refused records are due again. The next sync tries them: crm-sync sync")


@click.command(name="query", short_help="one SQL query on the published tables")
@click.argument("sql")
@click.pass_context
@clean_errors
def query(context: click.Context, sql: str) -> None:
    """Run one SQL query on the published health file (docs/queries.md has ten ready ones).

    Example: crm-sync query "from sync_health.sync_errors where status = 'open'"
    """
    with context_of(context).health() as connection:
        try:
            result = connection.sql(sql)
            if result is not None:
                result.show(max_width=10_000, max_rows=1_000)
        except duckdb.Error as error:
            raise ConfigError(
                f"The query failed: {error}", 'crm-sync query "show all tables" lists what there is.'
            ) from None


COMMANDS = (status, explain, errors, conflicts, review, query)
