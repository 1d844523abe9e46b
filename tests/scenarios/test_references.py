"""References between records: the primary company, sets of contacts, parents that are late or never come.

In lock-step: those with a two-way set of contacts, and those that read all associations again in every sync.
"""

from __future__ import annotations

from lockstep import Group, Share, Steps
from people import hubspot_company, hubspot_deal, hubspot_person, salesforce_deal, salesforce_person
from world import Pair, World

from sandbox import control

CONTACTS = "deal,associations.contacts,OpportunityContactRole.ContactId,{direction},,,,contact,,,"


def map_contacts(world: World, direction: str = "two_way") -> None:
    world.use_own_seeds()
    rows = [row for row in world.seed_rows("field_mappings") if "OpportunityContactRole" not in row]
    world.seed("field_mappings", *rows, CONTACTS.format(direction=direction))


def read_associations_every_time(world: World) -> None:
    map_contacts(world, direction="always_salesforce")
    world.use_own_macros()
    path = world.project.dbt_dir / "dbt_project.yml"
    text = path.read_text(encoding="utf-8")
    assert "association_refresh_minutes: 60" in text
    path.write_text(text.replace("association_refresh_minutes: 60", "association_refresh_minutes: 0"))


SETS = Group("references_in_sets", map_contacts)
PARENTS = Group("references_to_parents", read_associations_every_time)


@SETS.scenario
def test_contacts_of_a_deal_and_contact_roles_merge_as_a_set(world: Share) -> Steps:
    people = [_person(world, name) for name in ("ann", "bob", "cleo", "dan")]
    ann, bob, cleo, dan = people
    from_hubspot = world.create("deal", hubspot=hubspot_deal(world.own("From HubSpot")))
    from_salesforce = world.create("deal", salesforce=salesforce_deal(world.own("From Salesforce")))
    world.associate(from_hubspot, ann)
    world.associate(from_hubspot, bob)
    _add_role(world, from_salesforce, cleo)
    result = yield
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
    yield
    assert _members(world, from_hubspot) == (_hubspot(cleo, dan), _salesforce(cleo, dan))
    assert world.decision(from_hubspot, "associations.contacts")["change_state"] in ("conflict", "agreed")

    # one side empties it
    _remove_role(world, from_hubspot, cleo)
    _remove_role(world, from_hubspot, dan)
    yield
    assert _members(world, from_hubspot) == (set(), set())


@PARENTS.scenario
def test_directions_decide_where_only_one_side_changed_a_set(world: Share) -> Steps:
    ann, bob = _person(world, "ann"), _person(world, "bob")
    deal = world.create("deal", hubspot=hubspot_deal(world.own("Big")))
    yield
    deal = world.linked(deal)
    _add_role(world, deal, ann)
    yield
    world.associate(deal, bob)
    world.associate(deal, ann, remove=True)
    _touch(world, deal)
    yield
    assert _members(world, deal) == (_hubspot(ann), _salesforce(ann))


@SETS.scenario
def test_a_member_without_a_counterpart_stays_where_it_is_and_follows_when_it_arrives(world: Share) -> Steps:
    ann = _person(world, "ann")
    outside = world.create("contact", hubspot=hubspot_person(world.own("outside"), lifecyclestage="subscriber"))
    deal = world.create("deal", hubspot=hubspot_deal(world.own("Big")))
    for person in (ann, outside):
        world.associate(deal, person)
    yield
    deal = world.linked(deal)
    assert _members(world, deal) == ({ann.hubspot_id, outside.hubspot_id}, _salesforce(ann))
    _remove_role(world, deal, ann)
    yield
    assert _members(world, deal) == ({outside.hubspot_id}, set())

    world.edit_hubspot(outside, lifecyclestage="customer")
    yield
    arrived = world.linked(outside)
    assert _members(world, deal) == (_hubspot(arrived), _salesforce(arrived))


@SETS.scenario
def test_members_and_their_deal_may_be_created_in_one_run(world: Share) -> Steps:
    ann = world.create("contact", hubspot=hubspot_person(world.own("ann")))
    bob = world.create("contact", salesforce=salesforce_person(world.own("bob")))
    one = world.create("deal", hubspot=hubspot_deal(world.own("From HubSpot")))
    other = world.create("deal", salesforce=salesforce_deal(world.own("From Salesforce")))
    world.associate(one, ann)
    _add_role(world, other, bob)
    yield
    one, other, ann, bob = (world.linked(pair) for pair in (one, other, ann, bob))
    assert _members(world, one) == (_hubspot(ann), _salesforce(ann))
    assert _members(world, other) == (_hubspot(bob), _salesforce(bob))


@PARENTS.scenario
def test_changes_of_associations_alone_are_seen(world: Share) -> Steps:
    acme, zenith = _company(world, "Acme"), _company(world, "Zenith")
    person = _person(world, "ann")
    world.edit_hubspot(person, **{"associations.companies": acme.hubspot_id})
    yield
    acme, zenith = world.linked(acme), world.linked(zenith)
    assert world.salesforce(person)["AccountId"] == acme.salesforce_id

    world.edit_hubspot(person, **{"associations.companies": zenith.hubspot_id})
    yield
    assert world.salesforce(person)["AccountId"] == zenith.salesforce_id

    world.edit_hubspot(person, **{"associations.companies": None})
    yield
    assert world.salesforce(person)["AccountId"] is None
    decision = world.decision(person, "associations.companies")
    assert (decision["winner"], decision["reason"]) == ("hubspot", "edited_in_hubspot")


