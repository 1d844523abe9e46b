"""What a plan is measured against before it is shown: known objects, and the push limits of the next sync."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import duckdb

from crm_sync.config import Settings
from crm_sync.errors import ConfigError, GuardStop
from crm_sync.mappings import Mappings, load_mappings


def require_objects(mappings: Mappings, objects: Collection[str]) -> None:
    """Raise ConfigError for an object that no enabled row of object_mappings.csv names."""
    known = [mapping.object for mapping in mappings.enabled]
    for object_ in objects:
        if object_ not in known:
            raise ConfigError(f"There is no object '{object_}'.", f"Use one of: {', '.join(known)}.")


def limits_exceeded(settings: Settings) -> Iterator[str]:
    """Lines that say which push limits the next sync would stop at; none when it would not stop."""
    from reverse_etl.guards import check_limits, count_linked

    limits = [row.values for row in load_mappings(settings.project.seeds_dir).rows["push_limits"]]
    with duckdb.connect(str(settings.health_path), read_only=True) as connection:
        try:
            check_limits(connection, limits, (), count_linked(connection))
        except GuardStop as stop:
            yield ""
            yield stop.message.replace(
                "Nothing was pushed, because this run would exceed a push limit:",
                "The next sync would stop at a push limit, with nothing pushed (exit code 3):",
            )
            yield stop.remedy
