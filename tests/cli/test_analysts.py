"""What analysts are promised: ready queries, documented tables, and CSV files that survive a spreadsheet."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from cli_world import REPOSITORY, CliWorld

from crm_sync.mappings import SEED_COLUMNS, load_mappings
from crm_sync.publish import PUBLISHED_SCHEMAS, PUBLISHED_TABLES

QUERIES = re.findall(
    r"^## (.+?)\n.*?```sql\n(.+?)```", (REPOSITORY / "docs" / "queries.md").read_text("utf-8"), re.S | re.M
)
HEADINGS = ("What it shows:", "Example:", "Why it matters:", "How to remedy:")
#: What the synced world leaves nothing of.
MAY_BE_EMPTY: frozenset[str] = frozenset()


def test_there_are_ten_queries() -> None:
    assert len(QUERIES) == 10


@pytest.mark.parametrize(("title", "sql"), QUERIES, ids=[title for title, _ in QUERIES])
def test_a_ready_query_answers(synced: CliWorld, title: str, sql: str) -> None:
    rows = synced.query(sql)
    assert rows or title in MAY_BE_EMPTY
    shown = synced.run("query", sql)
    assert shown.exit_code == 0, shown.output


def test_the_query_of_coverage_counts_what_the_links_say(synced: CliWorld) -> None:
    sql = next(sql for title, sql in QUERIES if title.startswith("7."))
    rows = {str(row[0]): row[1] for row in synced.query(sql)}
    links = synced.query("select object, count(*) from matching.links where status = 'linked' group by object")
    assert rows == {str(object_): count for object_, count in links}


# ---------------------------------------------------------------- documentation of tables


def _documented() -> dict[str, dict[str, Any]]:
    found = {}
    for path in (REPOSITORY / "dbt_project" / "models").rglob("_*.yml"):
        for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("models") or ():
            found[model["name"]] = model
    return found


def test_every_published_table_is_documented_under_four_headings(synced: CliWorld) -> None:
    tables = synced.query("select table_schema, table_name from information_schema.tables")
    documented = _documented()
    models = [str(name) for schema, name in tables if schema not in ("journal", "staging")]
    assert {"sync_status", "sync_errors", "field_decisions", "links", "diff_hubspot"} <= set(models)
    for name in models:
        text = str(documented[name]["description"])
        assert all(heading in text for heading in HEADINGS), name
        assert text.startswith("One row"), name


def test_every_column_of_a_published_table_is_documented(synced: CliWorld) -> None:
    documented = _documented()
    rows = synced.query(
        "select table_name, column_name from information_schema.columns"
        " where table_schema not in ('journal', 'staging')"
    )
    missing = [
        f"{table}.{column}"
        for table, column in rows
        if not any(one["name"] == column and one.get("description") for one in documented[str(table)]["columns"])
    ]
    assert missing == []


def test_what_is_published_is_what_is_checked_here() -> None:
    assert set(PUBLISHED_SCHEMAS) == {"sync_health", "journal", "reverse_etl"}
    assert {schema for schema, _ in PUBLISHED_TABLES} == {"staging", "matching", "inclusion", "merging"}


def test_every_seed_column_is_documented() -> None:
    document = yaml.safe_load((REPOSITORY / "dbt_project" / "seeds" / "_seeds.yml").read_text(encoding="utf-8"))
    seeds = {
        seed["name"]: {column["name"]: column for column in seed.get("columns") or ()} for seed in document["seeds"]
    }
    for name, columns in SEED_COLUMNS.items():
        for column in columns:
            assert seeds[name][column].get("description"), f"{name}.{column}"


# ---------------------------------------------------------------- spreadsheets


def _as_saved_by_a_spreadsheet(path: Path) -> None:
    """Byte order mark, CRLF, every cell quoted, empty rows and columns at the end."""
    rows = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"))))
    buffer = io.StringIO()
    writer = csv.writer(buffer, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerows(rows)
    writer.writerow([""] * len(rows[0]))
    path.write_bytes(b"\xef\xbb\xbf" + buffer.getvalue().encode())


def test_seeds_saved_by_a_spreadsheet_say_the_same_and_pass_make_check(synced: CliWorld, tmp_path: Path) -> None:
    world = synced.with_own_seeds(tmp_path)
    before = load_mappings(world.seeds)
    for path in world.seeds.glob("*.csv"):
        _as_saved_by_a_spreadsheet(path)
    after = load_mappings(world.seeds)
    assert {name: [row.values for row in rows] for name, rows in after.rows.items()} == {
        name: [row.values for row in rows] for name, rows in before.rows.items()
    }
    checked = world.run("check")
    assert checked.exit_code == 0, checked.output
    assert "no mistakes" in checked.output


def test_cells_are_plain_for_spreadsheets() -> None:
    """No cell that a spreadsheet would run, or turn into a date or a number of another look."""
    for path in (REPOSITORY / "dbt_project" / "seeds").glob("*.csv"):
        for line, row in enumerate(csv.reader(path.open(encoding="utf-8", newline="")), start=1):
            for cell in row:
                assert not cell.startswith(("=", "+", "-")), f"{path.name} line {line}: {cell}"
                assert cell == cell.strip(), f"{path.name} line {line}: '{cell}'"
