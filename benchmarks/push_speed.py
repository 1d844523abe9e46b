"""How long a push takes, and what it costs: a diff of so many operations of each kind, against the stand-ins.

    python benchmarks/push_speed.py                              10,000 creates and 10,000 updates a side
    python benchmarks/push_speed.py --records 1000 100000        several sizes, one after the other
    python benchmarks/push_speed.py --latency 150 --limits       with the CRMs' latency and rate limits
    python benchmarks/push_speed.py --kinds salesforce-update    only some of the four kinds

The diff is written by hand, so that neither dbt nor the reading is measured. The push runs in a process of its own:
its wall time, CPU and greatest memory are printed, its calls by purpose, and beside the time the floor: calls divided
by the allowed rate, or, where that is longer, the calls that must follow one another times the latency.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from sandbox import control
from sandbox.salesforce.ids import make_id

ROOT = Path(__file__).resolve().parents[1]
KINDS = ("salesforce-create", "salesforce-update", "hubspot-create", "hubspot-update")
STAMP = "2026-01-01T00:00:00.000"
#: HubSpot's rolling limit in the stand-in, per second. [HubSpot docs: usage guidelines, private apps of larger plans]
HUBSPOT_RATE = 19.0
ROLLING_SECONDS = 10.0
#: What must follow one another in a stage: a stale check, a write, a reading back.
CHAIN = 3

_DIFF = """
create table reverse_etl.diff_{target} (
    operation_id text, object text, push_order integer, operation text, crm_object text, record_id text,
    link_id text, hubspot_id text, salesforce_id text, changes json, previous json, source_values json,
    "references" json, all_fields json, field_types json, snapshot_modified_at timestamptz,
    human_modified_at timestamptz, reasons json
)
"""
#: By target: the object, and the names of a text field, a title and an e-mail.
_NAMES = {
    "salesforce": ("Contact", "LastName", "Title", "Email"),
    "hubspot": ("contacts", "lastname", "jobtitle", "email"),
}


def hubspot_contacts(count: int) -> Iterator[dict[str, Any]]:
    """Contacts to be updated."""
    for number in range(count):
        properties = {"email": f"person{number}@old.io", "lastname": f"Lovelace {number}", "jobtitle": "Engineer"}
        yield {
            "id": str(30_000_000_000 + number),
            "createdAt": STAMP + "Z",
            "updatedAt": STAMP + "Z",
            "properties": properties,
        }


def salesforce_contacts(count: int) -> Iterator[dict[str, Any]]:
    """Contacts to be updated."""
    for number in range(count):
        yield {
            "Id": make_id("003", 1_000_000 + number),
            "LastName": f"Lovelace {number}",
            "Email": f"person{number}@old.io",
            "Title": "Engineer",
            "LastModifiedDate": STAMP + "+0000",
            "SystemModstamp": STAMP + "+0000",
        }


def write_diffs(warehouse: Path, count: int, kinds: list[str]) -> None:
    """So many operations of each kind."""
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("set TimeZone = 'UTC'; create schema reverse_etl")
        ids = [(number, make_id("003", 1_000_000 + number)) for number in range(count)]
        connection.execute("create temp table ids (number bigint, salesforce_id text)")
        for start in range(0, len(ids), 50_000):
            part = ids[start : start + 50_000]
            connection.execute(
                "insert into ids select unnest(?), unnest(?)", [[one for one, _ in part], [one for _, one in part]]
            )
        for target in ("salesforce", "hubspot"):
            connection.execute(_DIFF.format(target=target))
            crm_object, name, title, email = _NAMES[target]
            if f"{target}-create" in kinds:
                key = "'40' || number" if target == "salesforce" else "'003N' || lpad(number::text, 14, '0')"
                connection.execute(
                    f"""
                    insert into reverse_etl.diff_{target}
                    select md5('c' || number), 'contact', 20, 'create', '{crm_object}', null, 'n' || number,
                        {key}, {key},
                        json_object('{name}', 'New ' || number, '{email}', 'new' || number || '@new.io',
                            '{title}', 'Pilot'),
                        '{{}}', json_object('{name}', json_object('source_field', 'x', 'value', 'New ' || number)),
                        '{{}}', '["{name}", "{email}", "{title}", "{_PHONES[target]}"]', '{{}}', null, null, '{{}}'
                    from ids
                    """
                )
                side = "hubspot_id" if target == "hubspot" else "salesforce_id"
                connection.execute(f"update reverse_etl.diff_{target} set {side} = null")
            if f"{target}-update" in kinds:
                key = "salesforce_id" if target == "salesforce" else "(30000000000 + number)::text"
                connection.execute(
                    f"""
                    insert into reverse_etl.diff_{target}
                    select md5('u' || number), 'contact', 20, 'update', '{crm_object}', {key}, 'l' || number,
                        (30000000000 + number)::text, salesforce_id,
                        json_object('{title}', 'Chair'), json_object('{title}', 'Engineer'),
                        json_object('{title}', json_object('source_field', 'x', 'value', 'Chair')),
                        '{{}}', '["{name}", "{email}", "{title}", "{_PHONES[target]}"]', '{{}}',
                        timestamptz '2026-01-01 00:00:00+00', null, '{{}}'
                    from ids
                    """
                )


_PHONES = {"salesforce": "Phone", "hubspot": "phone"}


def run_push(state_dir: Path, warehouse: Path) -> None:
    """In a process of its own: the push, and what it took, as JSON."""
    import resource

    from crm_sync.clients import build_clients
    from crm_sync.config import Project, load_settings
    from reverse_etl.journal import Journal
    from reverse_etl.push import push

    settings = load_settings("sandbox", {}, Project(warehouse.parent), state_dir / "sandbox.env")
    clients = build_clients(settings)
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("set TimeZone = 'UTC'; set enable_progress_bar = false")
        before = resource.getrusage(resource.RUSAGE_SELF)
        started = time.monotonic()
        report = push(
            connection,
            clients,
            run_id="bench",
            journal=Journal(connection),
            linked_counts={},
            bulk_threshold=int(os.environ["PUSH_SPEED_BULK"]),
        )
        seconds = time.monotonic() - started
        usage = resource.getrusage(resource.RUSAGE_SELF)
    counts = [(one.target, one.operation, one.outcome, one.records) for one in report.counts]
    result = {
        "seconds": seconds,
        "cpu": usage.ru_utime + usage.ru_stime - before.ru_utime - before.ru_stime,
        "peak_mb": usage.ru_maxrss / 1024,
        "start_mb": before.ru_maxrss / 1024,
        "calls": dict(report.api_calls),
        "purposes": {crm: dict(by) for crm, by in report.purposes.items()},
        "counts": counts,
        "failures": [str(one) for one in report.failures.values()],
    }
    print(json.dumps(result))


def measure(count: int, kinds: list[str], latency_ms: int, rate_limits: bool, bulk: int) -> dict[str, Any]:
    """One push of so many operations of each kind."""
    with tempfile.TemporaryDirectory(prefix="push-speed-") as folder:
        state_dir, warehouse = Path(folder) / "sandbox", Path(folder) / "bench.duckdb"
        control.start(state_dir, demo=False)
        try:
            _prepare(state_dir, count, kinds)
            for crm in control.CRMS:
                control.change_settings(state_dir, crm, rate_limits=rate_limits, latency_ms=latency_ms)
                control.reset_calls(state_dir, crm)
            write_diffs(warehouse, count, kinds)
            if rate_limits:
                time.sleep(ROLLING_SECONDS)  # the preparation's calls are of no concern here
            environ = {**os.environ, "PYTHONPATH": str(ROOT), "PUSH_SPEED_BULK": str(bulk)}
            command = [sys.executable, __file__, "--run", str(state_dir), str(warehouse)]
            done = subprocess.run(command, capture_output=True, text=True, env=environ)
            if done.returncode:
                raise SystemExit(done.stderr[-3000:])
            result: dict[str, Any] = json.loads(done.stdout)
        finally:
            control.stop(state_dir)
    return result


def _prepare(state_dir: Path, count: int, kinds: list[str]) -> None:
    from crm_sync.clients import build_clients
    from crm_sync.config import Project, load_settings

    for crm in control.CRMS:
        control.change_settings(state_dir, crm, rate_limits=False)
    if "hubspot-update" in kinds:
        control.load(state_dir, "hubspot", {"contacts": hubspot_contacts(count)})
    if "salesforce-update" in kinds:
        control.load(state_dir, "salesforce", {"Contact": salesforce_contacts(count)})
    metadata = {"label": "HubSpot record id", "type": "Text", "length": 32, "externalId": True, "unique": True}
    control.change_metadata(
        state_dir, "salesforce", action="add_field", object="Contact", name="HubSpot_Record_ID__c",
        metadata=metadata, granted=True,
    )  # fmt: skip
    clients = build_clients(load_settings("sandbox", {}, Project(state_dir), state_dir / "sandbox.env"))
    group = clients.hubspot.property_groups("contacts")[0]["name"]
    stored_id = {"name": "salesforce_record_id", "label": "Salesforce record id", "type": "string",
                 "fieldType": "text", "groupName": group, "hasUniqueValue": True}  # fmt: skip
    clients.hubspot.create_property("contacts", stored_id)
    clients.close()


def floor_seconds(result: dict[str, Any], latency_ms: int, rate_limits: bool) -> float:
    """The least time that the calls made can take at the allowed rate, both CRMs side by side."""
    chain = CHAIN * latency_ms / 1000
    return max(chain, result["calls"].get("hubspot", 0) / HUBSPOT_RATE if rate_limits else 0.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, nargs="+", default=[10_000], help="how many operations of each kind")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--latency", type=int, default=0, metavar="MS", help="what each call takes at the least")
    parser.add_argument("--limits", action="store_true", help="keep the CRMs' rate limits")
    parser.add_argument("--bulk", type=int, default=10_000, metavar="N", help="Bulk jobs above N operations; 0: never")
    parser.add_argument("--run", nargs=2, metavar=("STATE", "WAREHOUSE"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.run:
        run_push(*map(Path, arguments.run))
        return
    os.chdir(ROOT)
    print(f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores ({platform.machine()}), Python "
          f"{platform.python_version()}, latency {arguments.latency} ms, "
          f"rate limits {'on' if arguments.limits else 'off'}\n")  # fmt: skip
    print("| operations | of each of | seconds | floor s | own CPU s | peak MB | HubSpot calls | Salesforce calls |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |", flush=True)
    for count in arguments.records:
        result = measure(count, arguments.kinds, arguments.latency, arguments.limits, arguments.bulk)
        floor = floor_seconds(result, arguments.latency, arguments.limits)
        print(
            f"| {count * len(arguments.kinds):,} | {', '.join(arguments.kinds)} | {result['seconds']:.1f}"
            f" | {floor:.1f} | {result['cpu']:.1f} | {result['peak_mb']:,.0f}"
            f" | {result['calls']['hubspot']:,} | {result['calls']['salesforce']:,} |",
            flush=True,
        )
        outcomes = {f"{target} {kind} {outcome}": records for target, kind, outcome, records in result["counts"]}
        print(f"    {result['purposes']}\n    {outcomes} {result['failures'] or ''}", flush=True)


if __name__ == "__main__":
    main()
