"""Deal stages: many-to-one rows stay as they are, moves arrive as mapped stages, unmapped ones are held and named."""

from __future__ import annotations

from lockstep import DEFAULTS, Share, Steps
from people import hubspot_deal, salesforce_deal


@DEFAULTS.scenario
def test_two_hubspot_stages_that_share_a_salesforce_stage_stay_as_they_are(world: Share) -> Steps:
    shared = {
        stage: world.create("deal", hubspot=hubspot_deal(world.own(stage), stage))
        for stage in ("decisionmakerboughtin", "contractsent")
    }
    yield
    for stage, pair in shared.items():
        linked = world.linked(pair)
        assert world.salesforce(linked)["StageName"] == "Negotiation/Review"
        assert world.hubspot(linked)["dealstage"] == stage

    # moving between the two in HubSpot is no news for Salesforce, and Salesforce sends neither back
    moved = world.linked(shared["decisionmakerboughtin"])
    world.edit_hubspot(moved, dealstage="contractsent")
    yield
    assert world.hubspot(moved)["dealstage"] == "contractsent"
    assert world.salesforce(moved)["StageName"] == "Negotiation/Review"


@DEFAULTS.scenario
def test_a_stage_moved_in_salesforce_arrives_in_hubspot_as_a_mapped_stage(world: Share) -> Steps:
    pair = world.create("deal", hubspot=hubspot_deal(world.own("Big one")))
    yield
    linked = world.linked(pair)
    for moved_to, expected in [
        ("Negotiation/Review", "decisionmakerboughtin"),  # the row for both directions beats the one-way row
        ("Discovery", "appointmentscheduled"),
        ("Closed Won", "closedwon"),
    ]:
        world.edit_salesforce(linked, StageName=moved_to)
        yield
        assert world.hubspot(linked)["dealstage"] == expected
        assert world.salesforce(linked)["StageName"] == moved_to


@DEFAULTS.scenario
def test_every_stage_of_the_default_table_is_created_in_both_directions(world: Share) -> Steps:
    table = {
        "appointmentscheduled": "Discovery",
        "qualifiedtobuy": "Qualification",
        "presentationscheduled": "Proposal/Price Quote",
        "decisionmakerboughtin": "Negotiation/Review",
        "closedwon": "Closed Won",
        "closedlost": "Closed Lost",
    }
    from_hubspot = {
        stage: world.create("deal", hubspot=hubspot_deal(world.own(f"h {stage}"), stage)) for stage in table
    }
    from_salesforce = {
        stage: world.create("deal", salesforce=salesforce_deal(world.own(f"s {stage}"), table[stage]))
        for stage in table
    }
    yield
    for stage, salesforce_stage in table.items():
        assert world.salesforce(world.linked(from_hubspot[stage]))["StageName"] == salesforce_stage
        created = world.hubspot(world.linked(from_salesforce[stage]))
        assert (created["dealstage"], created["pipeline"]) == (stage, "default")


@DEFAULTS.scenario
def test_an_unmapped_stage_holds_back_the_stage_only_and_is_named(world: Share) -> Steps:
    pair = world.create("deal", hubspot=hubspot_deal(world.own("Renewal")))
    yield
    linked = world.linked(pair)
    born = salesforce_deal(world.own("Unmapped at birth"), "Prospecting")
    waiting = world.create("deal", salesforce=born, minutes_ago=0)
    world.edit_salesforce(linked, StageName="Needs Analysis", Amount=2500)
    yield

    assert world.hubspot(linked)["dealstage"] == "qualifiedtobuy"
    assert float(world.hubspot(linked)["amount"]) == 2500
    assert not world.is_linked(waiting)
    named = {issue["salesforce_id"]: issue for issue in world.issues("unmapped_stage")}
    assert set(named) == {linked.salesforce_id, waiting.salesforce_id}
    assert "Needs Analysis" in named[linked.salesforce_id]["detail"]
    assert "Prospecting" in named[waiting.salesforce_id]["detail"]
    assert "stage_mappings.csv" in named[linked.salesforce_id]["fix"]

    # the remedy takes effect on what was held back, without either record being touched; no other scenario in lock-step
    # has deals in these stages
    world.use_own_seeds()
    world.seed(
        "stage_mappings",
        *world.seed_rows("stage_mappings"),
        "Sales Pipeline,Qualified To Buy,,Prospecting,to_hubspot,",
        "Sales Pipeline,Presentation Scheduled,,Needs Analysis,to_hubspot,",
    )
    yield
    assert world.hubspot(linked)["dealstage"] == "presentationscheduled"
    assert world.is_linked(waiting)
    assert world.issues("unmapped_stage") == []
