"""Activities, off by default: tasks both ways, calls and their like from HubSpot as completed tasks."""

from __future__ import annotations

from lockstep import DEFAULTS, Group, Share, Steps
from people import hubspot_company, hubspot_deal, hubspot_person, salesforce_person
from world import Pair, World

ACTIVITIES = ("task", "call", "meeting", "email", "note")
NAMES = {name: (f"{name}s", "Task") for name in ACTIVITIES}


@DEFAULTS.scenario
def test_activities_are_off_by_default(world: Share) -> Steps:
    world.objects |= NAMES
    call_back = {"hs_task_subject": world.own("Call back"), "hs_timestamp": "2026-12-01T09:00:00Z"}
    world.create("task", hubspot=call_back)
    yield
    assert world.count("task") == (1, 0)


def map_activities(world: World) -> None:
    """All of them, tasks of leads as well, and of calls those that went out."""
    world.objects |= NAMES
    world.use_own_seeds()
    rows = world.seed_rows("object_mappings")
    world.seed(
        "object_mappings",
        *[row.replace(",false,", ",true,", 1) if row.startswith(ACTIVITIES) else row for row in rows],
    )
    fields = [
        row.replace("WhoId,two_way,,,,contact,", "WhoId,two_way,,,,contact;lead,")
        for row in world.seed_rows("field_mappings")
    ]
    world.seed("field_mappings", *fields)
    rules = world.seed_rows("inclusion_rules")
    world.seed("inclusion_rules", *rules, "call,hubspot,1,hs_call_direction,is_any_of,OUTBOUND,")
    world.set_up()


GROUP = Group("activities", map_activities)


@GROUP.scenario
def test_tasks_go_both_ways_with_what_they_refer_to(world: Share) -> Steps:
    ann = world.create("contact", hubspot_person(world.own("ann")), salesforce_person(world.own("ann")))
    lead = {**salesforce_person(world.own("lee")), "Company": world.own("Lee's")}
    lee = world.create("lead", hubspot_person(world.own("lee")), lead)
    acme = world.create("company", hubspot=hubspot_company(world.own("Acme"), None, world.active_owner()))
    deal = world.create("deal", hubspot=hubspot_deal(world.own("Big")))
    call_back = {
        "hs_task_subject": world.own("Call back"), "hs_timestamp": "2026-12-01T09:00:00Z",
        "hs_task_status": "NOT_STARTED", "hs_task_priority": "HIGH",
    }  # fmt: skip
    one = world.create("task", hubspot=call_back)
    for other in (ann, acme, deal):
        world.associate(one, other)
    other = world.create("task", salesforce={"Subject": world.own("Send quote"), "WhoId": ann.salesforce_id})
    of_lead = world.create("task", salesforce={"Subject": world.own("Ask for a call"), "WhoId": lee.salesforce_id})
    about_lead = world.create(
        "task", hubspot={"hs_task_subject": world.own("Look up"), "hs_timestamp": "2026-12-01T09:00:00Z"}
    )
    world.associate(about_lead, lee)
    result = yield
    assert result.status == "succeeded"
    one, other, deal, acme = (world.linked(pair) for pair in (one, other, deal, acme))
    of_lead, about_lead = world.linked(of_lead), world.linked(about_lead)
    assert world.associated(of_lead, "lead") == {lee.hubspot_id}
    assert world.salesforce(about_lead)["WhoId"] == lee.salesforce_id
    task = world.salesforce(one)
    assert (task["Subject"], task["Status"], task["Priority"]) == (world.own("Call back"), "Not Started", "High")
    assert (task["ActivityDate"], task["WhoId"], task["WhatId"]) == (
        "2026-12-01",
        ann.salesforce_id,
        deal.salesforce_id,
    )
    copy = world.hubspot(other)
    assert (copy["hs_task_subject"], copy["hs_task_status"]) == (world.own("Send quote"), "NOT_STARTED")
    assert copy["hs_timestamp"]
    assert world.associated(other, "contact") == {ann.hubspot_id}

    world.edit_salesforce(one, Status="Completed", WhatId=acme.salesforce_id)
    world.edit_hubspot(other, hs_task_priority="LOW")
    world.edit_salesforce(of_lead, WhoId=ann.salesforce_id)  # from a lead to a contact
    yield
    assert world.associated(of_lead, "contact") == {ann.hubspot_id}
    assert world.hubspot(one)["hs_task_status"] == "COMPLETED"
    assert world.associated(one, "company") == {acme.hubspot_id}
    assert world.salesforce(one)["WhatId"] == acme.salesforce_id
    assert world.salesforce(other)["Priority"] == "Low"


@GROUP.scenario
def test_calls_and_their_like_become_completed_tasks_and_come_back_as_nothing(world: Share) -> Steps:
    ann = world.create("contact", hubspot_person(world.own("ann")), salesforce_person(world.own("ann")))
    at = {"hs_timestamp": "2026-03-01T09:30:00Z"}
    calls = {
        name: {**at, "hs_call_title": world.own(name), "hs_call_direction": direction}
        for name, direction in (("Intro", "OUTBOUND"), ("Inbound", "INBOUND"))
    }
    demo = {**at, "hs_meeting_title": world.own("Demo"), "hs_meeting_body": "Shown."}
    offer = {**at, "hs_email_subject": world.own("Offer"), "hs_email_text": "See below."}
    made: dict[str, Pair] = {
        world.own("Intro"): world.create("call", hubspot=calls["Intro"]),
        world.own("Demo"): world.create("meeting", hubspot=demo),
        world.own("Offer"): world.create("email", hubspot=offer),
        "Note": world.create("note", hubspot={**at, "hs_note_body": world.own("Remember.")}),
    }
    inbound = world.create("call", hubspot=calls["Inbound"])
    call, meeting, mail, _ = made.values()
    for pair in made.values():
        world.associate(pair, ann)
    result = yield
    assert result.status == "succeeded"
    for subject, pair in made.items():
        task = world.salesforce(world.linked(pair))
        assert (task["Subject"], task["Status"], task["ActivityDate"]) == (subject, "Completed", "2026-03-01")
        assert task["WhoId"] == ann.salesforce_id
    assert world.salesforce(world.linked(call))["TaskSubtype"] == "Call"
    assert not world.is_linked(inbound)
    assert world.count("task") == (0, 4)

    world.edit_hubspot(meeting, hs_meeting_body="Shown twice.")
    world.edit_salesforce(world.linked(mail), Description="Overwritten.")
    yield
    assert world.salesforce(world.linked(meeting))["Description"] == "Shown twice."
    assert world.salesforce(world.linked(mail))["Description"] == "See below."
