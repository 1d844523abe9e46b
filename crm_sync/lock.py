"""One cycle at a time per warehouse. The kernel releases the lock when its holder ends, however it ends."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from crm_sync.errors import ConfigError, LockHeld

_LOOK_AGAIN_SECONDS = 0.5


@contextmanager
def cycle_lock(
    warehouse: Path, wait_seconds: float = 0.0, waiting: Callable[[str], None] = lambda holder: None
) -> Iterator[None]:
    """Hold the lock of this warehouse. Raises LockHeld naming the process that holds it, after having waited as long
    as asked; `waiting` hears once of the process waited for."""
    path = warehouse.with_name(f"{warehouse.name}.lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a+", encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"The folder of the warehouse cannot be written: {error.strerror} ({path.parent}).",
            "Give write access to it, or set WAREHOUSE_PATH to another place.",
        ) from None
    with file:
        _acquire(file, wait_seconds, waiting)
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def _acquire(file: TextIO, wait_seconds: float, waiting: Callable[[str], None]) -> None:
    deadline = time.monotonic() + wait_seconds
    is_told = False
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
        if time.monotonic() >= deadline:
            raise LockHeld(
                f"Another cycle is running on this warehouse (process {holder}).",
                "Wait for it to end; the next scheduled run catches up by itself.",
            ) from None
        if not is_told:
            waiting(holder)
            is_told = True
        time.sleep(_LOOK_AGAIN_SECONDS)
