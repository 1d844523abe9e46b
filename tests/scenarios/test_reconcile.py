"""A full comparison finds what incremental reads missed, and the sync carries it over."""

from __future__ import annotations

from people import hubspot_person, salesforce_person
from world import Pair, World

from crm_sync.summary import cycle_summary
from sandbox import control

DAY = 24 * 60


def test_a_reconcile_repairs_what_incremental_reads_missed(world: World) -> None:
    """An edit stamped long before the watermark, a record that became visible late, and one that was erased."""
    old = {name: _person(world, name) for name in ("ann", "bob", "cid")}
    world.create("contact", hubspot=hubspot_person("young"), salesforce=salesforce_person("young"))
    world.sync()
    two_days_ago = world.minutes_ago(2 * DAY)
    world.edit_hubspot(old["ann"], at=two_days_ago, jobtitle="Chief of Staff")
    world.edit_salesforce(old["bob"], at=two_days_ago, Title="Counsel")  # a transaction of two days
    late = world.create("contact", salesforce=salesforce_person("late"), minutes_ago=2 * DAY)
    control.delete(world.state_dir, "salesforce", "Contact", str(old["cid"].salesforce_id), at=two_days_ago)
    world.assert_quiet()  # no incremental read sees any of it

    result = world.sync(reconcile=True)
    assert world.salesforce(old["ann"])["Title"] == "Chief of Staff"
    assert world.hubspot(old["bob"])["jobtitle"] == "Counsel"
    assert world.hubspot(world.linked(late))["lastname"] == "late"
    assert world.query("select status from matching.links where hubspot_id = ?", old["cid"].hubspot_id) == [
        ("salesforce_deleted",)
    ]
    assert any("4 had been missed" in line for line in cycle_summary(result, world.settings.health_path))
    found = world.query(
        "select crm_object, kind, records from sync_health.drift where run_id = ? and records > 0 order by all",
        result.run_id,
    )
    assert found == [
        ("Contact", "changed", 1),
        ("Contact", "deleted", 1),
        ("Contact", "new", 1),
        ("contacts", "changed", 1),
    ]
    world.assert_quiet()


def _person(world: World, name: str) -> Pair:
    return world.create(
        "contact", hubspot=hubspot_person(name), salesforce=salesforce_person(name), minutes_ago=5 * DAY
    )
