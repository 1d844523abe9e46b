"""Checks of the mappings against what the CRMs have just said of themselves, before anything is decided or pushed.

Owns the translation of landed metadata and of `merging.mapping_problems` into messages with file and line.
"""

from __future__ import annotations

from collections.abc import Iterator

import duckdb

from crm_sync.errors import ConfigError
from crm_sync.mapping_checks import Problem, raise_problems
from crm_sync.mappings import HUBSPOT_ID_PROPERTY, SALESFORCE_ID_FIELD, Mappings, Row

_PRESENT = {
    "hubspot": "select object from raw_hubspot.properties where name = ?"
    " and loaded_at = (select max(loaded_at) from raw_hubspot.properties)",
    "salesforce": "select object from raw_salesforce.fields where name = ?"
    " and loaded_at = (select max(loaded_at) from raw_salesforce.fields)",
}


def require_id_fields(connection: duckdb.DuckDBPyConnection, mappings: Mappings) -> None:
    """Raise ConfigError when a mapped object lacks the field that holds its counterpart's id."""
    missing = []
    for crm, field, objects in (
        ("hubspot", HUBSPOT_ID_PROPERTY, mappings.hubspot_objects),
        ("salesforce", SALESFORCE_ID_FIELD, mappings.salesforce_objects),
    ):
        rows = connection.execute(_PRESENT[crm], [field]).fetchall()
        present = {row[0] for row in rows}
        missing += [f"{crm} {name}.{field}" for name in objects if name not in present]
    if missing:
        raise ConfigError(
            f"The CRMs lack what the sync needs, or hide it: {', '.join(missing)}.", "Run: crm-sync setup"
        )


def require_mapped_fields(connection: duckdb.DuckDBPyConnection, mappings: Mappings) -> None:
    """Raise ConfigError for every seed row that names a property that never existed, or types that do not fit."""
    rows = connection.execute(
        "select object, hubspot_property, salesforce_field, detail, fix from merging.mapping_problems"
        " where severity = 'error' order by object, hubspot_property, salesforce_field"
    ).fetchall()
    places = {
        (row["object"], row["hubspot_property"], row["salesforce_field"]): row.place
        for row in mappings.rows["field_mappings"]
    }
    problems = [Problem(places.get((row[0], row[1], row[2]), "field_mappings.csv"), row[3], row[4]) for row in rows]
    raise_problems([*problems, *_unknown_names(connection, mappings)])


def _unknown_names(connection: duckdb.DuckDBPyConnection, mappings: Mappings) -> Iterator[Problem]:
    """Properties that other seeds name and that neither CRM has ever shown."""
    known = {
        "hubspot": set(connection.execute("select object, name from raw_hubspot.properties").fetchall()),
        "salesforce": set(connection.execute("select object, name from raw_salesforce.fields").fetchall()),
    }
    api_names = {
        one.object: {"hubspot": one.hubspot_object, "salesforce": one.salesforce_object} for one in mappings.enabled
    }
    for row, crm, name in _names(mappings):
        object_ = api_names.get(row["object"])
        if object_ is not None and name and (object_[crm], name) not in known[crm]:
            yield Problem(row.place, f"{object_[crm]} has no field '{name}'.", "Correct the name or remove the row.")


def _names(mappings: Mappings) -> Iterator[tuple[Row, str, str]]:
    for row in mappings.rows["object_mappings"]:
        yield row, "hubspot", row["match_hubspot_property"]
        yield row, "salesforce", row["match_salesforce_field"]
    for row in mappings.rows["inclusion_rules"]:
        if row["operator"] != "in_list":
            yield row, row["side"], row["property"]
