"""Runs the dbt project in this process: the only place that knows dbt.

dbt is imported when first needed: it costs seconds, and many commands do without it.
"""

from __future__ import annotations

import gc
import hashlib
import json
import os
import re
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from crm_sync.config import Settings
from crm_sync.errors import CycleFailed
from crm_sync.mapping_checks import CONFLICT_RULES
from crm_sync.mappings import Mappings

BUILT_IN_TRANSFORMS = frozenset(
    {
        "trim", "lower", "upper", "title", "digits", "phone_e164", "url_host", "first_word", "other_words", "date",
        "datetime", "boolean", "country_code", "country_name", "state_code", "state_name", "truncate",
    }
)  # fmt: skip

#: What decides: every model but the health ones, with the invariants that guard the diff.
DECIDE = ("--exclude", "path:models/sync_health")
#: What follows from records, the journal and the previous pass. The rest follows from seeds and metadata alone.
FROM_RECORDS = ("source:journal+", "stg_reads", "int_links_held")
#: What a closer look at the conflicts can change: their times, and all that follows from them.
FROM_EVIDENCE = ("int_field_times+",)
#: What reports: the health models.
REPORT = ("--select", "path:models/sync_health")


_PLAIN_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")

#: Parsed projects by what they were parsed from: parsing costs a second, and `watch` runs many cycles.
_MANIFESTS: dict[tuple[object, ...], Any] = {}


class Transformer:
    """Runs parts of the dbt project against the warehouse of the settings. The project is parsed once a process."""

    def __init__(self, settings: Settings, mappings: Mappings) -> None:
        self._settings = settings
        self._mappings = mappings

    @cached_property
    def rules_hash(self) -> str:
        """Names the rules by which this project decides: its seeds, models, macros and variables."""
        return hashlib.sha256(f"{self._mappings.content_hash} {self.code_hash}".encode()).hexdigest()

    @cached_property
    def code_hash(self) -> str:
        """Names the project without its seeds: where it is another, all records are looked at again."""
        digest = hashlib.sha256()
        for path in self._files():
            digest.update(path.read_bytes())
        return digest.hexdigest()

    def decide(self) -> None:
        """Seeds, then everything up to the diffs, then the invariants. Raises CycleFailed naming what broke."""
        self._build("seed", "model", "test", selection=DECIDE)

    def decide_again(self) -> None:
        """The same where neither the rules nor the CRMs' metadata have changed since everything was decided."""
        self._build("model", "test", selection=("--select", *FROM_RECORDS, *DECIDE))

    def decide_conflicts(self) -> None:
        """The same links once more, after the histories of their fields in conflict have landed."""
        self._build("model", "test", selection=("--select", *FROM_EVIDENCE, *DECIDE))

    def settle(self) -> None:
        """Let the outcomes of a push move links and bases, and report."""
        self._run("--select", *FROM_RECORDS)

    def report(self) -> None:
        """The health models only."""
        self._run(*REPORT)

    def _build(self, *resource_types: str, selection: Sequence[str]) -> None:
        arguments = ["build", *self._common()]
        for resource_type in resource_types:
            arguments += ["--resource-type", resource_type]
        self._invoke([*arguments, *selection])

    def _run(self, *selection: str) -> None:
        """Models without their tests: `build` spends time on every test of the project, run or not."""
        self._invoke(["run", *self._common(), *selection])

    def _common(self) -> list[str]:
        project = self._settings.project
        work_dir = self._settings.warehouse_path.parent
        return [
            "--project-dir", str(project.dbt_dir),
            "--profiles-dir", str(project.root),
            "--target", self._settings.target,
            "--target-path", str(work_dir / "dbt_target"),
            "--log-path", str(work_dir / "logs"),
            "--log-level-file", "info",
            "--log-level", "none",
            "--no-write-json",
            "--vars", json.dumps(self._variables()),
        ]  # fmt: skip

    def _variables(self) -> dict[str, Any]:
        return {
            "code_hash": self.code_hash,
            "mapped_fields": self._mapped_fields(),
            "custom_transforms": sorted(set(self._mappings.transforms) - BUILT_IN_TRANSFORMS),
            "custom_conflict_rules": sorted(set(self._mappings.conflict_rules) - set(CONFLICT_RULES)),
        }

    def _mapped_fields(self) -> dict[str, list[tuple[str, str]]]:
        """By object, the pairs of fields that the mappings name, as far as their names are plain ones."""
        pairs: dict[str, list[tuple[str, str]]] = {}
        for row in self._mappings.rows["field_mappings"]:
            names = [row.values[column].strip() for column in ("object", "hubspot_property", "salesforce_field")]
            if all(_PLAIN_NAME.fullmatch(name) for name in names):
                pairs.setdefault(names[0], []).append((names[1], names[2]))
        return pairs

    def _files(self) -> list[Path]:
        """What dbt parses, besides the seeds; not what it leaves behind when somebody runs it by hand."""
        folders = ("models", "macros", "tests")
        found = [path for folder in folders for path in (self._settings.project.dbt_dir / folder).rglob("*")]
        found.append(self._settings.project.dbt_dir / "dbt_project.yml")
        return sorted(path for path in found if path.suffix in (".sql", ".yml"))

    def _manifest(self) -> Any:
        project = self._settings.project
        files = self._files()
        newest = max(path.stat().st_mtime_ns for path in files)
        # the name of the warehouse file is the database that every relation is qualified with
        stem = self._settings.warehouse_path.stem
        key = (project.root, len(files), newest, self._settings.target, stem, json.dumps(self._variables()))
        if key not in _MANIFESTS:
            _MANIFESTS[key] = _without_tests(self._invoke(["parse", *self._common()]))
        return _MANIFESTS[key]

    def _invoke(self, arguments: list[str]) -> Any:
        from dbt.cli.main import dbtRunner

        os.environ["WAREHOUSE_PATH"] = str(self._settings.warehouse_path)
        os.environ["CRM_SYNC_TARGET"] = self._settings.target
        manifest = None if arguments[0] == "parse" else self._manifest()
        gc.freeze()  # a parsed project is some hundred thousand objects that every collection would look through
        try:
            result = dbtRunner(manifest=manifest).invoke(arguments)
        finally:
            gc.unfreeze()
            _release_warehouse()
        if result.success:
            return result.result
        raise CycleFailed(_explain(result), "Nothing undecided was pushed. See logs/dbt.log beside the warehouse.")


def _without_tests(manifest: Any) -> Any:
    """A parsed project without the tests of tables and models: every pass would go through hundreds to run none."""
    manifest.unit_tests.clear()
    for unique_id in [name for name, node in manifest.nodes.items() if _is_generic_test(node)]:
        del manifest.nodes[unique_id]
    return manifest


def _is_generic_test(node: Any) -> bool:
    return node.resource_type == "test" and getattr(node, "test_metadata", None) is not None


def _release_warehouse() -> None:
    """dbt-duckdb keeps the warehouse open for the life of the process; others must be let in between the steps."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    try:
        environment = DuckDBConnectionManager.env()
    except Exception:  # the adapter raises a bare Exception when nothing was opened
        return
    environment.close()
    DuckDBConnectionManager.close_all_connections()


def _explain(result: Any) -> str:
    failed = [
        f"{item.node.name}: {' '.join(str(item.message or item.status).split())[:400]}"
        for item in (getattr(result.result, "results", None) or [])
        if str(item.status) in ("error", "fail", "runtime error")
    ]
    if failed:
        return "The decision step failed in " + "\n  ".join(failed)
    return f"The decision step failed: {result.exception or 'dbt gave no reason'}"
