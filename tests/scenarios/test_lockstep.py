"""Scenarios in lock-step fail alone, and notice what a sync writes unasked. The syncs here are stand-ins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from lockstep import Group, Outcome, Share, Steps
from people import hubspot_person
from world import World

from crm_sync.clients import build_clients
from crm_sync.clients.hubspot import BatchOperation
from crm_sync.cycle import CycleResult
from reverse_etl.report import PushReport
from sandbox import control


class Scripted(World):
    """A world whose syncs only do what a test wants of each: no cycle is run."""

    def __init__(self, world: World, *acts: Callable[[World], None] | None) -> None:
        super().__init__(world.state_dir, world.folder)
        self.acts = list(acts)
        self.syncs = 0
        self.options: list[dict[str, object]] = []

    def sync(self, **options: object) -> CycleResult:
        act = self.acts[self.syncs] if self.syncs < len(self.acts) else None
        self.syncs += 1
        self.options.append(options)
        if act:
            act(self)
        return CycleResult(run_id=str(self.syncs), command="sync", pushed=PushReport((), {}, 0.0))


def run(world: World, *scenarios: Callable[[Share], Steps]) -> Outcome:
    group = Group("lockstep")
    for scenario in scenarios:
        group.scenario(scenario)
    return group.run(world, group.scenarios)


def short(world: Share) -> Steps:
    world.create("contact", hubspot=hubspot_person(world.own("short")))
    result = yield
    assert result.run_id == "1"
    assert world.count("contact") == (1, 0)


def long(world: Share) -> Steps:
    world.create("contact", hubspot=hubspot_person(world.own("long")))
    yield
    yield {"full": True}
    result = yield
    assert result.run_id == "3"


def wrong(world: Share) -> Steps:
    world.create("contact", hubspot=hubspot_person(world.own("wrong")))
    yield
    assert world.count("contact") == (2, 0)


def writing(method: BatchOperation, **properties: str) -> Callable[[World], None]:
    """What a sync may do to HubSpot: create a contact, or update that of the short scenario."""

    def act(world: World) -> None:
        contacts = control.records(world.state_dir, "hubspot", "contacts")
        mine = [one["id"] for one in contacts if one["properties"]["lastname"].startswith("short")]
        item: dict[str, Any] = {"properties": properties} | ({"id": mine[0]} if method == "update" else {})
        clients = build_clients(world.settings)
        clients.hubspot.batch("contacts", method, [item])
        clients.close()

    return act


def failing(world: World) -> None:
    raise RuntimeError("no sync")


def test_scenarios_share_their_syncs_and_the_last_one_is_for_all(empty_world: World) -> None:
    world = Scripted(empty_world)
    assert run(world, short, long) == {}
    assert world.options == [{}, {"full": True}, {}, {}]


def test_a_scenario_that_fails_fails_alone(empty_world: World) -> None:
    world = Scripted(empty_world)
    outcome = run(world, short, wrong, long)
    assert list(outcome) == ["wrong"]
    assert isinstance(outcome["wrong"], AssertionError)
    assert world.syncs == 4


def test_a_sync_that_fails_fails_all(empty_world: World) -> None:
    outcome = run(Scripted(empty_world, None, failing), short, long)
    assert {name: str(error) for name, error in outcome.items()} == {"short": "no sync", "long": "no sync"}


@pytest.mark.parametrize("number", [1, 3])
def test_a_sync_after_the_end_of_a_scenario_has_to_leave_its_records_alone(empty_world: World, number: int) -> None:
    acts = [writing("update", jobtitle="Director") if number == n else None for n in range(4)]
    outcome = run(Scripted(empty_world, *acts), short, long)
    assert list(outcome) == ["short"]
    assert "Director" in str(outcome["short"])


@pytest.mark.parametrize("number", [0, 3])
def test_a_record_that_is_nobodys_fails_all(empty_world: World, number: int) -> None:
    acts = [writing("create", email="stranger@northwind-traders.io") if number == n else None for n in range(4)]
    outcome = run(Scripted(empty_world, *acts), short, long)
    assert set(outcome) == {"short", "long"}
    assert "stranger@" in str(outcome["long"])


def test_only_generators_are_scenarios_of_a_group() -> None:
    with pytest.raises(TypeError, match="never yields"):
        Group("lockstep").scenario(lambda world: None)  # type: ignore[arg-type,return-value]
