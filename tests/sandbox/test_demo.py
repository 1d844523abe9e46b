"""The demo data: deterministic, of the promised size, overlapping, and as dirty as promised."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from sandbox import demo
from sandbox.demo.cases import COMPANIES, CONTACTS, DEALS
from sandbox.demo.ids import salesforce_id
from sandbox.demo.people import HUBSPOT_OWNERS, INTEGRATION_USER_ID, SALESFORCE_USERS
from sandbox.demo.views import SALESFORCE_STAGES

HUBSPOT = demo.hubspot_records()
SALESFORCE = demo.salesforce_records()
BEFORE = "2026-10-01"


def values(records: list[dict[str, Any]], name: str) -> list[Any]:
    return [item.get("properties", item).get(name) for item in records]


def emails(records: list[dict[str, Any]], name: str) -> Counter[str]:
    return Counter(value.lower() for value in values(records, name) if value)


def test_it_is_the_same_for_everybody() -> None:
    demo._generated.cache_clear()
    assert demo.hubspot_records() == HUBSPOT
    assert demo.salesforce_records() == SALESFORCE


def test_sizes() -> None:
    assert [len(HUBSPOT[name]) for name in ("contacts", "companies", "deals")] == [500, 120, 150]
    assert [len(SALESFORCE[name]) for name in ("Contact", "Account", "Opportunity")] == [500, 120, 150]


def test_other_sizes_can_be_made() -> None:
    sizes = demo.Sizes(companies=300, shared_companies=200, contacts=2_000, shared_contacts=1_500, deals=400)
    records = demo.hubspot_records(sizes)
    assert [len(records[name]) for name in ("contacts", "companies", "deals")] == [2_000, 300, 400]
    assert max(emails(records["contacts"], "email").values()) == 1


def test_about_three_fifths_are_on_both_sides() -> None:
    both = emails(HUBSPOT["contacts"], "email").keys() & emails(SALESFORCE["Contact"], "Email").keys()
    assert 0.55 < len(both) / 500 < 0.65


def test_ids_have_a_checksum_and_are_unique() -> None:
    assert salesforce_id("003", 1) == "003dM0000000001QAA"
    ids = [record["Id"] for records in SALESFORCE.values() for record in records]
    assert len(set(ids)) == len(ids)
    assert {len(record_id) for record_id in ids} == {18}


def test_hubspot_emails_are_unique_and_salesforces_are_not() -> None:
    assert max(emails(HUBSPOT["contacts"], "email").values()) == 1
    repeated = {address for address, count in emails(SALESFORCE["Contact"], "Email").items() if count > 1}
    assert repeated == {"info@umbrella-labs.com", "sales@stark-industrial.com", "buying@initech-systems.com"}


def test_every_stage_of_the_guide_is_in_use_and_one_is_unmapped() -> None:
    stages = Counter(values(HUBSPOT["deals"], "dealstage"))
    assert stages.keys() >= SALESFORCE_STAGES.keys()
    assert stages["52118802"] == 2
    assert set(values(SALESFORCE["Opportunity"], "StageName")) == set(SALESFORCE_STAGES.values())


def test_every_lifecycle_stage_and_both_kinds_of_test_addresses_occur() -> None:
    assert len(set(values(HUBSPOT["contacts"], "lifecyclestage"))) == 8
    for records, name in ((HUBSPOT["contacts"], "email"), (SALESFORCE["Contact"], "Email")):
        domains = Counter(address.partition("@")[2] for address in emails(records, name))
        assert domains["test.com"] >= 5
        assert domains["example.com"] >= 5


def test_missing_values_and_missing_companies_occur() -> None:
    assert None in values(HUBSPOT["contacts"], "email")
    assert None in values(SALESFORCE["Contact"], "Email")
    assert None in values(SALESFORCE["Contact"], "AccountId")
    assert None in values(HUBSPOT["companies"], "hubspot_owner_id")
    assert any(not contact["associations"] for contact in HUBSPOT["contacts"])


def test_references_point_at_records_of_the_same_side() -> None:
    known = {name: {item["id"] for item in records} for name, records in HUBSPOT.items()}
    for records in HUBSPOT.values():
        assert all(link["id"] in known[link["object"]] for item in records for link in item["associations"])
    accounts = {item["Id"] for item in SALESFORCE["Account"]}
    for name in ("Contact", "Opportunity"):
        assert {item for item in values(SALESFORCE[name], "AccountId") if item} <= accounts
    owners = {owner["id"] for owner in HUBSPOT_OWNERS}
    assert {item for records in HUBSPOT.values() for item in values(records, "hubspot_owner_id") if item} <= owners
    users = {user["Id"] for user in SALESFORCE_USERS}
    for name in ("Account", "Contact", "Opportunity"):
        assert set(values(SALESFORCE[name], "OwnerId")) <= users
        assert INTEGRATION_USER_ID not in values(SALESFORCE[name], "LastModifiedById")


def test_everything_happened_before_the_demo_begins() -> None:
    assert max(item["updatedAt"] for records in HUBSPOT.values() for item in records) < BEFORE
    for name in ("Account", "Contact", "Opportunity"):
        assert max(values(SALESFORCE[name], "LastModifiedDate")) < BEFORE
        assert all(item["CreatedDate"] <= item["LastModifiedDate"] for item in SALESFORCE[name])


@pytest.mark.parametrize("cases", [COMPANIES, CONTACTS, DEALS])
def test_cases_are_numbered_without_gaps(cases: Any) -> None:
    assert [case.number for case in cases] == list(range(1, len(cases) + 1))


def test_the_sync_has_left_no_trace_yet() -> None:
    for records in (*HUBSPOT.values(), *SALESFORCE.values()):
        assert not any(values(records, "salesforce_record_id"))
        assert not any(values(records, "HubSpot_Record_ID__c"))
