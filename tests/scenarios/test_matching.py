"""Which records are linked, which are created, and which are nobody's business: nothing is guessed or doubled."""

from __future__ import annotations

from lockstep import DEFAULTS, Share, Steps
from people import email, hubspot_company, hubspot_person, salesforce_person
from world import Pair


@DEFAULTS.scenario
def test_people_are_matched_by_email_whatever_its_case(world: Share) -> Steps:
    mixed = world.create(
        "contact",
        hubspot=hubspot_person(world.own("Lovelace"), email=email(world.own("ada.lovelace"))),
        salesforce=salesforce_person(world.own("Lovelace"), Email=email(world.own("ada.lovelace")).title()),
    )
    second_address = world.create(
        "contact",
        hubspot=hubspot_person(world.own("Hopper"), hs_additional_emails=email(world.own("grace"))),
        salesforce=salesforce_person(world.own("Hopper"), Email=email(world.own("grace"))),
    )
    yield
    assert world.count("contact") == (2, 2)
    for pair in (mixed, second_address):
        assert world.linked(pair) == pair
        assert world.hubspot(pair)["salesforce_record_id"] == pair.salesforce_id
        assert world.salesforce(pair)["HubSpot_Record_ID__c"] is None


@DEFAULTS.scenario
def test_a_changed_email_never_points_a_link_elsewhere(world: Share) -> Steps:
    pair = world.create(
        "contact", hubspot=hubspot_person(world.own("one")), salesforce=salesforce_person(world.own("one"))
    )
    yield
    # the address moves on in Salesforce, and somebody else takes it over there
    world.edit_salesforce(pair, Email=email(world.own("one.new")))
    other = world.create(
        "contact", salesforce=salesforce_person(world.own("other"), Email=email(world.own("one"))), minutes_ago=0
    )
    yield
    assert world.linked(pair) == pair
    assert world.hubspot(pair)["email"] == email(world.own("one.new"))
    yield  # the old address is free now
    assert world.linked(other).hubspot_id != pair.hubspot_id
    assert world.linked(pair) == pair


@DEFAULTS.scenario
def test_records_out_of_scope_are_neither_created_nor_updated(world: Share) -> Steps:
    outside = [
        world.create("contact", hubspot=hubspot_person(world.own("test"), email="someone@test.com")),
        world.create("contact", hubspot=hubspot_person(world.own("example"), email="someone@example.com")),
        world.create("contact", hubspot=hubspot_person(world.own("raw"), lifecyclestage="lead")),
        world.create("contact", hubspot=hubspot_person(world.own("reader"), lifecyclestage="subscriber")),
        world.create("contact", salesforce=salesforce_person(world.own("test"), Email="other@test.com")),
        world.create(
            "contact",
            hubspot=hubspot_person(world.own("both"), email="both@test.com", jobtitle="H"),
            salesforce=salesforce_person(world.own("both"), Email="both@test.com", Title="S"),
        ),
        world.create("company", hubspot={"name": world.own("Nobody's"), "domain": f"{world.own('nobodys')}.io"}),
    ]
    inside = world.create("contact", hubspot=hubspot_person(world.own("insider")))
    world.api_writes()
    yield
    touched = {write["id"] for write in world.api_writes()}
    for pair in outside:
        assert not world.is_linked(pair)
        assert not touched & {pair.hubspot_id, pair.salesforce_id}
    assert world.is_linked(inside)
    assert world.count("contact") == (6, 3)
    assert world.count("company") == (1, 0)


@DEFAULTS.scenario
def test_a_record_that_leaves_the_scope_stops_writing_and_resumes_where_it_was(world: Share) -> Steps:
    pair = world.create("contact", hubspot=hubspot_person(world.own("one"), jobtitle="Engineer"))
    yield
    pair = world.linked(pair)
    _set_lifecycle_stage(world, pair, "other")
    world.edit_hubspot(pair, jobtitle="Director")
    yield
    assert world.salesforce(pair)["Title"] == "Engineer"
    assert world.decision(pair, "jobtitle")["held_reason"] == "excluded"
    # it can still be written to from the other side
    world.edit_salesforce(pair, MailingCity="Oslo")
    yield
    assert world.hubspot(pair)["city"] == "Oslo"
    _set_lifecycle_stage(world, pair, "customer")
    yield
    assert world.salesforce(pair)["Title"] == "Director"


@DEFAULTS.scenario
def test_records_without_email_are_not_doubled(world: Share) -> Steps:
    in_hubspot = world.create("contact", hubspot=hubspot_person(world.own("Nameless"), email=None))
    in_salesforce = world.create("contact", salesforce=salesforce_person(world.own("Nameless"), Email=None))
    yield
    assert world.count("contact") == (1, 1)
    listed = {(issue["hubspot_id"], issue["salesforce_id"]) for issue in world.issues("missing_match_key")}
    assert listed == {(in_hubspot.hubspot_id, None), (None, in_salesforce.salesforce_id)}


