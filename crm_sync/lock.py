"""One cycle at a time per warehouse. The kernel releases the lock when its holder ends, however it ends."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from crm_sync.errors import ConfigError, LockHeld


@contextmanager
def cycle_lock(warehouse: Path) -> Iterator[None]:
    """Hold the lock of this warehouse. Raises LockHeld naming the process that holds it."""
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
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise LockHeld(
                f"Another cycle is running on this warehouse (process {holder}).",
                "Wait for it to end; the next scheduled run catches up by itself.",
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
