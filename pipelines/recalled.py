"""The metadata that earlier runs have landed, as far as a source needs it to know what it may ask for.

Only reads the warehouse. A row that was not in the newest landing of its table has an older `loaded_at`, and is gone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass

import duckdb

from pipelines.tables import FIELDS, HUBSPOT, PROPERTIES, SALESFORCE, Table
from pipelines.unchanged import existing_tables

#: How `reads` names the reads of a CRM's metadata.
METADATA_READ = "metadata"


@dataclass(frozen=True)
class Known:
    """The fields of one object: all, those that the CRM computes, and those that refer to records."""

    names: frozenset[str]
    computed: frozenset[str]
    references: frozenset[str] = frozenset()


def known_properties(connection: duckdb.DuckDBPyConnection, objects: Collection[str]) -> dict[str, Known] | None:
    """HubSpot's properties by object; None when some object has none stored."""
    return _known(connection, HUBSPOT, PROPERTIES, "name, not is_writable, false", objects)


def known_fields(connection: duckdb.DuckDBPyConnection, objects: Collection[str]) -> dict[str, Known] | None:
    """Salesforce's fields by object; None when some object has none stored."""
    return _known(connection, SALESFORCE, FIELDS, "name, is_calculated, type = 'reference'", objects)


def known(rows: Iterable[tuple[str, str, bool, bool]]) -> dict[str, Known]:
    """By object, from rows of object, field, whether it is computed, whether it refers to records."""
    names: dict[str, set[str]] = defaultdict(set)
    computed: dict[str, set[str]] = defaultdict(set)
    references: dict[str, set[str]] = defaultdict(set)
    for object_, name, is_computed, is_reference in rows:
        names[object_].add(name)
        if is_computed:
            computed[object_].add(name)
        if is_reference:
            references[object_].add(name)
    return {
        object_: Known(frozenset(found), frozenset(computed[object_]), frozenset(references[object_]))
        for object_, found in names.items()
    }


def _known(
    connection: duckdb.DuckDBPyConnection, schema: str, table: Table, columns: str, objects: Collection[str]
) -> dict[str, Known] | None:
    if not existing_tables(connection, schema).get(table.name, frozenset()).issuperset(table.columns.names):
        return None
    stored = f"{schema}.{table.name}"
    rows = connection.execute(
        f"select object, {columns} from {stored} where loaded_at = (select max(loaded_at) from {stored})"
    ).fetchall()
    found = known(rows)
    return found if found.keys() >= set(objects) else None
