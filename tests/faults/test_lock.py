"""The lock of a warehouse: one holder, who may be waited for, and who needs not say goodbye."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from crm_sync.errors import LockHeld
from crm_sync.lock import cycle_lock

HOLD = "import sys, time; from pathlib import Path; from crm_sync.lock import cycle_lock\n" + (
    "with cycle_lock(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
)


def test_a_holder_is_named_waited_for_and_forgotten_when_it_is_killed(tmp_path: Path) -> None:
    warehouse = tmp_path / "w.duckdb"
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(warehouse)], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(LockHeld, match=f"process {holder.pid}"), cycle_lock(warehouse):
            pass
        told: list[str] = []
        killer = threading.Timer(0.3, os.kill, (holder.pid, signal.SIGKILL))
        killer.start()
        with cycle_lock(warehouse, wait_seconds=20, waiting=told.append):
            assert told == [str(holder.pid)]
    finally:
        holder.kill()
        holder.wait()
