"""Both sides have edited a field: rules, evidence, and what a person decides."""

from __future__ import annotations

from fields import add_hubspot_property, add_salesforce_field
from lockstep import Group, Share, Steps
from people import hubspot_person, salesforce_person
from world import Pair, World

OWN_RULE = """{# The value that comes first in the alphabet. #}
{% macro conflict_rule_alphabetical() -%}
    case when lower(hubspot_value) <= lower(salesforce_value) then 'hubspot' else 'salesforce' end
{%- endmacro %}
"""


RULES = {
    "topics,Topics__c": "union",
    "jobtitle,Title": "review",
    "city,MailingCity": "longest",
    "phone,Phone": "alphabetical",
    "state,MailingState": "",
    "country,Untracked__c": "",
    "mobilephone,MobilePhone": "",
}
TOPICS = ("art", "golf", "jazz", "tea")


def map_rules(world: World) -> None:
    """Names and e-mail as ever, and pairs of fields as two_way with a rule each."""
    add_hubspot_property(world, "contacts", "topics", "enumeration", "checkbox", TOPICS)
    titles = [name.title() for name in TOPICS]
    add_salesforce_field(world, "Contact", "Topics__c", "MultiselectPicklist", titles, visibleLines=4)
    add_salesforce_field(world, "Contact", "Untracked__c", "Text", length=80)
    world.use_own_seeds()
    world.seed(
        "field_mappings",
        "contact,firstname,FirstName,prefer_salesforce,,,,,,,",
        "contact,lastname,LastName,prefer_salesforce,,,,,,,",
        "contact,email,Email,two_way,,,,,,,",
        *(f"contact,{fields},two_way,{rule},,,,,," for fields, rule in RULES.items()),
    )
    world.seed("value_mappings", *(f"contact,topics,{name},{name.title()},both," for name in TOPICS))
    world.use_own_macros()
    (world.project.macros_dir / "alphabetical.sql").write_text(OWN_RULE, encoding="utf-8")


GROUP = Group("conflict_rules", map_rules)


@GROUP.scenario
def test_multi_selects_are_merged_as_sets_against_the_base(world: Share) -> Steps:
    def person(name: str, topics: str | None) -> Pair:
        mapped, name = topics.title() if topics else None, world.own(name)
        return world.create("contact", hubspot_person(name, topics=topics), salesforce_person(name, Topics__c=mapped))

    both_add = person("both-add", "golf;art")
    one_removes = person("one-removes", "art;golf")
    one_edits = person("one-edits", "art;golf")
    reordered = person("reordered", "art;golf")
    new = world.create("contact", hubspot=hubspot_person(world.own("new"), topics="jazz;art"))
    yield
    assert sets(world, world.linked(new)) == ("art;jazz", "Art;Jazz")

    at = world.moment(0)
    world.edit_hubspot(both_add, at=at, topics="art;golf;jazz")
    world.edit_salesforce(both_add, at=at, Topics__c="Tea;Golf;Art")
    world.edit_hubspot(one_removes, at=at, topics="golf;tea")
    world.edit_salesforce(one_removes, at=at, Topics__c="Art;Golf;Jazz")
    world.edit_hubspot(one_edits, at=at, topics="tea")
    world.edit_hubspot(reordered, at=at, topics="golf;art")
    world.wait_until(at)
    world.api_writes()
    yield
    written = {(write["crm"], write["id"]) for write in world.api_writes()}
    assert sets(world, both_add) == ("art;golf;jazz;tea", "Art;Golf;Jazz;Tea")
    assert sets(world, one_removes) == ("golf;jazz;tea", "Golf;Jazz;Tea")
    assert sets(world, one_edits) == ("tea", "Tea")
    assert written == {
        ("hubspot", both_add.hubspot_id), ("salesforce", both_add.salesforce_id),
        ("hubspot", one_removes.hubspot_id), ("salesforce", one_removes.salesforce_id),
        ("salesforce", one_edits.salesforce_id),
    }  # fmt: skip
    conflicts = world.own_rows("select hubspot_id, winner, reason from sync_health.field_conflicts order by hubspot_id")
    assert conflicts == sorted((pair.hubspot_id, "both", "conflict_union") for pair in (both_add, one_removes))
    # the merged set is the base: taking one choice away is an edit of its own, not a conflict
    world.edit_salesforce(both_add, Topics__c="Tea")
    yield
    assert sets(world, both_add) == ("tea", "Tea")
    assert len(world.own_rows("select hubspot_id, salesforce_id from sync_health.field_conflicts")) == 2


