"""A few rounds of the soak (soak.py): whole syncs killed, and CRMs misbehaving, while people work in both."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SOAK = Path(__file__).resolve().parent / "soak.py"


def test_whole_syncs_keep_all_promises_when_they_are_killed_and_when_the_crms_misbehave() -> None:
    """The seed decides what happens; `make soak` does the same for as long as asked."""
    command = [sys.executable, str(SOAK), "--seed", "3", "--kills", "2", "--faults", "1", "--rounds", "2", "--quick"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    assert "All promises kept" in done.stdout
    assert "1 fault plans with" in done.stdout
