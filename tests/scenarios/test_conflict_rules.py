"""Both sides have edited a field: rules, evidence, and what a person decides."""

from __future__ import annotations

from fields import add_hubspot_property, add_salesforce_field
from people import hubspot_person, salesforce_person
from world import Pair, World

OWN_RULE = """{# The value that comes first in the alphabet. #}
{% macro conflict_rule_alphabetical() -%}
    case when lower(hubspot_value) <= lower(salesforce_value) then 'hubspot' else 'salesforce' end
{%- endmacro %}
"""


def with_rules(world: World, **rules: str) -> None:
    """Own seeds: names and e-mail as ever, and the given pairs of fields as two_way with a rule."""
    world.use_own_seeds()
    world.seed(
        "field_mappings",
        "contact,firstname,FirstName,prefer_salesforce,,,,,,,",
        "contact,lastname,LastName,prefer_salesforce,,,,,,,",
        "contact,email,Email,two_way,,,,,,,",
        *(f"contact,{fields.replace('__', ',', 1)},two_way,{rule},,,,,," for fields, rule in rules.items()),
    )


def test_multi_selects_are_merged_as_sets_against_the_base(world: World) -> None:
    add_hubspot_property(world, "contacts", "topics", "enumeration", "checkbox", ["art", "golf", "jazz", "tea"])
    add_salesforce_field(
        world, "Contact", "Topics__c", "MultiselectPicklist", ["Art", "Golf", "Jazz", "Tea"], visibleLines=4
    )
    with_rules(world)
    world.seed("field_mappings", *world.seed_rows("field_mappings"), "contact,topics,Topics__c,two_way,union,,,,,,")
    world.seed(
        "value_mappings", *(f"contact,topics,{name},{name.title()},both," for name in ("art", "golf", "jazz", "tea"))
    )

    def person(name: str, topics: str | None) -> Pair:
        mapped = topics.title() if topics else None
        return world.create(
            "contact", hubspot=hubspot_person(name, topics=topics), salesforce=salesforce_person(name, Topics__c=mapped)
        )

    both_add = person("both-add", "golf;art")
    one_removes = person("one-removes", "art;golf")
    one_edits = person("one-edits", "art;golf")
    reordered = person("reordered", "art;golf")
    new = world.create("contact", hubspot=hubspot_person("new", topics="jazz;art"))
    world.sync()
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
    world.sync()
    written = {(write["crm"], write["id"]) for write in world.api_writes()}
    assert sets(world, both_add) == ("art;golf;jazz;tea", "Art;Golf;Jazz;Tea")
    assert sets(world, one_removes) == ("golf;jazz;tea", "Golf;Jazz;Tea")
    assert sets(world, one_edits) == ("tea", "Tea")
    assert written == {
        ("hubspot", both_add.hubspot_id), ("salesforce", both_add.salesforce_id),
        ("hubspot", one_removes.hubspot_id), ("salesforce", one_removes.salesforce_id),
        ("salesforce", one_edits.salesforce_id),
    }  # fmt: skip
    conflicts = world.query("select hubspot_id, winner, reason from sync_health.field_conflicts order by hubspot_id")
    assert conflicts == sorted((pair.hubspot_id, "both", "conflict_union") for pair in (both_add, one_removes))
    # the merged set is the base: taking one choice away is an edit of its own, not a conflict
    world.edit_salesforce(both_add, Topics__c="Tea")
    world.sync()
    assert sets(world, both_add) == ("tea", "Tea")
    assert len(world.query("select 1 from sync_health.field_conflicts")) == 2
    world.assert_quiet()


