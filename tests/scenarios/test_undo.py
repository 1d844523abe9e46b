"""Undo: what a run wrote goes back where nobody has edited it since, the next sync leaves it so, and an undo of the
undo brings it about again."""

from __future__ import annotations

from typing import Any

import pytest
from fields import add_hubspot_property, add_salesforce_field
from people import hubspot_company, hubspot_deal, hubspot_person, salesforce_person
from world import Pair, World

from crm_sync.cycle import CycleOptions, CycleResult, run_cycle
from crm_sync.errors import ConfigError, GuardStop
from sandbox import control


def _undo(world: World, run_id: str, **options: Any) -> CycleResult:
    return run_cycle(world.settings, CycleOptions("undo", undoes=run_id, **options))


def _map_sets(world: World) -> None:
    """The default mapping, with a deal's contacts and a multi-select besides."""
    topics = ("art", "golf", "tea")
    add_hubspot_property(world, "contacts", "topics", "enumeration", "checkbox", topics)
    add_salesforce_field(world, "Contact", "Topics__c", "MultiselectPicklist", topics, visibleLines=4)
    world.use_own_seeds()
    world.seed(
        "field_mappings",
        *[row for row in world.seed_rows("field_mappings") if "OpportunityContactRole" not in row],
        "deal,associations.contacts,OpportunityContactRole.ContactId,two_way,,,,contact,,,",
        "contact,topics,Topics__c,two_way,union,,,,,,",
    )


def _sets(world: World, deal: Pair, person: Pair) -> tuple[set[str | None], set[str], set[str]]:
    """Contacts in roles of the opportunity, and the person's topics in HubSpot and in Salesforce."""
    roles = control.records(world.state_dir, "salesforce", "OpportunityContactRole")
    return (
        {role["ContactId"] for role in roles if role["OpportunityId"] == deal.salesforce_id},
        set(world.hubspot(person)["topics"].split(";")),
        set(world.salesforce(person)["Topics__c"].split(";")),
    )


def _skipped(result: CycleResult) -> set[tuple[str, tuple[str, ...]]]:
    assert result.undone is not None
    return {(one.record_id, one.fields) for one in result.undone.skipped}


def test_an_undone_run_stays_undone_and_can_be_done_again(world: World) -> None:
    _map_sets(world)
    linked = world.create(
        "contact",
        hubspot=hubspot_person("linked", jobtitle="Engineer", phone="1", city="Oslo", topics="art"),
        salesforce=salesforce_person("linked", Title="Engineer", Phone="1", MailingCity="Oslo", Topics__c="art"),
    )
    second = world.create("contact", hubspot=hubspot_person("second"), salesforce=salesforce_person("second"))
    deal = world.create("deal", hubspot=hubspot_deal("Big"))
    world.associate(deal, linked)
    world.sync()
    deal = world.linked(deal)
    assert _sets(world, deal, linked) == ({linked.salesforce_id}, {"art"}, {"art"})
    company = world.create("company", hubspot=hubspot_company("Umbra", "umbra.io", world.active_owner()))
    employer = {"associations.companies": company.hubspot_id}
    ours = world.create("contact", hubspot=hubspot_person("ours", jobtitle="Pilot", **employer))
    theirs = world.create("contact", salesforce=salesforce_person("theirs", Title="Nurse"))
    world.edit_hubspot(linked, jobtitle="Director", phone="2")
    world.edit_salesforce(linked, MailingCity="Bergen")
    # a set that one side has changed, and one that both have
    world.associate(deal, second)
    world.edit_hubspot(deal, amount="4321")
    at = world.moment(0)
    world.edit_hubspot(linked, at=at, topics="art;golf")
    world.edit_salesforce(linked, at=at, Topics__c="art;tea")
    world.wait_until(at)
    run = world.sync()
    assert _sets(world, deal, linked) == ({linked.salesforce_id, second.salesforce_id}, *[{"art", "golf", "tea"}] * 2)
    counterpart, copy = world.linked(ours), world.linked(theirs)
    account = world.linked(company)
    assert world.salesforce(counterpart)["AccountId"] == account.salesforce_id

    # somebody edits one of the two fields that the run wrote to Salesforce
    world.edit_salesforce(linked, Phone="3")
    world.api_writes()
    preview = _undo(world, run.run_id, pushes=False)
    assert preview.status == "planned"
    assert world.api_writes() == []
    undone = _undo(world, "last")
    assert undone.status == "succeeded"
    assert _skipped(undone) == _skipped(preview) == {(linked.salesforce_id, ("Phone",))}
    assert (world.salesforce(linked)["Title"], world.salesforce(linked)["Phone"]) == ("Engineer", "3")
    assert world.hubspot(linked)["city"] == "Oslo"
    assert _sets(world, deal, linked) == ({linked.salesforce_id}, {"art", "golf"}, {"art", "tea"})
    assert world.associated(deal, "contact") == {linked.hubspot_id, second.hubspot_id}
    assert world.count("contact") == (3, 3)
    assert world.count("company") == (1, 0)
    assert not world.hubspot(ours)["salesforce_record_id"]
    assert world.hubspot(linked)["salesforce_record_id"] == linked.salesforce_id
    rows = world.query("select command, status from sync_health.sync_runs order by started_at desc limit 1")
    assert rows == [("undo", "succeeded")]

    # the next sync carries the person's edit over, and does nothing again that was undone
    world.api_writes()
    world.sync()
    assert [(one["crm"], set(one["changes"])) for one in world.api_writes()] == [("hubspot", {"phone"})]
    assert (world.hubspot(linked)["phone"], world.hubspot(linked)["jobtitle"]) == ("3", "Director")
    world.assert_quiet()

    again = _undo(world, undone.run_id)
    assert _skipped(again) == set()
    assert world.salesforce(linked)["Title"] == "Director"
    assert world.hubspot(linked)["city"] == "Bergen"
    assert _sets(world, deal, linked) == ({linked.salesforce_id, second.salesforce_id}, *[{"art", "golf", "tea"}] * 2)
    assert world.count("contact") == (4, 4)
    assert world.count("company") == (1, 1)
    reborn = world.linked(ours)
    assert reborn.salesforce_id != counterpart.salesforce_id
    assert world.salesforce(reborn)["Title"] == "Pilot"
    assert world.salesforce(reborn)["AccountId"] == world.linked(company).salesforce_id
    assert world.hubspot(world.linked(theirs))["jobtitle"] == "Nurse"
    assert world.linked(theirs).hubspot_id != copy.hubspot_id
    world.assert_quiet()

    # and both sides are in step as before
    world.edit_hubspot(ours, jobtitle="Captain")
    world.edit_salesforce(linked, Title="Chair")
    world.sync()
    assert world.salesforce(reborn)["Title"] == "Captain"
    assert world.hubspot(linked)["jobtitle"] == "Chair"
    world.assert_quiet()


