"""Associations between records: one row per direction and type, at most one primary company per record.

Owns: what setting, replacing and removing associations does, `associatedcompanyid` included.
Source: [HubSpot docs: crm/associations]: a primary company is two entries, "Primary" and the unlabelled one;
setting labels replaces the set; removing the unlabelled entry removes all. Association changes leave the
modification times alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sandbox.hubspot.catalog import Catalog
from sandbox.hubspot.object_types import (
    ASSOCIATION_TYPES,
    PRIMARY_COMPANY_PROPERTY,
    PRIMARY_TYPES,
)
from sandbox.hubspot.store import LIVE, Store
from sandbox.organisation import Changes

End = tuple[str, int]
"""An object type's name and a record id."""


class Links:
    """Writes to the associations table. Expects to run inside a transaction."""

    def __init__(self, store: Store, catalog: Catalog) -> None:
        self._store = store
        self._catalog = catalog

    def types(self, one: End, other: End) -> list[int]:
        """The type ids between two records, seen from the first."""
        return self._store.associations(one[0], [one[1]], other[0]).get(one[1], {}).get(other[1], [])

    def primary_company(self, end: End) -> int | None:
        """The id of a contact's or deal's primary company."""
        found = self._store.associations(end[0], [end[1]], "companies").get(end[1], {})
        return next((to_id for to_id, types in found.items() if PRIMARY_TYPES & set(types)), None)

    def connect(self, one: End, other: End, type_ids: Iterable[int], replace: bool = False) -> Changes:
        """Associate two records with these types and the unlabelled one; returns what changed, as logged.

        `replace`: types not named go. A new primary company takes the place of the former, which stays as a
        plain association.
        """
        before = self._picture(one, other)
        wanted = set(type_ids)
        plain = self._catalog.unlabelled(one[0], other[0])
        if plain is not None:
            wanted.add(plain)
        if replace:
            self._remove(one, other, set(self.types(one, other)) - wanted)
        for type_id in wanted:
            self._give_up_primary(one, other, type_id)
            self._store.add_associations(self._both_directions(one, other, type_id))
        return self._finish(one, other, before)

    def disconnect(self, one: End, other: End, type_ids: Iterable[int] | None = None) -> Changes:
        """Remove these types between two records; None, or the unlabelled one among them, removes all."""
        before = self._picture(one, other)
        present = set(self.types(one, other))
        doomed = present if type_ids is None else present & set(type_ids)
        if self._catalog.unlabelled(one[0], other[0]) in doomed:
            doomed = present
        self._remove(one, other, doomed)
        return self._finish(one, other, before)

    def set_primary_company(self, end: End, company_id: int | None) -> Changes:
        """Make a company the primary one as a human does; None removes the present one."""
        if company_id is not None:
            return self.connect(end, ("companies", company_id), [primary_type(end[0])])
        present = self.primary_company(end)
        return self.disconnect(end, ("companies", present)) if present is not None else {}

    def move_all(self, loser: End, survivor: End) -> None:
        """Hand a merged record's associations to the survivor, whose own primary company stays primary."""
        has_primary = self.primary_company(survivor) is not None
        for to_type, to_id, type_id in self._store.associations_of(*loser):
            other = (to_type, to_id)
            self._remove(loser, other, [type_id])
            if other != survivor and not (has_primary and type_id in PRIMARY_TYPES):
                self._store.add_associations(self._both_directions(survivor, other, type_id))
            self.refresh(other)
        self.refresh(survivor)

    def remove_all(self, end: End) -> None:
        """Take an archived record out of everybody's associations; they come back with it."""
        self._store.put_to_sleep(*end)
        for to_type, to_id, type_id in self._store.associations_of(*end):
            self._remove(end, (to_type, to_id), [type_id])
            self.refresh((to_type, to_id))

    def restore_all(self, end: End) -> None:
        """Give a restored record its associations back, as far as the other records still live."""
        for to_type, to_id, type_id in self._store.wake_up(*end):
            other = self._store.get(to_type, to_id)
            if other is not None and other.state == LIVE:
                self.connect(end, (to_type, to_id), [type_id])

    def refresh(self, end: End) -> None:
        """Let the primary company's id property follow the associations; the modification time stays."""
        name = PRIMARY_COMPANY_PROPERTY.get(end[0])
        record = self._store.get(*end) if name else None
        if name is None or record is None:
            return
        primary = self.primary_company(end)
        value = str(primary) if primary is not None else None
        if record.properties.get(name) == value:
            return
        record.properties.pop(name, None)
        if value is not None:
            record.properties[name] = value
        self._store.save(record)

    def _give_up_primary(self, one: End, other: End, type_id: int) -> None:
        """Before one record gets a primary company, take that type from its former one."""
        kind = self._catalog.associations[type_id]
        owner, company, primary = (one, other, type_id) if type_id in PRIMARY_TYPES else (other, one, kind.inverse)
        if primary not in PRIMARY_TYPES:
            return
        former = self.primary_company(owner)
        if former is not None and former != company[1]:
            self._remove(owner, ("companies", former), [primary])

    def _remove(self, one: End, other: End, type_ids: Iterable[int]) -> None:
        for type_id in type_ids:
            self._store.remove_associations(self._both_directions(one, other, type_id))

    def _both_directions(self, one: End, other: End, type_id: int) -> list[tuple[str, int, str, int, int]]:
        return [(*one, *other, type_id), (*other, *one, self._catalog.associations[type_id].inverse)]

    def _picture(self, one: End, other: End) -> dict[str, Any]:
        found = self._store.associations(one[0], [one[1]], other[0]).get(one[1], {})
        picture: dict[str, Any] = {f"associations.{other[0]}": {str(to_id): types for to_id, types in found.items()}}
        for end in (one, other):
            if end[0] in PRIMARY_COMPANY_PROPERTY:
                primary = self.primary_company(end)
                picture[PRIMARY_COMPANY_PROPERTY[end[0]]] = str(primary) if primary is not None else None
        return picture

    def _finish(self, one: End, other: End, before: dict[str, Any]) -> Changes:
        self.refresh(one)
        self.refresh(other)
        after = self._picture(one, other)
        return {name: (before[name], after[name]) for name in after if before[name] != after[name]}


def primary_type(from_type: str) -> int:
    """The type id of the primary company of contacts or deals."""
    return next(type_id for type_id in PRIMARY_TYPES if ASSOCIATION_TYPES[type_id].from_type == from_type)
