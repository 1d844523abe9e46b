"""Whole syncs in processes of their own, which die at chosen or random moments.

Owns forking and killing. A sync is a fork of this process, which has imported and parsed everything already, so that
it costs a sync and not a start. It is killed by SIGKILL: at a moment, or when it passes the nth point of a kind.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import crm_sync.cycle
import crm_sync.publish
import pipelines.extraction
from crm_sync.clients import build_clients
from crm_sync.clients.http import ApiClient
from crm_sync.cycle import CycleOptions, run_cycle
from crm_sync.errors import CrmSyncError, Unexpected
from crm_sync.transform import Transformer
from reverse_etl.journal import Journal

KINDS = ("before a call", "after a call", "between statements", "in the journal", "while landing", "while publishing")
#: A sync that meets a fault waits as long as it would, in a time that passes faster.
FASTER = 60.0
CRASHED = 99
KILLED = -signal.SIGKILL


@dataclass(frozen=True)
class Kill:
    """When a sync dies: at the nth point of a kind, or after some seconds."""

    kind: str | None = None
    number: int = 0
    seconds: float = 0.0

    def __str__(self) -> str:
        return f"{self.kind} {self.number}" if self.kind else f"after {self.seconds:.2f} s"


@dataclass(frozen=True)
class Ended:
    """How a sync ended: its exit code, KILLED, or CRASHED with a traceback in the log."""

    code: int
    seconds: float
    points: dict[str, int]


class Points:
    """Counts the points that a sync passes, and dies at the chosen one."""

    def __init__(self, kill: Kill | None) -> None:
        self.passed: Counter[str] = Counter()
        self._kill = kill

    def passing(self, kind: str) -> None:
        self.passed[kind] += 1
        if self._kill is not None and self._kill.kind == kind and self.passed[kind] == self._kill.number:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, owner: Any, name: str, before: str, after: str | None = None) -> None:
        """Let a function pass a point before and after it."""
        real = getattr(owner, name)

        def wrapped(*arguments: Any, **options: Any) -> Any:
            self.passing(before)
            result = real(*arguments, **options)
            self.passing(after or before)
            return result

        setattr(owner, name, wrapped)

    def install(self) -> None:
        from dbt.adapters.sql.connections import SQLConnectionManager

        self.around(ApiClient, "_send", "before a call", "after a call")
        self.around(SQLConnectionManager, "add_query", "between statements")
        for name in ("begin_run", "begin_attempts", "record_outcomes", "mark_decided", "finish_run"):
            self.around(Journal, name, "in the journal")
        self.around(pipelines.extraction, "land", "while landing")
        self.around(pipelines.extraction, "write_reads", "while landing")
        self.around(crm_sync.publish, "_tables", "while publishing")
        self.around(crm_sync.publish.os, "replace", "while publishing")


def warm_up(world: Any) -> None:
    """Import and parse what every sync needs, before the first fork."""
    import dlt
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    from crm_sync.mappings import load_mappings

    assert dlt
    assert dbtRunner
    assert DuckDBConnectionManager
    Transformer(world.settings, load_mappings(world.project.seeds_dir))._manifest()


def run_sync(
    world: Any, log: Path, kill: Kill | None = None, meanwhile: Callable[[], Any] = lambda: None, **options: Any
) -> Ended:
    """One sync in a process of its own. `meanwhile` is called again and again as long as it runs."""
    started = time.monotonic()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _be_the_sync(world, log, kill, writer, options)
    os.close(writer)
    status: int | None = None
    while status is None:
        ended, code = os.waitpid(child, os.WNOHANG)
        if ended:
            status = code
            break
        if kill is not None and kill.kind is None and time.monotonic() - started >= kill.seconds:
            os.kill(child, signal.SIGKILL)
        meanwhile()
        time.sleep(0.01)
    with os.fdopen(reader) as file:
        points = json.loads(file.read() or "{}")
    return Ended(os.waitstatus_to_exitcode(status), time.monotonic() - started, points)


def _be_the_sync(world: Any, log: Path, kill: Kill | None, writer: int, options: dict[str, Any]) -> None:
    """In the child: run the cycle as the command line does, and leave with its exit code. Never returns."""
    code = CRASHED
    try:
        with log.open("a", encoding="utf-8") as output:
            os.dup2(output.fileno(), 1)
            os.dup2(output.fileno(), 2)
        points = Points(kill)
        points.install()
        crm_sync.cycle.build_clients = _fast_clients  # type: ignore[assignment]
        try:
            result = run_cycle(world.settings, CycleOptions(**options))
            code = 0
            print(f"{result.run_id} {result.status}", flush=True)
        except CrmSyncError as error:
            code = CRASHED if isinstance(error, Unexpected) else error.exit_code
            print(f"exit {code}: {error}", flush=True)
        os.write(writer, json.dumps(points.passed).encode())
    except BaseException:
        traceback.print_exc()
        code = CRASHED
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _fast_clients(settings: Any) -> Any:
    return build_clients(
        settings,
        clock=lambda: time.monotonic() * FASTER,
        sleep=lambda seconds: time.sleep(seconds / FASTER),
        rng=Random(7),
    )


def in_a_process_of_its_own(work: Callable[[], Any]) -> Any:
    """The JSON result of a function run in a fork: DuckDB's threads must not be there when this process forks."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.close(reader)
            with os.fdopen(writer, "w") as file:
                json.dump(work(), file, default=str)
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    os.close(writer)
    with os.fdopen(reader) as file:
        text = file.read()
    _, status = os.waitpid(child, 0)
    if status != 0:
        raise RuntimeError("the reading process failed")
    return json.loads(text)


def kills(random: Random, points: dict[str, int], seconds: float) -> Iterator[Kill]:
    """Endless kills: half at random moments, half at the points that a sync was seen to pass, each kind alike."""
    while True:
        if random.random() < 0.3:
            yield Kill(seconds=random.uniform(0.05, seconds))
        else:
            kind = random.choice([kind for kind in KINDS if points.get(kind)])
            yield Kill(kind, random.randint(1, points[kind]))
