"""The transform macros as SQL on DuckDB: phones, dates over zones and daylight-saving changes, words for yes and no."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import Environment

ROOT = Path(__file__).resolve().parents[2]
ZONES = (
    "UTC", "Europe/Berlin", "America/New_York", "America/Sao_Paulo", "Asia/Beirut", "Asia/Kolkata", "Asia/Kathmandu",
    "Australia/Lord_Howe", "America/Havana", "Pacific/Apia", "Pacific/Kiritimati", "Pacific/Pago_Pago",
)  # fmt: skip


def compiled(expression: str, **variables: Any) -> str:
    """A macro call as SQL, with dbt's `var` and dispatch, and every macro of the project in reach."""
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "dbt_project" / "macros").rglob("*.sql")]
    names_wanted = "transform_|with_value|canonical_|clean_text|to_timestamp|default__|timestamp_text|number_text"
    wanted = re.compile(rf"macro ({names_wanted})")
    environment = Environment(extensions=["jinja2.ext.do"])
    names: dict[str, Any] = {"return": lambda value: value, "var": {"timezone": "UTC", **variables}.__getitem__}
    macros: dict[str, Any] = {}
    names["adapter"] = type("Adapter", (), {"dispatch": staticmethod(lambda name, _: macros[f"default__{name}"])})
    template = environment.from_string("\n".join(text for text in sources if wanted.search(text)), globals=names)
    module = template.make_module()
    macros |= {name: getattr(module, name) for name in dir(module) if not name.startswith("_")}
    return str(environment.from_string("{{ " + expression + " }}", globals=macros).render())


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    connected = duckdb.connect()
    connected.execute("set TimeZone = 'UTC'")
    return connected


def evaluate(connection: duckdb.DuckDBPyConnection, sql: str, values: list[str]) -> list[str | None]:
    rows = connection.execute(
        f"select {sql} from (select unnest(?) as given, generate_subscripts(?, 1) as place) order by place",
        [values, values],
    ).fetchall()
    return [row[0] for row in rows]


@pytest.mark.parametrize("zone", ZONES)
def test_a_day_becomes_its_midnight_and_comes_back_in_every_zone(
    connection: duckdb.DuckDBPyConnection, zone: str
) -> None:
    """Every day of 30 years, leap days and nights without a midnight included."""
    days = [(date(2000, 1, 1) + timedelta(days=number)).isoformat() for number in range(30 * 366)]
    if zone == "Pacific/Apia":
        days.remove("2011-12-30")  # Samoa crossed the date line: there was no such day
    forth = compiled("transform_datetime('given')", timezone=zone)
    back = compiled("transform_date('given')", timezone=zone)
    instants = evaluate(connection, forth, days)
    assert evaluate(connection, back, [str(instant) for instant in instants]) == days


@settings(max_examples=150, deadline=None)
@given(
    moment=st.datetimes(datetime(1971, 1, 1), datetime(2037, 12, 31)),
    zone=st.sampled_from(ZONES),
)
def test_a_moment_falls_on_the_day_that_its_zone_has_then(moment: datetime, zone: str) -> None:
    instant = moment.replace(tzinfo=UTC, microsecond=moment.microsecond // 1000 * 1000)
    connected = duckdb.connect()
    connected.execute("set TimeZone = 'UTC'")
    text = instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    sql = compiled("transform_date('given')", timezone=zone)
    assert evaluate(connected, sql, [text]) == [instant.astimezone(ZoneInfo(zone)).date().isoformat()]


@pytest.mark.parametrize(
    ("calling_code", "given_", "expected"),
    [
        ("1", "(415) 555-0100", "+14155550100"),
        ("1", "1-415-555-0100", "+14155550100"),
        ("1", "415.555.0100 ext. 12", "+14155550100"),
        ("1", "+1 415 555 0100 x5", "+14155550100"),
        ("1", "0049 30 1234567", "+49301234567"),
        ("1", "011 49 30 1234567", "+49301234567"),
        ("1", "+44 (0)20 7946 0018", "+442079460018"),
        ("1", "555-0100", "555-0100"),
        ("1", "call me", "call me"),
        ("1", "+1 800 FLOWERS", "+1 800 FLOWERS"),
        ("1", "+12345678901234567", "+12345678901234567"),
        ("44", "020 7946 0018", "+442079460018"),
        ("44", "+1 415 555 0100", "+14155550100"),
        ("49", "030/1234567", "+49301234567"),
    ],
)
def test_phone_numbers(connection: duckdb.DuckDBPyConnection, calling_code: str, given_: str, expected: str) -> None:
    sql = compiled("transform_phone_e164('given')", phone_calling_code=calling_code)
    once = evaluate(connection, sql, [given_])
    assert once == [expected]
    assert evaluate(connection, sql, [str(once[0])]) == once  # a number in the form keeps it


@pytest.mark.parametrize(
    ("given_", "expected"),
    [("Yes", "true"), (" on ", "true"), ("1", "true"), ("No", "false"), ("off", "false"), ("maybe", "maybe")],
)
def test_words_for_yes_and_no(connection: duckdb.DuckDBPyConnection, given_: str, expected: str) -> None:
    assert evaluate(connection, compiled("transform_boolean('given')"), [given_]) == [expected]
