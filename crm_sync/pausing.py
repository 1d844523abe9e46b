"""Pausing and resuming: somebody's word that the sync is to leave both CRMs alone until they say otherwise.

Owns the commands `pause` and `resume` in `journal.runs`, where the newest of the two counts: so it survives the
process, and whoever has the warehouse knows. Needs no credentials, and calls no CRM. A cycle that runs is waited for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from crm_sync.config import Project, health_path
from crm_sync.errors import CrmSyncError, CycleFailed, Paused
from crm_sync.lock import cycle_lock
from crm_sync.publish import publish
from crm_sync.warehouse import has_table
from reverse_etl.journal import Journal, new_run_id

PAUSE = "pause"
RESUME = "resume"
#: How long a running cycle is waited for.
LONGEST_WAIT_SECONDS = 900.0

_NEWEST = """
select command, started_at, message from journal.runs where command in ('pause', 'resume')
order by started_at desc limit 1
"""


@dataclass(frozen=True)
class PauseState:
    """Whether the sync is paused; since when, and why if somebody said so."""

    is_paused: bool
    since: datetime | None = None
    reason: str | None = None


def pause_state(connection: duckdb.DuckDBPyConnection) -> PauseState:
    """What the newest pause or resume says."""
    row = connection.execute(_NEWEST).fetchone() if has_table(connection, "journal", "runs") else None
    if row is None or row[0] != PAUSE:
        return PauseState(False)
    return PauseState(True, row[1], row[2])


def require_running(connection: duckdb.DuckDBPyConnection) -> None:
    """Raise Paused when the sync is paused."""
    state = pause_state(connection)
    if state.is_paused:
        since = f" since {state.since:%Y-%m-%d %H:%M:%S %Z}" if state.since else ""
        reason = f" ({state.reason})" if state.reason else ""
        raise Paused(f"The sync is paused{since}{reason}. Nothing was read or written.", "Continue it: crm-sync resume")


def switch(
    project: Project,
    target: str,
    warehouse: Path,
    command: str,
    reason: str | None = None,
    wait: Callable[[str], None] = lambda holder: None,
) -> bool:
    """Pause or resume, and show it to readers; False when it is so already. `wait` hears of a cycle waited for."""
    with cycle_lock(warehouse, LONGEST_WAIT_SECONDS, wait):
        try:
            with duckdb.connect(str(warehouse)) as connection:
                connection.execute("set TimeZone = 'UTC'")
                if pause_state(connection).is_paused == (command == PAUSE):
                    return False
                _note(connection, target, command, reason)
                has_health = has_table(connection, "sync_health", "sync_status")
        except (duckdb.Error, OSError) as error:
            raise CycleFailed(
                f"The warehouse {warehouse.name} could not be read or written: {str(error).splitlines()[0]}",
                "Look at the disk's free space and the file's permissions.",
            ) from error
        if has_health:
            _show(warehouse)
    return True


def _note(connection: duckdb.DuckDBPyConnection, target: str, command: str, reason: str | None) -> None:
    journal = Journal(connection)
    now = datetime.now(UTC)
    run_id = new_run_id(now)
    journal.begin_run(run_id, command=command, target_name=target, started_at=now)
    journal.finish_run(run_id, status="succeeded", exit_code=0, finished_at=now, message=reason)


def _show(warehouse: Path) -> None:
    """Bring the health file up to date. What keeps it from being so keeps nobody from pausing."""
    try:
        publish(warehouse, health_path(warehouse))
    except CrmSyncError:
        return
