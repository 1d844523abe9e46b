"""One message when the state of the sync changes, to a webhook, a command, or both.

Owns what counts as a change: the status (healthy, degraded, failed, paused, and recovered), a class of error that was
not there before, a mapping that was suspended, drift, and a CRM's daily budget at 80 %. What was last told is kept in
a file beside the warehouse, so that a state which stays says nothing. No storms: all changes of a cycle are one
message, and apart from a failure there is at most one in a quarter of an hour; what is held back is told then, if it
is still so. Record values and the CRMs' own words, which may quote them, are never sent. An alert that cannot be
delivered is tried again after the next cycle, and never changes how a command ends.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from crm_sync.config import AlertSettings
from crm_sync.errors import CrmSyncError, LockHeld, Paused
from crm_sync.open_matters import OpenErrors, open_errors
from crm_sync.wording import CRM_NAMES, counted, plain

QUIET_TIME = timedelta(minutes=15)
BUDGET_SHARE = 0.8
PATIENCE_SECONDS = 10.0
_SEVERITY = {"healthy": 0, "paused": 0, "degraded": 1, "failed": 2}
_SIGNS = {
    "healthy": ":white_check_mark:",
    "paused": ":pause_button:",
    "degraded": ":warning:",
    "failed": ":red_circle:",
}


@dataclass(frozen=True)
class Health:
    """The state that is compared with what was last told."""

    status: str
    message: str = ""
    run_id: str = ""
    error_classes: dict[str, str] = field(default_factory=dict)
    suspended: dict[str, str] = field(default_factory=dict)
    drift: dict[str, str] = field(default_factory=dict)
    budget: dict[str, str] = field(default_factory=dict)


NEVER_TOLD = Health("healthy")
Deliver = Callable[[str, Health], None]


def read_health(path: Path, error: CrmSyncError | None) -> Health:
    """The state after a cycle: what was published, and the error that ended the cycle, if one did."""
    found = _published(path) if path.exists() else NEVER_TOLD
    if isinstance(error, Paused):
        return Health(**{**asdict(found), "status": "paused", "message": ""})
    if error is not None:
        return Health(**{**asdict(found), "status": "failed", "message": plain(error.message, 300)})
    return found


def changes(told: Health, now: Health) -> list[str]:
    """What to say, one line each; empty when nothing has changed."""
    lines = []
    if now.status != told.status:
        is_recovery = now.status == "healthy" and _SEVERITY[told.status] > 0
        lines.append(f"The sync has recovered (was {told.status})." if is_recovery else f"The sync is {now.status}.")
    if now.status == "failed" and (told.status != "failed" or now.message != told.message) and now.message:
        lines.append(now.message)
    lines += [text for key, text in now.error_classes.items() if key not in told.error_classes]
    lines += [text for key, text in now.suspended.items() if key not in told.suspended]
    lines += [text for key, text in now.drift.items() if key not in told.drift]
    lines += [text for key, text in now.budget.items() if key not in told.budget]
    return lines


class Alerts:
    """Compares, decides whether to speak, delivers, and remembers what was told."""

    def __init__(self, settings: AlertSettings, target: str, memory: Path, now: Callable[[], datetime]) -> None:
        self._settings = settings
        self._target = target
        self._memory = memory
        self._now = now

    def consider(self, health: Health) -> str | None:
        """Send what has changed. Returns why it could not be delivered, or None."""
        told, told_at = self._recall()
        lines = changes(told, health)
        if not lines:
            # less than was told is not news, but what comes back later is
            self._remember(health, told_at)
            return None
        is_urgent = health.status == "failed" and told.status != "failed"
        if not is_urgent and told_at is not None and self._now() - told_at < QUIET_TIME:
            return None
        text = "\n".join([f"{_SIGNS[health.status]} crm-sync {self._target}: {lines[0]}", *lines[1:]])
        if health.run_id:
            text += f"\nRun {health.run_id}. Details: crm-sync --target {self._target} status"
        try:
            self._deliver(text, health)
        except (OSError, subprocess.SubprocessError, ValueError) as error:
            return f"{type(error).__name__}"
        self._remember(health, self._now())
        return None

    def _deliver(self, text: str, health: Health) -> None:
        if self._settings.webhook:
            _post(self._settings.webhook, text)
        if self._settings.command:
            _run(self._settings.command, text, health)

    def _recall(self) -> tuple[Health, datetime | None]:
        try:
            kept = json.loads(self._memory.read_text(encoding="utf-8"))
            at = datetime.fromisoformat(kept["told_at"]) if kept["told_at"] else None
            return Health(**kept["health"]), at
        except (OSError, ValueError, TypeError, KeyError):
            return NEVER_TOLD, None

    def _remember(self, health: Health, told_at: datetime | None) -> None:
        kept = {"told_at": told_at.isoformat() if told_at else None, "health": asdict(health)}
        fresh = self._memory.with_name(f"{self._memory.name}.new")
        try:
            fresh.write_text(json.dumps(kept, indent=2), encoding="utf-8")
            os.replace(fresh, self._memory)
        except OSError:
            fresh.unlink(missing_ok=True)


def alert(
    settings: AlertSettings, target: str, health_path: Path, error: CrmSyncError | None, now: Callable[[], datetime]
) -> str | None:
    """After a cycle: tell what has changed. Returns why that failed, or None; does nothing without settings."""
    if not (settings.webhook or settings.command) or isinstance(error, LockHeld):
        return None
    memory = health_path.with_name(health_path.name.replace("_health.duckdb", "_alerts.json"))
    memory.parent.mkdir(parents=True, exist_ok=True)
    return Alerts(settings, target, memory, now).consider(read_health(health_path, error))


def utc_now() -> datetime:
    return datetime.now(UTC)


# ---------------------------------------------------------------- delivering


def _post(url: str, text: str) -> None:
    """The JSON that Slack, and whatever imitates its incoming webhooks, takes."""
    import requests

    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    response = requests.post(url, json={"text": escaped}, timeout=PATIENCE_SECONDS, allow_redirects=False)
    if response.status_code >= 300:
        raise OSError(f"status {response.status_code}")


def _run(command: str, text: str, health: Health) -> None:
    """Somebody's own command, by the shell: the text on its input, with status and run, without credentials."""
    told: Mapping[str, str] = {"CRM_SYNC_ALERT_STATUS": health.status, "CRM_SYNC_ALERT_RUN": health.run_id}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HUBSPOT_", "SALESFORCE_"))}
    subprocess.run(
        command, shell=True, input=text, text=True, check=True, timeout=PATIENCE_SECONDS,
        env={**kept, **told}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


# ---------------------------------------------------------------- reading


def _published(path: Path) -> Health:
    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            row = connection.execute(
                "select status, last_run_message, last_run_id from sync_health.sync_status"
            ).fetchone()
            errors = open_errors(connection)
            suspended = connection.execute(
                "select object, field, detail from sync_health.data_quality_issues"
                " where issue_type = 'suspended_mapping' order by all"
            ).fetchall()
            usage = connection.execute(
                "select crm, daily_used, daily_limit, share_used from sync_health.api_usage"
                " qualify row_number() over (partition by crm order by started_at desc) = 1 order by crm"
            ).fetchall()
            drift = _drift(connection)
    except duckdb.Error:
        return NEVER_TOLD
    status, message, run_id = row or ("healthy", None, None)
    return Health(
        status={"active": "healthy"}.get(status, status),
        message=plain(message, 300),
        run_id=run_id or "",
        error_classes=_classes(errors),
        suspended={f"{object_}.{name}": f"Suspended mapping of {object_}: {text}" for object_, name, text in suspended},
        drift=drift,
        budget={
            crm: f"{CRM_NAMES[crm]}: {used:,} of {limit:,} API calls of the day are used ({share:.0%})."
            for crm, used, limit, share in usage
            if share is not None and share >= BUDGET_SHARE
        },
    )


def _classes(errors: Sequence[OpenErrors]) -> dict[str, str]:
    """One sentence for each class of errors of a CRM, with the code and the fix that concern most records."""
    found: dict[str, str] = {}
    for most in errors:
        name = f"{most.target}.{most.error_class}"
        records = sum(one.records for one in errors if name == f"{one.target}.{one.error_class}")
        found.setdefault(
            name,
            f"{CRM_NAMES[most.target]} refuses {counted(records, 'record')}: {most.error_class} ({most.error_code})."
            f" Fix: {most.fix}",
        )
    return found


def _drift(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """What the newest comparison of all records has found, by the time it was made: each is told once."""
    rows = connection.execute(
        "select crm, crm_object, sum(records), max(reconciled_at) from ("
        " from sync_health.drift qualify reconciled_at = max(reconciled_at) over (partition by crm))"
        " group by crm, crm_object having sum(records) > 0 order by all"
    ).fetchall()
    return {
        f"{crm}.{object_} {at.isoformat()}": f"Drift: reads had missed {counted(int(records), 'record')} of"
        f" {CRM_NAMES[crm]} {object_}; they have been read now."
        for crm, object_, records, at in rows
    }
