"""`crm-sync dashboard`: the health page as one file, or served on this machine."""

from __future__ import annotations

import os
import sys
import webbrowser
from datetime import UTC, datetime
from pathlib import Path

import click

from crm_sync.cli_base import clean_errors, context_of
from crm_sync.errors import ConfigError

DEFAULT_PORT = 8730


@click.command(short_help="write the health page, or serve it on this machine")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="Where to write the page (default: beside the health file; - for standard output).")  # fmt: skip
@click.option("--serve", "serves", is_flag=True, help="Show it on this machine, and keep it fresh while cycles run.")
@click.option("--port", type=click.IntRange(0, 65535), default=DEFAULT_PORT, show_default=True,
              help="With --serve: the port on 127.0.0.1 (0: any free one).")  # fmt: skip
@click.option("--open", "opens", is_flag=True, help="Open it in the browser.")
@click.pass_context
@clean_errors
def dashboard(context: click.Context, out: Path | None, serves: bool, port: int, opens: bool) -> None:
    """Write the health page: one HTML file that needs neither network nor server.

    It shows the state of the last cycle from the published health file, and needs no credentials.

    Example: crm-sync --target prod dashboard --out health.html
    """
    shared = context_of(context)
    if serves:
        from crm_sync.dashboard.server import serve

        if out is not None:
            raise ConfigError("--serve writes no file, so it takes no --out.", "Leave one of the two out.")
        serve(shared.health_path, shared.target, port, lambda address: _tell(address, opens))
        return
    page = _page(shared.health_path, shared.target)
    if out is not None and str(out) == "-":
        sys.stdout.write(page)
        return
    path = out or shared.health_path.with_suffix(".html")
    _write(path, page)
    if not shared.health_path.exists():
        click.echo("No cycle has run yet: the page says how to begin.", err=True)
    click.echo(f"Written: {path}")
    if opens:
        webbrowser.open(path.resolve().as_uri())


def _page(health: Path, target: str) -> str:
    from crm_sync.dashboard.document import read_document
    from crm_sync.dashboard.page import render_page

    return render_page(read_document(health, target, datetime.now(UTC)))


def _write(path: Path, page: str) -> None:
    """Whole or not at all: a browser that has the page open never reads half of it."""
    fresh = path.with_name(f"{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_text(page, encoding="utf-8")
        os.replace(fresh, path)
    except OSError as error:
        raise ConfigError(
            f"The page cannot be written to {path}: {error.strerror}.", "Name another place: --out FILE"
        ) from None


def _tell(address: str, opens: bool) -> None:
    click.echo(f"The health page is at {address} (stop with Ctrl+C)")
    if opens:
        webbrowser.open(address)
