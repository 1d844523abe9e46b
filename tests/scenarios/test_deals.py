"""Deals: pipelines and record types, stages within them, computed fields, amounts in their currency."""

from __future__ import annotations

from people import hubspot_deal, salesforce_deal
from world import World

from crm_sync.clients import build_clients
from sandbox import control

NEW, RENEWAL = "012000000000001AAA", "012000000000002AAA"
PIPELINE = "deal,pipeline,RecordTypeId,two_way,,,,,,,"
STAGES = (
    "Sales Pipeline,Appointment Scheduled,New Business,Discovery,both,",
    "Sales Pipeline,Qualified To Buy,New Business,Qualification,both,",
    "Sales Pipeline,Closed Won,New Business,Closed Won,both,",
)


def test_pipelines_follow_record_types_and_stages_stay_within_them(world: World) -> None:
    second, stages = _second_pipeline(world)
    world.use_own_seeds()
    world.seed("field_mappings", PIPELINE, *world.seed_rows("field_mappings"))
    world.seed(
        "stage_mappings", *STAGES,
        f"{second},{stages[0][1]},Renewal,Qualification,both,", f"{second},{stages[1][1]},Renewal,Closed Won,both,",
    )  # fmt: skip
    pipeline_id = _pipeline_id(world, second)
    new = world.create("deal", hubspot=hubspot_deal("New"))
    renewal = world.create("deal", hubspot=hubspot_deal("Renewal", stages[0][0], pipeline=pipeline_id))
    from_salesforce = world.create("deal", salesforce=salesforce_deal("From Salesforce", RecordTypeId=RENEWAL))
    world.sync()
    new, renewal, from_salesforce = (world.linked(pair) for pair in (new, renewal, from_salesforce))
    for pair, expected in ((new, NEW), (renewal, RENEWAL)):
        opportunity = world.salesforce(pair)
        assert (opportunity["RecordTypeId"], opportunity["StageName"]) == (expected, "Qualification")
    deal = world.hubspot(from_salesforce)
    assert (deal["pipeline"], deal["dealstage"]) == (pipeline_id, stages[0][0])

    # the same stage by name is another one in the other pipeline, so it moves along
    world.edit_salesforce(new, RecordTypeId=RENEWAL)
    world.sync()
    deal = world.hubspot(new)
    assert (deal["pipeline"], deal["dealstage"]) == (pipeline_id, stages[0][0])
    assert world.salesforce(new)["StageName"] == "Qualification"
    world.edit_hubspot(renewal, pipeline="default", dealstage="closedwon")
    world.sync()
    opportunity = world.salesforce(renewal)
    assert (opportunity["RecordTypeId"], opportunity["StageName"]) == (NEW, "Closed Won")
    world.assert_quiet()


def test_what_a_crm_computes_of_a_deal_is_followed_and_never_fought_over(world: World) -> None:
    clients = build_clients(world.settings)
    body = {
        "name": "sf_probability",
        "label": "P",
        "type": "number",
        "fieldType": "number",
        "groupName": "dealinformation",
    }
    clients.hubspot.create_property("deals", body)
    clients.close()
    world.use_own_seeds()
    world.seed(
        "field_mappings", "deal,sf_probability,Probability,two_way,,,,,,,", *world.seed_rows("field_mappings")
    )  # fmt: skip
    pair = world.create("deal", hubspot=hubspot_deal("One", sf_probability="77"))
    world.sync()
    pair = world.linked(pair)
    world.sync()
    probability = float(world.salesforce(pair)["Probability"])
    assert float(world.hubspot(pair)["sf_probability"]) == probability
    world.edit_hubspot(pair, sf_probability="3", amount="5")
    world.sync()
    assert float(world.salesforce(pair)["Probability"]) == probability
    assert float(world.hubspot(pair)["sf_probability"]) == probability
    world.assert_quiet()


def test_an_amount_travels_with_its_currency(world: World) -> None:
    control.change_metadata(world.state_dir, "salesforce", action="use_currencies", rates={"USD": 1, "EUR": 0.9})
    pair = world.create("deal", hubspot=hubspot_deal("One", amount="100"))
    world.sync()
    suspended = {issue["field"] for issue in world.issues("suspended_mapping")}
    assert "Amount" in suspended
    pair = world.linked(pair)
    assert world.salesforce(pair)["Amount"] is None

    clients = build_clients(world.settings)
    options = [
        {"label": code, "value": code, "displayOrder": n, "hidden": False} for n, code in enumerate(("USD", "EUR"))
    ]
    body = {
        "name": "deal_currency_code", "label": "Currency", "type": "enumeration", "fieldType": "select",
        "groupName": "dealinformation", "options": options,
    }  # fmt: skip
    clients.hubspot.create_property("deals", body)
    clients.close()
    world.edit_hubspot(pair, deal_currency_code="EUR")
    world.use_own_seeds()
    world.seed(
        "field_mappings", "deal,deal_currency_code,CurrencyIsoCode,two_way,,,,,,,", *world.seed_rows("field_mappings")
    )  # fmt: skip
    world.sync()
    assert (float(world.salesforce(pair)["Amount"]), world.salesforce(pair)["CurrencyIsoCode"]) == (100, "EUR")
    world.api_writes()
    world.edit_salesforce(pair, Amount=250, CurrencyIsoCode="USD")
    world.sync()
    deal = world.hubspot(pair)
    assert (float(deal["amount"]), deal["deal_currency_code"]) == (250, "USD")
    (write,) = world.api_writes()
    assert {"amount", "deal_currency_code"} <= write["changes"].keys()
    world.assert_quiet()


def _second_pipeline(world: World) -> tuple[str, list[tuple[str, str]]]:
    """The label of HubSpot's second deal pipeline and its stages (id, label); record types for both pipelines."""
    records = [
        {
            "Id": NEW,
            "SobjectType": "Opportunity",
            "Name": "New Business",
            "DeveloperName": "New_Business",
            "IsActive": True,
        },
        {"Id": RENEWAL, "SobjectType": "Opportunity", "Name": "Renewal", "DeveloperName": "Renewal", "IsActive": True},
    ]
    control.load(world.state_dir, "salesforce", {"RecordType": records})
    pipeline = _pipelines(world)[1]
    return str(pipeline["label"]), [(str(stage["id"]), str(stage["label"])) for stage in pipeline["stages"]]


def _pipelines(world: World) -> list[dict[str, object]]:
    clients = build_clients(world.settings)
    found = list(clients.hubspot.pipelines("deals"))
    clients.close()
    return sorted(found, key=lambda one: int(str(one["displayOrder"])))


def _pipeline_id(world: World, label: str) -> str:
    return next(str(one["id"]) for one in _pipelines(world) if one["label"] == label)
