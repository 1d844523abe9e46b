"""How long people's edits wait: `crm-sync watch` while both CRMs are edited without pause.

    python benchmarks/lag_speed.py                                  10 edits a second a side for three minutes
    python benchmarks/lag_speed.py --contacts 100000 --latency 150 --limits

Fills stand-ins with that many people a side, syncs them once, starts `crm-sync watch --every 15s` in a process of its
own, and has people edit other records on each side all the time. When the edits end, watch carries over what is left
and is told to stop. Prints, from the published file, how long edits took from the CRM that they were made in to the
other.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import duckdb
from sync_speed import ROOT, Bench

from sandbox import control

# Edits of one record by both sides would be conflicts: the sides edit records of their own.
LAG = """
select attempts.target, count(*),
    quantile_cont(date_diff('millisecond', source_modified_at, outcome_at) / 1000.0, 0.5),
    quantile_cont(date_diff('millisecond', source_modified_at, outcome_at) / 1000.0, 0.95),
    max(date_diff('millisecond', source_modified_at, outcome_at) / 1000.0)
from journal.push_attempts as attempts
inner join journal.runs as runs on attempts.run_id = runs.run_id and runs.command = 'watch'
where attempts.outcome = 'succeeded' and attempts.operation = 'update' and attempts.source_modified_at >= ?
group by attempts.target order by attempts.target
"""


def edit_for(bench: Bench, seconds: float, rate: float) -> int:
    """People edit `rate` records a second on each side, none of them twice. Returns how many edits a side were made."""
    salesforce = [record["Id"] for record in control.records(bench.state_dir, "salesforce", "Contact")]
    began, done = time.monotonic(), 0
    while time.monotonic() - began < seconds and done < bench.contacts // 2:
        number = 30_000_000_000 + done
        control.edit(bench.state_dir, "hubspot", "contacts", str(number), {"jobtitle": f"Head of {done}"})
        other = salesforce[bench.contacts // 2 + done]
        control.edit(bench.state_dir, "salesforce", "Contact", other, {"Title": f"Chief of {done}"})
        done += 1
        time.sleep(max(0.0, began + done / rate - time.monotonic()))
    return done


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--contacts", type=int, default=10_000, help="how many contacts a side")
    parser.add_argument("--seconds", type=float, default=180.0, help="how long people edit")
    parser.add_argument("--rate", type=float, default=10.0, help="edits a second on each side")
    parser.add_argument("--every", default="15s", help="the interval of watch")
    parser.add_argument("--latency", type=int, default=0, metavar="MS", help="what each call takes at the least")
    parser.add_argument("--limits", action="store_true", help="keep the CRMs' rate limits")
    arguments = parser.parse_args()
    os.chdir(ROOT)
    with tempfile.TemporaryDirectory(prefix="lag-speed-") as folder:
        bench = Bench(Path(folder), arguments.contacts, arguments.latency, arguments.limits)
        try:
            measure(bench, arguments)
        finally:
            bench.close()


def measure(bench: Bench, arguments: argparse.Namespace) -> None:
    for _ in range(3):  # the first writes, what they left is read back, nothing is left
        bench.sync()
    began = datetime.now(UTC).replace(microsecond=0)  # Salesforce's times are whole seconds
    command = [sys.executable, "-m", "crm_sync", "watch", "--every", arguments.every]
    with subprocess.Popen(command, env=bench.environ) as watch:
        try:
            edits = edit_for(bench, arguments.seconds, arguments.rate)
            time.sleep(60)
        finally:
            watch.send_signal(signal.SIGTERM)
    print(f"\n{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores shared with the stand-ins, {arguments.contacts:,} "
          f"contacts a side, latency {arguments.latency} ms, rate limits {'on' if arguments.limits else 'off'}: "
          f"{edits:,} edits a side, watch every {arguments.every}\n")  # fmt: skip
    print("| written in | edits | p50 s | p95 s | longest s |\n| --- | --- | --- | --- | --- |")
    with duckdb.connect(str(bench.health), read_only=True) as connection:
        for target, count, half, most, longest in connection.execute(LAG, [began]).fetchall():
            print(f"| {target} | {count:,} | {half:.1f} | {most:.1f} | {longest:.1f} |")


if __name__ == "__main__":
    main()
