"""How long the decision takes over many linked pairs, without any CRM: dbt and DuckDB alone.

    python benchmarks/decision_speed.py                         100,000 pairs, 20 mapped fields
    python benchmarks/decision_speed.py --pairs 10000 1000000   several sizes, one after the other
    python benchmarks/decision_speed.py --models                also the dearest models of every pass

One small sync against the stand-ins makes a warehouse with real metadata; then records of as many people a side are
written into the landed tables, and four passes are timed: the first decision, the pass that settles what it found (as
if both CRMs had taken every write), and passes with 100 changed records and with one. A process of its own for each
size, so that the greatest memory is that size's. Prints a table in Markdown.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

ROOT = Path(__file__).resolve().parents[1]
CHANGED = 100
GROUP = "contactinformation"
#: HubSpot property, Salesforce field, and its value of person `n` in SQL: equal on both sides, save for the titles.
FIELDS = (
    ("firstname", "FirstName", "'Ada'"),
    ("lastname", "LastName", "'Lovelace ' || n"),
    ("email", "Email", "'person' || n || '@company' || (n % 5000) || '.io'"),
    ("phone", "Phone", "'+1 415 555 ' || lpad((n % 10000)::varchar, 4, '0')"),
    ("mobilephone", "MobilePhone", "'+1 628 555 ' || lpad((n % 10000)::varchar, 4, '0')"),
    ("jobtitle", "Title", "'Engineer'"),
    ("address", "MailingStreet", "(n % 900) || ' Market Street'"),
    ("city", "MailingCity", "'San Francisco'"),
    ("state", "MailingState", "'CA'"),
    ("zip", "MailingPostalCode", "lpad((n % 100000)::varchar, 5, '0')"),
    ("country", "MailingCountry", "'US'"),
    ("fax", "Fax", "'+1 415 556 ' || lpad((n % 10000)::varchar, 4, '0')"),
    ("salutation", "Salutation", "'Ms.'"),
    ("message", "Description", "'Met at event ' || n % 300"),
    ("bench_01", "Bench_01__c", "'A' || n"),
    ("bench_02", "Bench_02__c", "'B' || n % 7"),
    ("bench_03", "Bench_03__c", "(n % 1000)::varchar"),
    ("bench_04", "Bench_04__c", "'2026-03-' || lpad((1 + n % 28)::varchar, 2, '0')"),
    ("bench_05", "Bench_05__c", "case when n % 2 = 0 then 'true' else 'false' end"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, nargs="+", default=[100_000], help="how many linked pairs")
    parser.add_argument("--models", action="store_true", help="also print the dearest models of every pass")
    parser.add_argument("--keep", metavar="FOLDER", help="work in this folder and keep the warehouse")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        measure(arguments.pairs[0], Path(arguments.keep), arguments.models)
        return
    print(f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, Python {sys.version.split()[0]}, DuckDB "
          f"{duckdb.__version__}, {len(FIELDS) + 1} mapped fields\n")  # fmt: skip
    print("| linked pairs | pass | seconds | CPU s | peak MB | decided links |\n| --- | --- | --- | --- | --- | --- |")
    for pairs in arguments.pairs:
        with tempfile.TemporaryDirectory(prefix="decision-speed-") as temporary:
            folder = Path(arguments.keep or temporary)
            command = [sys.executable, __file__, "--one", "--pairs", str(pairs), "--keep", str(folder)]
            sys.stdout.flush()
            subprocess.run(command + (["--models"] if arguments.models else []), check=True)


def measure(pairs: int, folder: Path, shows_models: bool) -> None:
    """All passes over one size."""
    from crm_sync.config import find_project, load_settings
    from crm_sync.mappings import load_mappings
    from crm_sync.transform import Transformer

    prepare(folder, pairs)
    project = find_project(folder / "project")
    settings = load_settings("sandbox", os.environ, project, folder / "sandbox" / "sandbox.env")
    transformer = Transformer(settings, load_mappings(project.seeds_dir))
    warehouse = settings.warehouse_path
    passes = (
        ("first decision", lambda: None, transformer.decide),
        ("settle", lambda: settle_writes(warehouse), transformer.settle),
        (f"{CHANGED} changed", lambda: change(warehouse, CHANGED), transformer.decide_again),
        ("1 changed", lambda: change(warehouse, 1), transformer.decide_again),
    )
    for name, prepare_pass, run in passes:
        prepare_pass()
        decided_at = begin_run(warehouse)
        with timed_models(shows_models):
            started, cpu = time.monotonic(), time.process_time()
            run()
            seconds, cpu = time.monotonic() - started, time.process_time() - cpu
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        with duckdb.connect(str(warehouse)) as connection:
            row = connection.execute("select count(*) from merging.int_links_changed").fetchone()
            connection.execute("update journal.runs set decided_at = ? where decided_at is null", [decided_at])
        assert row is not None
        print(f"| {pairs:,} | {name} | {seconds:.1f} | {cpu:.1f} | {peak:,.0f} | {row[0]:,} |", flush=True)


@contextmanager
def timed_models(shows: bool) -> Iterator[None]:
    """Print what each model of a dbt call took, the dearest first."""
    if not shows:
        yield
        return
    from dbt.cli.main import dbtRunner

    original = dbtRunner.invoke

    def invoke(self: Any, arguments: Any, **options: Any) -> Any:
        result = original(self, arguments, **options)
        nodes = sorted(getattr(result.result, "results", None) or [], key=lambda one: -one.execution_time)
        for one in nodes[:30]:
            print(f"    {one.execution_time:8.2f} {one.node.name}")
        return result

    dbtRunner.invoke = invoke  # type: ignore[method-assign]
    try:
        yield
    finally:
        dbtRunner.invoke = original  # type: ignore[method-assign]


def prepare(folder: Path, pairs: int) -> None:
    """A project with the mapped fields, a warehouse that has synced once, and the records of so many pairs in it."""
    from sandbox import control

    state = folder / "sandbox"
    os.environ |= {"CRM_SYNC_SANDBOX_DIR": str(state), "WAREHOUSE_PATH": str(folder / "decision.duckdb")}
    if not (folder / "decision.duckdb").exists():
        copy_project(folder / "project")
        addresses = control.start(state, demo=False)
        try:
            for hubspot, salesforce, _ in FIELDS:
                if hubspot.startswith("bench"):
                    add_field(state, addresses, hubspot, salesforce)
            for command in (("setup", "--yes"), ("sync",)):
                subprocess.run(
                    [sys.executable, "-m", "crm_sync", *command],
                    cwd=folder / "project",
                    env={**os.environ, "PYTHONPATH": str(ROOT)},
                    check=True,
                    stdout=subprocess.DEVNULL,
                )
        finally:
            control.stop(state)
        load(folder / "decision.duckdb", pairs)
    os.environ["PYTHONPATH"] = str(ROOT)


def copy_project(target: Path) -> None:
    """The dbt project and its profile, with the twenty fields of a contact as its only mappings."""
    import shutil

    target.mkdir(parents=True)
    for name in ("profiles.yml", "pyproject.toml"):
        shutil.copy(ROOT / name, target / name)
    shutil.copytree(ROOT / "dbt_project", target / "dbt_project", ignore=shutil.ignore_patterns("target", "logs"))
    path = target / "dbt_project" / "seeds" / "field_mappings.csv"
    lines = path.read_text().splitlines()
    kept = [line for line in lines[1:] if not line.startswith("contact,")]
    ours = [f"contact,{hubspot},{salesforce},prefer_salesforce,,,,,,," for hubspot, salesforce, _ in FIELDS]
    path.write_text("\n".join([lines[0], *kept, *ours]) + "\n")


def add_field(state: Path, addresses: Any, hubspot: str, salesforce: str) -> None:
    """A text field of the same kind on both sides."""
    import requests

    from sandbox import control

    control.change_metadata(
        state, "salesforce", action="add_field", object="Contact", name=salesforce,
        metadata={"type": "Text", "length": 255},
    )  # fmt: skip
    requests.post(
        f"{addresses.hubspot_url}/crm/v3/properties/contacts",
        json={"name": hubspot, "label": hubspot, "type": "string", "fieldType": "text", "groupName": GROUP},
        headers={"Authorization": f"Bearer {addresses.environment['HUBSPOT_ACCESS_TOKEN']}"},
        timeout=30,
    ).raise_for_status()


def load(warehouse: Path, pairs: int) -> None:
    """Records of as many people a side, written straight into the landed tables; every tenth has another title."""

    def document(names: list[tuple[str, str]], extra: str) -> str:
        members = ", ".join(f"'{name}', {value}" for name, value in names)
        return f"json_object({members}, {extra})::varchar"

    hubspot = document(
        [(name, value) for name, _, value in FIELDS],
        "'lifecyclestage', 'customer', 'hs_object_id', n::varchar, 'hs_additional_emails', null,"
        " 'salesforce_record_id', null",
    )
    salesforce = document(
        [(name, value if name != "Title" else "case when n % 10 = 0 then 'Chair' else 'Engineer' end")
         for _, name, value in FIELDS],
        "'HubSpot_Record_ID__c', null",
    )  # fmt: skip
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("set TimeZone = 'UTC'")
        columns = {
            schema: [row[0] for row in connection.execute(f"describe {schema}.records").fetchall()]
            for schema in ("raw_hubspot", "raw_salesforce")
        }
        for schema, crm_object, key, properties in (
            ("raw_hubspot", "contacts", "(30000000000 + n)::varchar", hubspot),
            ("raw_salesforce", "Contact", "'003' || lpad(n::varchar, 12, '0') || 'AAA'", salesforce),
        ):
            values = {
                "object": f"'{crm_object}'",
                "id": key,
                "properties": properties,
                "created_at": "timestamptz '2025-12-01 00:00:00Z'",
                "modified_at": "timestamptz '2026-01-01 00:00:00Z' + to_seconds(n * 20)",
                "human_time": "timestamptz '2026-01-01 00:00:00Z' + to_seconds(n * 20)",
                "last_modified_by": "null" if schema == "raw_hubspot" else "'005000000000001AAA'",
                "is_deleted": "false",
                "merged_into_id": "null",
                "loaded_at": "now()",
            }
            used = [column for column in columns[schema] if column in values]
            rest = [column for column in columns[schema] if column not in values]
            connection.execute(
                f"insert into {schema}.records ({', '.join(used + rest)}) select "
                + ", ".join([values[column] for column in used] + [f"first_row.{column}" for column in rest])
                + f" from range({pairs}) as numbers (n)"
                + f" cross join (select any_value(columns(*)) from {schema}.records) as first_row"
            )
        connection.execute("checkpoint")


def begin_run(warehouse: Path) -> datetime:
    """A run in the journal; up to which moment its decision sees everything."""
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute(
            "insert into journal.runs (run_id, command, target_name, started_at, status)"
            " select 'bench-' || count(*), 'sync', 'sandbox', now(), 'running' from journal.runs"
        )
    return datetime.now(UTC)


def settle_writes(warehouse: Path) -> None:
    """Every wanted operation succeeded, and the target has stored what was sent."""
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("set TimeZone = 'UTC'")
        columns = [row[0] for row in connection.execute("describe journal.push_attempts").fetchall()]
        values = {
            "attempt_id": "md5(operation_id)",
            "run_id": "(select max(run_id) from journal.runs)",
            "outcome": "'succeeded'",
            "attempted_at": "now()",
            "outcome_at": "now()",
            "stored": "changes",
            "target_modified_at": "now()",
        }
        for target in ("hubspot", "salesforce"):
            source = f"reverse_etl.diff_{target}"
            offered = {row[0] for row in connection.execute(f"describe {source}").fetchall()}
            chosen = {
                column: values.get(column, f"'{target}'" if column == "target" else f'"{column}"')
                for column in columns
                if column in values or column in offered or column == "target"
            }
            connection.execute(
                f"insert into journal.push_attempts ({', '.join(chosen)}) select {', '.join(chosen.values())}"
                f" from {source}"
            )


def change(warehouse: Path, count: int) -> None:
    """As many Salesforce records come in with another title."""
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute(
            "update raw_salesforce.records set loaded_at = now(), modified_at = now(), human_time = now(),"
            " properties = replace(properties, 'Engineer', ?)"
            " where id in (select id from raw_salesforce.records where properties like '%\"Engineer\"%'"
            " and object = 'Contact' order by id limit ?)",
            [f"Head {time.time():.0f}", count],
        )


if __name__ == "__main__":
    main()
