"""`crm-sync doctor`: everything that a sync needs, looked at before it is needed.

Owns the order of the checks and what is checked on this machine; `crms.py` asks the CRMs, `mapping_rows.py`
holds the seeds against what they answer. Changes nothing anywhere. A check that cannot be made is a finding, so one
missing permission does not hide the rest.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from importlib import metadata
from pathlib import Path

import duckdb

from crm_sync.config import Project, Settings
from crm_sync.doctor.crms import examine_crms
from crm_sync.doctor.findings import Finding
from crm_sync.errors import ConfigError, CrmSyncError, LockHeld
from crm_sync.lock import cycle_lock
from crm_sync.mapping_checks import check_mappings
from crm_sync.mappings import Mappings, load_mappings

#: Below this much free disk a cycle may fail half-way, which loses nothing but is of no use.
LEAST_FREE_BYTES = 1_000_000_000
_PARTS = ("duckdb", "dlt", "dbt-core", "dbt-duckdb", "click")


def examine(load: Callable[[], Settings], project: Project, warehouse: Path) -> Iterator[Finding]:
    """All findings, area by area, as they are made. `load` reads the settings, which may fail."""
    yield from _machine(warehouse)
    mappings, problems = _mappings(project)
    yield from problems
    try:
        settings = load()
    except CrmSyncError as error:
        yield Finding("error", "credentials", error.message, error.remedy)
        return
    if mappings is not None:
        yield from examine_crms(settings, mappings)


def exit_code(findings: Iterable[Finding]) -> int:
    """2 when something keeps the sync from working, else 0."""
    return ConfigError.exit_code if any(finding.level == "error" for finding in findings) else 0


# ---------------------------------------------------------------- this machine


def _machine(warehouse: Path) -> Iterator[Finding]:
    yield from _versions()
    yield from _disk(warehouse)
    yield from _warehouse(warehouse)


def _versions() -> Iterator[Finding]:
    from packaging.requirements import Requirement

    try:
        wanted = {one.name: one for text in metadata.requires("crm-sync") or () if (one := Requirement(text))}
    except metadata.PackageNotFoundError:
        wanted = {}
    for name in _PARTS:
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            yield Finding("error", "versions", f"{name} is not installed.", "Run any make target: it sets up .venv.")
            continue
        requirement = wanted.get(name)
        if requirement is not None and not requirement.specifier.contains(version, prereleases=True):
            yield Finding(
                "warning", "versions", f"{name} {version} is outside {requirement.specifier}.",
                "Run make with a clean .venv: it installs the pinned versions.",
            )  # fmt: skip
        else:
            yield Finding("ok", "versions", f"{name} {version}")


def _disk(warehouse: Path) -> Iterator[Finding]:
    folder = warehouse.parent
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    size = warehouse.stat().st_size if warehouse.exists() else 0
    text = f"{free / 1e9:.1f} GB free for the warehouse ({size / 1e6:.0f} MB)"
    # dbt and the health file need room beside what is there
    if free < max(LEAST_FREE_BYTES, 2 * size):
        yield Finding("warning", "disk", f"Only {text}.", "Free space, or set WAREHOUSE_PATH to another disk.")
    else:
        yield Finding("ok", "disk", text)
    if not os.access(folder, os.W_OK):
        yield Finding(
            "error", "disk", f"The folder of the warehouse cannot be written ({folder}).",
            "Give write access to it, or set WAREHOUSE_PATH to another place.",
        )  # fmt: skip


def _warehouse(warehouse: Path) -> Iterator[Finding]:
    if not warehouse.exists():
        yield Finding("ok", "warehouse", f"{warehouse.name} does not exist yet: the next run is a first one")
        return
    try:
        with cycle_lock(warehouse), duckdb.connect(str(warehouse), read_only=True) as connection:
            row = connection.execute(
                "select count(*), max(finished_at) filter (where status in ('succeeded', 'degraded'))"
                " from journal.runs where command in ('sync', 'watch')"
            ).fetchone()
    except LockHeld as error:
        yield Finding("warning", "warehouse", error.message, error.remedy)
    except duckdb.CatalogException:
        yield Finding("ok", "warehouse", f"{warehouse.name} is empty: the next run is a first one")
    except duckdb.Error as error:
        yield Finding(
            "error", "warehouse", f"{warehouse.name} cannot be read: {str(error).splitlines()[0]}",
            "Close other programs that have it open; if it is damaged, see docs/recovery.md.",
        )  # fmt: skip
    else:
        runs, last = row or (0, None)
        when = f", last completed {last:%Y-%m-%d %H:%M} UTC" if last else ""
        yield Finding("ok", "warehouse", f"{warehouse.name}: {runs} runs{when}")


# ---------------------------------------------------------------- the seeds by themselves


def _mappings(project: Project) -> tuple[Mappings | None, list[Finding]]:
    """The mappings, and what the files alone show; None when they cannot be read."""
    try:
        mappings = load_mappings(project.seeds_dir)
    except ConfigError as error:
        return None, [Finding("error", "mapping files", error.message, error.remedy)]
    problems = check_mappings(mappings, project.macros_dir)
    found = [Finding("error", "mapping files", f"{one.place}: {one.message}", one.remedy) for one in problems]
    rows = sum(len(one) for one in mappings.rows.values())
    return mappings, found or [Finding("ok", "mapping files", f"{rows} rows in {len(mappings.rows)} files")]
