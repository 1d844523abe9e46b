"""Reads that are answered with nonsense: the extraction ends with an error that a user can act on."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from people import hubspot_person, salesforce_person
from world import World

from crm_sync.clients import build_clients
from crm_sync.errors import CrmSyncError, Unexpected
from crm_sync.mappings import load_mappings
from pipelines import extract
from sandbox import control

ODD = {"id": "5", "properties": {"lastmodifieddate": "2026-99-99", "email": {"a": 1}}, "updatedAt": {}, "createdAt": 5}
BODIES: list[Any] = [
    [],
    {"results": [None, {"id": None}], "records": [None], "done": True},
    {"results": [{"id": 7, "properties": [1], "name": [], "stages": "x"}], "records": [{"Id": None}], "done": True},
    {"results": [ODD], "records": [{"Id": "003000000000001AAA", "SystemModstamp": "never"}], "done": True},
    {"fields": [None, {"name": 5}], "results": [{"name": "email", "options": 5, "type": {}}], "total": "many"},
    {"results": [{"from": {"id": "1"}, "to": [None, {"toObjectId": {}}]}], "paging": {"next": {"after": 5}}},
]
PLACES = [
    ("hubspot", "/crm/v3/objects/*"),
    ("hubspot", "/crm/v3/properties/*"),
    ("hubspot", "/crm/v3/owners*"),
    ("hubspot", "/crm/v3/pipelines/*"),
    ("hubspot", "/crm/v4/associations/*"),
    ("salesforce", "*/query*"),
    ("salesforce", "*/describe"),
]


@pytest.mark.parametrize(
    ("number", "place"),
    [(0, PLACES[0]), (3, PLACES[0]), (4, PLACES[1]), (2, PLACES[3]), (1, PLACES[4]), (5, PLACES[4]), (3, PLACES[5])],
)
def test_nonsense_ends_the_read_clearly(world: World, number: int, place: tuple[str, str]) -> None:
    world.create("contact", hubspot=hubspot_person("one"), salesforce=salesforce_person("one"))
    crm, path = place
    rule = {"kind": "malformed", "path": path, "body": orjson.dumps(BODIES[number]).decode()}
    control.set_faults(world.state_dir, crm, {"rules": [rule]})
    clients = build_clients(world.settings, sleep=lambda _: None, max_elapsed_seconds=0.2)
    error: BaseException | None = None
    try:
        extract(world.settings, load_mappings(world.project.seeds_dir), clients, now=datetime.now(UTC))
    except CrmSyncError as caught:
        error = caught
    finally:
        clients.close()
        control.clear_faults(world.state_dir, crm)
    assert not isinstance(error, Unexpected)
    assert error is None or error.message
