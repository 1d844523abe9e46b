"""A new mapping takes effect on all linked records, previewed, guarded, and resumed where it stopped."""

from __future__ import annotations

from typing import Any

import pytest
from people import hubspot_person, salesforce_person
from world import World

from crm_sync.clients import SalesforceClient
from crm_sync.errors import GuardStop

PLAIN = (
    "contact,firstname,FirstName,prefer_salesforce,,,,,,,",
    "contact,lastname,LastName,prefer_salesforce,,,,,,,",
    "contact,email,Email,two_way,,,,,,,",
)


def test_a_new_mapping_fills_all_linked_records_and_survives_guard_and_crash(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.use_own_seeds()
    world.seed("field_mappings", *PLAIN)
    world.seed("push_limits", "salesforce,contact,update,5,,")
    pairs = [
        world.create(
            "contact",
            hubspot=hubspot_person(f"n{i}", jobtitle=f"H{i}"),
            salesforce=salesforce_person(f"n{i}", Title=f"S{i}" if i % 2 else None),
        )
        for i in range(8)
    ]
    world.sync(accepted=["all"])
    assert world.salesforce(pairs[1])["Title"] == "S1"
    world.api_writes()  # from here on only what follows counts

    # the plan shows its size before anything is written
    world.seed("field_mappings", *PLAIN, "contact,jobtitle,Title,prefer_hubspot,,,,,,,")
    planned = world.plan().plan
    assert planned is not None
    assert planned.counts == {("salesforce", "contact", "update"): 8}
    reasons = {change.reason for operation in planned.operations for change in operation.changes}
    assert reasons == {"first_sync_prefer_hubspot", "first_sync_only_value"}

    # the guard stops it, and nothing was pushed
    with pytest.raises(GuardStop):
        world.sync()
    assert world.api_writes() == []

    # the process dies after Salesforce has taken the batch and before its answer was kept
    update = SalesforceClient.collections_update

    def dies(self: SalesforceClient, *arguments: Any, **named: Any) -> Any:
        update(self, *arguments, **named)
        raise SystemExit(137)

    with monkeypatch.context() as patch:
        patch.setattr(SalesforceClient, "collections_update", dies)
        with pytest.raises(SystemExit):
            world.sync(accepted=["salesforce.contact.update"])
    assert len(world.api_writes()) == 8
    world.sync()
    assert world.api_writes() == []  # what had arrived was found by reading, and not sent again
    assert [world.salesforce(pair)["Title"] for pair in pairs] == [f"H{i}" for i in range(8)]
    world.assert_quiet()
