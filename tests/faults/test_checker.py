"""The soak's judge finds what it is there to find."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from soak_checker import Checker
from soak_people import Edit, Office
from world import World

from crm_sync.clients import build_clients
from sandbox import control

KEY = "thing@northwind-traders.io"


@pytest.fixture
def office(world: World) -> Office:
    """One contact on both sides, in agreement, as a person's edit and its delivery would leave it."""
    office = Office(world, Random(1))
    world.create(
        "contact",
        hubspot={"email": KEY, "lastname": "x", "jobtitle": "A"},
        salesforce={"Email": KEY, "LastName": "x", "Title": "A"},
    )
    office.things.append(("contact", KEY))
    office.edits.append(Edit(1, "hubspot", "contact", KEY, 0, "A"))
    return office


def _faults(office: Office, *attempts: dict[str, Any], conflicts: tuple[Any, ...] = ()) -> str:
    return "\n".join(Checker(office, {"attempts": list(attempts), "conflicts": list(conflicts)}).faults())


def _ids(office: Office) -> dict[str, str]:
    return {crm: str(one.get("id") or one["Id"]) for crm in control.CRMS for one in office.find(crm, "contact", KEY)}


def _write(office: Office, title: str) -> None:
    """The sync's own user writes to Salesforce."""
    clients = build_clients(office.world.settings)
    clients.salesforce.update_record("Contact", _ids(office)["salesforce"], {"Title": title})
    clients.close()


def _attempt(office: Office, new: str, old: str | None, outcome: str | None = "succeeded") -> dict[str, Any]:
    record_id = _ids(office)["salesforce"]
    return {
        "id": "a", "target": "salesforce", "object": "contact", "operation": "update", "record_id": record_id,
        "hubspot_id": None, "salesforce_id": record_id, "changes": {"Title": new}, "previous": {"Title": old},
        "outcome": outcome,
    }  # fmt: skip


def test_nothing_is_found_where_nothing_is_wrong(office: Office) -> None:
    assert _faults(office) == ""


def test_a_missing_copy_and_a_second_one_are_found(office: Office) -> None:
    office.world.create("contact", salesforce={"Email": KEY, "LastName": "twin"})
    assert "{'hubspot': 1, 'salesforce': 2} living records" in _faults(office)
    office.things.append(("deal", "nowhere"))
    assert "deal nowhere: {'hubspot': 0, 'salesforce': 0}" in _faults(office)


def test_disagreement_and_a_lost_edit_are_found_unless_a_conflict_tells_of_it(office: Office) -> None:
    control.edit(office.world.state_dir, "salesforce", "Contact", _ids(office)["salesforce"], {"Title": "B"})
    assert "jobtitle: HubSpot has 'A', Salesforce 'B'" in _faults(office)
    control.edit(office.world.state_dir, "hubspot", "contacts", _ids(office)["hubspot"], {"jobtitle": "B"})
    assert "lost: hubspot contact" in _faults(office)
    assert _faults(office, conflicts=(("contact", "jobtitle", "A", "B"),)) == ""


def test_a_write_that_was_not_decided_and_one_over_something_unseen_are_found(office: Office) -> None:
    _write(office, "B")
    control.edit(office.world.state_dir, "hubspot", "contacts", _ids(office)["hubspot"], {"jobtitle": "B"})
    office.edits.append(Edit(2, "hubspot", "contact", KEY, 0, "B"))
    assert "undecided: salesforce Contact" in _faults(office)
    assert "undecided" in _faults(office, _attempt(office, "C", "A"))
    assert "overwritten unseen: salesforce Contact" in _faults(office, _attempt(office, "B", "Z"))
    assert _faults(office, _attempt(office, "B", "A")) == ""
    assert "1 attempts have no outcome" in _faults(office, _attempt(office, "B", "A", outcome=None))
