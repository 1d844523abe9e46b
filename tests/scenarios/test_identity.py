"""Merges redirect links, deletes mark them, restores resume them; nothing is created again."""

from __future__ import annotations

from lockstep import DEFAULTS, Share, Steps
from people import hubspot_person, salesforce_person
from world import Pair, World

from sandbox import control


@DEFAULTS.scenario
def test_a_merge_in_salesforce_redirects_the_link_to_the_winner(world: Share) -> Steps:
    winner = world.create("contact", hubspot_person(world.own("winner")), salesforce_person(world.own("winner")))
    loser = world.create("contact", hubspot_person(world.own("loser")), salesforce_person(world.own("loser")))
    yield
    _merge_in_salesforce(world, winner, loser)
    yield
    assert world.linked(winner) == winner
    assert world.count("contact") == (2, 1)
    assert world.link_statuses() == {winner.hubspot_id: "linked", loser.hubspot_id: "superseded"}
    assert [issue["hubspot_id"] for issue in world.issues("duplicate_person")] == [loser.hubspot_id]


@DEFAULTS.scenario
def test_the_unlinked_winner_of_a_merge_takes_the_link(world: Share) -> Steps:
    linked = world.create("contact", hubspot_person(world.own("one")), salesforce_person(world.own("one")))
    yield
    stranger = world.create("contact", salesforce=salesforce_person(world.own("stranger"), Email=None))
    _merge_in_salesforce(world, stranger, linked)
    yield
    moved = Pair("contact", linked.hubspot_id, stranger.salesforce_id)
    assert world.linked(moved) == moved
    assert world.hubspot(moved)["salesforce_record_id"] == stranger.salesforce_id


@DEFAULTS.scenario
def test_a_merge_in_hubspot_redirects_the_link_even_to_a_new_id(world: Share) -> Steps:
    pairs = {}
    for new_id in (False, True):
        name = world.own(f"kept{new_id}")
        kept = world.create("contact", hubspot_person(name), salesforce_person(name))
        pairs[new_id] = kept, world.create("contact", hubspot_person(world.own(f"gone{new_id}")))
    yield
    survivors = {}
    for new_id, (kept, gone) in pairs.items():
        survivors[new_id] = _merge_in_hubspot(world, kept, world.linked(gone), new_id=new_id)
        assert (survivors[new_id] != kept.hubspot_id) == new_id
    yield
    for new_id, (kept, _) in pairs.items():
        links = world.query(
            "select salesforce_id from matching.links where hubspot_id = ? and status = 'linked'", survivors[new_id]
        )
        assert links == [(kept.salesforce_id,)]


@DEFAULTS.scenario
def test_companies_may_be_merged_in_hubspot_while_the_sync_runs(world: Share) -> Steps:
    acme, west = world.own("acme"), world.own("acme-west")
    kept = world.create("company", salesforce={"Name": acme, "Website": f"{acme}.com"})
    gone = world.create("company", salesforce={"Name": west, "Website": f"{west}.com"})
    yield
    kept, gone = world.linked(kept), world.linked(gone)
    _merge_in_hubspot(world, kept, gone)
    yield
    assert world.linked(kept) == kept
    assert world.count("company") == (1, 2)


@DEFAULTS.scenario
def test_a_deleted_record_is_not_created_again_and_a_restored_one_resumes(world: Share) -> Steps:
    one = world.own("one")
    pair = world.create("contact", hubspot_person(one, jobtitle="CTO"), salesforce_person(one))
    made = world.create("contact", hubspot=hubspot_person(world.own("two")))
    yield
    made = world.linked(made)
    control.delete(world.state_dir, "salesforce", "Contact", str(pair.salesforce_id))
    control.delete(world.state_dir, "hubspot", "contacts", str(made.hubspot_id))
    world.edit_hubspot(pair, jobtitle="CEO")
    yield
    assert world.count("contact") == (1, 1)
    assert world.link_statuses() == {pair.hubspot_id: "salesforce_deleted", made.hubspot_id: "hubspot_deleted"}

    control.act(world.state_dir, "salesforce", "restore", object="Contact", id=pair.salesforce_id)
    yield
    assert world.linked(pair) == pair
    assert world.salesforce(pair)["Title"] == "CEO"


@DEFAULTS.scenario
def test_a_new_record_with_the_same_key_takes_the_place_of_a_deleted_one(world: Share) -> Steps:
    pair = world.create("contact", hubspot_person(world.own("one")), salesforce_person(world.own("one")))
    yield
    control.delete(world.state_dir, "salesforce", "Contact", str(pair.salesforce_id))
    yield
    successor = world.create("contact", salesforce=salesforce_person(world.own("one"), Title="CTO"), minutes_ago=0)
    yield
    moved = Pair("contact", pair.hubspot_id, successor.salesforce_id)
    assert world.linked(moved) == moved
    assert world.hubspot(moved)["jobtitle"] == "CTO"
    assert world.hubspot(moved)["salesforce_record_id"] == successor.salesforce_id


def _merge_in_hubspot(world: Share, kept: Pair, gone: Pair, *, new_id: bool = False) -> str:
    """The id of what is left: HubSpot may give it a new one."""
    control.change_settings(world.state_dir, "hubspot", merge_new_id=new_id)
    name = world.api_name(kept.object, "hubspot")
    merged = control.act(
        world.state_dir, "hubspot", "merge", object=name, master=kept.hubspot_id, losers=[gone.hubspot_id]
    )
    return str(merged["id"])


def _merge_in_salesforce(world: Share, winner: Pair, loser: Pair) -> None:
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