@DEFAULTS.scenario
def test_an_ambiguous_email_is_listed_and_not_guessed(world: Share) -> Steps:
    twin, pair = email(world.own("twin")), email(world.own("pair"))
    person = world.create("contact", hubspot=hubspot_person(world.own("twin")))
    twins, only_salesforce = (
        [world.create("contact", salesforce=salesforce_person(world.own(name), Email=address)) for name in names]
        for address, names in ((twin, "ab"), (pair, "cd"))
    )
    yield
    assert world.count("contact") == (1, 4)
    listed = {issue["salesforce_id"] for issue in world.issues("ambiguous_match")} - {None}
    assert listed == {pair.salesforce_id for pair in (*twins, *only_salesforce)}
    assert person.hubspot_id in {issue["hubspot_id"] for issue in world.issues("ambiguous_match")}

    # a person corrects one of the two: what is left is unambiguous, the corrected one is a contact of its own
    world.edit_salesforce(twins[1], Email=email(world.own("b")))
    yield
    assert world.linked(person) == Pair("contact", person.hubspot_id, twins[0].salesforce_id)
    assert world.is_linked(twins[1])


@DEFAULTS.scenario
def test_a_duplicate_of_a_linked_person_is_listed_and_the_link_stands(world: Share) -> Steps:
    pair = world.create(
        "contact", hubspot=hubspot_person(world.own("one")), salesforce=salesforce_person(world.own("one"))
    )
    yield
    duplicate = world.create("contact", salesforce=salesforce_person(world.own("one")), minutes_ago=0)
    yield
    assert world.count("contact") == (1, 2)
    assert world.linked(pair) == pair
    assert [issue["salesforce_id"] for issue in world.issues("duplicate_person")] == [duplicate.salesforce_id]


@DEFAULTS.scenario
def test_companies_are_matched_by_domain_then_by_folded_name(world: Share) -> Steps:
    owner = world.active_owner()
    acme, globex, initech = (world.own(name) for name in ("Acme", "Globex", "Initech"))
    by_domain = world.create(
        "company",
        hubspot=hubspot_company(acme, f"{acme.lower()}.com", owner),
        salesforce={"Name": f"{acme} Corporation", "Website": f"https://www.{acme}.com/"},
    )
    by_name = world.create(
        "company",
        hubspot=hubspot_company(globex, None, owner),
        salesforce={"Name": f"{globex.upper()}, Inc.", "Website": f"https://{globex}.io"},
    )
    other_domain = world.create(
        "company",
        hubspot=hubspot_company(initech, f"{initech.lower()}.com", owner),
        salesforce={"Name": initech, "Website": f"{initech}.de"},
    )
    yield
    assert world.linked(by_domain) == by_domain
    assert world.linked(by_name) == by_name
    assert world.linked(Pair("company", other_domain.hubspot_id, None)).salesforce_id != other_domain.salesforce_id
    assert world.count("company") == (4, 4)
    # the website agrees with the domain, so it is left as people wrote it
    assert world.salesforce(by_domain)["Website"] == f"https://www.{acme}.com/"
    assert world.hubspot(by_domain)["domain"] == f"{acme.lower()}.com"


@DEFAULTS.scenario
def test_children_follow_their_parents_into_the_other_crm(world: Share) -> Steps:
    acme, globex = world.own("acme"), world.own("globex")
    company = world.create("company", hubspot=hubspot_company(acme, f"{acme}.com", world.active_owner()))
    account = world.create("company", salesforce={"Name": globex, "Website": f"{globex}.io"})
    person = world.create(
        "contact", hubspot=hubspot_person(world.own("one"), **{"associations.companies": company.hubspot_id})
    )
    other_person = world.create(
        "contact", salesforce=salesforce_person(world.own("two"), AccountId=account.salesforce_id)
    )
    yield
    company, account = world.linked(company), world.linked(account)
    assert world.salesforce(world.linked(person))["AccountId"] == company.salesforce_id
    assert world.hubspot(world.linked(other_person))["associatedcompanyid"] == account.hubspot_id

    # and when the account changes, the primary company does
    other_person = world.linked(other_person)
    world.edit_salesforce(other_person, AccountId=company.salesforce_id)
    yield
    assert world.hubspot(other_person)["associatedcompanyid"] == company.hubspot_id


def _set_lifecycle_stage(world: Share, pair: Pair, stage: str) -> None:
    """HubSpot moves a lifecycle stage backwards only after it was cleared."""
    world.edit_hubspot(pair, lifecyclestage=None)
    world.edit_hubspot(pair, lifecyclestage=stage)
