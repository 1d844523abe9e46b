"""Values reshaped on their way, in both directions: chains, places, days and moments, a macro of the user's own."""

from __future__ import annotations

from fields import add_hubspot_property, add_salesforce_field
from people import hubspot_person, salesforce_person
from world import Pair, World

OWN_TRANSFORM = """{# A text between exclamation marks, once. #}
{% macro transform_shout(value) -%} '!' || trim({{ value }}, '!') || '!' {%- endmacro %}
"""
#: Of a lifecycle, in its order.
STAGES = ("lead", "customer")


def test_chains_places_days_and_a_macro_of_the_users_own(world: World) -> None:
    for name in ("Met_On__c", "Called_On__c"):
        add_salesforce_field(world, "Contact", name, "Date")
    add_salesforce_field(world, "Contact", "Meets_At__c", "DateTime")
    add_salesforce_field(world, "Contact", "Stage__c", "Picklist", STAGES)
    add_hubspot_property(world, "contacts", "met_on", "date", "date")
    add_hubspot_property(world, "contacts", "meets_on", "date", "date")
    add_hubspot_property(world, "contacts", "called_at", "datetime", "date")
    world.use_own_macros()
    (world.project.macros_dir / "transform_shout.sql").write_text(OWN_TRANSFORM, encoding="utf-8")
    configuration = world.project.dbt_dir / "dbt_project.yml"
    text = configuration.read_text(encoding="utf-8")
    configuration.write_text(text.replace("timezone: UTC", "timezone: America/New_York"), encoding="utf-8")
    world.seed(
        "field_mappings",
        "contact,firstname,FirstName,two_way,,trim|lower|title,,,,,",
        "contact,lastname,LastName,two_way,,,,,,,",
        "contact,email,Email,two_way,,,,,,,",
        "contact,phone,Phone,two_way,,phone_e164,phone_e164,,,,",
        "contact,country,MailingCountry,two_way,,country_code,country_name,,,,",
        "contact,state,MailingState,two_way,,state_code,state_name,,,,",
        "contact,jobtitle,Title,two_way,,trim|shout|upper,,,,,",
        "contact,met_on,Met_On__c,two_way,,,,,,,",
        "contact,meets_on,Meets_At__c,two_way,,datetime,date,,,,",
        "contact,called_at,Called_On__c,two_way,,date,datetime,,,,",
        "contact,lifecyclestage,Stage__c,two_way,,,,,,,",
    )
    values = {
        "firstname": "ADA maria", "phone": "(415) 555-0100", "country": "Deutschland", "state": "california",
        "jobtitle": "boss", "met_on": "2028-02-29", "meets_on": "2026-11-01", "called_at": "2026-03-08T04:30:00.000Z",
    }  # fmt: skip
    made = world.create("contact", hubspot=hubspot_person("one", **values))
    world.sync()
    made = world.linked(made)
    found = world.salesforce(made)
    assert {name: found[name] for name in ("FirstName", "Phone", "MailingCountry", "MailingState", "Title")} == {
        "FirstName": "Ada Maria", "Phone": "+14155550100", "MailingCountry": "DE", "MailingState": "CA",
        "Title": "!BOSS!",
    }  # fmt: skip
    assert found["Met_On__c"] == "2028-02-29"
    # on the first of November New York still is four hours behind at midnight, five by the evening
    assert found["Meets_At__c"].startswith("2026-11-01T04:00:00")
    assert found["Called_On__c"] == "2026-03-07"  # half past eleven in the evening before

    # back again: a day within the other day's change of clocks, a place by its name
    world.edit_salesforce(
        made, Meets_At__c="2026-03-09T03:59:59.000Z", Called_On__c="2026-11-02", MailingCountry="US", Title="Chief",
        Stage__c="lead",
    )  # fmt: skip
    world.sync()
    assert_no_step_back(world, made)
    back = world.hubspot(made)
    assert (back["meets_on"], back["country"], back["jobtitle"]) == ("2026-03-08", "United States", "Chief")
    assert back["called_at"].startswith("2026-11-02T05:00:00")
    assert world.hubspot(made)["firstname"] == "ADA maria"  # how HubSpot has it is its own affair

    # from Salesforce to a new HubSpot record
    other = world.create(
        "contact", salesforce=salesforce_person("two", MailingCountry="GB", Met_On__c="1980-01-01"), minutes_ago=0
    )
    world.sync()
    assert_no_step_back(world, made)
    other = world.linked(other)
    assert (world.hubspot(other)["country"], world.hubspot(other)["met_on"]) == ("United Kingdom", "1980-01-01")
    world.assert_quiet()


def assert_no_step_back(world: World, made: Pair) -> None:
    """HubSpot has accepted the earlier stage and kept the later one: that is told, and not tried again."""
    assert (world.hubspot(made)["lifecyclestage"], world.salesforce(made)["Stage__c"]) == ("customer", "lead")
    (issue,) = world.issues("ignored_write")
    assert (issue["field"], issue["hubspot_id"]) == ("lifecyclestage", made.hubspot_id)
    assert (
        "HubSpot moves a lifecycle stage forward only"
        in world.query("select cause from sync_health.data_quality_issues where issue_type = 'ignored_write'")[0][0]
    )
    attempts = "select count(*) from journal.push_attempts where changes ->> 'lifecyclestage' = 'lead'"
    assert world.query(attempts) == [(1,)]
