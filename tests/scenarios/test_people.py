"""People are contacts first and leads second; a converted lead hands its link over to the contact it became."""

from __future__ import annotations

from typing import Any

import pytest
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
    return {**salesforce_person(name), "Company": "Acme", **values}


@pytest.fixture
def people(world: World) -> World:
    """A world that syncs contacts and leads; new HubSpot contacts become contacts."""
    world.use_own_seeds()
    rows = [row for row in world.seed_rows("object_mappings") if not row.startswith("lead,")]
    world.seed("object_mappings", *rows, "lead,contacts,Lead,true,2,email,Email,email,true,false,ignore,ignore,")
    fields = [row for row in world.seed_rows("field_mappings") if not row.startswith("lead,")]
    world.seed("field_mappings", *fields, *LEAD_FIELDS)
    rules = [row for row in world.seed_rows("inclusion_rules") if not row.startswith("lead,")]
    world.seed("inclusion_rules", *rules)
    world.set_up()
    return world


def test_contacts_match_first_and_unconverted_leads_second(people: World) -> None:
    world = people
    as_contact = world.create("contact", hubspot=hubspot_person("both"), salesforce=salesforce_person("both"))
    also_lead = world.create("lead", salesforce=lead("both"))
    as_lead = world.create("lead", hubspot=hubspot_person("prospect", jobtitle="CTO"), salesforce=lead("prospect"))
    only_lead = world.create("lead", salesforce=lead("newcomer"))
    only_hubspot = world.create("contact", hubspot=hubspot_person("visitor"))
    world.sync()
    assert world.linked(as_contact) == as_contact
    assert world.linked(as_lead) == as_lead
    assert world.salesforce(as_lead)["Title"] == "CTO"
    assert world.linked(only_lead).hubspot_id
    assert world.salesforce(Pair("contact", None, world.linked(only_hubspot).salesforce_id))["LastName"] == "visitor"
    assert not world.is_linked(also_lead)
    assert [issue["salesforce_id"] for issue in world.issues("duplicate_person")] == [also_lead.salesforce_id]
    assert world.count("contact") == (4, 2)
    world.assert_quiet()


def test_new_contacts_become_leads_where_the_mapping_says_so(people: World) -> None:
    world = people
    rows = [row for row in world.seed_rows("object_mappings") if not row.startswith(("lead,", "contact,"))]
    world.seed(
        "object_mappings",
        *rows,
        "contact,contacts,Contact,true,1,email,Email,email,true,false,ignore,ignore,",
        "lead,contacts,Lead,true,2,email,Email,email,true,true,ignore,ignore,",
    )
    person = world.create("contact", hubspot=hubspot_person("visitor"))
    world.sync()
    assert world.count("contact") == (1, 0)
    linked = world.linked(Pair("lead", person.hubspot_id, None))
    assert world.salesforce(linked)["Company"] == "(unknown)"
    world.assert_quiet()


def test_a_converted_lead_hands_its_link_over_to_the_contact(people: World) -> None:
    world = people
    pair = world.create(
        "lead", hubspot=hubspot_person("prospect", jobtitle="CTO"), salesforce=lead("prospect", Title="CTO")
    )
    world.sync()
    converted = control.act(world.state_dir, "salesforce", "convert", id=pair.salesforce_id)
    contact_id = converted.get("contact_id") or converted["contactId"]
    world.edit_hubspot(pair, jobtitle="CEO")
    world.sync()
    linked = world.linked(Pair("contact", pair.hubspot_id, None))
    assert linked.salesforce_id == contact_id
    assert world.salesforce(linked)["Title"] == "CEO"
    assert world.hubspot(linked)["salesforce_record_id"] == contact_id
    assert not world.query("select 1 from matching.links where object = 'lead' and status = 'linked'")
    assert world.count("contact") == (1, 1)
    # the base came along: an edit in Salesforce alone is one, not a first sync
    world.edit_salesforce(linked, Title="Chair")
    world.sync()
    assert world.decision(linked, "jobtitle")["reason"] == "edited_in_salesforce"
    assert world.hubspot(linked)["jobtitle"] == "Chair"
    world.assert_quiet()


def test_a_person_is_not_taken_for_a_lead_while_contacts_are_ambiguous(people: World) -> None:
    world = people
    person = world.create("contact", hubspot=hubspot_person("twin"))
    for name in ("a", "b"):
        world.create("contact", salesforce=salesforce_person(name, Email=email("twin")))
    world.create("lead", salesforce=lead("c", Email=email("twin")))
    world.sync()
    assert not world.is_linked(person)
    assert world.count("contact") == (1, 2)
    world.assert_quiet()
