"""How long whole cycles take, and what they cost: time, CPU, memory and API calls.

    python benchmarks/sync_speed.py                              10,000 contacts a side
    python benchmarks/sync_speed.py --contacts 100000 1000000    several sizes, one after the other
    python benchmarks/sync_speed.py --latency 150 --limits       with the CRMs' latency and rate limits

For each size: stand-ins of their own are filled with that many contacts a side, which are the same people; then
`crm-sync sync` runs in a process of its own for the first time, without news, after 100 edits a side, and without
news again until it is quiet. Prints a table in Markdown. What the servers compute is not counted as ours.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from sandbox import control

ROOT = Path(__file__).resolve().parents[1]
EDITS = 100
TITLES = ("Engineer", "Director", "Nurse", "Partner", "Buyer")
COLUMNS = (
    "contacts a side",
    "cycle",
    "seconds",
    "own CPU s",
    "peak MB",
    "HubSpot calls",
    "Salesforce calls",
    "written",
)


@dataclass(frozen=True)
class Measured:
    """One `crm-sync sync`: wall and CPU seconds of its process, its greatest memory, calls and records written."""

    seconds: float
    cpu: float
    peak_mb: float
    calls: dict[str, int]
    written: int
    steps: dict[str, float]


def hubspot_contacts(count: int) -> Iterator[dict[str, Any]]:
    """People that the default rules let write to Salesforce."""
    for number in range(count):
        moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=number * 20)
        yield {
            "id": str(30_000_000_000 + number),
            "createdAt": "2025-12-01T00:00:00.000Z",
            "updatedAt": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "properties": {
                "email": f"person{number}@company{number % 5000}.io",
                "firstname": "Ada",
                "lastname": f"Lovelace {number}",
                "jobtitle": TITLES[number % len(TITLES)],
                "phone": f"+1 415 555 {number % 10_000:04}",
                "city": "London",
                "zip": f"{number % 100_000:05}",
                "lifecyclestage": "customer",
            },
        }


def salesforce_contacts(count: int) -> Iterator[dict[str, Any]]:
    """The same people; every tenth has another title."""
    for number in range(count):
        moment = datetime(2026, 1, 2, tzinfo=UTC) + timedelta(seconds=number * 20)
        stamp = moment.strftime("%Y-%m-%dT%H:%M:%S.000+0000")
        yield {
            "Email": f"person{number}@company{number % 5000}.io",
            "FirstName": "Ada",
            "LastName": f"Lovelace {number}",
            "Title": "Chair" if number % 10 == 0 else TITLES[number % len(TITLES)],
            "Phone": f"+1 415 555 {number % 10_000:04}",
            "MailingCity": "London",
            "MailingPostalCode": f"{number % 100_000:05}",
            "LastModifiedDate": stamp,
            "SystemModstamp": stamp,
        }


class Bench:
    """Stand-ins and a warehouse of one size."""

    def __init__(self, folder: Path, contacts: int, latency_ms: int, rate_limits: bool) -> None:
        self.contacts = contacts
        self.state_dir = folder / "sandbox"
        self._warehouse = folder / "bench.duckdb"
        self.health = folder / "bench_health.duckdb"
        self.environ = {
            **os.environ,
            "CRM_SYNC_SANDBOX_DIR": str(self.state_dir),
            "WAREHOUSE_PATH": str(self._warehouse),
        }
        control.start(self.state_dir, demo=False)
        for crm in control.CRMS:
            control.change_settings(self.state_dir, crm, rate_limits=False)
        control.load(self.state_dir, "hubspot", {"contacts": hubspot_contacts(contacts)})
        control.load(self.state_dir, "salesforce", {"Contact": salesforce_contacts(contacts)})
        self._run("setup", "--yes")
        for crm in control.CRMS:
            control.change_settings(self.state_dir, crm, rate_limits=rate_limits, latency_ms=latency_ms)

    def close(self) -> None:
        control.stop(self.state_dir)

    def sync(self) -> Measured:
        """One cycle in a process of its own."""
        started = time.monotonic()
        usage = self._run("sync", "--accept", "all")
        seconds = time.monotonic() - started
        with duckdb.connect(str(self._warehouse), read_only=True) as connection:
            row = connection.execute(
                "select run_id, api_calls::varchar, steps::varchar from journal.runs order by started_at desc limit 1"
            ).fetchone()
            assert row is not None
            written = connection.execute(
                "select count(*) from journal.push_attempts where run_id = ? and outcome = 'succeeded'", [row[0]]
            ).fetchone()
        assert written is not None
        calls = {crm: int(used["calls"]) for crm, used in json.loads(row[1]).items()}
        cpu = usage.ru_utime + usage.ru_stime
        return Measured(seconds, cpu, usage.ru_maxrss / 1024, calls, int(written[0]), json.loads(row[2]))

    def edit(self, count: int) -> None:
        """People edit as many records on each side, all of them different ones."""
        salesforce = control.records(self.state_dir, "salesforce", "Contact")
        for number in range(count):
            values = {"jobtitle": f"Head of {number}"}
            control.edit(self.state_dir, "hubspot", "contacts", str(30_000_000_000 + number), values)
            other = salesforce[count + number]["Id"]
            control.edit(self.state_dir, "salesforce", "Contact", other, {"Title": f"Chief of {number}"})

    def _run(self, *arguments: str) -> Any:
        """`crm-sync` with these arguments; what the operating system counted of it."""
        command = [sys.executable, "-m", "crm_sync", *arguments]
        output = self._warehouse.with_suffix(".log")
        with output.open("w") as sink:
            pid = os.posix_spawn(
                sys.executable,
                command,
                self.environ,
                file_actions=[(os.POSIX_SPAWN_DUP2, sink.fileno(), 1), (os.POSIX_SPAWN_DUP2, sink.fileno(), 2)],
            )
            _, status, usage = os.wait4(pid, 0)
        if status:
            raise SystemExit(f"{' '.join(arguments)} failed:\n{output.read_text()[-2000:]}")
        return usage


def measure(contacts: int, latency_ms: int, rate_limits: bool) -> Iterator[tuple[str, Measured]]:
    """The cycles of one size, as they come."""
    with tempfile.TemporaryDirectory(prefix="sync-speed-") as folder:
        bench = Bench(Path(folder), contacts, latency_ms, rate_limits)
        try:
            yield "first", bench.sync()
            yield "its own writes read back", bench.sync()
            yield "no change", bench.sync()
            bench.edit(min(EDITS, contacts // 2))
            yield f"{EDITS} edits a side", bench.sync()
        finally:
            bench.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--contacts", type=int, nargs="+", default=[10_000], help="how many contacts a side")
    parser.add_argument("--latency", type=int, default=0, metavar="MS", help="what each call takes at the least")
    parser.add_argument("--limits", action="store_true", help="keep the CRMs' rate limits")
    parser.add_argument("--steps", action="store_true", help="also print how long each step took")
    arguments = parser.parse_args()
    os.chdir(ROOT)
    print(f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores ({platform.machine()}), Python "
          f"{platform.python_version()}, latency {arguments.latency} ms, "
          f"rate limits {'on' if arguments.limits else 'off'}\n")  # fmt: skip
    print(f"| {' | '.join(COLUMNS)} |\n|{' --- |' * len(COLUMNS)}", flush=True)
    for contacts in arguments.contacts:
        for name, one in measure(contacts, arguments.latency, arguments.limits):
            print(
                f"| {contacts:,} | {name} | {one.seconds:.1f} | {one.cpu:.1f} | {one.peak_mb:,.0f}"
                f" | {one.calls['hubspot']:,} | {one.calls['salesforce']:,} | {one.written:,} |",
                flush=True,
            )
            if arguments.steps:
                print(f"    {one.steps}", flush=True)


if __name__ == "__main__":
    main()
