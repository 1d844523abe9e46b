"""Merges redirect links, deletes mark them, restores resume them; nothing is created again."""

from __future__ import annotations

from people import hubspot_person, salesforce_person
from world import Pair, World

from sandbox import control


def test_a_merge_in_salesforce_redirects_the_link_to_the_winner(world: World) -> None:
    winner = world.create("contact", hubspot=hubspot_person("winner"), salesforce=salesforce_person("winner"))
    loser = world.create("contact", hubspot=hubspot_person("loser"), salesforce=salesforce_person("loser"))
    world.sync()
    _merge_in_salesforce(world, winner, loser)
    world.sync()
    assert world.linked(winner) == winner
    assert world.count("contact") == (2, 1)
    statuses = dict(world.query("select hubspot_id, status from matching.links"))
    assert statuses == {winner.hubspot_id: "linked", loser.hubspot_id: "superseded"}
    assert [issue["hubspot_id"] for issue in world.issues("duplicate_person")] == [loser.hubspot_id]
    world.assert_quiet()


def test_the_unlinked_winner_of_a_merge_takes_the_link(world: World) -> None:
    linked = world.create("contact", hubspot=hubspot_person("one"), salesforce=salesforce_person("one"))
    world.sync()
    stranger = world.create("contact", salesforce=salesforce_person("stranger", Email=None))
    _merge_in_salesforce(world, stranger, linked)
    world.sync()
    moved = Pair("contact", linked.hubspot_id, stranger.salesforce_id)
    assert world.linked(moved) == moved
    assert world.hubspot(moved)["salesforce_record_id"] == stranger.salesforce_id
    world.assert_quiet()


def test_a_merge_in_hubspot_redirects_the_link_even_to_a_new_id(world: World) -> None:
    for new_id in (False, True):
        control.change_settings(world.state_dir, "hubspot", merge_new_id=new_id)
        name = f"kept{new_id}"
        kept = world.create("contact", hubspot_person(name), salesforce_person(name), minutes_ago=0)
        gone = world.create("contact", hubspot_person(f"gone{new_id}"), minutes_ago=0)
        world.sync()
        gone = world.linked(gone)
        merged = control.act(
            world.state_dir, "hubspot", "merge", object="contacts", master=kept.hubspot_id, losers=[gone.hubspot_id]
        )
        survivor = merged["id"]
        assert (survivor != kept.hubspot_id) == new_id
        world.sync()
        links = world.query(
            "select salesforce_id from matching.links where hubspot_id = ? and status = 'linked'", survivor
        )
        assert links == [(kept.salesforce_id,)]
        world.assert_quiet()


def test_companies_may_be_merged_in_hubspot_while_the_sync_runs(world: World) -> None:
    control.change_settings(world.state_dir, "hubspot", merge_new_id=False)
    kept = world.create("company", salesforce={"Name": "Acme", "Website": "acme.com"})
    gone = world.create("company", salesforce={"Name": "Acme West", "Website": "acme-west.com"})
    world.sync()
    kept, gone = world.linked(kept), world.linked(gone)
    control.act(
        world.state_dir, "hubspot", "merge", object="companies", master=kept.hubspot_id, losers=[gone.hubspot_id]
    )
    world.sync()
    assert world.linked(kept) == kept
    assert world.count("company") == (1, 2)
    world.assert_quiet()


def test_a_deleted_record_is_not_created_again_and_a_restored_one_resumes(world: World) -> None:
    pair = world.create("contact", hubspot=hubspot_person("one", jobtitle="CTO"), salesforce=salesforce_person("one"))
    made = world.create("contact", hubspot=hubspot_person("two"))
    world.sync()
    made = world.linked(made)
    control.delete(world.state_dir, "salesforce", "Contact", str(pair.salesforce_id))
    control.delete(world.state_dir, "hubspot", "contacts", str(made.hubspot_id))
    world.edit_hubspot(pair, jobtitle="CEO")
    world.sync()
    assert world.count("contact") == (1, 1)
    statuses = dict(world.query("select hubspot_id, status from matching.links"))
    assert statuses == {pair.hubspot_id: "salesforce_deleted", made.hubspot_id: "hubspot_deleted"}

    control.act(world.state_dir, "salesforce", "restore", object="Contact", id=pair.salesforce_id)
    world.sync()
    assert world.linked(pair) == pair
    assert world.salesforce(pair)["Title"] == "CEO"
    world.assert_quiet()


def test_a_new_record_with_the_same_key_takes_the_place_of_a_deleted_one(world: World) -> None:
    pair = world.create("contact", hubspot=hubspot_person("one"), salesforce=salesforce_person("one"))
    world.sync()
    control.delete(world.state_dir, "salesforce", "Contact", str(pair.salesforce_id))
    world.sync()
    successor = world.create("contact", salesforce=salesforce_person("one", Title="CTO"), minutes_ago=0)
    world.sync()
    moved = Pair("contact", pair.hubspot_id, successor.salesforce_id)
    assert world.linked(moved) == moved
    assert world.hubspot(moved)["jobtitle"] == "CTO"
    assert world.hubspot(moved)["salesforce_record_id"] == successor.salesforce_id
    world.assert_quiet()


def _merge_in_salesforce(world: World, winner: Pair, loser: Pair) -> None:
    control.act(
        world.state_dir, "salesforce", "merge",
        object="Contact", master=winner.salesforce_id, losers=[loser.salesforce_id],
    )  # fmt: skip


def test_where_the_mapping_says_so_a_counterpart_is_deleted_too(world: World) -> None:
    world.use_own_seeds()
    rows = [row for row in world.seed_rows("object_mappings") if not row.startswith("contact,")]
    world.seed("object_mappings", *rows, "contact,contacts,Contact,true,1,email,Email,email,true,true,delete,delete,")
    first = world.create("contact", hubspot=hubspot_person("first"), salesforce=salesforce_person("first"))
    second = world.create("contact", hubspot=hubspot_person("second"), salesforce=salesforce_person("second"))
    world.create("contact", hubspot=hubspot_person("third"), salesforce=salesforce_person("third"))
    world.sync()
    control.delete(world.state_dir, "hubspot", "contacts", str(first.hubspot_id))
    control.delete(world.state_dir, "salesforce", "Contact", str(second.salesforce_id))
    world.sync()
    assert world.count("contact") == (1, 1)
    statuses = dict(world.query("select hubspot_id, status from matching.links where status <> 'linked'"))
    assert statuses == {first.hubspot_id: "both_deleted", second.hubspot_id: "both_deleted"}
    world.assert_quiet()
