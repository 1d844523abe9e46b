"""Records as the API returns them.

Owns: which properties a reply carries and how values look: strings or null, never anything else.
Source: [HubSpot docs: crm/objects].
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.hubspot.metadata import Metadata
from sandbox.hubspot.object_types import ObjectType
from sandbox.hubspot.store import ARCHIVED, Store, Stored, Version
from sandbox.hubspot.times import iso

HISTORY_VERSIONS = 45
"""How many versions of a property a read returns at most (a guess: HubSpot does not publish the number)."""


@dataclass(frozen=True)
class Wanted:
    """What one request asks to see of each record."""

    object_type: ObjectType
    names: Sequence[str]
    history: Sequence[str] = ()
    associations: Sequence[str] = ()


class Renderer:
    """Makes reply JSON of stored records."""

    def __init__(self, store: Store, metadata: Metadata, portal_id: int) -> None:
        self._store = store
        self._metadata = metadata
        self._portal_id = portal_id

    @property
    def _types(self) -> dict[str, ObjectType]:
        return self._metadata.catalog.types

    def wanted(
        self,
        object_type: ObjectType,
        names: Iterable[str] | None,
        history: Iterable[str] = (),
        associations: Iterable[str] = (),
    ) -> Wanted:
        """Known names among those asked for, with the ones every reply has; unknown ones are left out
        silently. Without any, the object's default properties."""
        asked = list(names or ())
        if not asked:
            asked = list(object_type.defaults)
        known = self._metadata.known(object_type.name, [*asked, *object_type.system])
        return Wanted(
            object_type,
            sorted(known),
            self._metadata.known(object_type.name, history),
            list(associations),
        )

    def properties(self, record: Stored, names: Iterable[str]) -> dict[str, str | None]:
        """The values of the named properties; null where there is none."""
        kind = self._types[record.type]
        return self._values(record, names, kind, iso(record.created), iso(record.modified))

    def _values(
        self, record: Stored, names: Iterable[str], kind: ObjectType, created: str, modified: str
    ) -> dict[str, str | None]:
        stored = record.properties.get
        values = {name: stored(name) for name in names}
        if "hs_object_id" in values:
            values["hs_object_id"] = str(record.id)
        if kind.created in values:
            values[kind.created] = created
        if kind.modified in values:
            values[kind.modified] = modified
        return values

    def record(self, record: Stored, names: Iterable[str]) -> dict[str, Any]:
        """One record without history and associations."""
        kind, created, modified = self._types[record.type], iso(record.created), iso(record.modified)
        reply: dict[str, Any] = {
            "id": str(record.id),
            "properties": self._values(record, names, kind, created, modified),
            "createdAt": created,
            "updatedAt": modified,
            "archived": record.state == ARCHIVED,
        }
        if record.archived_at is not None:
            reply["archivedAt"] = iso(record.archived_at)
        reply["url"] = f"https://app.hubspot.com/contacts/{self._portal_id}/record/{kind.type_id}/{record.id}"
        return reply

    def records(self, records: Sequence[Stored], wanted: Wanted) -> list[dict[str, Any]]:
        """Records with all that was asked for."""
        replies = [self.record(record, wanted.names) for record in records]
        if wanted.history:
            for record, reply in zip(records, replies, strict=True):
                reply["propertiesWithHistory"] = {name: self._history(record, name) for name in wanted.history}
        for to_name in wanted.associations:
            self._add_associations(records, replies, to_name)
        return replies

    def all_properties(self, record: Stored) -> dict[str, str]:
        """Every value a record has, as the reply to a create shows them."""
        names = self._metadata.known(record.type, [*record.properties, *self._types[record.type].system])
        values = self.properties(record, sorted(names))
        return {name: value for name, value in values.items() if value is not None}

    def history(self, record: Stored, name: str) -> list[Version]:
        """The versions of a property, newest first; a value never changed has one, from its creation."""
        versions = self._store.versions(record.type, record.id, name)
        if versions:
            return versions
        value = self.properties(record, [name]).get(name)
        return [creation_version(record, value)] if value is not None else []

    def _history(self, record: Stored, name: str) -> list[dict[str, Any]]:
        entries = []
        for version in self.history(record, name)[:HISTORY_VERSIONS]:
            entry: dict[str, Any] = {
                "value": version.value,
                "timestamp": iso(version.at),
                "sourceType": version.source_type,
                "sourceId": version.source_id,
            }
            if version.user_id is not None:
                entry["updatedByUserId"] = version.user_id
            entries.append(entry)
        return entries

    def _add_associations(self, records: Sequence[Stored], replies: list[dict[str, Any]], to_name: str) -> None:
        if not records:
            return
        found = self._store.associations(records[0].type, (record.id for record in records), to_name)
        for record, reply in zip(records, replies, strict=True):
            results = [
                {"id": str(to_id), "type": self._metadata.catalog.associations[type_id].v3_name}
                for to_id, type_ids in found.get(record.id, {}).items()
                for type_id in type_ids
            ]
            if results:
                reply.setdefault("associations", {})[to_name] = {"results": results}


def creation_version(record: Stored, value: str) -> Version:
    """The history entry of a value that a record has had since it was created."""
    stored = record.properties
    user = stored.get("hs_object_source_user_id")
    return Version(
        value,
        record.created,
        stored.get("hs_object_source", "IMPORT"),
        stored.get("hs_object_source_id", ""),
        int(user) if user else None,
    )
