"""A read that shrank suspiciously stops the run, until the read is whole again or somebody accepts it."""

from __future__ import annotations

import duckdb
import pytest

from crm_sync.errors import GuardStop
from crm_sync.extraction_guard import require_whole

_TABLES = """
create schema matching; create schema staging; create schema raw_hubspot; create schema raw_salesforce;
create table matching.links as
    select 'contact' as object, 'h' || n as hubspot_id, 's' || n as salesforce_id, 'linked' as status
    from range(100) as numbers (n);
create table staging.stg_object_mappings as
    select 'contact' as object, 'contacts' as hubspot_object, 'Contact' as salesforce_object;
create table staging.stg_field_mappings as
    select 'contact' as object, 'p' || n as hubspot_property, 'F' || n as salesforce_field, true as is_active,
        'contacts' as hubspot_object, 'Contact' as salesforce_object
    from range(8) as numbers (n);
create table raw_hubspot.records as
    select 'contacts' as object, 'h' || n as id, false as is_deleted, null::varchar as merged_into_id, 2 as loaded_at
    from range(100) as numbers (n);
create table raw_salesforce.records as
    select 'Contact' as object, 's' || n as id, false as is_deleted, null::varchar as merged_into_id, 2 as loaded_at
    from range(100) as numbers (n);
create table raw_hubspot.reads as
    select 'contacts' as object, true as is_full, true as is_complete, 2 as loaded_at, 100 as records;
create table raw_salesforce.reads as
    select 'Contact' as object, false as is_full, true as is_complete, 2 as loaded_at, 1 as records;
create table raw_hubspot.properties as
    select 'contacts' as object, 'p' || n as name, 2 as loaded_at from range(8) as numbers (n);
create table raw_salesforce.fields as
    select 'Contact' as object, 'F' || n as name, 2 as loaded_at from range(8) as numbers (n);
"""


@pytest.fixture
def warehouse() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute(_TABLES)
    return connection


def test_a_whole_read_passes_and_so_does_a_new_warehouse(warehouse: duckdb.DuckDBPyConnection) -> None:
    require_whole(warehouse, ())
    require_whole(duckdb.connect(), ())


@pytest.mark.parametrize(
    ("damage", "name", "harmless"),
    [
        (
            "update raw_salesforce.records set is_deleted = true where id in (select 's' || n from range(51) as r (n))",
            "salesforce.Contact.deleted",
            "update raw_salesforce.records set is_deleted = true where id in (select 's' || n from range(50) as r (n))",
        ),
        (
            "update raw_hubspot.reads set records = 49",
            "hubspot.contacts.unseen",
            "update raw_hubspot.reads set records = 50",
        ),
        (
            "update raw_hubspot.properties set loaded_at = 1 where name < 'p5'",
            "hubspot.contacts.fields",
            "update raw_hubspot.properties set loaded_at = 1 where name < 'p4'",
        ),
        (
            "update raw_salesforce.records set is_deleted = true",
            "salesforce.Contact.deleted",
            "update raw_salesforce.records set is_deleted = true, merged_into_id = 's1'",
        ),
    ],
)
def test_what_vanished_at_once_stops_the_run_until_it_is_accepted(
    warehouse: duckdb.DuckDBPyConnection, damage: str, name: str, harmless: str
) -> None:
    warehouse.execute("begin")
    warehouse.execute(harmless)
    require_whole(warehouse, ())
    warehouse.execute("rollback")
    warehouse.execute(damage)
    for _ in range(2):
        with pytest.raises(GuardStop) as stop:
            require_whole(warehouse, ())
        assert f"--accept {name}" in stop.value.remedy
        assert name in stop.value.message
        if name.endswith(".unseen"):
            # the next read has to be a full one
            assert warehouse.execute("select is_complete from raw_hubspot.reads").fetchone() == (False,)
            warehouse.execute("update raw_hubspot.reads set is_complete = true")
    require_whole(warehouse, [name])
    require_whole(warehouse, ["all"])
    with pytest.raises(GuardStop):
        require_whole(warehouse, ["hubspot.contacts.create"])


def test_a_few_of_a_small_object_are_nothing_to_wonder_about(warehouse: duckdb.DuckDBPyConnection) -> None:
    warehouse.execute("delete from matching.links where hubspot_id not in ('h1', 'h2', 'h3')")
    warehouse.execute("update raw_hubspot.records set is_deleted = true")
    require_whole(warehouse, ())
