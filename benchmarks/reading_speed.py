"""How long both CRMs take to be read in full and landed, against the floor that their APIs set.

    python benchmarks/reading_speed.py                                   10,000 contacts a side
    python benchmarks/reading_speed.py --contacts 100000 --companies 20000 --deals 30000
    python benchmarks/reading_speed.py --latency 0 --no-limits           what the code itself takes

The stand-ins keep the CRMs' rate limits and answer after 150 ms. The floor is the larger of two figures: calls divided
by the rate allowed (HubSpot: 19 a second in all, 5 of them searches), and the longest chain of calls that must follow
one another. It is worked out for the best documented way: lists of 100 from below and searches of 200 from above, side
by side, associations of 1,000 records a call; Salesforce queries of 2,000. Prints also how many calls had to be
repeated, of which there must be none.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from math import ceil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from sync_speed import hubspot_contacts, salesforce_contacts

from crm_sync.clients import build_clients
from crm_sync.config import find_project, load_settings
from crm_sync.mappings import load_mappings
from crm_sync.setup import apply_setup, inspect_setup
from pipelines import ExtractReport, extract
from sandbox import control

LIST, SEARCH, QUERY, ASSOCIATIONS = 100, 200, 2_000, 1_000
CALLS_A_SECOND, SEARCHES_A_SECOND = 19.0, 5.0


def hubspot_others(count: int, prefix: int, **properties: str) -> Iterator[dict[str, Any]]:
    for number in range(count):
        moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=number * 20)
        stamp = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        values = {name: value.format(number) for name, value in properties.items()}
        yield {"id": str(prefix + number), "createdAt": stamp, "updatedAt": stamp, "properties": values}


def salesforce_others(count: int, **fields: str) -> Iterator[dict[str, Any]]:
    for number in range(count):
        stamp = (datetime(2026, 1, 2, tzinfo=UTC) + timedelta(seconds=number * 20)).strftime(
            "%Y-%m-%dT%H:%M:%S.000+0000"
        )
        values = {name: value.format(number) for name, value in fields.items()}
        yield {**values, "LastModifiedDate": stamp, "SystemModstamp": stamp}


def hubspot_floor(counts: list[int], association_calls: int, latency: float) -> float:
    """The least seconds in which the chains and the rates let the records of all objects be read: what the chain of
    lists cannot bring in that time, the searches do, and what the searches have to spare, the lists need not."""
    low, high = 0.0, 1e6
    for _ in range(60):
        seconds = (low + high) / 2
        by_list = [min(count, seconds / latency * LIST if latency else count) for count in counts]
        searched = sum(count - part for count, part in zip(counts, by_list, strict=True))
        spare = max(0.0, SEARCHES_A_SECOND * seconds * SEARCH - searched)
        listed = max(0.0, sum(by_list) - spare)
        calls = listed / LIST + (sum(counts) - listed) / SEARCH + association_calls
        is_enough = searched <= SEARCHES_A_SECOND * seconds * SEARCH and calls <= CALLS_A_SECOND * seconds
        low, high = (low, seconds) if is_enough else (seconds, high)
    return high


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--contacts", type=int, default=10_000)
    parser.add_argument("--companies", type=int, default=0)
    parser.add_argument("--deals", type=int, default=0)
    parser.add_argument("--latency", type=int, default=150, metavar="MS", help="what each call takes at the least")
    parser.add_argument("--no-limits", action="store_true", help="without the CRMs' rate limits")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="reading-speed-") as folder:
        state_dir = Path(folder) / "sandbox"
        control.start(state_dir, demo=False)
        try:
            fill(state_dir, given)
            report, retries, peak = read(state_dir, Path(folder) / "bench.duckdb", given)
        finally:
            control.stop(state_dir)
    tell(given, report, retries, peak)


def fill(state_dir: Path, given: argparse.Namespace) -> None:
    for crm in control.CRMS:
        control.change_settings(state_dir, crm, rate_limits=False)
    names = {"name": "Company {}", "domain": "company{}.io"}
    control.load(state_dir, "hubspot", {"contacts": hubspot_contacts(given.contacts)})
    control.load(state_dir, "hubspot", {"companies": hubspot_others(given.companies, 40_000_000_000, **names)})
    deal = {"dealname": "Deal {}", "dealstage": "appointmentscheduled", "pipeline": "default"}
    control.load(state_dir, "hubspot", {"deals": hubspot_others(given.deals, 50_000_000_000, **deal)})
    control.load(state_dir, "salesforce", {"Contact": salesforce_contacts(given.contacts)})
    accounts = salesforce_others(given.companies, Name="Company {}", Website="https://company{}.io")
    control.load(state_dir, "salesforce", {"Account": accounts})
    fields = {"Name": "Deal {}", "StageName": "Prospecting", "CloseDate": "2026-12-31"}
    control.load(state_dir, "salesforce", {"Opportunity": salesforce_others(given.deals, **fields)})


def read(state_dir: Path, warehouse: Path, given: argparse.Namespace) -> tuple[ExtractReport, int, float]:
    """The report, how often a call had to be repeated, and the peak of this process in MB."""
    project = find_project(Path.cwd())
    settings = load_settings("sandbox", {"WAREHOUSE_PATH": str(warehouse)}, project, state_dir / "sandbox.env")
    mappings = load_mappings(project.seeds_dir)
    clients = build_clients(settings)
    apply_setup(clients, inspect_setup(clients, mappings))
    clients.close()
    for crm in control.CRMS:
        control.change_settings(state_dir, crm, rate_limits=not given.no_limits, latency_ms=given.latency)
    time.sleep(10)  # the set-up's calls are none of ours
    waits: list[float] = []

    def wait_before_a_retry(seconds: float) -> None:
        waits.append(seconds)
        time.sleep(seconds)

    clients = build_clients(settings)
    for client in (clients.hubspot, clients.salesforce):
        client.api._sleep = wait_before_a_retry
    report = extract(SimpleNamespace(warehouse_path=warehouse), mappings, clients, now=datetime.now(UTC))  # type: ignore[arg-type]
    clients.close()
    return report, len(waits), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def tell(given: argparse.Namespace, report: ExtractReport, retries: int, peak: float) -> None:
    counts = [given.contacts, given.companies, given.deals]
    latency = given.latency / 1000
    by_object = dict(zip(("contacts", "companies", "deals"), counts, strict=True))
    pairs = load_mappings(find_project(Path.cwd()).seeds_dir).association_pairs
    association_calls = sum(ceil(by_object.get(from_object, 0) / ASSOCIATIONS) for from_object, _ in pairs)
    hubspot = hubspot_floor(counts, association_calls, latency) if not given.no_limits else 0.0
    salesforce = max(ceil(count / QUERY) for count in counts) * latency
    machine = f"{os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}"
    print(f"{datetime.now(UTC):%Y-%m-%d}, {machine}, latency {given.latency} ms, "
          f"rate limits {'off' if given.no_limits else 'on'}\n")  # fmt: skip
    print(
        "| contacts, companies, deals a side | seconds | floor | HubSpot calls | Salesforce calls | retries | peak MB |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- |")
    sizes = ", ".join(f"{count:,}" for count in counts)
    print(
        f"| {sizes} | {report.seconds:.1f} | {max(hubspot, salesforce):.1f} | {report.api_calls['hubspot']:,}"
        f" | {report.api_calls['salesforce']:,} | {retries} | {peak:,.0f} |\n"
    )
    for one in report.objects:
        print(f"    {one.crm} {one.object}: {one.records:,} records, {one.api_calls:,} calls, {one.seconds:.1f} s")


if __name__ == "__main__":
    main()
