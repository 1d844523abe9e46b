"""Each direction, each way of editing: the end state is the one that the decision table says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lockstep import Group, Share, Steps
from people import hubspot_person, salesforce_person
from world import Pair, World

OLD, NEW = 0, 1
#: All five directions, a field for each.
DIRECTIONS = {
    ("jobtitle", "Title"): "prefer_salesforce",
    ("city", "MailingCity"): "always_salesforce",
    ("state", "MailingState"): "prefer_hubspot",
    ("zip", "MailingPostalCode"): "always_hubspot",
    ("country", "MailingCountry"): "two_way",
}
HUBSPOT, SALESFORCE = zip(*DIRECTIONS, strict=True)


def map_directions(world: World) -> None:
    world.use_own_seeds()
    world.seed(
        "field_mappings",
        "contact,lastname,LastName,prefer_salesforce,,,,,,,",
        "contact,email,Email,two_way,,,,,,,",
        "contact,phone,Phone,prefer_salesforce,,,,,,,",
        *[f"contact,{fields[0]},{fields[1]},{direction},,,,,,," for fields, direction in DIRECTIONS.items()],
    )


GROUP = Group("directions", map_directions)


@dataclass(frozen=True)
class Case:
    """One contact: who edits its title when, and what both CRMs hold in the end."""

    name: str
    hubspot_edit: tuple[str, int] | None
    salesforce_edit: tuple[str, int] | None
    expected: str


def cases(direction: str) -> list[Case]:
    """The rows of the decision table that hold for a direction, after a first agreement on 'Base'."""
    always = {"always_hubspot": "H", "always_salesforce": "S"}.get(direction)
    reverted_h = "Base" if always == "S" else "H"
    reverted_s = "Base" if always == "H" else "S"
    tie = {"prefer_hubspot": "H", "always_hubspot": "H"}.get(direction, "S")
    return [
        Case("neither", None, None, "Base"),
        Case("hubspot only", ("H", NEW), None, reverted_h),
        Case("salesforce only", None, ("S", NEW), reverted_s),
        Case("both, hubspot newer", ("H", NEW), ("S", OLD), always or "H"),
        Case("both, salesforce newer", ("H", OLD), ("S", NEW), always or "S"),
        Case("both, same second", ("H", OLD), ("S", OLD), always or tie),
        Case("both, same value", ("X", NEW), ("X", OLD), "X"),
        Case("hubspot clears", ("", NEW), None, "Base" if always == "S" else ""),
        Case("salesforce clears", None, ("", NEW), "Base" if always == "H" else ""),
    ]


@GROUP.scenario
def test_edits_end_as_the_decision_table_says(world: Share) -> Steps:
    """A contact for each way of editing."""
    ways = [case.name for case in cases("two_way")]
    pairs = {
        way: world.create(
            "contact",
            _hubspot_person(world, i, **dict.fromkeys(HUBSPOT, "Base")),
            _salesforce_person(world, i, **dict.fromkeys(SALESFORCE, "Base")),
        )
        for i, way in enumerate(ways)
    }
    yield
    moments = {OLD: world.moment(OLD), NEW: world.moment(NEW)}
    for case in cases("two_way"):
        if case.hubspot_edit:
            value, at = case.hubspot_edit
            world.edit_hubspot(pairs[case.name], at=moments[at], **dict.fromkeys(HUBSPOT, value))
        if case.salesforce_edit:
            value, at = case.salesforce_edit
            world.edit_salesforce(pairs[case.name], at=moments[at], **dict.fromkeys(SALESFORCE, value))
    world.wait_until(moments[NEW])
    yield

    expected, ends = {}, {}
    for (hubspot_property, salesforce_field), direction in DIRECTIONS.items():
        for case in cases(direction):
            expected[direction, case.name] = (case.expected, case.expected)
            ends[direction, case.name] = (
                world.hubspot(pairs[case.name]).get(hubspot_property) or "",
                world.salesforce(pairs[case.name])[salesforce_field] or "",
            )
    assert ends == expected
    conflicts = set(world.own_rows("select hubspot_id, hubspot_property from sync_health.field_conflicts"))
    both = ("both, hubspot newer", "both, salesforce newer", "both, same second")
    assert conflicts == {(pairs[way].hubspot_id, name) for way in both for name in HUBSPOT}


@GROUP.scenario
def test_the_first_sync_prefers_the_side_that_the_direction_names(world: Share) -> Steps:
    """A blank value gives way except under always_*; two_way takes the newer of two values."""
    hubspot, salesforce = dict.fromkeys(HUBSPOT, "H"), dict.fromkeys(SALESFORCE, "S")
    older = world.create("contact", hubspot=_hubspot_person(world, 1, **hubspot), minutes_ago=30)
    newer = world.create("contact", salesforce=_salesforce_person(world, 1, **salesforce), minutes_ago=10)
    differing = Pair("contact", older.hubspot_id, newer.salesforce_id)
    later = world.create("contact", hubspot=_hubspot_person(world, 4, **hubspot), minutes_ago=10)
    earlier = world.create("contact", salesforce=_salesforce_person(world, 4, **salesforce), minutes_ago=30)
    hubspot_newer = Pair("contact", later.hubspot_id, earlier.salesforce_id)
    blank_in_salesforce = world.create("contact", _hubspot_person(world, 2, **hubspot), _salesforce_person(world, 2))
    blank_in_hubspot = world.create("contact", _hubspot_person(world, 3), _salesforce_person(world, 3, **salesforce))
    yield

    for pair, expected in {
        differing: ["S", "S", "H", "H", "S"],
        hubspot_newer: ["S", "S", "H", "H", "H"],
        blank_in_salesforce: ["H", None, "H", "H", "H"],
        blank_in_hubspot: ["S", "S", "S", None, "S"],
    }.items():
        assert [world.hubspot(pair).get(name) or None for name in HUBSPOT] == expected
        assert [world.salesforce(pair)[name] for name in SALESFORCE] == expected


@GROUP.scenario
def test_writes_of_the_sync_are_nobodys_edits(world: Share) -> Steps:
    """Times are compared without the sync's own writes: the last human edit before one is what counts."""
    pair = world.create(
        "contact",
        _hubspot_person(world, 1, jobtitle="Base", phone="1"),
        _salesforce_person(world, 1, Title="Base", Phone="1"),
    )
    yield
    before_the_write = world.moment(0)
    world.edit_hubspot(pair, at=before_the_write, jobtitle="H, before the write")
    world.wait_until(before_the_write)
    assert len(world.planned()) == 1
    # nothing has been pushed yet when Salesforce is edited later; an unrelated field makes the sync write to HubSpot
    later = world.moment(0)
    world.edit_salesforce(pair, at=later, Title="S, later", Phone="2")
    world.wait_until(later)
    yield
    assert _title(world, pair) == ("S, later", "S, later")
    assert world.hubspot(pair)["phone"] == "2"

    # the sync's write to HubSpot is newer than this Salesforce edit's rival, which is the human edit before it
    rival = world.decision(pair, "jobtitle")["hubspot_edited_at"]
    assert rival.replace(microsecond=0) == before_the_write


def _title(world: World, pair: Pair) -> tuple[str, str]:
    return world.hubspot(pair).get("jobtitle") or "", world.salesforce(pair)["Title"] or ""


def _hubspot_person(world: Share, number: int, **values: Any) -> dict[str, Any]:
    return hubspot_person(world.own(f"person{number}"), **values)


def _salesforce_person(world: Share, number: int, **values: Any) -> dict[str, Any]:
    return salesforce_person(world.own(f"person{number}"), **values)
