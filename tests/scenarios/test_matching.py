"""Which records are linked, which are created, and which are nobody's business: nothing is guessed or doubled."""

from __future__ import annotations

from people import email, hubspot_company, hubspot_person, salesforce_person
from world import Pair, World

from crm_sync.clients import build_clients
from sandbox import control


def test_people_are_matched_by_email_whatever_its_case(world: World) -> None:
    mixed = world.create(
        "contact",
        hubspot=hubspot_person("Lovelace", email="ada.lovelace@northwind-traders.io"),
        salesforce=salesforce_person("Lovelace", Email="Ada.Lovelace@Northwind-Traders.io"),
    )
    second_address = world.create(
        "contact",
        hubspot=hubspot_person("Hopper", hs_additional_emails=email("grace")),
        salesforce=salesforce_person("Hopper", Email=email("grace")),
    )
    world.sync()
    assert world.count("contact") == (2, 2)
    for pair in (mixed, second_address):
        assert world.linked(pair) == pair
        assert world.hubspot(pair)["salesforce_record_id"] == pair.salesforce_id
        assert world.salesforce(pair)["HubSpot_Record_ID__c"] is None
    world.assert_quiet()


def test_a_changed_email_never_points_a_link_elsewhere(world: World) -> None:
    pair = world.create("contact", hubspot=hubspot_person("one"), salesforce=salesforce_person("one"))
    world.sync()
    # the address moves on in Salesforce, and somebody else takes it over there
    world.edit_salesforce(pair, Email=email("one.new"))
    other = world.create("contact", salesforce=salesforce_person("other", Email=email("one")), minutes_ago=0)
    world.sync()
    assert world.linked(pair) == pair
    assert world.hubspot(pair)["email"] == email("one.new")
    world.sync()  # the old address is free now
    assert world.linked(other).hubspot_id != pair.hubspot_id
    assert world.linked(pair) == pair
    world.assert_quiet()


def test_records_out_of_scope_are_neither_created_nor_updated(world: World) -> None:
    outside = [
        world.create("contact", hubspot=hubspot_person("test", email="someone@test.com")),
        world.create("contact", hubspot=hubspot_person("example", email="someone@example.com")),
        world.create("contact", hubspot=hubspot_person("raw", lifecyclestage="lead")),
        world.create("contact", hubspot=hubspot_person("reader", lifecyclestage="subscriber")),
        world.create("contact", salesforce=salesforce_person("test", Email="other@test.com")),
        world.create(
            "contact",
            hubspot=hubspot_person("both", email="both@test.com", jobtitle="H"),
            salesforce=salesforce_person("both", Email="both@test.com", Title="S"),
        ),
        world.create("company", hubspot={"name": "Nobody's", "domain": "nobodys-company.io"}),
    ]
    inside = world.create("contact", hubspot=hubspot_person("insider"))
    world.api_writes()
    world.sync()
    touched = {write["id"] for write in world.api_writes()}
    for pair in outside:
        assert not world.is_linked(pair)
        assert not touched & {pair.hubspot_id, pair.salesforce_id}
    assert world.is_linked(inside)
    assert world.count("contact") == (6, 3)
    assert world.count("company") == (1, 0)
    world.assert_quiet()


def test_a_record_that_leaves_the_scope_stops_writing_and_resumes_where_it_was(world: World) -> None:
    pair = world.create("contact", hubspot=hubspot_person("one", jobtitle="Engineer"))
    world.sync()
    pair = world.linked(pair)
    _set_lifecycle_stage(world, pair, "other")
    world.edit_hubspot(pair, jobtitle="Director")
    world.sync()
    assert world.salesforce(pair)["Title"] == "Engineer"
    assert world.decision(pair, "jobtitle")["held_reason"] == "excluded"
    # it can still be written to from the other side
    world.edit_salesforce(pair, Phone="+1 415 555 0100")
    world.sync()
    assert world.hubspot(pair)["phone"] == "+1 415 555 0100"
    _set_lifecycle_stage(world, pair, "customer")
    world.sync()
    assert world.salesforce(pair)["Title"] == "Director"
    world.assert_quiet()


def test_records_without_email_are_not_doubled(world: World) -> None:
    in_hubspot = world.create("contact", hubspot=hubspot_person("Nameless", email=None))
    in_salesforce = world.create("contact", salesforce=salesforce_person("Nameless", Email=None))
    world.sync()
    assert world.count("contact") == (1, 1)
    listed = {(issue["hubspot_id"], issue["salesforce_id"]) for issue in world.issues("missing_match_key")}
    assert listed == {(in_hubspot.hubspot_id, None), (None, in_salesforce.salesforce_id)}
    world.assert_quiet()


