"""What lands, what is counted as read, and what is left alone when a read fails."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from memory_crms import NOW, iso, ms
from memory_world import World

from crm_sync.clients import NoResponse, Unauthorized
from crm_sync.errors import ConfigError, CycleFailed
from pipelines import Progress
from pipelines.salesforce import long_id
from pipelines.salesforce_object import field_chunks, record_query
from pipelines.tables import TABLES

RECORDS = "select id, is_deleted, merged_into_id from raw_hubspot.records order by id"


def stamp(minutes: int) -> str:
    return (NOW + timedelta(minutes=minutes)).isoformat(timespec="milliseconds").replace("+00:00", "+0000")


def test_all_tables_exist_with_their_types_even_when_empty(world: World) -> None:
    world.extract()
    for schema, tables in TABLES.items():
        for table in tables:
            columns = dict(
                world.rows(
                    "select column_name, data_type from information_schema.columns "
                    f"where table_schema = '{schema}' and table_name = '{table.name}'"
                )
            )
            assert set(table.columns.names) == set(columns), table.name
            assert columns["loaded_at"] == "TIMESTAMP WITH TIME ZONE"
            for name in {"properties", "options", "reference_to"} & set(columns):
                assert columns[name] == "JSON"


def test_the_first_read_is_full_and_the_next_reads_what_changed(world: World) -> None:
    for number in range(1, 251):
        world.hubspot.add(number, ms(NOW) - 10_000_000 + number, email=f"{number}@b.example")
    first = world.extract()
    assert [read.is_full for read in first.objects] == [True, True]
    assert world.value("select count(*) from raw_hubspot.records") == 250
    world.hubspot.add(7, ms(world.now) + 5, email=None)
    second = world.extract()
    contacts = next(read for read in second.objects if read.object == "contacts")
    assert not contacts.is_full
    assert contacts.watermark == NOW + timedelta(hours=1, milliseconds=5)
    assert ("list", True) not in {(what, False) for what, _ in world.hubspot.asked}
    document = json.loads(world.value("select properties::varchar from raw_hubspot.records where id = '7'"))
    assert document["email"] is None
    assert world.value("select count(*) from raw_hubspot.records") == 250


def test_the_watermark_is_the_latest_seen_but_not_after_the_start(world: World) -> None:
    world.hubspot.add(1, ms(NOW) + 10 * 3_600_000)
    world.salesforce.records = [{"Id": "003000000000001AAA", "SystemModstamp": stamp(-60), "IsDeleted": False}]
    report = world.extract()
    marks = {read.object: read.watermark for read in report.objects}
    assert marks == {"contacts": world.now, "Contact": NOW - timedelta(hours=1)}
    assert report.loaded_at == world.now


def test_archived_and_merged_records_are_seen(world: World) -> None:
    for number in (1, 2, 3):
        world.hubspot.add(number, ms(NOW))
    world.extract()
    world.hubspot.records = [record for record in world.hubspot.records if record["id"] != "2"]
    world.hubspot.add(3, ms(world.now), archived=True)
    world.mappings.hubspot["contacts"].append("hs_merged_object_ids")
    world.hubspot.add(9, ms(world.now), hs_merged_object_ids="1;2")
    world.hubspot.records = [record for record in world.hubspot.records if record["id"] != "1"]
    world.extract()
    assert world.rows(RECORDS) == [("1", True, "9"), ("2", True, "9"), ("3", True, None), ("9", False, None)]


def test_records_that_come_back_as_they_are_stored_are_not_landed_again(world: World) -> None:
    """Each read overlaps the last; what another edit of the same moment left behind is news all the same."""
    world.hubspot.add(1, ms(NOW) - 10 * 86_400_000, archived=True)
    world.hubspot.add(2, ms(NOW), email="one@northwind.io")
    world.hubspot.add(3, ms(NOW))
    first = world.extract().loaded_at
    world.hubspot.records = [record for record in world.hubspot.records if record["id"] != "2"]
    world.hubspot.add(2, ms(NOW), email="two@northwind.io")
    second = world.extract().loaded_at
    landed = dict(world.rows("select id, loaded_at from raw_hubspot.records"))
    assert landed == {"1": first, "2": second, "3": first}


def test_metadata_that_comes_back_as_it_is_stored_is_not_landed_again(world: World) -> None:
    """A table with a single difference is landed whole: what has gone is told by its older time."""
    first = world.extract().loaded_at
    world.extract()
    assert world.rows("select distinct loaded_at from raw_hubspot.properties") == [(first,)]
    world.hubspot.property_names.remove("email")
    third = world.extract().loaded_at
    gone = world.rows(
        "select name from raw_hubspot.properties qualify loaded_at < max(loaded_at) over (partition by object)"
    )
    assert gone == [("email",)]
    assert world.rows("select max(loaded_at) from raw_hubspot.properties") == [(third,)]


def test_a_grown_set_of_properties_is_read_in_full_once(world: World) -> None:
    world.hubspot.add(1, ms(NOW) - 90 * 86_400_000, jobtitle="CEO")
    world.hubspot.add(2, ms(NOW))
    world.extract()
    world.mappings.hubspot["contacts"].append("jobtitle")
    assert not world.extract().objects[0].is_full  # HubSpot does not have that property yet
    world.hubspot.property_names.append("jobtitle")
    assert world.extract().objects[0].is_full
    assert world.value("select properties->>'jobtitle' from raw_hubspot.records where id = '1'") == "CEO"
    assert not world.extract().objects[0].is_full


def test_a_property_that_vanished_is_absent_not_null(world: World) -> None:
    world.hubspot.add(1, ms(NOW), email="a@b.example")
    world.extract()
    world.hubspot.property_names.remove("email")
    world.hubspot.add(1, ms(world.now), email="a@b.example")
    world.extract()
    assert "email" not in json.loads(world.value("select properties::varchar from raw_hubspot.records"))
    [(gone,)] = world.rows(
        "select loaded_at < (select max(loaded_at) from raw_hubspot.properties) from raw_hubspot.properties "
        "where name = 'email'"
    )
    assert gone


def test_full_reads_everything_again(world: World) -> None:
    world.hubspot.add(1, ms(NOW) - 90 * 86_400_000)
    world.hubspot.add(2, ms(NOW))
    world.extract()
    assert [read.records for read in world.extract().objects] == [1, 0]
    assert [read.records for read in world.extract(full=True).objects] == [2, 0]


def test_associations_that_vanished_stay_as_rows(world: World) -> None:
    primary = [
        {"category": "HUBSPOT_DEFINED", "typeId": 1, "label": "Primary"},
        {"category": "HUBSPOT_DEFINED", "typeId": 279, "label": None},
    ]
    world.mappings.association_pairs = [("contacts", "companies")]
    for number in (1, 2):
        world.hubspot.add(number, ms(NOW))
        world.hubspot.associations[str(number)] = [{"toObjectId": 90 + number, "associationTypes": primary}]
    world.extract()
    world.hubspot.associations["1"] = [{"toObjectId": 95, "associationTypes": primary[1:]}]
    world.hubspot.add(1, ms(world.now) + 1)
    world.hubspot.add(2, ms(NOW) - 86_400_000)  # not read again: keeps its associations
    world.extract()
    rows = world.rows(
        "select from_id, to_id, type_id, is_primary, is_present from raw_hubspot.associations order by all"
    )
    assert rows == [
        ("1", "91", 1, True, False),
        ("1", "91", 279, False, False),
        ("1", "95", 279, False, True),
        ("2", "92", 1, True, True),
        ("2", "92", 279, False, True),
    ]


def test_list_members_are_landed_and_leave(world: World) -> None:
    world.mappings.list_names = ["customers"]
    world.hubspot.lists = {"Customers": ["1", "2"]}
    world.extract()
    world.hubspot.lists = {"Customers": ["2", "3"]}
    world.extract()
    rows = world.rows("select list_name, object, record_id, is_present from raw_hubspot.list_memberships order by all")
    assert rows == [
        ("Customers", "contacts", "1", False),
        ("Customers", "contacts", "2", True),
        ("Customers", "contacts", "3", True),
    ]


def test_an_unknown_list_is_a_mistake_in_the_seed(world: World) -> None:
    world.mappings.list_names = ["nowhere"]
    with pytest.raises(ConfigError, match="nowhere"):
        world.extract()


def test_salesforce_records_land_as_they_came(world: World) -> None:
    world.salesforce.field_names += ["Amount", "LastModifiedById", "MasterRecordId", "LastModifiedDate"]
    world.mappings.salesforce["Contact"] += ["Amount", "LastModifiedById", "MasterRecordId", "LastModifiedDate", "Gone"]
    world.salesforce.records = [
        {"Id": "003000000000001AAA", "SystemModstamp": stamp(-1), "IsDeleted": False, "Amount": "50000.00",
         "LastModifiedById": "005x", "LastModifiedDate": stamp(-2), "Email": None},
        {"Id": "003000000000002AAA", "SystemModstamp": stamp(-1), "IsDeleted": True,
         "MasterRecordId": "003000000000001AAA"},
    ]  # fmt: skip
    world.extract()
    [first, second] = world.rows(
        "select properties::varchar, is_deleted, merged_into_id, last_modified_by, "
        "epoch_ms(modified_at) - epoch_ms(human_time) from raw_salesforce.records order by id"
    )
    assert first[1:] == (False, None, "005x", 60_000)
    assert second[1:4] == (True, "003000000000001AAA", None)
    document = json.loads(first[0])
    assert document["Amount"] == "50000.00"
    assert document["Email"] is None
    assert "Gone" not in document
    assert "attributes" not in document
    org = world.rows("select organization_id, user_id, username from raw_salesforce.org")
    assert org == [("00D000000000001EAA", "005000000000001AAA", "sync@example.com")]


def test_salesforce_reads_what_was_saved_since_with_its_lookback(world: World) -> None:
    world.salesforce.records = [
        {"Id": f"00300000000000{n}AAA", "SystemModstamp": stamp(-n), "IsDeleted": False} for n in range(9)
    ]
    world.extract()
    report = world.extract()
    assert world.salesforce.asked[-1].endswith(
        "WHERE SystemModstamp >= 2026-03-01T11:55:00.000Z ORDER BY SystemModstamp DESC, Id"
    )
    assert report.objects[1].records == 6


def test_long_field_lists_are_read_in_parts(world: World) -> None:
    names = [f"A_custom_field_with_a_long_name_{n:04d}__c" for n in range(600)]
    world.salesforce.field_names += names
    world.mappings.salesforce["Contact"] += names
    world.salesforce.records = [
        {"Id": f"003{n:012d}AAA", "SystemModstamp": stamp(-1), "IsDeleted": False, names[0]: "a", names[-1]: str(n)}
        for n in range(700)
    ]
    world.extract()
    assert world.value(f"select count(distinct properties->>'{names[-1]}') from raw_salesforce.records") == 700
    assert max(len(soql) for soql in world.salesforce.asked) < 14_000


def test_fields_are_spread_over_as_few_queries_as_fit() -> None:
    names = [f"Field_{n:04d}__c" for n in range(900)]
    chunks = field_chunks("Contact", ["Id", "SystemModstamp", *names], NOW)
    assert [name for chunk in chunks for name in chunk] == ["Id", "SystemModstamp", *names]
    assert len(chunks) <= 4
    assert len(record_query("Contact", chunks[0], NOW)) < 14_000


@pytest.mark.parametrize(
    ("short", "long"),
    [("001D000000IqhSL", "001D000000IqhSLIAZ"), ("001ZL000001QS6m", "001ZL000001QS6mYAG"),
     ("750R0000000zlh9", "750R0000000zlh9IAA")],
)  # fmt: skip
def test_ids_of_15_characters_become_18(short: str, long: str) -> None:
    assert long_id(short) == long_id(long) == long


def test_odd_values_land(world: World) -> None:
    values = ["a\x00b", "x\ufffdy", "‮rtl‬", "=cmd|' /C calc'!A0", "x" * 100_000, "'; drop table records; --", "\n\t"]
    for number, value in enumerate(values, start=1):
        world.hubspot.add(number, ms(NOW), email=value)
    world.hubspot.add(99, ms(NOW), email="lone \ud800 surrogate")
    world.extract()
    rows = world.rows("select properties->>'email' from raw_hubspot.records order by id::int")
    assert [row[0] for row in rows] == [*values, "lone \ufffd surrogate"]


def test_a_failed_read_keeps_its_watermarks_and_the_other_crm_counts(world: World) -> None:
    world.hubspot.add(1, ms(NOW), email="before")
    world.salesforce.records = [{"Id": "003000000000001AAA", "SystemModstamp": stamp(0), "IsDeleted": False}]
    world.extract()
    before = world.rows("select * from raw_hubspot.reads")
    world.hubspot.add(1, ms(world.now), email="after")

    def fail(crm: Any) -> None:
        if crm.asked[-1][0] == "list":
            raise NoResponse("gone", crm="HubSpot", request="GET /crm/v3/objects/contacts")

    world.hubspot.on_page = fail
    with pytest.raises(CycleFailed, match="HubSpot did not answer"):
        world.extract()
    assert world.rows("select * from raw_hubspot.reads") == before
    assert world.value("select properties->>'email' from raw_hubspot.records") == "before"
    assert world.value("select loaded_at = started_at from raw_salesforce.reads")
    world.hubspot.on_page = None
    world.extract()
    assert world.value("select properties->>'email' from raw_hubspot.records") == "after"


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Ctrl-C interrupts, as it does at a terminal: a process that a shell has put in the background ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_ends_the_read_at_the_next_page(world: World) -> None:
    for number in range(1, 301):
        world.hubspot.add(number, ms(NOW))
    endless = world.hubspot.list_page

    def list_page(object_: str, **details: Any) -> dict[str, Any]:
        if world.hubspot.calls == 20:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        page = endless(object_, **{**details, "after": None})
        return {**page, "paging": {"next": {"after": str(world.hubspot.calls)}}}

    world.hubspot.list_page = list_page  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        world.extract()
    world.hubspot.list_page = endless  # type: ignore[method-assign]
    assert world.extract().objects[0].is_full


def test_bad_credentials_end_the_run_before_records_are_read(world: World) -> None:
    def refuse(object_: str) -> Any:
        raise Unauthorized("no", status=401, crm="Salesforce")

    world.salesforce.describe = refuse  # type: ignore[method-assign]
    with pytest.raises(ConfigError, match="Salesforce refused the credentials"):
        world.extract()
    assert not any(what == "list" for what, _ in world.hubspot.asked)


def test_a_warehouse_that_cannot_be_used_is_named(world: World, tmp_path: Path) -> None:
    world.warehouse = tmp_path / "broken.duckdb"
    world.warehouse.write_bytes(b"this is not a database" * 1000)
    with pytest.raises(CycleFailed, match=r"broken\.duckdb"):
        world.extract()


def test_extraction_leaves_no_connection_and_no_files(world: World) -> None:
    world.hubspot.add(1, ms(NOW))
    world.extract()
    with duckdb.connect(str(world.warehouse), read_only=True):
        pass
    assert os.listdir(world.warehouse.parent) == ["test.duckdb"]


def test_loaded_at_tells_runs_apart_even_if_the_clock_stands_still(world: World) -> None:
    first = world.extract()
    world.now -= timedelta(hours=1)
    second = world.extract()
    assert second.loaded_at == first.loaded_at + timedelta(microseconds=1)


def test_progress_is_told_and_calls_are_counted(world: World) -> None:
    world.hubspot.add(1, ms(NOW))
    told: list[Progress] = []
    report = world.extract(on_progress=told.append)
    assert {(item.crm, item.object) for item in told if item.is_done} == {
        ("hubspot", "contacts"),
        ("salesforce", "Contact"),
    }
    assert [read.api_calls for read in report.objects] == [2, 1]
    assert report.api_calls["salesforce"] == 4
    assert iso(ms(NOW)).endswith("Z")


def test_associations_of_linked_records_are_read_again_on_a_schedule_and_only_the_difference_is_landed(
    world: World,
) -> None:
    plain = [{"typeId": 279, "category": "HUBSPOT_DEFINED", "label": None}]
    world.mappings.association_pairs = [("contacts", "companies")]
    world.mappings.hubspot["contacts"].append("salesforce_record_id")
    world.hubspot.property_names.append("salesforce_record_id")
    for number in (1, 2, 3):
        world.hubspot.add(number, ms(NOW) - 86_400_000 * number, salesforce_record_id="003" if number < 3 else None)
        world.hubspot.associations[str(number)] = [{"toObjectId": 90, "associationTypes": plain}]
    world.hubspot.add(4, ms(NOW))  # moves the watermark past the others
    world.extract()
    (first,) = {row[0] for row in world.rows("select loaded_at from raw_hubspot.associations")}

    # associations change and no modification time moves: they are seen when the last complete read is old enough
    world.hubspot.associations["1"] = [{"toObjectId": 91, "associationTypes": plain}]
    world.hubspot.associations["3"] = []
    world.extract(association_refresh=timedelta(hours=3))
    assert world.rows("select distinct loaded_at from raw_hubspot.associations") == [(first,)]
    world.extract(association_refresh=timedelta(hours=2))
    rows = world.rows("select from_id, to_id, is_present, loaded_at from raw_hubspot.associations order by all")
    assert [(from_id, to_id, is_present, at > first) for from_id, to_id, is_present, at in rows] == [
        ("1", "90", False, True),
        ("1", "91", True, True),
        ("2", "90", True, False),
        ("3", "90", True, False),
    ]
    world.extract(association_refresh=timedelta(hours=3))
    assert ("associations", ["1", "2"]) not in world.hubspot.asked

    # a full read sees the records without a counterpart too
    world.extract(full=True, association_refresh=timedelta(days=1))
    assert world.value("select is_present from raw_hubspot.associations where from_id = '3'") is False
