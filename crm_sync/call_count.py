"""How many calls the present run has made, kept where a killed process leaves it: a small file beside the warehouse.

A run notes its calls in the journal when it ends. One that is killed does not, and yet its calls count toward the day's
budget: so each call is counted in the file before it is made, and the next run carries the count into the journal. Owns
that file. Not being able to write it stops no call.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping
from pathlib import Path

#: Of one length always, so that writing over it is one step and leaves nothing behind.
_LENGTH = 256


class CallCount:
    """The file of one warehouse. Thread-safe."""

    def __init__(self, warehouse: Path) -> None:
        self._path = warehouse.with_name(f"{warehouse.name}.calls")
        self._lock = threading.Lock()
        self._run_id = ""
        self._calls: dict[str, int] = {}

    def left_behind(self) -> tuple[str, Mapping[str, int]]:
        """The run that counted last, and its calls by CRM; no run and no calls where nothing can be read."""
        try:
            found = json.loads(self._path.read_text(encoding="utf-8"))
            calls = {str(crm): int(calls) for crm, calls in found["calls"].items()}
            return str(found["run_id"]), calls
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return "", {}

    def of_run(self, run_id: str) -> CallCount:
        """Begin to count for a run, from nothing."""
        with self._lock:
            self._run_id, self._calls = run_id, {}
            self._write()
        return self

    def add(self, crm: str) -> None:
        """Count one call that is about to be made."""
        with self._lock:
            self._calls[crm] = self._calls.get(crm, 0) + 1
            self._write()

    def _write(self) -> None:
        text = json.dumps({"run_id": self._run_id, "calls": self._calls}).ljust(_LENGTH - 1) + "\n"
        try:
            file = os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o644)
        except OSError:
            return
        try:
            os.pwrite(file, text.encode(), 0)
        except OSError:
            return
        finally:
            os.close(file)