@GROUP.scenario
def test_review_holds_both_values_until_a_person_decides(world: Share) -> Steps:
    pairs = {
        name: world.create(
            "contact",
            hubspot=hubspot_person(world.own(name), jobtitle="Base", city="Base", phone="Base"),
            salesforce=salesforce_person(world.own(name), Title="Base", MailingCity="Base", Phone="Base"),
        )
        for name in ("by-file", "by-edit")
    }
    yield
    at = world.moment(0)
    for pair in pairs.values():
        world.edit_hubspot(pair, at=at, jobtitle="H", city="Hamburg", phone="A")
        world.edit_salesforce(pair, at=at, Title="S", MailingCity="Ulm", Phone="B")
    world.wait_until(at)
    yield
    for pair in pairs.values():
        assert (world.hubspot(pair)["jobtitle"], world.salesforce(pair)["Title"]) == ("H", "S")
        assert (world.hubspot(pair)["city"], world.salesforce(pair)["MailingCity"]) == ("Hamburg", "Hamburg")
        assert (world.hubspot(pair)["phone"], world.salesforce(pair)["Phone"]) == ("A", "A")  # the user's own rule
    held = world.issues("held_for_review")
    assert {issue["hubspot_id"] for issue in held} == {pair.hubspot_id for pair in pairs.values()}
    assert "conflict_resolutions.csv" in held[0]["fix"]
    # whoever decides sees when either field was edited, by the CRMs' own histories
    listed = world.own_rows(
        "select hubspot_id, winner, held_reason, evidence, hubspot_edited_at, salesforce_edited_at"
        " from sync_health.field_conflicts where reason = 'conflict_review'"
    )
    assert [row[1:] for row in listed] == [(None, "held_for_review", "field", at, at)] * 2
    world.edit_hubspot(pairs["by-edit"], at=world.moment(0), zip="1")  # the record's time, not the field's
    world.wait_until(world.moment(0))
    assert world.decision(pairs["by-edit"], "jobtitle")["hubspot_edited_at"] == at

    by_file, by_edit = pairs["by-file"], pairs["by-edit"]
    world.seed("conflict_resolutions", f"contact,{by_file.hubspot_id},,jobtitle,hubspot,")
    world.edit_hubspot(by_edit, jobtitle="S")
    yield
    assert (world.hubspot(by_file)["jobtitle"], world.salesforce(by_file)["Title"]) == ("H", "H")
    assert (world.hubspot(by_edit)["jobtitle"], world.salesforce(by_edit)["Title"]) == ("S", "S")
    assert world.decision(by_file, "jobtitle")["reason"] == "conflict_resolved"
    assert world.issues("held_for_review") == []

    # the row has done its work: a new conflict waits for a new word
    at = world.moment(0)
    world.edit_hubspot(by_file, at=at, jobtitle="H2")
    world.edit_salesforce(by_file, at=at, Title="S2")
    world.wait_until(at)
    yield
    assert (world.hubspot(by_file)["jobtitle"], world.salesforce(by_file)["Title"]) == ("H2", "S2")
    world.seed("conflict_resolutions", f"contact,,{by_file.salesforce_id},jobtitle,salesforce,second time")
    yield
    assert (world.hubspot(by_file)["jobtitle"], world.salesforce(by_file)["Title"]) == ("S2", "S2")


@GROUP.scenario
def test_a_conflict_is_decided_by_when_the_field_was_edited_not_the_record(world: Share) -> Steps:
    pair = world.create(
        "contact",
        hubspot=hubspot_person(world.own("one"), state="Base", country="Base", mobilephone="1"),
        salesforce=salesforce_person(world.own("one"), MailingState="Base", Untracked__c="Base", MobilePhone="1"),
    )
    yield
    moments = [world.moment(second) for second in range(3)]
    world.edit_hubspot(pair, at=moments[0], state="H, first", country="H")
    world.edit_salesforce(pair, at=moments[1], MailingState="S, later", Untracked__c="S")
    world.edit_hubspot(pair, at=moments[2], mobilephone="2")  # moves the record's time, not the state's
    world.wait_until(moments[2])
    yield
    assert (world.hubspot(pair)["state"], world.salesforce(pair)["MailingState"]) == ("S, later", "S, later")
    state, country = world.decision(pair, "state"), world.decision(pair, "country")
    assert (state["evidence"], state["hubspot_edited_at"], state["salesforce_edited_at"]) == (
        "field", moments[0], moments[1],
    )  # fmt: skip
    assert country["evidence"] in ("field", "mixed")
    assert country["winner"] == "salesforce"
    assert world.hubspot(pair)["country"] == "S"
    assert world.salesforce(pair)["MobilePhone"] == "2"
    kept = "select hubspot_id, evidence, winner from sync_health.field_conflicts where hubspot_property = 'state'"
    assert world.own_rows(kept) == [(pair.hubspot_id, "field", "salesforce")]


def sets(world: World, pair: Pair) -> tuple[str, str]:
    """The topics of both sides, in order."""
    hubspot, salesforce = world.hubspot(pair).get("topics") or "", world.salesforce(pair)["Topics__c"] or ""
    return ";".join(sorted(hubspot.split(";"))), ";".join(sorted(salesforce.split(";")))
