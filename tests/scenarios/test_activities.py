"""Activities, off by default: tasks both ways, calls and their like from HubSpot as completed tasks."""

from __future__ import annotations

from people import hubspot_company, hubspot_deal, hubspot_person, salesforce_person
from world import Pair, World

ACTIVITIES = ("task", "call", "meeting", "email", "note")
NAMES = {name: (f"{name}s", "Task") for name in ACTIVITIES}


def test_activities_are_off_by_default(world: World) -> None:
    world.objects |= NAMES
    world.create("task", hubspot={"hs_task_subject": "Call back", "hs_timestamp": "2026-12-01T09:00:00Z"})
    world.sync()
    assert world.count("task") == (1, 0)
    world.assert_quiet()


def test_tasks_go_both_ways_with_what_they_refer_to(world: World) -> None:
    _enable(world)
    fields = [
        row.replace("WhoId,two_way,,,,contact,", "WhoId,two_way,,,,contact;lead,")
        for row in world.seed_rows("field_mappings")
    ]
    world.seed("field_mappings", *fields)
    ann = world.create("contact", hubspot=hubspot_person("ann"), salesforce=salesforce_person("ann"))
    lee = world.create(
        "lead", hubspot=hubspot_person("lee"), salesforce={**salesforce_person("lee"), "Company": "Lee's"}
    )
    acme = world.create("company", hubspot=hubspot_company("Acme", "acme.example.net", world.active_owner()))
    deal = world.create("deal", hubspot=hubspot_deal("Big"))
    one = world.create(
        "task",
        hubspot={
            "hs_task_subject": "Call back", "hs_timestamp": "2026-12-01T09:00:00Z", "hs_task_status": "NOT_STARTED",
            "hs_task_priority": "HIGH",
        },
    )  # fmt: skip
    for other in (ann, acme, deal):
        world.associate(one, other)
    other = world.create("task", salesforce={"Subject": "Send quote", "WhoId": ann.salesforce_id})
    of_lead = world.create("task", salesforce={"Subject": "Ask for a call", "WhoId": lee.salesforce_id})
    about_lead = world.create("task", hubspot={"hs_task_subject": "Look up", "hs_timestamp": "2026-12-01T09:00:00Z"})
    world.associate(about_lead, lee)
    assert world.sync().status == "succeeded"
    one, other, deal, acme = (world.linked(pair) for pair in (one, other, deal, acme))
    of_lead, about_lead = world.linked(of_lead), world.linked(about_lead)
    assert world.associated(of_lead, "lead") == {lee.hubspot_id}
    assert world.salesforce(about_lead)["WhoId"] == lee.salesforce_id
    task = world.salesforce(one)
    assert (task["Subject"], task["Status"], task["Priority"]) == ("Call back", "Not Started", "High")
    assert (task["ActivityDate"], task["WhoId"], task["WhatId"]) == (
        "2026-12-01",
        ann.salesforce_id,
        deal.salesforce_id,
    )
    copy = world.hubspot(other)
    assert (copy["hs_task_subject"], copy["hs_task_status"]) == ("Send quote", "NOT_STARTED")
    assert copy["hs_timestamp"]
    assert world.associated(other, "contact") == {ann.hubspot_id}

    world.edit_salesforce(one, Status="Completed", WhatId=acme.salesforce_id)
    world.edit_hubspot(other, hs_task_priority="LOW")
    world.edit_salesforce(of_lead, WhoId=ann.salesforce_id)  # from a lead to a contact
    world.sync()
    assert world.associated(of_lead, "contact") == {ann.hubspot_id}
    assert world.hubspot(one)["hs_task_status"] == "COMPLETED"
    assert world.associated(one, "company") == {acme.hubspot_id}
    assert world.salesforce(one)["WhatId"] == acme.salesforce_id
    assert world.salesforce(other)["Priority"] == "Low"
    world.assert_quiet()


def test_calls_and_their_like_become_completed_tasks_and_come_back_as_nothing(world: World) -> None:
    _enable(world)
    rules = world.seed_rows("inclusion_rules")
    world.seed("inclusion_rules", *rules, "call,hubspot,1,hs_call_direction,is_any_of,OUTBOUND,")
    ann = world.create("contact", hubspot=hubspot_person("ann"), salesforce=salesforce_person("ann"))
    at = {"hs_timestamp": "2026-03-01T09:30:00Z"}
    made: dict[str, Pair] = {
        "Intro": world.create("call", hubspot={**at, "hs_call_title": "Intro", "hs_call_direction": "OUTBOUND"}),
        "Demo": world.create("meeting", hubspot={**at, "hs_meeting_title": "Demo", "hs_meeting_body": "Shown."}),
        "Offer": world.create("email", hubspot={**at, "hs_email_subject": "Offer", "hs_email_text": "See below."}),
        "Note": world.create("note", hubspot={**at, "hs_note_body": "Remember."}),
    }
    inbound = world.create("call", hubspot={**at, "hs_call_title": "Inbound", "hs_call_direction": "INBOUND"})
    for pair in made.values():
        world.associate(pair, ann)
    assert world.sync().status == "succeeded"
    for subject, pair in made.items():
        task = world.salesforce(world.linked(pair))
        assert (task["Subject"], task["Status"], task["ActivityDate"]) == (subject, "Completed", "2026-03-01")
        assert task["WhoId"] == ann.salesforce_id
    assert world.salesforce(world.linked(made["Intro"]))["TaskSubtype"] == "Call"
    assert not world.is_linked(inbound)
    assert world.count("task") == (0, 4)

    world.edit_hubspot(made["Demo"], hs_meeting_body="Shown twice.")
    world.edit_salesforce(world.linked(made["Offer"]), Description="Overwritten.")
    world.sync()
    assert world.salesforce(world.linked(made["Demo"]))["Description"] == "Shown twice."
    assert world.salesforce(world.linked(made["Offer"]))["Description"] == "See below."
    world.assert_quiet()


def _enable(world: World) -> None:
    world.objects |= NAMES
    world.use_own_seeds()
    rows = world.seed_rows("object_mappings")
    world.seed(
        "object_mappings",
        *[row.replace(",false,", ",true,", 1) if row.startswith(ACTIVITIES) else row for row in rows],
    )
    world.set_up()
