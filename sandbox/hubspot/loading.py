"""Putting records into the account as they are, many at a time, for demo data, tests and benchmarks.

Owns: the format of loaded records: `id`, `properties`, `createdAt`, `updatedAt` (ISO; or the properties
`createdate` and `lastmodifieddate` / `hs_lastmodifieddate`), `archived`, and `associations`, a list of
`{"object": "companies", "id": "…", "primary": true}`. Also `owners` and `lists` are loaded here.
Refuses: to validate values; unknown property names are refused, as nobody could ever read them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from sandbox.hubspot.catalog import Catalog
from sandbox.hubspot.linking import primary_type
from sandbox.hubspot.object_types import (
    PRIMARY_COMPANY_PROPERTY,
    ObjectType,
)
from sandbox.hubspot.store import ARCHIVED, LIVE, Stored
from sandbox.hubspot.times import parse_iso
from sandbox.hubspot.writing import Writer
from sandbox.organisation import ControlError, Record

BATCH = 5_000
_SYSTEM = ("hs_object_id", "createdate", "hs_createdate", "lastmodifieddate", "hs_lastmodifieddate")
AssociationRow = tuple[str, int, str, int, int]


def load_records(writer: Writer, object_: str, records: Iterable[Record]) -> int:
    """Insert or replace; returns how many. Expects to run inside a transaction."""
    records = list(records) if object_ in ("owners", "lists") else records
    if object_ == "owners":
        for record in records:
            writer.metadata.save_owner(record)
        return len(list(records))
    if object_ == "lists":
        for record in records:
            writer.metadata.save_list(record, writer.settings.now_ms())
        return len(list(records))
    found = writer.metadata.catalog.find(object_)
    if found is None:
        raise ControlError(f'Unknown object "{object_}".')
    known = {item["name"] for item in writer.metadata.properties(found.name)}
    remaining, count = iter(records), 0
    while batch := list(islice(remaining, BATCH)):
        _load_batch(writer, found, known, batch)
        count += len(batch)
    return count


def _load_batch(writer: Writer, kind: ObjectType, known: set[str], batch: list[Record]) -> None:
    store, type_ = writer.store, kind.name
    stored, links = [], []
    for record in batch:
        loaded = _as_stored(kind, known, record, writer.settings.now_ms())
        rows = list(_association_rows(writer.metadata.catalog, loaded, record.get("associations", ())))
        for row in rows:
            if row[0] == type_ and row[4] == _primary_or_none(type_):
                loaded.properties[PRIMARY_COMPANY_PROPERTY[type_]] = str(row[3])
        writer.derive_loaded(loaded)
        stored.append(loaded)
        links += rows
    store.save_many(stored)
    store.saw_id(max(record.id for record in stored))
    unique = [
        (type_, name, value, record.id)
        for record in stored
        if record.state == LIVE
        for name, value in writer.identity(record)
    ]
    store.replace_unique(type_, [record.id for record in stored], unique)
    store.add_associations(links)


def _as_stored(kind: ObjectType, known: set[str], record: Record, now: int) -> Stored:
    type_ = kind.name
    values: Mapping[str, Any] = record.get("properties") or {}
    unknown = values.keys() - known
    if unknown:
        raise ControlError(f"{type_} have no property {', '.join(sorted(unknown))}.")
    created = parse_iso(str(record.get("createdAt") or values.get(kind.created) or "")) or now
    modified = parse_iso(str(record.get("updatedAt") or values.get(kind.modified) or "")) or created
    properties = {
        name: str(value) for name, value in values.items() if value is not None and value != "" and name not in _SYSTEM
    }
    if type_ == "contacts" and "email" in properties:
        properties["email"] = properties["email"].strip().lower()
    archived = bool(record.get("archived"))
    return Stored(
        type_,
        int(record["id"]),
        properties,
        created,
        modified,
        ARCHIVED if archived else LIVE,
        modified if archived else None,
    )


def _primary_or_none(type_: str) -> int | None:
    return primary_type(type_) if type_ in PRIMARY_COMPANY_PROPERTY else None


def _association_rows(
    catalog: Catalog, record: Stored, associations: Iterable[Mapping[str, Any]]
) -> Iterable[AssociationRow]:
    for item in associations:
        to_type, to_id = str(item["object"]), int(item["id"])
        types = [catalog.unlabelled(record.type, to_type)]
        if item.get("primary"):
            types.append(_primary_or_none(record.type))
        for type_id in types:
            if type_id is None:
                raise ControlError(f"{record.type} cannot be associated with {to_type} in this way.")
            yield record.type, record.id, to_type, to_id, type_id
            yield to_type, to_id, record.type, record.id, catalog.associations[type_id].inverse
