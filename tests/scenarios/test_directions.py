"""Each direction, each way of editing: the end state is the one that the decision table says."""

from __future__ import annotations

from dataclasses import dataclass

from world import Pair, World

OLD, NEW = 0, 1


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


def test_edits_end_as_the_decision_table_says(world: World) -> None:
    """All five directions at once, a field for each; a contact for each way of editing."""
    world.use_own_seeds()
    directions = {
        ("jobtitle", "Title"): "prefer_salesforce",
        ("city", "MailingCity"): "always_salesforce",
        ("state", "MailingState"): "prefer_hubspot",
        ("zip", "MailingPostalCode"): "always_hubspot",
        ("country", "MailingCountry"): "two_way",
    }
    rows = [f"contact,{h},{s},{direction},,,,,,," for (h, s), direction in directions.items()]
    names = ["contact,lastname,LastName,prefer_salesforce,,,,,,,", "contact,email,Email,two_way,,,,,,,"]
    world.seed("field_mappings", *names, *rows)
    ways = [case.name for case in cases("two_way")]
    pairs = {
        way: world.create(
            "contact",
            hubspot={**_person(i), **dict.fromkeys((h for h, _ in directions), "Base"), "lifecyclestage": "customer"},
            salesforce={**_salesforce_person(i), **dict.fromkeys((s for _, s in directions), "Base")},
        )
        for i, way in enumerate(ways)
    }
    world.sync()
    moments = {OLD: world.moment(OLD), NEW: world.moment(NEW)}
    for case in cases("two_way"):
        if case.hubspot_edit:
            value, at = case.hubspot_edit
            world.edit_hubspot(pairs[case.name], at=moments[at], **dict.fromkeys((h for h, _ in directions), value))
        if case.salesforce_edit:
            value, at = case.salesforce_edit
            world.edit_salesforce(pairs[case.name], at=moments[at], **dict.fromkeys((s for _, s in directions), value))
    world.wait_until(moments[NEW])
    world.sync()

    expected, ends = {}, {}
    for (hubspot_property, salesforce_field), direction in directions.items():
        for case in cases(direction):
            expected[direction, case.name] = (case.expected, case.expected)
            ends[direction, case.name] = (
                world.hubspot(pairs[case.name]).get(hubspot_property) or "",
                world.salesforce(pairs[case.name])[salesforce_field] or "",
            )
    assert ends == expected
    conflicts = set(world.query("select hubspot_id, hubspot_property from sync_health.field_conflicts"))
    both = ("both, hubspot newer", "both, salesforce newer", "both, same second")
    assert conflicts == {(pairs[way].hubspot_id, name) for way in both for name, _ in directions}
    world.assert_quiet()


def test_the_first_sync_prefers_the_side_that_the_direction_names(world: World) -> None:
    """A blank value gives way except under always_*; two_way takes the newer of two values."""
    world.use_own_seeds()
    directions = {
        "firstname,FirstName": "prefer_salesforce",
        "jobtitle,Title": "prefer_hubspot",
        "city,MailingCity": "two_way",
        "phone,Phone": "always_salesforce",
        "mobilephone,MobilePhone": "always_hubspot",
    }
    world.seed(
        "field_mappings",
        "contact,lastname,LastName,prefer_salesforce,,,,,,,",
        "contact,email,Email,two_way,,,,,,,",
        *[f"contact,{fields},{direction},,,,,,," for fields, direction in directions.items()],
    )
    hubspot = {"firstname": "H", "jobtitle": "H", "city": "H", "phone": "1", "mobilephone": "1"}
    salesforce = {"FirstName": "S", "Title": "S", "MailingCity": "S", "Phone": "2", "MobilePhone": "2"}
    older = world.create("contact", hubspot={**_person(1), **hubspot, "lifecyclestage": "customer"}, minutes_ago=30)
    newer = world.create("contact", salesforce={**_salesforce_person(1), **salesforce}, minutes_ago=10)
    differing = Pair("contact", older.hubspot_id, newer.salesforce_id)
    blank_in_salesforce = world.create(
        "contact",
        hubspot={**_person(2), **hubspot, "lifecyclestage": "customer"},
        salesforce={"LastName": "Person 2", "Email": _email(2)},
    )
    blank_in_hubspot = world.create(
        "contact",
        hubspot={"lastname": "Person 3", "email": _email(3), "lifecyclestage": "customer"},
        salesforce={**_salesforce_person(3), **salesforce},
    )
    world.sync()

    fields = ("firstname", "jobtitle", "city", "phone", "mobilephone")
    assert [world.hubspot(differing)[name] for name in fields] == ["S", "H", "S", "2", "1"]
    assert [world.hubspot(blank_in_salesforce).get(name) or None for name in fields] == ["H", "H", "H", None, "1"]
    assert [world.hubspot(blank_in_hubspot).get(name) or None for name in fields] == ["S", "S", "S", "2", None]
    fields = ("FirstName", "Title", "MailingCity", "Phone", "MobilePhone")
    assert [world.salesforce(differing)[name] for name in fields] == ["S", "H", "S", "2", "1"]
    assert [world.salesforce(blank_in_salesforce)[name] for name in fields] == ["H", "H", "H", None, "1"]
    assert [world.salesforce(blank_in_hubspot)[name] for name in fields] == ["S", "S", "S", "2", None]
    world.assert_quiet()


def test_writes_of_the_sync_are_nobodys_edits(world: World) -> None:
    """Times are compared without the sync's own writes: the last human edit before one is what counts."""
    pair = world.create(
        "contact",
        hubspot={**_person(1), "jobtitle": "Base", "phone": "1", "lifecyclestage": "customer"},
        salesforce={**_salesforce_person(1), "Title": "Base", "Phone": "1"},
    )
    world.sync()
    before_the_write = world.moment(0)
    world.edit_hubspot(pair, at=before_the_write, jobtitle="H, before the write")
    world.wait_until(before_the_write)
    plan = world.plan()
    assert plan.plan is not None
    assert len(plan.plan.operations) == 1
    # nothing has been pushed yet when Salesforce is edited later; an unrelated field makes the sync write to HubSpot
    later = world.moment(0)
    world.edit_salesforce(pair, at=later, Title="S, later", Phone="2")
    world.wait_until(later)
    world.sync()
    assert _title(world, pair) == ("S, later", "S, later")
    assert world.hubspot(pair)["phone"] == "2"

    # the sync's write to HubSpot is newer than this Salesforce edit's rival, which is the human edit before it
    rival = world.decision(pair, "jobtitle")["hubspot_edited_at"]
    assert rival.replace(microsecond=0) == before_the_write
    world.assert_quiet()


def _title(world: World, pair: Pair) -> tuple[str, str]:
    return world.hubspot(pair).get("jobtitle") or "", world.salesforce(pair)["Title"] or ""


def _email(number: int) -> str:
    return f"person{number}@northwind-traders.io"


def _person(number: int) -> dict[str, str]:
    return {"firstname": "Ada", "lastname": f"Person {number}", "email": _email(number)}


def _salesforce_person(number: int) -> dict[str, str]:
    return {"FirstName": "Ada", "LastName": f"Person {number}", "Email": _email(number)}
