"""References between records: the primary company, sets of contacts, parents that are late or never come."""

from __future__ import annotations

from people import hubspot_company, hubspot_deal, hubspot_person, salesforce_deal, salesforce_person
from world import Pair, World

from sandbox import control

CONTACTS = "deal,associations.contacts,OpportunityContactRole.ContactId,two_way,,,,contact,,,"


def test_contacts_of_a_deal_and_contact_roles_merge_as_a_set(world: World) -> None:
    _map_contacts(world)
    people = [_person(world, name) for name in ("ann", "bob", "cleo", "dan")]
    ann, bob, cleo, dan = people
    from_hubspot = world.create("deal", hubspot=hubspot_deal("From HubSpot"))
    from_salesforce = world.create("deal", salesforce=salesforce_deal("From Salesforce"))
    world.associate(from_hubspot, ann)
    world.associate(from_hubspot, bob)
    _add_role(world, from_salesforce, cleo)
    result = world.sync()
    assert result.status == "succeeded"
    from_hubspot, from_salesforce = world.linked(from_hubspot), world.linked(from_salesforce)
    assert _members(world, from_hubspot) == (_hubspot(ann, bob), _salesforce(ann, bob))
    assert _members(world, from_salesforce) == (_hubspot(cleo), _salesforce(cleo))

    # both sides add, and both take away: everything of it happens, and nothing else
    world.associate(from_hubspot, ann, remove=True)
    world.associate(from_hubspot, cleo)
    _remove_role(world, from_hubspot, bob)
    _add_role(world, from_hubspot, dan)
    _touch(world, from_hubspot)
    world.sync()
    assert _members(world, from_hubspot) == (_hubspot(cleo, dan), _salesforce(cleo, dan))
    assert world.decision(from_hubspot, "associations.contacts")["change_state"] in ("conflict", "agreed")

    # one side empties it
    _remove_role(world, from_hubspot, cleo)
    _remove_role(world, from_hubspot, dan)
    world.sync()
    assert _members(world, from_hubspot) == (set(), set())
    world.assert_quiet()


def test_directions_decide_where_only_one_side_changed_a_set(world: World) -> None:
    _map_contacts(world, direction="always_salesforce")
    ann, bob = _person(world, "ann"), _person(world, "bob")
    deal = world.create("deal", hubspot=hubspot_deal("Big"))
    world.sync()
    deal = world.linked(deal)
    _add_role(world, deal, ann)
    world.sync()
    world.associate(deal, bob)
    world.associate(deal, ann, remove=True)
    _touch(world, deal)
    world.sync()
    assert _members(world, deal) == (_hubspot(ann), _salesforce(ann))
    world.assert_quiet()


def test_a_member_without_a_counterpart_stays_where_it_is_and_follows_when_it_arrives(world: World) -> None:
    _map_contacts(world)
    ann = _person(world, "ann")
    outside = world.create("contact", hubspot=hubspot_person("outside", lifecyclestage="subscriber"))
    deal = world.create("deal", hubspot=hubspot_deal("Big"))
    for person in (ann, outside):
        world.associate(deal, person)
    world.sync()
    deal = world.linked(deal)
    assert _members(world, deal) == ({ann.hubspot_id, outside.hubspot_id}, _salesforce(ann))
    _remove_role(world, deal, ann)
    world.sync()
    assert _members(world, deal) == ({outside.hubspot_id}, set())

    world.edit_hubspot(outside, lifecyclestage="customer")
    world.sync()
    arrived = world.linked(outside)
    assert _members(world, deal) == (_hubspot(arrived), _salesforce(arrived))
    world.assert_quiet()


def test_members_and_their_deal_may_be_created_in_one_run(world: World) -> None:
    _map_contacts(world)
    ann = world.create("contact", hubspot=hubspot_person("ann"))
    bob = world.create("contact", salesforce=salesforce_person("bob"))
    one = world.create("deal", hubspot=hubspot_deal("From HubSpot"))
    other = world.create("deal", salesforce=salesforce_deal("From Salesforce"))
    world.associate(one, ann)
    _add_role(world, other, bob)
    world.sync()
    one, other, ann, bob = (world.linked(pair) for pair in (one, other, ann, bob))
    assert _members(world, one) == (_hubspot(ann), _salesforce(ann))
    assert _members(world, other) == (_hubspot(bob), _salesforce(bob))
    world.assert_quiet()


def test_changes_of_associations_alone_are_seen(world: World) -> None:
    world.use_own_seeds()
    acme, zenith = _company(world, "Acme"), _company(world, "Zenith")
    person = _person(world, "ann")
    world.edit_hubspot(person, **{"associations.companies": acme.hubspot_id})
    world.sync()
    acme, zenith = world.linked(acme), world.linked(zenith)
    assert world.salesforce(person)["AccountId"] == acme.salesforce_id

    world.edit_hubspot(person, **{"associations.companies": zenith.hubspot_id})
    _set_refresh(world, 0)  # the next sync reads the associations of all linked records again
    world.sync()
    assert world.salesforce(person)["AccountId"] == zenith.salesforce_id

    world.edit_hubspot(person, **{"associations.companies": None})
    world.sync()
    assert world.salesforce(person)["AccountId"] is None
    rows = world.query("select winner, reason from merging.field_decisions where salesforce_field = 'AccountId'")
    assert ("hubspot", "edited_in_hubspot") in rows
    world.assert_quiet()


