"""How fast fetched pages land in the warehouse: their JSON parsed, turned into Arrow, and merged with dlt into DuckDB.

    python benchmarks/landing_speed.py                      20,000 records of 50 properties a side
    python benchmarks/landing_speed.py --records 200000     another size

Makes the CRMs' answers beforehand, as bytes, and lands them twice: into a new warehouse, and, every record changed,
into the one that then holds them. Each CRM by itself, and both at once as in a sync. Prints records a second, apart
from what dlt takes to be imported, and beside them a floor: the same bytes parsed and inserted without dlt.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import duckdb

from crm_sync.clients.decoding import decode, decode_exact, encode
from pipelines.columns import RecordRows
from pipelines.hubspot_object import HubSpotRows
from pipelines.landing import dlt_module, land
from pipelines.salesforce_object import add_record
from pipelines.tables import HUBSPOT, SALESFORCE, Batch
from pipelines.unchanged import existing_tables

PROPERTIES = 50
HUBSPOT_PAGE, SALESFORCE_PAGE = 100, 2_000
START = datetime(2026, 1, 1, tzinfo=UTC)
Pages = list[bytes]


def hubspot_pages(count: int, version: int) -> Pages:
    """Answers of the list endpoint."""
    pages = []
    for start in range(0, count, HUBSPOT_PAGE):
        records = [hubspot_contact(number, version) for number in range(start, min(count, start + HUBSPOT_PAGE))]
        pages.append(encode({"results": records, "paging": {"next": {"after": str(start)}}}))
    return pages


def hubspot_contact(number: int, version: int) -> dict[str, Any]:
    moment = (START + timedelta(seconds=number, days=version)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    properties: dict[str, Any] = {f"property_{n}": f"value {n} of {number}" if n % 3 else None for n in range(44)}
    properties |= {
        "email": f"person{number}@example.com",
        "lastname": f"Lovelace {number}",
        "jobtitle": f"Engineer {version}",
        "lastmodifieddate": moment,
        "createdate": "2025-12-01T00:00:00.000Z",
        "hs_object_id": str(number),
    }
    return {
        "id": str(number),
        "properties": properties,
        "createdAt": "2025-12-01T00:00:00.000Z",
        "updatedAt": moment,
        "archived": False,
    }


def salesforce_pages(count: int, version: int) -> Pages:
    """Answers of the query endpoint."""
    pages = []
    for start in range(0, count, SALESFORCE_PAGE):
        records = [salesforce_contact(number, version) for number in range(start, min(count, start + SALESFORCE_PAGE))]
        pages.append(encode({"totalSize": count, "done": False, "records": records}))
    return pages


def salesforce_contact(number: int, version: int) -> dict[str, Any]:
    moment = (START + timedelta(seconds=number, days=version)).strftime("%Y-%m-%dT%H:%M:%S.000+0000")
    fields: dict[str, Any] = {f"Field_{n}__c": f"value {n} of {number}" if n % 3 else None for n in range(40)}
    return {
        "attributes": {"type": "Contact", "url": f"/services/data/v60.0/sobjects/Contact/003{number:012d}AAA"},
        **fields,
        "Id": f"003{number:012d}AAA",
        "Email": f"person{number}@example.com",
        "LastName": f"Lovelace {number}",
        "Title": f"Engineer {version}",
        "Amount__c": 1234.5,
        "CreatedDate": "2025-12-01T00:00:00.000+0000",
        "SystemModstamp": moment,
        "LastModifiedDate": moment,
        "LastModifiedById": "005000000000001AAA",
        "IsDeleted": False,
    }


def hubspot_batches(pages: Pages, loaded_at: datetime) -> Iterator[Batch]:
    rows = HubSpotRows("contacts", loaded_at)
    for content in pages:
        rows.add_live(decode(content)["results"])
        if rows.is_full:
            yield rows.flush()
    yield rows.flush()


def salesforce_batches(pages: Pages, loaded_at: datetime) -> Iterator[Batch]:
    rows = RecordRows("Contact", loaded_at)
    for content in pages:
        for record in decode_exact(content)["records"]:
            add_record(rows, record)
        if rows.is_full:
            yield rows.flush()
    yield rows.flush()


SOURCES = {HUBSPOT: (hubspot_pages, hubspot_batches), SALESFORCE: (salesforce_pages, salesforce_batches)}


def landed(warehouse: Path, schema: str, pages: Pages, loaded_at: datetime) -> None:
    """As a sync does it."""
    with duckdb.connect(str(warehouse)) as connection:
        existing = existing_tables(connection, schema)
        land(warehouse, schema, SOURCES[schema][1](pages, loaded_at), existing)


def inserted(warehouse: Path, schema: str, pages: Pages, loaded_at: datetime) -> None:
    """The least: parsed, and inserted as it is."""
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute(f"create schema if not exists {schema}")
        for batch in SOURCES[schema][1](pages, loaded_at):
            arriving = batch.data  # noqa: F841  (named by the statement below)
            connection.execute(f"create table if not exists {schema}.records as from arriving limit 0")
            connection.execute(f"insert into {schema}.records from arriving")


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Wall and CPU seconds."""
    started, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - started, time.process_time() - cpu


def both(warehouse: Path, pages: dict[str, Pages], loaded_at: datetime) -> None:
    with ThreadPoolExecutor(2) as pool:
        for future in [pool.submit(landed, warehouse, schema, some, loaded_at) for schema, some in pages.items()]:
            future.result()


def measure(count: int, folder: Path) -> Iterator[tuple[str, int, float, float]]:
    """(what, records, seconds, CPU seconds) of each measurement."""
    pages = [{schema: make(count, version) for schema, (make, _) in SOURCES.items()} for version in (0, 1)]
    names = ("new", "all changed")
    moments = (START, START + timedelta(days=1))
    together = folder / "both.duckdb"
    for schema in SOURCES:
        floor, own = folder / f"floor_{schema}.duckdb", folder / f"own_{schema}.duckdb"
        yield f"{schema}: floor", count, *timed(partial(inserted, floor, schema, pages[0][schema], START))
        for name, some, moment in zip(names, pages, moments, strict=True):
            yield f"{schema}: {name}", count, *timed(partial(landed, own, schema, some[schema], moment))
    for name, some, moment in zip(names, pages, moments, strict=True):
        yield f"both at once: {name}", 2 * count, *timed(partial(both, together, some, moment))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, nargs="+", default=[20_000], help="how many records a side")
    arguments = parser.parse_args()
    start_up, _ = timed(dlt_module)
    machine = f"{os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}"
    print(f"{datetime.now(UTC):%Y-%m-%d}, {machine}, {PROPERTIES} properties, importing dlt {start_up:.1f} s\n")
    print("| | records | seconds | CPU s | records/s |\n| --- | --- | --- | --- | --- |", flush=True)
    for count in arguments.records:
        with tempfile.TemporaryDirectory(prefix="landing-speed-") as folder:
            for name, records, seconds, cpu in measure(count, Path(folder)):
                print(f"| {name} | {records:,} | {seconds:.2f} | {cpu:.2f} | {records / seconds:,.0f} |", flush=True)


if __name__ == "__main__":
    main()
