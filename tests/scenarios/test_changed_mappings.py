"""A changed mapping takes effect on what is linked already, by the rules of the first sync; comments change nothing."""

from __future__ import annotations

from people import hubspot_deal, hubspot_person, salesforce_person
from world import World

from sandbox import control

TIMEZONE = "  timezone: UTC"


def test_direction_transform_stages_and_time_zone_take_effect_on_linked_records(world: World) -> None:
    world.use_own_macros()
    configuration = world.project.dbt_dir / "dbt_project.yml"
    person = world.create(
        "contact",
        hubspot=hubspot_person("one", phone="(415) 555-0100"),
        salesforce=salesforce_person("one", Phone="(415) 555-0100"),
    )
    bystander = world.create("contact", hubspot=hubspot_person("two"), salesforce=salesforce_person("two"))
    deal = world.create("deal", hubspot=hubspot_deal("Big one"))
    world.sync()
    deal = world.linked(deal)
    world.api_writes()

    # a comment is the analyst's own business
    _rewrite(
        world, "stage_mappings", "Qualified To Buy,,Qualification,both,", "Qualified To Buy,,Qualification,both,why"
    )
    planned = world.plan().plan
    assert planned is not None
    assert planned.counts == {}

    _rewrite(
        world,
        "field_mappings",
        "contact,phone,Phone,prefer_salesforce,,,",
        "contact,phone,Phone,prefer_hubspot,,digits,digits",
    )
    _rewrite(world, "field_mappings", "deal,dealstage,StageName,two_way", "deal,dealstage,StageName,prefer_hubspot")
    _rewrite(world, "field_mappings", "deal,closedate,CloseDate,two_way", "deal,closedate,CloseDate,prefer_hubspot")
    _rewrite(
        world, "stage_mappings", "Qualified To Buy,,Qualification,both,why", "Qualified To Buy,,Needs Analysis,both,"
    )
    text = configuration.read_text(encoding="utf-8")
    assert TIMEZONE in text
    configuration.write_text(text.replace(TIMEZONE, "  timezone: America/New_York"), encoding="utf-8")

    planned = world.plan().plan
    assert planned is not None
    assert planned.counts == {("salesforce", "contact", "update"): 1, ("salesforce", "deal", "update"): 1}
    changes = {change.field: change for operation in planned.operations for change in operation.changes}
    assert {field: (change.old, change.new) for field, change in changes.items()} == {
        "Phone": ("(415) 555-0100", "4155550100"),
        "StageName": ("Qualification", "Needs Analysis"),
        "CloseDate": ("2026-12-01", "2026-11-30"),
    }
    assert {change.reason for change in changes.values()} == {"remapped_prefer_hubspot"}
    assert world.api_writes() == []

    world.sync()
    assert world.salesforce(person)["Phone"] == "4155550100"
    assert world.hubspot(person)["phone"] == "(415) 555-0100"
    assert world.salesforce(deal)["StageName"] == "Needs Analysis"
    assert str(world.salesforce(deal)["CloseDate"]) == "2026-11-30"
    assert world.salesforce(bystander).get("Phone") is None
    world.assert_quiet()


def test_what_was_held_or_refused_goes_out_when_the_target_takes_it(world: World) -> None:
    """The remedy is the CRM administrator's alone: no record and no row changes."""
    world.use_own_seeds()
    world.seed(
        "field_mappings",
        *(row for row in world.seed_rows("field_mappings") if not row.startswith("contact,jobtitle")),
        "contact,jobtitle,Level__c,two_way,,,,,,,",
    )
    _add_field(world, "Level__c", type="Picklist", valueSet={"valueSetDefinition": {"value": [{"fullName": "Low"}]}})
    control.change_metadata(
        world.state_dir, "salesforce", action="restrict", object="Contact", field="Level__c", on=True
    )
    new = world.create("contact", hubspot=hubspot_person("new", jobtitle="High"))
    world.sync()
    new = world.linked(new)  # created without the value, which is listed
    assert world.salesforce(new)["Level__c"] is None
    assert len(world.issues("invalid_picklist_value")) == 1
    world.assert_quiet()
    assert len(world.issues("invalid_picklist_value")) == 1

    control.change_metadata(
        world.state_dir, "salesforce", action="add_option", object="Contact", field="Level__c", value="High"
    )
    world.sync()
    assert world.salesforce(new)["Level__c"] == "High"
    assert world.issues("invalid_picklist_value") == []
    world.assert_quiet()


def _add_field(world: World, name: str, **metadata: object) -> None:
    control.change_metadata(
        world.state_dir, "salesforce", action="add_field", object="Contact", name=name, metadata=metadata
    )


def _rewrite(world: World, seed: str, before: str, after: str) -> None:
    """Change the one row of a seed that holds a text."""
    rows = world.seed_rows(seed)
    assert sum(before in row for row in rows) == 1, before
    world.seed(seed, *(row.replace(before, after) for row in rows))
