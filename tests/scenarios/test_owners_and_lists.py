"""Owners are the same person by e-mail or by a row; a HubSpot list decides who may write."""

from __future__ import annotations

from people import hubspot_person
from world import Pair, World

from sandbox import control

STRANGER = "stranger@elsewhere.example"


def test_owners_by_email_and_by_row_and_records_by_their_list(world: World) -> None:
    world.use_own_seeds()
    world.seed("inclusion_rules", "contact,hubspot,1,,in_list,Sync me,", "contact,hubspot,2,jobtitle,equals,CEO,")
    control.load(world.state_dir, "hubspot", {"owners": [_owner("991", STRANGER)]})
    member = world.create("contact", hubspot=hubspot_person("member", hubspot_owner_id=world.active_owner()))
    chief = world.create("contact", hubspot=hubspot_person("chief", jobtitle="CEO"))
    outsider = world.create("contact", hubspot=hubspot_person("outsider"))
    strange = world.create("contact", hubspot=hubspot_person("strange", hubspot_owner_id="991"))
    _members(world, member, strange)
    world.sync()
    assert not world.is_linked(outsider)
    member, chief, strange = (world.linked(pair) for pair in (member, chief, strange))
    rep = _user(world, world.salesforce(member)["OwnerId"])
    assert (rep["IsActive"], rep["Id"]) == (True, world.salesforce(member)["OwnerId"])
    # nobody in Salesforce has the stranger's address: the record goes without, and says so
    kept = world.salesforce(strange)["OwnerId"]
    assert [issue["field"] for issue in world.issues("unmapped_owner")] == ["OwnerId"]

    # a row for the owner, and another list: neither moves a time of a record
    world.seed("owner_mappings", f"{STRANGER},{rep['Username']},")
    _members(world, strange, outsider)
    world.edit_hubspot(member, city="Rome")
    world.sync()
    assert world.salesforce(strange)["OwnerId"] == rep["Id"] != kept
    assert world.hubspot(strange)["hubspot_owner_id"] == "991"
    assert world.issues("unmapped_owner") == []  # the row concerns nobody else's owner
    assert world.salesforce(world.linked(outsider))["LastName"] == "outsider"
    assert world.salesforce(member)["MailingCity"] is None  # it has left the list, and its link stays
    world.edit_salesforce(member, MailingCity="Oslo")
    world.sync()
    assert world.hubspot(member)["city"] == "Oslo"  # it may still be written to

    # back in the list: what was edited while it was outside counts as edited
    world.edit_hubspot(member, city="Bergen")
    world.sync()
    assert world.salesforce(member)["MailingCity"] == "Oslo"
    _members(world, strange, outsider, member)
    world.sync()
    assert world.salesforce(member)["MailingCity"] == "Bergen"
    world.assert_quiet()


def _owner(owner_id: str, email: str) -> dict[str, object]:
    name = {"firstName": "Sam", "lastName": "Stranger"}
    return {"id": owner_id, "userId": int(owner_id), "email": email, "type": "PERSON", "archived": False, **name}


def _members(world: World, *pairs: Pair) -> None:
    ids = [pair.hubspot_id for pair in pairs]
    control.load(world.state_dir, "hubspot", {"lists": [{"listId": "7", "name": "Sync me", "memberships": ids}]})


def _user(world: World, user_id: str) -> dict[str, str]:
    return next(user for user in control.records(world.state_dir, "salesforce", "User") if user["Id"] == user_id)
