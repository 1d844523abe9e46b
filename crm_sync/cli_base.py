"""What the command files share: the target, errors as one message, and help that reads like a table of contents.

Owns the sections of `crm-sync --help`. A command that no section names is listed under the last one, so that adding
one never hides it. Commands themselves are in `cli*.py`, one file per audience.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec

import click
import duckdb

from crm_sync.cli_sandbox import start_for_sync
from crm_sync.config import (
    SANDBOX,
    Project,
    Settings,
    find_project,
    health_path,
    load_ci_settings,
    load_settings,
    names_stand_ins,
    warehouse_path,
)
from crm_sync.errors import ConfigError, CrmSyncError
from sandbox.control import default_state_dir

if TYPE_CHECKING:
    from crm_sync.afterwards import Afterwards

P = ParamSpec("P")

#: Exit code of commands with `--detailed-exitcode` that have found something; 0 to 5 have their meanings already.
FOUND = 6
#: What `crm-sync --help` lists, in this order: who it is for, and the commands.
SECTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Every day", ("plan", "sync", "status", "dashboard")),
    ("Why is it so", ("explain", "errors", "conflicts", "review", "query")),
    ("Before the first run, and when a mapping changes", ("check", "setup", "doctor")),
    ("Keeping it running", ("watch", "pause", "resume", "undo")),
    ("Trying it out", ("sandbox",)),
)
OTHER = "More"
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


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
    def warehouse_path(self) -> Path:
        """The warehouse itself; needs no credentials either."""
        return warehouse_path(self.project, self.target, os.environ)

    @property
    def health_path(self) -> Path:
        """The published file; needs no credentials, so that readers can do without them."""
        return health_path(self.warehouse_path)

    def afterwards(self) -> Afterwards:
        """Who is told how the cycles of a command end."""
        from crm_sync.afterwards import Afterwards

        return Afterwards(self.project, self.target, self.health_path, lambda line: click.echo(line, err=True))

    @contextmanager
    def health(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection to the published file. Raises ConfigError when there is none yet, or none that can be read:
        after an upgrade it may lack a table or column until the next cycle writes it anew.
        """
        path = self.health_path
        if not path.exists():
            raise ConfigError(
                f"There is no health file {path.name} yet.", f"Run a cycle first: make sync TARGET={self.target}"
            )
        try:
            connection = duckdb.connect(str(path), read_only=True)
        except duckdb.Error as error:
            raise ConfigError(
                f"The health file {path.name} cannot be read: {str(error).splitlines()[0]}",
                "Delete it; the next cycle writes it anew.",
            ) from None
        with connection:
            connection.execute("set TimeZone = 'UTC'; set enable_progress_bar = false")
            try:
                yield connection
            except (duckdb.CatalogException, duckdb.BinderException) as error:
                raise ConfigError(
                    f"The health file {path.name} was written by another version: {str(error).splitlines()[0]}",
                    f"Let a cycle write it anew: make sync TARGET={self.target}",
                ) from None


def context_of(context: click.Context) -> Context:
    """The shared context of a command."""
    return Context(context.find_root().obj)


def clean_errors(command: Callable[P, None]) -> Callable[P, None]:
    """Turn what a user can act on into one message and the exit code of the contract."""

    @wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
            return
        except CrmSyncError as error:
            failure = error
            # the frames hold connections, and DuckDB complains of those that are open when the process ends
            failure.__traceback__ = failure.__cause__ = failure.__context__ = None
        except BrokenPipeError:
            # the reader has seen enough (`crm-sync plan | head`): no message, and none from Python at exit either
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(0)
        except KeyboardInterrupt:
            click.echo("Interrupted; the next run continues where this one stopped.", err=True)
            sys.exit(1)
        fail(failure)

    return wrapped


def fail(error: CrmSyncError) -> None:
    """Print the message and its remedy, and exit with the code of the contract."""
    click.echo(f"Error: {error.message}", err=True)
    if error.remedy:
        click.echo(error.remedy, err=True)
    ci = load_ci_settings(os.environ)
    if ci.is_github or ci.summary:
        from crm_sync.ci_report import report_failure

        report_failure(ci, error, lambda line: click.echo(line, err=True))
    sys.exit(error.exit_code)


class Interval(click.ParamType[float]):
    """60s, 5m, 1h, 7d, or a number of seconds."""

    name = "interval"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, (int, float)):
            return float(value)
        match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhd]?)", str(value).strip())
        if match is None or float(match[1]) == 0:
            self.fail(f"'{value}' is not an interval: write 60s, 5m or 1h.", param, ctx)
        return float(match[1]) * _UNITS[match[2] or "s"]


class Contents(click.Group):
    """A group whose help lists its commands by audience."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        listed: set[str] = set()
        width = max((len(name) for name in self.commands), default=0)
        for title, names in (*SECTIONS, (OTHER, tuple(self.commands))):
            known = [name for name in names if name in self.commands and name not in listed]
            listed.update(known)
            rows = [
                (name.ljust(width), self.commands[name].get_short_help_str(formatter.width - width - 6))
                for name in known
                if not self.commands[name].hidden
            ]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)
