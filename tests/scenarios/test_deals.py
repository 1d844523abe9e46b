"""Deals: pipelines and record types, stages within them, computed fields, amounts in their currency.

In lock-step, in an organisation with two pipelines, two currencies, and a property of its own.
"""

from __future__ import annotations

from typing import Any

from lockstep import Group, Share, Steps
from people import hubspot_deal, salesforce_deal
from world import World

from crm_sync.clients import build_clients
from sandbox import control

NEW, RENEWAL = "012000000000001AAA", "012000000000002AAA"
STAGES = (
    "Sales Pipeline,Appointment Scheduled,New Business,Discovery,both,",
    "Sales Pipeline,Qualified To Buy,New Business,Qualification,both,",
    "Sales Pipeline,Closed Won,New Business,Closed Won,both,",
)


def map_deals(world: World) -> None:
    """Both pipelines follow record types, and a property follows what Salesforce computes."""
    _add_record_types(world)
    _add_property(world, "sf_probability", type="number", fieldType="number")
    control.change_metadata(world.state_dir, "salesforce", action="use_currencies", rates={"USD": 1, "EUR": 0.9})
    world.use_own_seeds()
    _map_fields(world, "deal,pipeline,RecordTypeId,two_way,,,,,,,", "deal,sf_probability,Probability,two_way,,,,,,,")
    pipeline, stages = _second_pipeline(world)
    renewals = (f"{stages[0][1]},Renewal,Qualification", f"{stages[1][1]},Renewal,Closed Won")
    world.seed("stage_mappings", *STAGES, *[f"{pipeline['label']},{renewal},both," for renewal in renewals])


GROUP = Group("deals", map_deals)


@GROUP.scenario
def test_pipelines_follow_record_types_and_stages_stay_within_them(world: Share) -> Steps:
    pipeline, stages = _second_pipeline(world)
    pipeline_id = str(pipeline["id"])
    new = world.create("deal", hubspot=hubspot_deal(world.own("New")))
    renewal = world.create("deal", hubspot=hubspot_deal(world.own("Renewal"), stages[0][0], pipeline=pipeline_id))
    from_salesforce = world.create(
        "deal", salesforce=salesforce_deal(world.own("From Salesforce"), RecordTypeId=RENEWAL)
    )
    yield
    new, renewal, from_salesforce = (world.linked(pair) for pair in (new, renewal, from_salesforce))
    for pair, expected in ((new, NEW), (renewal, RENEWAL)):
        opportunity = world.salesforce(pair)
        assert (opportunity["RecordTypeId"], opportunity["StageName"]) == (expected, "Qualification")
    deal = world.hubspot(from_salesforce)
    assert (deal["pipeline"], deal["dealstage"]) == (pipeline_id, stages[0][0])

    # the same stage by name is another one in the other pipeline, so it moves along
    world.edit_salesforce(new, RecordTypeId=RENEWAL)
    world.edit_hubspot(renewal, pipeline="default", dealstage="closedwon")
    yield
    deal = world.hubspot(new)
    assert (deal["pipeline"], deal["dealstage"]) == (pipeline_id, stages[0][0])
    assert world.salesforce(new)["StageName"] == "Qualification"
    opportunity = world.salesforce(renewal)
    assert (opportunity["RecordTypeId"], opportunity["StageName"]) == (NEW, "Closed Won")
    yield  # what Salesforce computed of the stage then follows
    assert float(world.hubspot(renewal)["sf_probability"]) == 100


@GROUP.scenario
def test_what_a_crm_computes_of_a_deal_is_followed_and_never_fought_over(world: Share) -> Steps:
    pair = world.create("deal", hubspot=hubspot_deal(world.own("One"), sf_probability="77"))
    yield
    pair = world.linked(pair)
    yield
    probability = float(world.salesforce(pair)["Probability"])
    assert float(world.hubspot(pair)["sf_probability"]) == probability
    world.edit_hubspot(pair, sf_probability="3", amount="5")
    yield
    assert float(world.salesforce(pair)["Probability"]) == probability
    assert float(world.hubspot(pair)["sf_probability"]) == probability


@GROUP.scenario
def test_an_amount_travels_with_its_currency(world: Share) -> Steps:
    pair = world.create("deal", hubspot=hubspot_deal(world.own("One"), amount="100"))
    yield
    suspended = {issue["field"] for issue in world.issues("suspended_mapping")}
    assert "Amount" in suspended
    pair = world.linked(pair)
    assert world.salesforce(pair)["Amount"] is None

    options = [
        {"label": code, "value": code, "displayOrder": n, "hidden": False} for n, code in enumerate(("USD", "EUR"))
    ]
    _add_property(world, "deal_currency_code", type="enumeration", fieldType="select", options=options)
    _map_fields(world, "deal,deal_currency_code,CurrencyIsoCode,two_way,,,,,,,")
    world.edit_hubspot(pair, deal_currency_code="EUR")
    yield
    assert (float(world.salesforce(pair)["Amount"]), world.salesforce(pair)["CurrencyIsoCode"]) == (100, "EUR")
    world.api_writes()
    world.edit_salesforce(pair, Amount=250, CurrencyIsoCode="USD")
    yield
    deal = world.hubspot(pair)
    assert (float(deal["amount"]), deal["deal_currency_code"]) == (250, "USD")
    (write,) = world.api_writes()
    assert {"amount", "deal_currency_code"} <= write["changes"].keys()


def _map_fields(world: World, *rows: str) -> None:
    world.seed("field_mappings", *rows, *world.seed_rows("field_mappings"))


def _add_property(world: World, name: str, **more: Any) -> None:
    clients = build_clients(world.settings)
    clients.hubspot.create_property("deals", {"name": name, "label": name, "groupName": "dealinformation", **more})
    clients.close()


def _add_record_types(world: World) -> None:
    types = {NEW: "New Business", RENEWAL: "Renewal"}
    records = [
        {
            "Id": id_, "SobjectType": "Opportunity", "Name": name, "DeveloperName": name.replace(" ", "_"),
            "IsActive": True,
        }
        for id_, name in types.items()
    ]  # fmt: skip
    control.load(world.state_dir, "salesforce", {"RecordType": records})


def _second_pipeline(world: World) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """HubSpot's second deal pipeline, and its stages (id, label)."""
    clients = build_clients(world.settings)
    pipeline = sorted(clients.hubspot.pipelines("deals"), key=lambda one: int(one["displayOrder"]))[1]
    clients.close()
    return pipeline, [(str(stage["id"]), str(stage["label"])) for stage in pipeline["stages"]]
