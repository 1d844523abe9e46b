"""The dbt project on a fresh warehouse: everything builds, every unit test and every data test passes.

Writes nothing into the repository: target and logs go to a temporary directory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from dbt.cli.main import dbtRunner
from empty_warehouse import create_empty_warehouse

ROOT = Path(__file__).resolve().parents[2]
DBT_PROJECT = ROOT / "dbt_project"
DECISION_MODELS = (
    "links", "match_issues", "int_match_keys", "records_included", "int_links_included", "int_values_exploded",
    "int_value_images", "int_reference_images", "int_create_values", "int_creates_checked", "int_field_values",
    "int_field_values_compared", "int_field_winners", "base_values", "field_decisions", "int_operation_fields",
    "int_operations", "int_operations_waiting", "mapping_problems", "stg_stage_pairs", "stg_owner_pairs",
    "sync_errors", "field_conflicts",
)  # fmt: skip


class Project:
    """dbt in this process, against one temporary warehouse."""

    def __init__(self, directory: Path) -> None:
        self.warehouse = directory / "warehouse.duckdb"
        self._common = [
            "--project-dir", str(DBT_PROJECT),
            "--profiles-dir", str(ROOT),
            "--target", "sandbox",
            "--target-path", str(directory / "target"),
            "--log-path", str(directory / "logs"),
            "--log-level", "none",
            # the code's name, as crm-sync hands it over: another one has everything computed anew
            "--vars", '{"code_hash": "this one"}',
        ]  # fmt: skip
        self._runner = dbtRunner()

    def invoke(self, *arguments: str) -> Any:
        """dbt's result; its results list is empty when dbt failed before running anything."""
        return self._runner.invoke([*arguments, *self._common])


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    directory = tmp_path_factory.mktemp("dbt")
    project = Project(directory)
    create_empty_warehouse(project.warehouse)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WAREHOUSE_PATH", str(project.warehouse))
        patch.setenv("CRM_SYNC_TARGET", "sandbox")
        patch.setenv("DBT_SEND_ANONYMOUS_USAGE_STATS", "false")
        built = project.invoke("build", "--resource-type", "seed", "--resource-type", "model")
        assert not failures(built), "\n".join(failures(built))
        yield project


@pytest.fixture(scope="module")
def tested(project: Project) -> Any:
    """All unit tests, generic tests and invariants in one invocation."""
    return project.invoke("test")


def test_every_dbt_test_passes(tested: Any) -> None:
    assert not failures(tested), "\n".join(failures(tested))


def test_every_decision_model_has_unit_tests(tested: Any) -> None:
    unit_tests = [item.node for item in results(tested) if item.node.resource_type == "unit_test"]
    tested_models = {node.tested_node_unique_id.rpartition(".")[2] for node in unit_tests}
    assert set(DECISION_MODELS) - tested_models == set()


def test_a_second_build_of_an_empty_warehouse_succeeds(project: Project) -> None:
    """Models that remember take their other path: they read themselves, and compute some records only."""
    built = project.invoke("build", "--resource-type", "model")
    assert not failures(built), "\n".join(failures(built))


def test_nothing_is_left_in_the_repository(tested: Any) -> None:
    assert not (DBT_PROJECT / "target").exists()
    assert not (DBT_PROJECT / "logs").exists()


def results(result: Any) -> Sequence[Any]:
    return getattr(result.result, "results", None) or []


def failures(result: Any) -> list[str]:
    """Names of what failed with dbt's message, or dbt's own error; an empty list when all went well."""
    failed = [
        f"{item.node.name}: {item.message or item.status}"
        for item in results(result)
        if str(item.status) not in ("success", "pass")
    ]
    if not failed and not result.success:
        failed.append(f"dbt failed: {result.exception}")
    return failed
