"""Fields that a CRM computes move no modification time: they are read again on their own schedule and never written."""

from __future__ import annotations

from people import hubspot_person, salesforce_person
from world import World

from sandbox import control

ROWS = (
    "contact,firstname,FirstName,prefer_salesforce,,,,,,,",
    "contact,lastname,LastName,prefer_salesforce,,,,,,,",
    "contact,email,Email,two_way,,,,,,,",
    "contact,company,Badge__c,two_way,,,,,,,a formula over the account",
    "contact,notes_last_updated,Last_Activity__c,two_way,,,,,,,HubSpot's own",
)


def test_what_a_crm_computes_is_followed_and_never_written(world: World) -> None:
    world.use_own_macros()
    configuration = world.project.dbt_dir / "dbt_project.yml"
    text = configuration.read_text(encoding="utf-8")
    assert "calculated_refresh_minutes: 60" in text
    world.seed("field_mappings", *ROWS)
    _add_fields(world)
    account = control.create(world.state_dir, "salesforce", "Account", {"Name": "Acme"}, at=world.minutes_ago(90))["Id"]
    pairs = [
        world.create(
            "contact",
            hubspot=hubspot_person(name),
            salesforce=salesforce_person(name, AccountId=account),
            minutes_ago=80,
        )
        for name in ("lee", "lou")
    ]
    world.create("contact", salesforce=salesforce_person("young"), minutes_ago=10)  # the watermark is past the others
    world.sync(accepted=["all"])
    assert world.hubspot(pairs[0])["company"] == "LEE (Acme)"
    # one notice for each row, none for the records
    notices = world.issues("read_only_field")
    assert {(notice["field"], notice["hubspot_id"], notice["salesforce_id"]) for notice in notices} == {
        ("Badge__c", None, None),
        ("notes_last_updated", None, None),
    }
    assert "always_salesforce" in notices[[notice["field"] for notice in notices].index("Badge__c")]["detail"]

    # neither the account's new name nor HubSpot's own bookkeeping is a change that an incremental read sees
    control.edit(world.state_dir, "salesforce", "Account", account, {"Name": "Apex"})
    _book(world, str(pairs[1].hubspot_id), notes_last_updated="2026-03-04T05:06:07Z")
    world.sync()
    assert world.hubspot(pairs[0])["company"] == "LEE (Acme)"
    assert world.salesforce(pairs[1])["Last_Activity__c"] is None

    configuration.write_text(text.replace("refresh_minutes: 60", "refresh_minutes: 0.0001"), encoding="utf-8")
    world.sync()
    assert [world.hubspot(pair)["company"] for pair in pairs] == ["LEE (Apex)", "LOU (Apex)"]
    assert world.salesforce(pairs[1])["Last_Activity__c"] == "2026-03-04T05:06:07.000+0000"
    world.edit_hubspot(pairs[0], at=world.moment(0), company="Elsewhere")
    world.wait_until(world.moment(0))
    world.sync()
    assert world.hubspot(pairs[0])["company"] == "LEE (Apex)"
    world.assert_quiet()


def _add_fields(world: World) -> None:
    for name, metadata in (
        ("Badge__c", {"type": "Text", "formula": "UPPER(LastName) & ' (' & Account.Name & ')'"}),
        ("Last_Activity__c", {"type": "DateTime"}),
    ):
        control.change_metadata(
            world.state_dir, "salesforce", action="add_field", object="Contact", name=name, metadata=metadata
        )


def _book(world: World, record_id: str, **properties: str) -> None:
    """Change a HubSpot contact behind the back of its modification time, which is long ago."""
    record = control.show(world.state_dir, "hubspot", "contacts", record_id)
    changed = {"properties": record["properties"] | properties, "updatedAt": world.minutes_ago(300).isoformat()}
    control.load(world.state_dir, "hubspot", {"contacts": [record | changed]})
