"""HubSpot's source: metadata, the members of lists, then every mapped object, each in a thread of its own.

Owns what is asked of HubSpot in a run; how one object is read is hubspot_object.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any

from crm_sync.clients import HubSpotClient
from pipelines.ahead import together
from pipelines.both_ends import SearchTurns
from pipelines.columns import batch_of
from pipelines.hubspot_metadata import (
    PIPELINE_PROPERTIES,
    is_hidden,
    owner_rows,
    pipeline_rows,
    properties_of,
    property_row,
    required_properties,
)
from pipelines.hubspot_object import HubSpotObject
from pipelines.hubspot_reading import cursor_property
from pipelines.memberships import LISTS_READ, membership_batches
from pipelines.recalled import METADATA_READ, Known, known, known_properties
from pipelines.source import Found, ReadJob
from pipelines.tables import HUBSPOT, OWNERS, PIPELINES, PROPERTIES, Batch

LOOKBACK = timedelta(hours=1)  # search is eventually consistent; production connectors trail it by an hour
Row = dict[str, Any]


class HubSpotSource:
    """One pass over HubSpot."""

    crm = "hubspot"
    schema = HUBSPOT

    def __init__(self, client: HubSpotClient, job: ReadJob, lookback: timedelta = LOOKBACK) -> None:
        self._client = client
        self._job = job
        self._lookback = lookback
        self._known: dict[str, Known] = {}
        self._has_read_metadata = False
        self.found = Found()

    @property
    def calls(self) -> int:
        return self._client.calls

    def metadata(self) -> list[Batch]:
        objects, loaded_at = self._job.mappings.hubspot_objects, self._job.loaded_at
        client = self._client.counted()
        parts: list[Callable[[], list[Row]]] = [
            partial(self._properties, client),
            *(partial(self._pipelines, client, object_) for object_ in objects),
            *(partial(owner_rows, client, archived=archived) for archived in (False, True)),
        ]
        properties, *others = together(parts)
        self._known = known((str(row["object"]), str(row["name"]), not row["is_writable"], False) for row in properties)
        self._has_read_metadata = True
        self.found.also_read(self.crm, METADATA_READ, client.calls)
        return [
            batch_of(PROPERTIES, properties, loaded_at),
            batch_of(PIPELINES, [row for rows in others[:-2] for row in rows], loaded_at),
            batch_of(OWNERS, [row for rows in others[-2:] for row in rows], loaded_at),
        ]

    def recall(self) -> bool:
        with self._job.connect() as connection:
            stored = known_properties(connection, self._job.mappings.hubspot_objects)
        self._known = stored or {}
        return stored is not None

    def tasks(self) -> list[Callable[[], Iterator[Batch]]]:
        found: list[Callable[[], Iterator[Batch]]] = []
        turns = SearchTurns()
        for object_ in self._job.mappings.hubspot_objects:
            requested = self._requested(object_)
            if self._job.already.get(object_) != frozenset(requested):
                computed = self._computed(object_)
                read = HubSpotObject(
                    self._client, self._job, object_, requested, computed, self._lookback, self.found, turns
                )
                found.append(read.batches)
        if self._job.mappings.list_names and self._lists_are_due:
            found.append(self._memberships)
        return found

    @property
    def _lists_are_due(self) -> bool:
        """With news to decide, the lists are read with the records: a rule must not hold by an older state."""
        zero = timedelta(0)
        return self._job.is_due(LISTS_READ, zero if self._has_read_metadata else self._job.schedule.sweeps)

    def _memberships(self) -> Iterator[Batch]:
        client = self._client.counted()
        with self._job.connect() as cursor:
            for name in self._job.mappings.list_names:
                yield from self._job.pages(membership_batches(client, cursor, name, self._job.loaded_at))
        self.found.also_read(self.crm, LISTS_READ, client.calls)

    def _properties(self, client: HubSpotClient) -> list[Row]:
        objects = self._job.mappings.hubspot_objects
        required = required_properties(client, objects)
        found = together([partial(properties_of, client, object_) for object_ in objects])
        return [
            property_row(object_, item, required.get(object_, ()))
            for object_, items in zip(objects, found, strict=True)
            for item in items
            if not is_hidden(item)
        ]

    def _pipelines(self, client: HubSpotClient, object_: str) -> list[Row]:
        mapped = self._job.mappings.hubspot_properties(object_)
        if object_ != "deals" and PIPELINE_PROPERTIES.isdisjoint(mapped):
            return []
        return list(pipeline_rows(client, object_))

    def _requested(self, object_: str) -> tuple[str, ...]:
        """The mapped properties that exist: one that does not is unknown, and must not look cleared."""
        existing = self._known[object_].names if object_ in self._known else frozenset[str]()
        cursor = cursor_property(object_)
        wanted = self._job.mappings.hubspot_properties(object_)
        return tuple(name for name in wanted if name in existing or name == cursor)

    def _computed(self, object_: str) -> frozenset[str]:
        return self._known[object_].computed if object_ in self._known else frozenset()
