"""Pushes that die at random points, over real HTTP: the pushes after them complete the work, and do nothing twice."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from push_support import diff_row
from push_world import PushWorld

import reverse_etl.hubspot
import reverse_etl.salesforce
from crm_sync.clients.http import ApiClient
from reverse_etl.journal import Journal

SEEDS = 12


class Killed(BaseException):
    """The process dies: nothing that catches errors sees it."""


class Death:
    """Dies when the nth call or entry in the journal is about to be made, or has been made."""

    def __init__(self, patch: pytest.MonkeyPatch, number: int) -> None:
        self.passed = 0
        self._number = number
        for owner, name in (
            (ApiClient, "_send"), (Journal, "begin_attempts"), (Journal, "record_outcomes"),
        ):  # fmt: skip
            patch.setattr(owner, name, self._around(getattr(owner, name)))

    def _around(self, real: Any) -> Any:
        def wrapped(*arguments: Any, **options: Any) -> Any:
            self._pass()
            result = real(*arguments, **options)
            self._pass()
            return result

        return wrapped

    def _pass(self) -> None:
        self.passed += 1
        if self.passed == self._number:
            raise Killed


def _work(crms: PushWorld) -> None:
    """Creates and updates both ways, with parents, stamps and associations, in several batches."""
    rows = []
    for n in range(3):
        company = crms.create("hubspot", "companies", name=f"Firm {n}")
        person = crms.create("hubspot", "contacts", email=f"p{n}@example.com", jobtitle="Old")
        contact = crms.create("salesforce", "Contact", LastName=f"L{n}", Title="Old")
        rows += [
            diff_row("salesforce", "company", "create", f"c{n}", hubspot_id=company, changes={"Name": f"Firm {n}"}),
            diff_row(
                "salesforce", "contact", "create", f"p{n}", hubspot_id=person,
                changes={"LastName": f"P{n}"}, references={"AccountId": {"link_id": f"c{n}"}},
            ),
            diff_row(
                "hubspot", "contact", "update", f"p{n}", record_id=person, changes={"jobtitle": "New"},
                previous={"jobtitle": "Old"}, references={"salesforce_record_id": {"link_id": f"p{n}"}},
                snapshot_modified_at=crms.modified_at("hubspot", "contacts", person),
            ),
            diff_row(
                "salesforce", "contact", "update", f"u{n}", record_id=contact, changes={"Title": "New"},
                previous={"Title": "Old"}, snapshot_modified_at=crms.modified_at("salesforce", "Contact", contact),
            ),
            diff_row(
                "hubspot", "contact", "create", f"q{n}", salesforce_id=contact,
                changes={"lastname": f"Q{n}", "associations.companies": company},
            ),
        ]  # fmt: skip
    crms.diffs(*rows)


def _state(crms: PushWorld) -> dict[str, Any]:
    """What is there in the end, by names."""
    accounts = {one["Id"]: one["Name"] for one in crms.records("salesforce", "Account")}
    people = [one["properties"] for one in crms.records("hubspot", "contacts")]
    contacts = {one["Id"]: one for one in crms.records("salesforce", "Contact")}
    return {
        "accounts": sorted(accounts.values()),
        "contacts": sorted(
            (one["LastName"], one["Title"], accounts.get(one["AccountId"] or "")) for one in contacts.values()
        ),
        "people": sorted(
            (one.get("email") or "", one.get("lastname") or "", one.get("jobtitle") or "",
             contacts.get(one.get("salesforce_record_id") or "", {}).get("LastName", ""),
             bool(one.get("associatedcompanyid")))
            for one in people
        ),
    }  # fmt: skip


WANTED = {
    "accounts": [f"Firm {n}" for n in range(3)],
    "contacts": sorted(
        [(f"L{n}", "New", None) for n in range(3)] + [(f"P{n}", None, f"Firm {n}") for n in range(3)]
    ),
    "people": sorted(
        [(f"p{n}@example.com", "", "New", f"P{n}", False) for n in range(3)]
        + [("", f"Q{n}", "", f"L{n}", True) for n in range(3)]
    ),
}  # fmt: skip


def test_a_push_that_is_let_alone_does_all_of_it(crms: PushWorld) -> None:
    _work(crms)
    crms.push()
    assert _state(crms) == WANTED


@pytest.mark.parametrize("seed", range(SEEDS))
def test_pushes_that_die_at_random_points_do_everything_once(
    crms: PushWorld, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Every third goes through Bulk jobs."""
    random = Random(seed)
    options = {"bulk_threshold": 0 if seed % 3 else 1}
    monkeypatch.setattr(reverse_etl.hubspot, "BATCH_SIZE", 2)
    monkeypatch.setattr(reverse_etl.salesforce, "BATCH_SIZE", 2)
    _work(crms)
    deaths = 0
    for number in range(random.randint(1, 4)):
        with pytest.MonkeyPatch.context() as patch:
            Death(patch, random.randint(1, 60))
            try:
                crms.push(f"killed {number}", **options)
            except Killed:
                deaths += 1
    crms.push("next", **options)
    crms.push("last", **options)
    assert _state(crms) == WANTED
    assert {row["outcome"] for row in crms.attempts} <= {"succeeded", "retryable", "stale"}
    made = [one for one in crms.api_writes("salesforce") if one["operation"] == "create"]
    assert len(made) == 6
    # nothing was written that no attempt speaks of
    sent = {(row["record_id"], name, value) for row in crms.attempts for name, value in row["changes"].items()}
    for crm, fields in (("salesforce", {"Title"}), ("hubspot", {"jobtitle", "salesforce_record_id"})):
        for one in crms.api_writes(crm):
            if one["operation"] == "update":
                assert {(one["id"], name, one["changes"][name][1]) for name in fields & one["changes"].keys()} <= sent
