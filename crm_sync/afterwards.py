"""What is told to the world when a cycle has ended: alerts, and what a CI run shows. Never changes how it ended."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from crm_sync.alerts import alert, utc_now
from crm_sync.ci_report import report_cycle
from crm_sync.config import Project, load_alert_settings, load_ci_settings
from crm_sync.errors import ConfigError, CrmSyncError

if TYPE_CHECKING:
    from crm_sync.cycle import CycleResult

Say = Callable[[str], None]


class Afterwards:
    """Told how each cycle of a command ended."""

    def __init__(self, project: Project, target: str, health: Path, say: Say) -> None:
        self._project = project
        self._target = target
        self._health = health
        self._say = say

    def succeeded(self, result: CycleResult) -> None:
        """The cycle completed (records may have been refused)."""
        report_cycle(load_ci_settings(os.environ), result, self._health, self._say)
        self._alert(None)

    def failed(self, error: CrmSyncError) -> None:
        """The cycle, or what comes before it, ended with an error. (Its annotations are those of every command.)"""
        self._alert(error)

    def _alert(self, error: CrmSyncError | None) -> None:
        try:
            settings = load_alert_settings(self._project, os.environ)
        except ConfigError as wrong:
            self._say(f"No alert was sent: {wrong}")
            return
        if reason := alert(settings, self._target, self._health, error, utc_now):
            self._say(f"The alert could not be delivered ({reason}); it is tried again after the next cycle.")