def test_an_ambiguous_email_is_listed_and_not_guessed(world: World) -> None:
    person = world.create("contact", hubspot=hubspot_person("twin"))
    twins = [world.create("contact", salesforce=salesforce_person(name, Email=email("twin"))) for name in ("a", "b")]
    only_salesforce = [
        world.create("contact", salesforce=salesforce_person(name, Email=email("pair"))) for name in ("c", "d")
    ]
    world.sync()
    assert world.count("contact") == (1, 4)
    listed = {issue["salesforce_id"] for issue in world.issues("ambiguous_match")} - {None}
    assert listed == {pair.salesforce_id for pair in (*twins, *only_salesforce)}
    assert person.hubspot_id in {issue["hubspot_id"] for issue in world.issues("ambiguous_match")}

    # a person corrects one of the two: what is left is unambiguous, the corrected one is a contact of its own
    world.edit_salesforce(twins[1], Email=email("b"))
    world.sync()
    assert world.linked(person) == Pair("contact", person.hubspot_id, twins[0].salesforce_id)
    assert world.is_linked(twins[1])
    world.assert_quiet()


def test_a_duplicate_of_a_linked_person_is_listed_and_the_link_stands(world: World) -> None:
    pair = world.create("contact", hubspot=hubspot_person("one"), salesforce=salesforce_person("one"))
    world.sync()
    duplicate = world.create("contact", salesforce=salesforce_person("one"), minutes_ago=0)
    world.sync()
    assert world.count("contact") == (1, 2)
    assert world.linked(pair) == pair
    assert [issue["salesforce_id"] for issue in world.issues("duplicate_person")] == [duplicate.salesforce_id]
    world.assert_quiet()


def test_companies_are_matched_by_domain_then_by_folded_name(world: World) -> None:
    owner = _an_owner(world)
    by_domain = world.create(
        "company",
        hubspot=hubspot_company("Acme", "acme.com", owner),
        salesforce={"Name": "Acme Corporation", "Website": "https://www.Acme.com/"},
    )
    by_name = world.create(
        "company",
        hubspot=hubspot_company("Globex", None, owner),
        salesforce={"Name": "GLOBEX, Inc.", "Website": "https://globex.io"},
    )
    other_domain = world.create(
        "company",
        hubspot=hubspot_company("Initech", "initech.com", owner),
        salesforce={"Name": "Initech", "Website": "initech.de"},
    )
    world.sync()
    assert world.linked(by_domain) == by_domain
    assert world.linked(by_name) == by_name
    assert world.linked(Pair("company", other_domain.hubspot_id, None)).salesforce_id != other_domain.salesforce_id
    assert world.count("company") == (4, 4)
    # the website agrees with the domain, so it is left as people wrote it
    assert world.salesforce(by_domain)["Website"] == "https://www.Acme.com/"
    assert world.hubspot(by_domain)["domain"] == "acme.com"
    world.assert_quiet()


def test_children_follow_their_parents_into_the_other_crm(world: World) -> None:
    owner = _an_owner(world)
    company = world.create("company", hubspot=hubspot_company("Acme", "acme.com", owner))
    account = world.create("company", salesforce={"Name": "Globex", "Website": "globex.io"})
    person = world.create("contact", hubspot=hubspot_person("one", **{"associations.companies": company.hubspot_id}))
    other_person = world.create("contact", salesforce=salesforce_person("two", AccountId=account.salesforce_id))
    world.sync()
    company, account = world.linked(company), world.linked(account)
    assert world.salesforce(world.linked(person))["AccountId"] == company.salesforce_id
    assert world.hubspot(world.linked(other_person))["associatedcompanyid"] == account.hubspot_id

    # and when the account changes, the primary company does
    other_person = world.linked(other_person)
    world.edit_salesforce(other_person, AccountId=company.salesforce_id)
    world.sync()
    assert world.hubspot(other_person)["associatedcompanyid"] == company.hubspot_id
    world.assert_quiet()


def _an_owner(world: World) -> str:
    """An active HubSpot owner who is an active Salesforce user as well."""
    users = {
        user["Email"].lower() for user in control.records(world.state_dir, "salesforce", "User") if user["IsActive"]
    }
    clients = build_clients(world.settings)
    owners = list(clients.hubspot.owners())
    clients.close()
    for owner in owners:
        if owner["email"].lower() in users:
            return str(owner["id"])
    raise AssertionError("the sandbox has no owner in common")


def _set_lifecycle_stage(world: World, pair: Pair, stage: str) -> None:
    """HubSpot moves a lifecycle stage backwards only after it was cleared."""
    world.edit_hubspot(pair, lifecyclestage=None)
    world.edit_hubspot(pair, lifecyclestage=stage)