def test_an_undo_keeps_what_people_have_built_on_and_obeys_the_limits(world: World) -> None:
    owner = world.active_owner()
    companies = [world.create("company", hubspot=hubspot_company(f"Firm {n}", f"firm{n}.io", owner)) for n in range(3)]
    run = world.sync()
    built_on, edited, alone = [world.linked(company) for company in companies]
    assert built_on.salesforce_id
    person = control.create(
        world.state_dir, "salesforce", "Contact", {"LastName": "Late", "AccountId": built_on.salesforce_id}
    )
    world.edit_salesforce(edited, Industry="Banking")
    world.use_own_seeds()
    world.seed("push_limits", "salesforce,company,archive,0,,")
    world.api_writes()
    with pytest.raises(GuardStop, match=r"salesforce\.company\.archive"):
        _undo(world, run.run_id)
    assert world.api_writes() == []
    undone = _undo(world, run.run_id, accepted=["salesforce.company.archive"])
    assert _skipped(undone) == {(built_on.salesforce_id, ()), (edited.salesforce_id, ())}
    names = {record["Name"] for record in control.records(world.state_dir, "salesforce", "Account")}
    assert names == {"Firm 0", "Firm 1"}
    assert control.show(world.state_dir, "salesforce", "Contact", person["Id"])["AccountId"] == built_on.salesforce_id
    assert not world.hubspot(alone)["salesforce_record_id"]
    assert world.hubspot(edited)["salesforce_record_id"] == edited.salesforce_id
    with pytest.raises(ConfigError, match="There is no run nonsense"):
        _undo(world, "nonsense")
    world.sync()
    world.assert_quiet()


def test_an_undone_value_is_decided_again_when_its_mapping_is_corrected(world: World) -> None:
    """The usual story: a row was wrong, its run is undone, the row is corrected."""
    world.use_own_seeds()
    pair = _titled(world)
    rows = world.seed_rows("field_mappings")
    wrong = [row.replace("contact,jobtitle,Title,prefer_salesforce", "contact,jobtitle,Title,always_hubspot")
             for row in rows]  # fmt: skip
    assert wrong != rows
    world.seed("field_mappings", *wrong)
    run = world.sync()
    assert world.salesforce(pair)["Title"] == "H"
    _undo(world, run.run_id)
    assert world.salesforce(pair)["Title"] == "S"
    world.assert_quiet()
    world.seed("field_mappings", *rows)
    world.sync()
    assert world.hubspot(pair)["jobtitle"] == "S"
    world.assert_quiet()


def _titled(world: World) -> Pair:
    return world.create(
        "contact", hubspot=hubspot_person("one", jobtitle="H"), salesforce=salesforce_person("one", Title="S")
    )
