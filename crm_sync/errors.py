"""What stops a command, and with which exit code.

CrmSyncError            (never raised itself)
├── CycleFailed     1   the cycle could not be completed; nothing undecided was written
│   └── Unexpected  1   a mistake of this program, told without a traceback
├── ConfigError     2   a setting, credential or CSV row is wrong
├── GuardStop       3   a push limit or the API budget would be exceeded; nothing was pushed
├── LockHeld        4   another cycle is running
└── Paused          5   the sync is paused

Each carries one message saying what is wrong and one saying what to do about it; the command line prints both.
"""

from __future__ import annotations


class CrmSyncError(Exception):
    """A failure that the user can act on."""

    exit_code = 1

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message}\n{self.remedy}" if self.remedy else self.message


class CycleFailed(CrmSyncError):
    """The cycle stopped part-way; what was kept is complete, and the next run continues."""

    exit_code = 1


class Unexpected(CycleFailed):
    """A mistake of this program: what broke and where; the traceback is for `-vv`."""


class ConfigError(CrmSyncError):
    """A setting, a credential or a CSV row has to be corrected first."""

    exit_code = 2


class GuardStop(CrmSyncError):
    """A push limit or the API budget would be exceeded; nothing was pushed."""

    exit_code = 3


class LockHeld(CrmSyncError):
    """Another cycle holds the lock of this warehouse."""

    exit_code = 4


class Paused(CrmSyncError):
    """The sync is paused; `crm-sync resume` continues it."""

    exit_code = 5