def test_a_child_waits_for_its_parent_and_follows_when_it_arrives(world: World) -> None:
    """The company has a namesake, so nobody knows which account it is: it waits, and with it who refers to it."""
    twins = [_company(world, "Twin", domain=None) for _ in range(2)]
    child = world.create("contact", hubspot=hubspot_person("child", **{"associations.companies": twins[0].hubspot_id}))
    known = _person(world, "known")
    world.sync()
    assert not world.is_linked(child)
    assert world.query("select count(*) from sync_health.sync_errors") == [(0,)]
    world.edit_hubspot(known, jobtitle="Director", **{"associations.companies": twins[0].hubspot_id})
    world.sync()
    assert world.salesforce(known)["Title"] == "Director"
    assert world.salesforce(known)["AccountId"] is None

    control.delete(world.state_dir, "hubspot", "companies", str(twins[1].hubspot_id))
    world.sync()
    account = world.linked(twins[0])
    assert world.salesforce(world.linked(child))["AccountId"] == account.salesforce_id
    assert world.salesforce(known)["AccountId"] == account.salesforce_id
    world.assert_quiet()


def test_a_parent_out_of_scope_leaves_the_reference_undecided(world: World) -> None:
    unowned = world.create("company", hubspot={"name": "Unowned", "domain": "unowned.example.net"})
    child = world.create(
        "contact", hubspot=hubspot_person("child", **{"associations.companies": unowned.hubspot_id}, jobtitle="VP")
    )
    world.sync()
    child = world.linked(child)
    assert world.salesforce(child)["Title"] == "VP"
    assert world.salesforce(child)["AccountId"] is None
    assert world.associated(child, "company") == {unowned.hubspot_id}
    world.edit_hubspot(unowned, hubspot_owner_id=world.active_owner())
    world.sync()
    assert world.salesforce(child)["AccountId"] == world.linked(unowned).salesforce_id
    world.assert_quiet()


def test_a_refused_parent_blocks_the_reference_and_nothing_else(world: World) -> None:
    control.change_metadata(
        world.state_dir, "salesforce", validation_rule="no_wizards", object="Account",
        when="Name LIKE 'Wizard%'", message="No wizards.", on=True,
    )  # fmt: skip
    known = _person(world, "known")
    world.sync()
    wizard = _company(world, "Wizard")
    world.edit_hubspot(known, jobtitle="Apprentice", **{"associations.companies": wizard.hubspot_id})
    world.sync()
    assert world.salesforce(known)["Title"] == "Apprentice"
    assert world.salesforce(known)["AccountId"] is None
    errors = world.query("select object, status from sync_health.sync_errors")
    assert errors == [("company", "open")]
    control.change_metadata(world.state_dir, "salesforce", validation_rule="no_wizards", on=False)
    world.edit_hubspot(wizard, name="Wizards")
    world.sync()
    assert world.salesforce(known)["AccountId"] == world.linked(wizard).salesforce_id
    world.assert_quiet()


def _map_contacts(world: World, direction: str = "two_way") -> None:
    world.use_own_seeds()
    rows = [row for row in world.seed_rows("field_mappings") if "OpportunityContactRole" not in row]
    world.seed("field_mappings", *rows, CONTACTS.replace("two_way", direction))


def _set_refresh(world: World, minutes: int) -> None:
    world.use_own_macros()
    path = world.project.dbt_dir / "dbt_project.yml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("association_refresh_minutes: 60", f"association_refresh_minutes: {minutes}"))


def _touch(world: World, deal: Pair) -> None:
    """Something else changes too, so that the record is read again, and its associations with it."""
    world.edit_hubspot(deal, amount="4321")


def _person(world: World, name: str) -> Pair:
    return world.create("contact", hubspot=hubspot_person(name), salesforce=salesforce_person(name))


def _company(world: World, name: str, domain: str | None = "") -> Pair:
    host = f"{name.lower()}.example.net" if domain == "" else domain
    return world.create("company", hubspot=hubspot_company(name, host, world.active_owner()))


def _add_role(world: World, deal: Pair, person: Pair) -> None:
    values = {"OpportunityId": deal.salesforce_id, "ContactId": person.salesforce_id}
    control.create(world.state_dir, "salesforce", "OpportunityContactRole", values)


def _remove_role(world: World, deal: Pair, person: Pair) -> None:
    for role in _roles(world, deal):
        if role["ContactId"] == person.salesforce_id:
            control.delete(world.state_dir, "salesforce", "OpportunityContactRole", role["Id"])


def _roles(world: World, deal: Pair) -> list[dict[str, str]]:
    roles = control.records(world.state_dir, "salesforce", "OpportunityContactRole")
    return [role for role in roles if role["OpportunityId"] == deal.salesforce_id]


def _members(world: World, deal: Pair) -> tuple[set[str], set[str]]:
    return world.associated(deal, "contact"), {role["ContactId"] for role in _roles(world, deal)}


def _hubspot(*pairs: Pair) -> set[str | None]:
    return {pair.hubspot_id for pair in pairs}


def _salesforce(*pairs: Pair) -> set[str | None]:
    return {pair.salesforce_id for pair in pairs}
