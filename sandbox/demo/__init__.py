"""Demo data for both CRMs: the same for everybody, as dirty as reality.

Owns: what the demo organisations hold. `hubspot_records()` and `salesforce_records()` give, per object, the
records in the format that the stand-in's `load` takes; every call gives the same. cases.py lists the
situations that were put in on purpose.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain
from typing import Any

from sandbox.demo import views, world
from sandbox.demo.cases import COMPANIES, CONTACTS, DEALS, Case
from sandbox.demo.people import SALESFORCE_USERS
from sandbox.demo.views import SALESFORCE_STAGES, Typist
from sandbox.demo.world import Company, Deal, Person

__all__ = ["Sizes", "hubspot_records", "hubspot_streams", "salesforce_records", "salesforce_streams"]

SEED = 20_261_001
Records = dict[str, list[dict[str, Any]]]
Streams = dict[str, Iterator[dict[str, Any]]]


@dataclass(frozen=True)
class Sizes:
    """How many records a side has, and how many of them are in both CRMs (hand-written ones included)."""

    companies: int = 120
    shared_companies: int = 76
    contacts: int = 500
    shared_contacts: int = 312
    deals: int = 150
    test_contacts: int = 10

    @classmethod
    def of(cls, contacts: int) -> Sizes:
        """The demo's proportions around so many contacts a side (500 at least)."""
        number = max(contacts, 500)
        return cls(
            companies=number * 24 // 100,
            shared_companies=number * 15 // 100,
            contacts=number,
            shared_contacts=number * 62 // 100,
            deals=number * 30 // 100,
        )


@dataclass(frozen=True)
class _World:
    companies: list[Company]
    people: list[Person]
    deals: list[Deal]


def hubspot_records(sizes: Sizes | None = None) -> Records:
    """contacts, companies and deals of the demo HubSpot account."""
    return {object_: list(records) for object_, records in hubspot_streams(sizes).items()}


def salesforce_records(sizes: Sizes | None = None) -> Records:
    """User, Account, Contact and Opportunity of the demo Salesforce organisation, in order of dependence."""
    return {object_: list(records) for object_, records in salesforce_streams(sizes).items()}


def hubspot_streams(sizes: Sizes | None = None) -> Streams:
    """The same, made while they are read. Read them in the order of the dictionary, each once."""
    generated, typist = _generated(sizes or Sizes()), Typist(f"{SEED} hubspot")
    staff: dict[int, list[Person]] = {}
    for person in generated.people:
        if person.company is not None and person.presence.hubspot:
            staff.setdefault(person.company.number, []).append(person)
    return {
        "companies": chain(
            (views.hubspot_case(typist, case, views.HUBSPOT_COMPANY) for case in COMPANIES if case.hubspot),
            (views.hubspot_company(typist, item) for item in generated.companies if item.presence.hubspot),
        ),
        "contacts": chain(
            (views.hubspot_case(typist, case, views.HUBSPOT_CONTACT) for case in CONTACTS if case.hubspot),
            (views.hubspot_contact(typist, item) for item in generated.people if item.presence.hubspot),
        ),
        "deals": chain(
            (views.hubspot_case(typist, case, views.HUBSPOT_DEAL) for case in DEALS if case.hubspot),
            (
                views.hubspot_deal(typist, item, staff.get(item.company.number, []))
                for item in generated.deals
                if item.presence.hubspot
            ),
        ),
    }


def salesforce_streams(sizes: Sizes | None = None) -> Streams:
    """The same, made while they are read. Read them in the order of the dictionary, each once."""
    generated, typist = _generated(sizes or Sizes()), Typist(f"{SEED} salesforce")
    numbers = {case.number for case in COMPANIES if case.salesforce}
    return {
        "User": (dict(user) for user in SALESFORCE_USERS),
        "Account": chain(
            (views.salesforce_case(typist, case, "001", numbers) for case in COMPANIES if case.salesforce),
            (views.salesforce_account(typist, item) for item in generated.companies if item.presence.salesforce),
        ),
        "Contact": chain(
            (views.salesforce_case(typist, case, "003", numbers) for case in CONTACTS if case.salesforce),
            (views.salesforce_contact(typist, item) for item in generated.people if item.presence.salesforce),
        ),
        "Opportunity": chain(
            (views.salesforce_case(typist, case, "006", numbers) for case in DEALS if case.salesforce),
            (views.salesforce_opportunity(typist, item) for item in generated.deals if item.presence.salesforce),
        ),
    }


@lru_cache(maxsize=1)
def _generated(sizes: Sizes) -> _World:
    """What fills the organisations up to their sizes around the hand-written cases."""
    rng = random.Random(SEED)
    companies = list(world.companies(rng, _fill(COMPANIES, sizes.companies, sizes.shared_companies)))
    people = list(world.people(rng, _fill(CONTACTS, sizes.contacts, sizes.shared_contacts), companies))
    people = _with_test_addresses(people, sizes.test_contacts)
    where = world.presences(0, *(sizes.deals - _count(DEALS, side) for side in ("hubspot", "salesforce")))
    deals = list(world.deals(rng, where, companies, tuple(SALESFORCE_STAGES)))
    return _World(companies, people, deals)


def _count(cases: Sequence[Case], side: str) -> int:
    return sum(1 for case in cases if getattr(case, side))


def _fill(cases: Sequence[Case], size: int, shared: int) -> list[world.Presence]:
    """Who is where, so that with the cases each side has `size` records and `shared` are in both."""
    both = shared - sum(1 for case in cases if case.hubspot and case.salesforce)
    return world.presences(both, size - _count(cases, "hubspot") - both, size - _count(cases, "salesforce") - both)


def _with_test_addresses(people: list[Person], count: int) -> list[Person]:
    """Give the last few of each CRM's own people the addresses of test records."""
    result = list(people)
    for is_hubspot in (True, False):
        mine = [
            index
            for index, person in enumerate(people)
            if person.presence == world.Presence(is_hubspot, not is_hubspot)
        ]
        for order, index in enumerate(mine[-count:]):
            domain = "test.com" if order % 2 else "example.com"
            side = "hs" if is_hubspot else "sf"
            result[index] = replace(people[index], email=f"test.{side}{order + 1}@{domain}")
    return result