def test_review_holds_both_values_until_a_person_decides(world: World) -> None:
    with_rules(world, jobtitle__Title="review", city__MailingCity="longest", phone__Phone="alphabetical")
    world.use_own_macros()
    (world.project.macros_dir / "alphabetical.sql").write_text(OWN_RULE, encoding="utf-8")
    pairs = {
        name: world.create(
            "contact",
            hubspot=hubspot_person(name, jobtitle="Base", city="Base", phone="Base"),
            salesforce=salesforce_person(name, Title="Base", MailingCity="Base", Phone="Base"),
        )
        for name in ("by-file", "by-edit")
    }
    world.sync()
    at = world.moment(0)
    for pair in pairs.values():
        world.edit_hubspot(pair, at=at, jobtitle="H", city="Hamburg", phone="A")
        world.edit_salesforce(pair, at=at, Title="S", MailingCity="Ulm", Phone="B")
    world.wait_until(at)
    world.sync()
    for pair in pairs.values():
        assert (world.hubspot(pair)["jobtitle"], world.salesforce(pair)["Title"]) == ("H", "S")
        assert (world.hubspot(pair)["city"], world.salesforce(pair)["MailingCity"]) == ("Hamburg", "Hamburg")
        assert (world.hubspot(pair)["phone"], world.salesforce(pair)["Phone"]) == ("A", "A")  # the user's own rule
    held = world.issues("held_for_review")
    assert {issue["hubspot_id"] for issue in held} == {pair.hubspot_id for pair in pairs.values()}
    assert "conflict_resolutions.csv" in held[0]["fix"]
    # whoever decides sees when either field was edited, by the CRMs' own histories
    listed = world.query(
        "select winner, held_reason, evidence, hubspot_edited_at, salesforce_edited_at"
        " from sync_health.field_conflicts where reason = 'conflict_review'"
    )
    assert listed == [(None, "held_for_review", "field", at, at)] * 2
    world.edit_hubspot(pairs["by-edit"], at=world.moment(0), mobilephone="1")  # the record's time, not the field's
    world.wait_until(world.moment(0))
    assert world.decision(pairs["by-edit"], "jobtitle")["hubspot_edited_at"] == at

    by_file, by_edit = pairs["by-file"], pairs["by-edit"]
    world.seed("conflict_resolutions", f"contact,{by_file.hubspot_id},,jobtitle,hubspot,")
    world.edit_hubspot(by_edit, jobtitle="S")
    world.sync()
    assert (world.hubspot(by_file)["jobtitle"], world.salesforce(by_file)["Title"]) == ("H", "H")
    assert (world.hubspot(by_edit)["jobtitle"], world.salesforce(by_edit)["Title"]) == ("S", "S")
    assert world.decision(by_file, "jobtitle")["reason"] == "conflict_resolved"
    assert world.issues("held_for_review") == []

    # the row has done its work: a new conflict waits for a new word
    at = world.moment(0)
    world.edit_hubspot(by_file, at=at, jobtitle="H2")
    world.edit_salesforce(by_file, at=at, Title="S2")
    world.wait_until(at)
    world.sync()
    assert (world.hubspot(by_file)["jobtitle"], world.salesforce(by_file)["Title"]) == ("H2", "S2")
    world.seed("conflict_resolutions", f"contact,,{by_file.salesforce_id},jobtitle,salesforce,second time")
    world.sync()
    assert (world.hubspot(by_file)["jobtitle"], world.salesforce(by_file)["Title"]) == ("S2", "S2")
    world.assert_quiet()


def test_a_conflict_is_decided_by_when_the_field_was_edited_not_the_record(world: World) -> None:
    add_salesforce_field(world, "Contact", "Untracked__c", "Text", length=80)
    with_rules(world, jobtitle__Title="", city__Untracked__c="", phone__Phone="")
    pair = world.create(
        "contact",
        hubspot=hubspot_person("one", jobtitle="Base", city="Base", phone="1"),
        salesforce=salesforce_person("one", Title="Base", Untracked__c="Base", Phone="1"),
    )
    world.sync()
    moments = [world.moment(second) for second in range(3)]
    world.edit_hubspot(pair, at=moments[0], jobtitle="H, first", city="H")
    world.edit_salesforce(pair, at=moments[1], Title="S, later", Untracked__c="S")
    world.edit_hubspot(pair, at=moments[2], phone="2")  # moves the record's time, not the title's
    world.wait_until(moments[2])
    world.sync()
    assert (world.hubspot(pair)["jobtitle"], world.salesforce(pair)["Title"]) == ("S, later", "S, later")
    title, city = world.decision(pair, "jobtitle"), world.decision(pair, "city")
    assert (title["evidence"], title["hubspot_edited_at"], title["salesforce_edited_at"]) == (
        "field", moments[0], moments[1],
    )  # fmt: skip
    assert city["evidence"] in ("field", "mixed")
    assert city["winner"] == "salesforce"
    assert world.hubspot(pair)["city"] == "S"
    assert world.salesforce(pair)["Phone"] == "2"
    kept = world.query("select evidence, winner from sync_health.field_conflicts where hubspot_property = 'jobtitle'")
    assert kept == [("field", "salesforce")]
    world.assert_quiet()


def sets(world: World, pair: Pair) -> tuple[str, str]:
    """The topics of both sides, in order."""
    hubspot, salesforce = world.hubspot(pair).get("topics") or "", world.salesforce(pair)["Topics__c"] or ""
    return ";".join(sorted(hubspot.split(";"))), ";".join(sorted(salesforce.split(";")))
