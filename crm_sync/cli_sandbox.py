"""`crm-sync sandbox ...`: start, stop and play with the stand-in CRMs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec

import click

from crm_sync.errors import ConfigError
from sandbox import control
from sandbox.control import SandboxError, default_state_dir

P = ParamSpec("P")
CRM = click.Choice(control.CRMS)
TIMES = ("%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d")


def start_for_sync(state_dir: Path) -> None:
    """Start the stand-ins if they are not running; used before a cycle on the target sandbox."""
    try:
        control.start(state_dir)
    except SandboxError as error:
        raise ConfigError(f"The sandbox could not be started: {error}", "Run: crm-sync sandbox status") from error


def _clean_errors(command: Callable[P, None]) -> Callable[P, None]:
    @wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except SandboxError as error:
            click.echo(f"Error: {error}", err=True)
            sys.exit(1)

    return wrapped


@click.group(name="sandbox", short_help="two stand-in CRMs on this machine to play with")
def sandbox_group() -> None:
    """Stand-in HubSpot and Salesforce servers on this machine, with demo data."""


@sandbox_group.command()
@_clean_errors
def start() -> None:
    """Start both servers (with demo data the first time).

    Example: crm-sync sandbox start
    """
    addresses = control.start(default_state_dir())
    click.echo(f"HubSpot    {addresses.hubspot_url}")
    click.echo(f"Salesforce {addresses.salesforce_url}")


@sandbox_group.command()
@_clean_errors
def stop() -> None:
    """Stop both servers; their data stays.

    Example: crm-sync sandbox stop
    """
    control.stop(default_state_dir())
    click.echo("Stopped.")


@sandbox_group.command()
@_clean_errors
def status() -> None:
    """Show whether the servers run, where, and what they hold.

    Example: crm-sync sandbox status
    """
    click.echo(json.dumps(control.status(default_state_dir()), indent=2, ensure_ascii=False))


@sandbox_group.command()
@click.option("--empty", is_flag=True, help="Empty CRMs instead of the demo data.")
@_clean_errors
def reset(empty: bool) -> None:
    """Put both CRMs back to the demo data. The warehouse is not touched: delete it as well to start over.

    Example: crm-sync sandbox reset
    """
    control.reset(default_state_dir(), demo=not empty)
    click.echo("Both CRMs are empty." if empty else "Both CRMs hold the demo data again.")


@sandbox_group.command()
@click.argument("crm", type=CRM)
@click.argument("object_", metavar="OBJECT")
@click.argument("record_id")
@click.argument("assignments", nargs=-1, required=True, metavar="FIELD=VALUE...")
@click.option("--user", help="Which user edits (default: a sales rep).")
@click.option("--at", type=click.DateTime(TIMES), help="When, in UTC (default: now).")
@_clean_errors
def edit(
    crm: str, object_: str, record_id: str, assignments: tuple[str, ...], user: str | None, at: datetime | None
) -> None:
    """Edit a record as a person would. FIELD= clears the field.

    Example: crm-sync sandbox edit salesforce Contact 003... Title="VP Sales"
    """
    control.edit(default_state_dir(), crm, object_, record_id, _assigned(assignments), user=user, at=_utc(at))
    click.echo(f"Edited {crm} {object_} {record_id}.")


def _assigned(assignments: tuple[str, ...]) -> dict[str, str | None]:
    values: dict[str, str | None] = {}
    for assignment in assignments:
        name, sign, value = assignment.partition("=")
        if not sign:
            raise click.BadParameter(f"'{assignment}' is not FIELD=VALUE.")
        values[name] = value or None
    return values


def _utc(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment is not None else None


@sandbox_group.command()
@click.argument("crm", type=CRM)
@click.argument("object_", metavar="OBJECT")
@click.argument("assignments", nargs=-1, required=True, metavar="FIELD=VALUE...")
@click.option("--user", help="Which user creates (default: a sales rep).")
@_clean_errors
def create(crm: str, object_: str, assignments: tuple[str, ...], user: str | None) -> None:
    """Create a record as a person would; prints it.

    Example: crm-sync sandbox create hubspot contacts email=ada@example.com lastname=Lovelace
    """
    record = control.create(default_state_dir(), crm, object_, _assigned(assignments), user=user)
    click.echo(json.dumps(record, indent=2, ensure_ascii=False))


@sandbox_group.command()
@click.argument("crm", type=CRM)
@click.argument("object_", metavar="OBJECT")
@click.argument("record_id")
@click.option("--user", help="Which user deletes (default: a sales rep).")
@_clean_errors
def delete(crm: str, object_: str, record_id: str, user: str | None) -> None:
    """Move a record to the recycle bin as a person would.

    Example: crm-sync sandbox delete salesforce Contact 003...
    """
    control.delete(default_state_dir(), crm, object_, record_id, user=user)
    click.echo(f"Deleted {crm} {object_} {record_id}.")


@sandbox_group.command()
@click.argument("crm", type=CRM)
@click.argument("action")
@click.argument("body", metavar="JSON", default="{}")
@_clean_errors
def act(crm: str, action: str, body: str) -> None:
    """Do something else that people do: merge, restore, convert (sandbox/README.md lists the acts).

    Example: crm-sync sandbox act hubspot merge '{"object": "contacts", "master": "501", "losers": ["502"]}'
    """
    click.echo(json.dumps(control.act(default_state_dir(), crm, action, **_json_object(body)), indent=2))


@sandbox_group.command()
@click.argument("crm", type=CRM)
@click.argument("change", metavar="[JSON]", default="{}")
@_clean_errors
def settings(crm: str, change: str) -> None:
    """Show the settings, or change some: rate limits, latency, index lag, clock.

    Example: crm-sync sandbox settings hubspot '{"rate_limits": false, "clock_skew_ms": 60000}'
    """
    click.echo(json.dumps(control.change_settings(default_state_dir(), crm, **_json_object(change)), indent=2))


@sandbox_group.command()
@click.argument("crm", type=CRM)
@_clean_errors
def calls(crm: str) -> None:
    """Show how many API requests arrived, by endpoint.

    Example: crm-sync sandbox calls salesforce
    """
    for endpoint, count in control.calls(default_state_dir(), crm).items():
        click.echo(f"{count:8,}  {endpoint}")


@sandbox_group.command()
@click.option("--contacts", default=100_000, show_default=True, help="How many contacts a side.")
@_clean_errors
def load(contacts: int) -> None:
    """Fill both CRMs with made-up data of any size, in place of what they hold.

    Example: crm-sync sandbox load --contacts 100000
    """
    for crm, counts in control.fill(default_state_dir(), contacts).items():
        click.echo(f"{crm}: " + ", ".join(f"{count:,} {object_}" for object_, count in counts.items()))


def _json_object(text: str) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except ValueError as error:
        raise click.BadParameter(f"This is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise click.BadParameter("A JSON object is needed.")
    return content


@sandbox_group.command()
@click.argument("crm", type=CRM)
@click.argument("object_", metavar="OBJECT")
@click.argument("record_id", required=False)
@_clean_errors
def show(crm: str, object_: str, record_id: str | None) -> None:
    """Show one record, or all of an object.

    Example: crm-sync sandbox show hubspot contacts 501
    """
    state_dir = default_state_dir()
    found = control.show(state_dir, crm, object_, record_id) if record_id else control.records(state_dir, crm, object_)
    click.echo(json.dumps(found, indent=2, ensure_ascii=False))


@sandbox_group.command()
@click.argument("crm", type=CRM)
@click.option("--since", default=0, show_default=True, help="Only writes after this sequence number.")
@_clean_errors
def writes(crm: str, since: int) -> None:
    """Show the write log: every change of data, by whom.

    Example: crm-sync sandbox writes salesforce
    """
    for entry in control.write_log(default_state_dir(), crm, since):
        click.echo(json.dumps(entry, ensure_ascii=False))


@sandbox_group.group()
def faults() -> None:
    """Make the stand-ins fail on purpose: what sandbox/README.md calls the fault plan."""


@faults.command(name="set")
@click.argument("crm", type=CRM)
@click.argument("plan", metavar="FILE|JSON")
@_clean_errors
def set_faults(crm: str, plan: str) -> None:
    """Put a fault plan in force: a JSON file, or the JSON itself.

    Example: crm-sync sandbox faults set hubspot '{"rules": [{"kind": "rate_limit", "probability": 0.1}]}'
    """
    try:
        text = plan if plan.lstrip().startswith("{") else Path(plan).read_text(encoding="utf-8")
    except OSError as error:
        raise click.BadParameter(f"'{plan}' cannot be read: {error.strerror}.") from error
    report = control.set_faults(default_state_dir(), crm, _json_object(text))
    click.echo(f"{len(report['rules'])} fault rules are in force on {crm}.")


@faults.command(name="show")
@click.argument("crm", type=CRM)
@_clean_errors
def show_faults(crm: str) -> None:
    """Show the plan in force: per rule, how many requests matched and how many went wrong.

    Example: crm-sync sandbox faults show salesforce
    """
    click.echo(json.dumps(control.faults(default_state_dir(), crm), indent=2, ensure_ascii=False))


@faults.command(name="clear")
@click.argument("crm", type=CRM, required=False)
@_clean_errors
def clear_faults(crm: str | None) -> None:
    """Let one stand-in, or both, behave again.

    Example: crm-sync sandbox faults clear
    """
    for name in [crm] if crm else control.CRMS:
        control.clear_faults(default_state_dir(), name)
    click.echo("No faults are in force.")