@PARENTS.scenario
def test_a_child_waits_for_its_parent_and_follows_when_it_arrives(world: Share) -> Steps:
    """The company has a namesake, so nobody knows which account it is: it waits, and with it who refers to it."""
    twins = [_company(world, "Twin", domain=None) for _ in range(2)]
    employer = {"associations.companies": twins[0].hubspot_id}
    child = world.create("contact", hubspot=hubspot_person(world.own("child"), **employer))
    known = _person(world, "known")
    yield
    assert not world.is_linked(child)
    assert world.own_rows("select hubspot_id, salesforce_id from sync_health.sync_errors") == []
    world.edit_hubspot(known, jobtitle="Director", **employer)
    yield
    assert world.salesforce(known)["Title"] == "Director"
    assert world.salesforce(known)["AccountId"] is None

    control.delete(world.state_dir, "hubspot", "companies", str(twins[1].hubspot_id))
    yield
    account = world.linked(twins[0])
    assert world.salesforce(world.linked(child))["AccountId"] == account.salesforce_id
    assert world.salesforce(known)["AccountId"] == account.salesforce_id


@PARENTS.scenario
def test_a_parent_out_of_scope_leaves_the_reference_undecided(world: Share) -> Steps:
    unowned = world.create("company", hubspot={"name": world.own("Unowned"), "domain": f"{world.own('unowned')}.net"})
    employer = {"associations.companies": unowned.hubspot_id}
    child = world.create("contact", hubspot=hubspot_person(world.own("child"), jobtitle="VP", **employer))
    yield
    child = world.linked(child)
    assert world.salesforce(child)["Title"] == "VP"
    assert world.salesforce(child)["AccountId"] is None
    assert world.associated(child, "company") == {unowned.hubspot_id}
    world.edit_hubspot(unowned, hubspot_owner_id=world.active_owner())
    yield
    assert world.salesforce(child)["AccountId"] == world.linked(unowned).salesforce_id


@PARENTS.scenario
def test_a_refused_parent_blocks_the_reference_and_nothing_else(world: Share) -> Steps:
    control.change_metadata(
        world.state_dir, "salesforce", validation_rule="no_wizards", object="Account",
        when="Name LIKE 'Wizard%'", message="No wizards.", on=True,
    )  # fmt: skip
    known = _person(world, "known")
    yield
    wizard = _company(world, "Wizard")
    world.edit_hubspot(known, jobtitle="Apprentice", **{"associations.companies": wizard.hubspot_id})
    yield
    assert world.salesforce(known)["Title"] == "Apprentice"
    assert world.salesforce(known)["AccountId"] is None
    errors = world.own_rows("select object, status, hubspot_id from sync_health.sync_errors")
    assert errors == [("company", "open", wizard.hubspot_id)]
    control.change_metadata(world.state_dir, "salesforce", validation_rule="no_wizards", on=False)
    world.edit_hubspot(wizard, name=world.own("Wizards"))
    yield
    assert world.salesforce(known)["AccountId"] == world.linked(wizard).salesforce_id


def _touch(world: Share, deal: Pair) -> None:
    """Something else changes too, so that the record is read again, and its associations with it."""
    world.edit_hubspot(deal, amount="4321")


def _person(world: Share, name: str) -> Pair:
    return world.create("contact", hubspot_person(world.own(name)), salesforce_person(world.own(name)))


def _company(world: Share, name: str, domain: str | None = "") -> Pair:
    host = f"{world.own(name).lower()}.net" if domain == "" else domain
    return world.create("company", hubspot=hubspot_company(world.own(name), host, world.active_owner()))


def _add_role(world: Share, deal: Pair, person: Pair) -> None:
    values = {"OpportunityId": deal.salesforce_id, "ContactId": person.salesforce_id}
    control.create(world.state_dir, "salesforce", "OpportunityContactRole", values)


def _remove_role(world: Share, deal: Pair, person: Pair) -> None:
    for role in _roles(world, deal):
        if role["ContactId"] == person.salesforce_id:
            control.delete(world.state_dir, "salesforce", "OpportunityContactRole", role["Id"])


def _roles(world: Share, deal: Pair) -> list[dict[str, str]]:
    roles = control.records(world.state_dir, "salesforce", "OpportunityContactRole")
    return [role for role in roles if role["OpportunityId"] == deal.salesforce_id]


def _members(world: Share, deal: Pair) -> tuple[set[str], set[str]]:
    return world.associated(deal, "contact"), {role["ContactId"] for role in _roles(world, deal)}


def _hubspot(*pairs: Pair) -> set[str | None]:
    return {pair.hubspot_id for pair in pairs}


def _salesforce(*pairs: Pair) -> set[str | None]:
    return {pair.salesforce_id for pair in pairs}
