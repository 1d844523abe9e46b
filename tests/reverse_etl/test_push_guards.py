"""Push limits: the most specific row binds, and a stop names what to accept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import duckdb
import pytest
from push_support import diff_row, make_diffs

from crm_sync.errors import ConfigError, GuardStop
from reverse_etl.guards import check_limits, count_linked, parse_limits, volumes


@pytest.fixture
def connection() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    make_diffs(
        connection,
        hubspot=[
            diff_row("hubspot", "contact", "update", "l0", record_id="1", changes={"jobtitle": "x"}),
            diff_row("hubspot", "contact", "associate", "l1", record_id="2", changes={"associations.companies": "9"}),
            diff_row("hubspot", "contact", "update", "l1", record_id="2", changes={"jobtitle": "x"}),
        ],
        salesforce=[
            *[diff_row("salesforce", "contact", "create", f"c{n}", changes={"LastName": None}) for n in range(5)],
            *[
                diff_row(
                    "salesforce",
                    "contact",
                    "update",
                    f"u{n}",
                    record_id=f"003{n}",
                    changes={"Phone": None, "Title": None if n == 0 else "x", "A/b~c": ""},
                    previous={"Phone": " " if n == 3 else "555", "Title": "CEO", "A/b~c": "was"},
                )
                for n in range(4)
            ],
        ],
    )
    return connection


def _limit(target: str = "", object_: str = "", operation: str = "", **limits: str) -> dict[str, str | None]:
    return {"target": target, "object": object_, "operation": operation, "max_records": "", "max_share": "", **limits}


def test_volumes_count_creates_updates_and_clears(connection: duckdb.DuckDBPyConnection) -> None:
    found = {volume.name: (volume.records, volume.field) for volume in volumes(connection)}
    assert found == {
        "hubspot.contact.update": (2, None),
        "salesforce.contact.create": (5, None),
        "salesforce.contact.update": (4, None),
        "salesforce.contact.clear": (4, "A/b~c"),
    }


@pytest.mark.parametrize(
    ("limit", "linked", "stopped"),
    [
        (_limit("salesforce", "contact", "create", max_records="5"), 0, None),
        (_limit("salesforce", "contact", "create", max_records="4"), 0, "salesforce.contact.create"),
        (_limit("*", "*", "create", max_records="4"), 0, "salesforce.contact.create"),
        (_limit(max_records="4"), 0, "salesforce.contact.create"),
        (_limit("hubspot", max_records="1"), 0, "hubspot.contact.update"),
        (_limit("salesforce", "contact", "update", max_share="0.4"), 10, None),
        (_limit("salesforce", "contact", "update", max_share="0.39"), 10, "salesforce.contact.update"),
        (_limit(operation="clear", max_records="3"), 0, "salesforce.contact.clear"),
        (_limit(operation="archive", max_records="0"), 0, None),
        (_limit(), 0, None),
    ],
)
def test_a_limit_stops_the_push(
    connection: duckdb.DuckDBPyConnection, limit: Mapping[str, Any], linked: int, stopped: str | None
) -> None:
    if stopped is None:
        check_limits(connection, [limit], [], {"contact": linked})
        return
    with pytest.raises(GuardStop) as stop:
        check_limits(connection, [limit], [], {"contact": linked})
    assert stopped in stop.value.message
    assert f"--accept {stopped}" in stop.value.remedy
    assert "--accept all" in stop.value.remedy
    check_limits(connection, [limit], [stopped], {"contact": linked})
    check_limits(connection, [limit], ["all"], {"contact": linked})


def test_the_more_specific_row_binds(connection: duckdb.DuckDBPyConnection) -> None:
    check_limits(
        connection,
        [
            _limit(operation="create", max_records="1"),
            _limit("salesforce", "contact", "create", max_records="100"),
        ],
        [],
        {},
    )


def test_every_exceeded_limit_is_named(connection: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(GuardStop) as stop:
        check_limits(connection, [_limit(max_records="0")], ["hubspot.contact.update"], {})
    assert "hubspot" not in stop.value.message
    for name in ("create", "update", "clear"):
        assert f"salesforce.contact.{name}" in stop.value.message


@pytest.mark.parametrize("limits", [{"max_records": "many"}, {"max_share": "50"}, {"max_share": "x"}])
def test_a_limit_that_is_no_number_is_a_mistake(limits: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match=r"push_limits\.csv"):
        parse_limits([_limit("hubspot", **limits)])


def test_linked_records_are_counted() -> None:
    connection = duckdb.connect()
    connection.execute("create schema matching")
    connection.execute("create table matching.links (object text, status text, run_id text)")
    connection.execute(
        "insert into matching.links values ('contact', 'linked', 'r1'), ('contact', 'deleted', 'r1'),"
        " ('contact', 'linked', 'r2')"
    )
    assert count_linked(connection, "r2") == {"contact": 1}
