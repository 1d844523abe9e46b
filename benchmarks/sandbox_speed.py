"""How fast the stand-in CRMs are: loading, listing, querying, and the memory they take.

    python benchmarks/sandbox_speed.py                      100,000 contacts a side
    python benchmarks/sandbox_speed.py --contacts 1000000   the largest size that is meant to work

Starts both stand-ins in a directory of their own, with limits and faults off, loads made-up contacts through the
control port, reads them back over HTTP from one client process, prints one line per figure, and stops them.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from sandbox import control

PROPERTIES = (
    "email,firstname,lastname,jobtitle,phone,mobilephone,city,state,zip,country,company,website,lifecyclestage,"
    "hubspot_owner_id,lastmodifieddate,createdate,hs_object_id"
)
FIELDS = (
    "Id, Email, FirstName, LastName, Title, Phone, MobilePhone, MailingCity, MailingState, MailingPostalCode,"
    " MailingCountry, Department, AccountId, OwnerId, CreatedDate, LastModifiedDate, SystemModstamp"
)
SECONDS = 5.0


def hubspot_contacts(count: int) -> Iterator[dict[str, Any]]:
    for number in range(1, count + 1):
        yield {
            "id": str(30_000_000_000 + number),
            "createdAt": "2026-01-01T00:00:00.000Z",
            "updatedAt": f"2026-02-{number % 28 + 1:02}T10:{number % 60:02}:00.000Z",
            "properties": {
                "email": f"person{number}@example{number % 5000}.com",
                "firstname": "Ada",
                "lastname": f"Lovelace {number}",
                "jobtitle": "Engineer",
                "phone": f"+1415555{number % 10_000:04}",
                "city": "London",
                "state": "England",
                "zip": "SW1A",
                "country": "United Kingdom",
                "company": f"Company {number % 5000}",
                "lifecyclestage": "lead",
            },
        }


def salesforce_contacts(count: int) -> Iterator[dict[str, Any]]:
    for number in range(1, count + 1):
        yield {
            "Email": f"person{number}@example{number % 5000}.com",
            "FirstName": "Ada",
            "LastName": f"Lovelace {number}",
            "Title": "Engineer",
            "Phone": f"+1415555{number % 10_000:04}",
            "MailingCity": "London",
            "MailingState": "England",
            "MailingPostalCode": "SW1A",
            "MailingCountry": "United Kingdom",
            "Department": "Research",
            "LastModifiedDate": f"2026-02-{number % 28 + 1:02}T10:{number % 60:02}:00.000+0000",
            "SystemModstamp": f"2026-02-{number % 28 + 1:02}T10:{number % 60:02}:00.000+0000",
        }


def fetch(connection: http.client.HTTPConnection, path: str, token: str) -> bytes:
    """The body of one GET over a kept connection."""
    connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
    response = connection.getresponse()
    body = response.read()
    if response.status != 200:
        raise SystemExit(f"{path}: {response.status} {body[:200]!r}")
    return body


def connect(url: str) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    return http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=60)


def rate(make_reader: Callable[[], Callable[[], None]], threads: int) -> float:
    """How often a second several threads together get through one read."""
    counts = [0] * threads
    ends_at = time.monotonic() + SECONDS

    def work(index: int) -> None:
        read = make_reader()
        while time.monotonic() < ends_at:
            read()
            counts[index] += 1

    workers = [threading.Thread(target=work, args=(index,)) for index in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return sum(counts) / SECONDS


def hubspot_reader(url: str, token: str) -> Callable[[], Callable[[], None]]:
    """Reads list pages of 100, one after the other, from the start again at the end."""

    def make() -> Callable[[], None]:
        connection, after = connect(url), [""]

        def read() -> None:
            path = f"/crm/v3/objects/contacts?limit=100&properties={PROPERTIES}{after[0]}"
            body = fetch(connection, path, token)
            # `paging` is the last key of the reply; parsing all of it would measure this client.
            tail = body[body.rindex(b"}]") :] if b'"paging"' in body[-400:] else b""
            position = tail.partition(b'"after":"')[2].partition(b'"')[0].decode()
            after[0] = f"&after={position}" if position else ""

        return read

    return make


def salesforce_reader(url: str, token: str) -> Callable[[], Callable[[], None]]:
    """Reads query pages of 2,000 by locator."""
    start = f"/services/data/v60.0/query?q={quote(f'SELECT {FIELDS} FROM Contact')}"

    def make() -> Callable[[], None]:
        connection, path = connect(url), [start]

        def read() -> None:
            body = fetch(connection, path[0], token)
            following = body[:200].partition(b'"nextRecordsUrl":"')[2].partition(b'"')[0].decode()
            path[0] = following or start

        return read

    return make


def salesforce_token(addresses: control.SandboxAddresses) -> str:
    environment = addresses.environment
    connection = connect(addresses.salesforce_url)
    form = (
        f"grant_type=client_credentials&client_id={environment['SALESFORCE_CLIENT_ID']}"
        f"&client_secret={environment['SALESFORCE_CLIENT_SECRET']}"
    )
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    connection.request("POST", "/services/oauth2/token", form, headers)
    return str(json.loads(connection.getresponse().read())["access_token"])


def peak_memory_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM:")).split()[1]) / 1024


def cpu_seconds(pid: int) -> float:
    """What a server has computed so far: on a busy machine this tells more than the clock."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(state_dir: Path, count: int) -> None:
    addresses = control.start(state_dir, demo=False)
    for crm in control.CRMS:
        control.change_settings(state_dir, crm, rate_limits=False)
    pids = {crm: server["pid"] for crm, server in control.status(state_dir).items()}
    sources = {"hubspot": ("contacts", hubspot_contacts), "salesforce": ("Contact", salesforce_contacts)}
    for crm, (object_, make) in sources.items():
        started, worked = time.monotonic(), cpu_seconds(pids[crm])
        control.load(state_dir, crm, {object_: make(count)})
        seconds, worked = time.monotonic() - started, cpu_seconds(pids[crm]) - worked
        print(f"{crm}: {count:,} contacts loaded in {seconds:.1f} s ({worked:.1f} s of the server's CPU)", flush=True)
    token = addresses.environment["HUBSPOT_ACCESS_TOKEN"]
    for threads in (1, 4):
        worked = cpu_seconds(pids["hubspot"])
        pages = rate(hubspot_reader(addresses.hubspot_url, token), threads)
        per_cpu = pages * SECONDS / (cpu_seconds(pids["hubspot"]) - worked)
        print(
            f"hubspot: {pages:.0f} list pages of 100 x 17 properties a second over {threads} connections"
            f" ({per_cpu:.0f} in a second of the server's CPU)",
            flush=True,
        )
    worked = cpu_seconds(pids["salesforce"])
    pages = rate(salesforce_reader(addresses.salesforce_url, salesforce_token(addresses)), 1)
    per_cpu = pages * SECONDS / (cpu_seconds(pids["salesforce"]) - worked)
    print(
        f"salesforce: {pages:.1f} query pages of 2,000 x 17 fields a second"
        f" ({per_cpu:.1f} in a second of the server's CPU)",
        flush=True,
    )
    for crm, server in control.status(state_dir).items():
        size = (state_dir / f"{crm}.db").stat().st_size / 1e6
        print(f"{crm}: {peak_memory_mb(server['pid']):.0f} MB of memory at most, {size:.0f} MB on disk", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--contacts", type=int, default=100_000, help="how many contacts a side")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sandbox-speed-") as folder:
        try:
            measure(Path(folder), arguments.contacts)
        finally:
            control.stop(Path(folder))


if __name__ == "__main__":
    main()
