"""Custom objects: two that no demo knows, declared by CSV rows alone, the child's rows before its parent's."""

from __future__ import annotations

import duckdb
from people import hubspot_company
from world import World

from crm_sync.clients import build_clients
from sandbox import control

OBJECTS = (
    "seat,p_seat,Seat__c,true,1,name,Name,exact,true,true,ignore,ignore,",
    "license,p_license,License__c,true,1,name,Name,exact,true,true,ignore,ignore,",
)
FIELDS = (
    "seat,name,Name,two_way,,,,,,,",
    "seat,associations.p_license,License__c,two_way,,,,license,,,",
    "license,name,Name,two_way,,,,,,,",
    "license,amount,Amount__c,two_way,,,,,,,",
    "license,expires,Expires__c,two_way,,,,,,,",
    "license,associations.companies,Account__c,two_way,,,,company,,,",
)


def test_custom_objects_with_references_between_them_need_rows_only(empty_world: World) -> None:
    world = empty_world
    _create_objects(world)
    world.use_own_seeds()
    world.seed("object_mappings", *OBJECTS, *world.seed_rows("object_mappings"))
    world.seed("field_mappings", *FIELDS, *world.seed_rows("field_mappings"))
    world.objects |= {"seat": ("p_seat", "Seat__c"), "license": ("p_license", "License__c")}
    world.set_up()

    acme = world.create("company", hubspot=hubspot_company("Acme", "acme.example.net", world.active_owner()))
    gold = world.create("license", hubspot={"name": "Gold", "amount": "12.5", "expires": "2027-01-31"})
    seat = world.create("seat", hubspot={"name": "Seat 1"})
    world.associate(gold, acme)
    world.associate(seat, gold)
    silver = world.create("license", salesforce={"Name": "Silver", "Amount__c": 5, "Expires__c": "2027-06-30"})
    bronze = world.create("license", salesforce={"Name": "Bronze"})
    other_seat = world.create("seat", salesforce={"Name": "Seat 2", "License__c": silver.salesforce_id})
    result = world.sync()
    assert result.status == "succeeded"
    with duckdb.connect(str(world.settings.warehouse_path), read_only=True) as connection:
        orders = dict(connection.execute("select object, push_order from staging.stg_object_mappings").fetchall())
    assert orders["company"] < orders["license"] < orders["seat"]
    acme, gold, seat, silver, other_seat = (world.linked(pair) for pair in (acme, gold, seat, silver, other_seat))
    record = world.salesforce(gold)
    assert (float(record["Amount__c"]), record["Expires__c"]) == (12.5, "2027-01-31")
    assert record["Account__c"] == acme.salesforce_id
    assert world.salesforce(seat)["License__c"] == gold.salesforce_id
    assert world.hubspot(silver)["amount"] == "5"
    assert world.associated(other_seat, "license") == {silver.hubspot_id}
    # HubSpot's schema requires a date: who has none waits, and HubSpot was not asked
    assert not world.is_linked(bronze)
    assert [(issue["field"], issue["salesforce_id"]) for issue in world.issues("required_field_missing")] == [
        ("expires", bronze.salesforce_id)
    ]
    assert world.query("select * from sync_health.sync_errors") == []

    # a seat moves in Salesforce, a license changes in HubSpot; of two associations the one that Salesforce knows stands
    world.edit_salesforce(seat, License__c=silver.salesforce_id)
    world.edit_hubspot(gold, amount="99")
    world.edit_salesforce(bronze, Expires__c="2027-12-31")
    world.associate(other_seat, gold)
    world.sync()
    assert world.associated(seat, "license") == {silver.hubspot_id}
    assert float(world.salesforce(gold)["Amount__c"]) == 99
    assert world.salesforce(other_seat)["License__c"] == silver.salesforce_id
    assert world.hubspot(world.linked(bronze))["expires"] == "2027-12-31"
    assert world.issues("required_field_missing") == []

    world.associate(other_seat, silver, remove=True)
    world.edit_hubspot(other_seat, name="Seat 2b")
    world.sync()
    assert world.salesforce(other_seat)["License__c"] == gold.salesforce_id
    world.assert_quiet()


def _create_objects(world: World) -> None:
    clients = build_clients(world.settings)
    license_fields = (("amount", "number", "number"), ("expires", "date", "date"))
    related = "COMPANY"
    for name, properties, required in (("license", license_fields, ["name", "expires"]), ("seat", (), ["name"])):
        body = {
            "name": name,
            "labels": {"singular": name.title(), "plural": f"{name.title()}s"},
            "primaryDisplayProperty": "name",
            "requiredProperties": required,
            "properties": [
                {"name": "name", "label": "Name", "type": "string", "fieldType": "text"},
                *[{"name": own, "label": own, "type": kind, "fieldType": field} for own, kind, field in properties],
            ],
            "associatedObjects": [related],
        }
        reply = clients.hubspot.api.request("POST", "/crm/v3/schemas", json=body, retry_unknown=False, expect=(201,))
        related = reply.body["objectTypeId"]
    clients.close()
    fields = {
        "Amount__c": {"type": "Number", "label": "Amount", "precision": 10, "scale": 2},
        "Expires__c": {"type": "Date", "label": "Expires"},
        "Account__c": _lookup("Account"),
    }
    for name, own in (("License", fields), ("Seat", {"License__c": _lookup("License__c")})):
        control.change_metadata(
            world.state_dir, "salesforce", action="add_object", name=f"{name}__c", label=name, fields=own
        )


def _lookup(object_: str) -> dict[str, str]:
    return {"type": "Lookup", "label": object_, "referenceTo": object_, "relationshipName": "Children"}
