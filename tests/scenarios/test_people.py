"""People are contacts first and leads second; a converted lead hands its link over to the contact it became.

In lock-step.
"""

from __future__ import annotations

from typing import Any

from lockstep import Group, Share, Steps
from people import email, hubspot_person, salesforce_person
from world import Pair, World

from sandbox import control

LEAD_FIELDS = (
    "lead,firstname,FirstName,prefer_salesforce,,,,,,,",
    "lead,lastname,LastName,prefer_salesforce,,,,,,,",
    "lead,email,Email,two_way,,,,,,,",
    "lead,company,Company,prefer_salesforce,,,,,,(unknown),",
    "lead,jobtitle,Title,two_way,,,,,,,",
)


def lead(name: str, **values: Any) -> dict[str, Any]:
    return {**salesforce_person(name), "Company": f"Acme of {name}", **values}


def map_people(world: World) -> None:
    """Sync contacts and leads; new HubSpot contacts become contacts."""
    world.use_own_seeds()
    _map_objects(world, contacts_become_contacts="true", contacts_become_leads="false")
    fields = [row for row in world.seed_rows("field_mappings") if not row.startswith("lead,")]
    world.seed("field_mappings", *fields, *LEAD_FIELDS)
    rules = [row for row in world.seed_rows("inclusion_rules") if not row.startswith("lead,")]
    world.seed("inclusion_rules", *rules)
    world.set_up()


def _map_objects(world: World, contacts_become_contacts: str, contacts_become_leads: str) -> None:
    rows = [row for row in world.seed_rows("object_mappings") if not row.startswith(("lead,", "contact,"))]
    world.seed(
        "object_mappings",
        *rows,
        f"contact,contacts,Contact,true,1,email,Email,email,true,{contacts_become_contacts},ignore,ignore,",
        f"lead,contacts,Lead,true,2,email,Email,email,true,{contacts_become_leads},ignore,ignore,",
    )


GROUP = Group("people", map_people)


@GROUP.scenario
def test_contacts_match_first_and_unconverted_leads_second(world: Share) -> Steps:
    both, prospect = world.own("both"), world.own("prospect")
    as_contact = world.create("contact", hubspot_person(both), salesforce_person(both))
    also_lead = world.create("lead", salesforce=lead(both))
    as_lead = world.create("lead", hubspot_person(prospect, jobtitle="CTO"), lead(prospect))
    only_lead = world.create("lead", salesforce=lead(world.own("newcomer")))
    only_hubspot = world.create("contact", hubspot=hubspot_person(world.own("visitor")))
    yield
    assert world.linked(as_contact) == as_contact
    assert world.linked(as_lead) == as_lead
    assert world.salesforce(as_lead)["Title"] == "CTO"
    assert world.linked(only_lead).hubspot_id
    assert world.salesforce(world.linked(only_hubspot))["LastName"] == world.own("visitor")
    assert not world.is_linked(also_lead)
    assert [issue["salesforce_id"] for issue in world.issues("duplicate_person")] == [also_lead.salesforce_id]
    assert world.count("contact") == (4, 2)


@GROUP.scenario
def test_a_converted_lead_hands_its_link_over_to_the_contact(world: Share) -> Steps:
    name = world.own("prospect")
    pair = world.create("lead", hubspot_person(name, jobtitle="CTO"), lead(name, Title="CTO"))
    yield
    converted = control.act(world.state_dir, "salesforce", "convert", id=pair.salesforce_id)
    contact_id = converted.get("contact_id") or converted["contactId"]
    world.edit_hubspot(pair, jobtitle="CEO")
    yield
    linked = world.linked(Pair("contact", pair.hubspot_id, None))
    assert linked.salesforce_id == contact_id
    assert world.salesforce(linked)["Title"] == "CEO"
    assert world.hubspot(linked)["salesforce_record_id"] == contact_id
    rows = "select hubspot_id, salesforce_id from matching.links where object = 'lead' and status = 'linked'"
    assert world.own_rows(rows) == []
    assert world.count("contact") == (1, 1)
    # the base came along: an edit in Salesforce alone is one, not a first sync
    world.edit_salesforce(linked, Title="Chair")
    yield
    assert world.decision(linked, "jobtitle")["reason"] == "edited_in_salesforce"
    assert world.hubspot(linked)["jobtitle"] == "Chair"


@GROUP.scenario
def test_a_person_is_not_taken_for_a_lead_while_contacts_are_ambiguous(world: Share) -> Steps:
    person = world.create("contact", hubspot=hubspot_person(world.own("twin")))
    for name in ("a", "b"):
        world.create("contact", salesforce=salesforce_person(name, Email=email(world.own("twin"))))
    world.create("lead", salesforce=lead(world.own("c"), Email=email(world.own("twin"))))
    yield
    assert not world.is_linked(person)
    assert world.count("contact") == (1, 2)


@GROUP.scenario
def test_new_contacts_become_leads_where_the_mapping_says_so(world: Share) -> Steps:
    yield
    yield
    _map_objects(world, contacts_become_contacts="false", contacts_become_leads="true")
    person = world.create("contact", hubspot=hubspot_person(world.own("visitor")), minutes_ago=0)
    yield
    assert world.count("contact") == (1, 0)
    linked = world.linked(Pair("lead", person.hubspot_id, None))
    assert world.salesforce(linked)["Company"] == "(unknown)"
