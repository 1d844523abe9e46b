"""Notes in the journal that a person wants refused records tried again in the next cycle."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import duckdb

from crm_sync.errors import ConfigError, CycleFailed
from crm_sync.lock import cycle_lock


def request_retries(warehouse: Path, operations: Sequence[tuple[str, str]], now: datetime) -> None:
    """Note (target, link_id) pairs. Raises LockHeld while a cycle runs, ConfigError without a warehouse."""
    from reverse_etl.journal import Journal

    if not warehouse.exists():
        raise ConfigError(f"There is no warehouse {warehouse.name} yet.", "Run a cycle first: make sync")
    with cycle_lock(warehouse):
        try:
            with duckdb.connect(str(warehouse)) as connection:
                Journal(connection).request_retries(operations, now)
        except duckdb.Error as error:
            raise CycleFailed(
                f"The warehouse {warehouse.name} could not be written: {str(error).splitlines()[0]}",
                "Close other programs that have it open, then try again.",
            ) from None
