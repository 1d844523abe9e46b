"""Crashes, silence and edits in between, over real HTTP: nothing is made twice, nothing is lost, nothing is guessed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from push_support import diff_row
from push_world import PushWorld

from crm_sync.clients import HubSpotClient, NoResponse, build_clients
from crm_sync.config import HubSpotSettings, SalesforceSettings, Settings
from reverse_etl.values import instant
from sandbox import control


class Killed(BaseException):
    """The process dies."""


def _both_ways(crms: PushWorld) -> None:
    """A person from HubSpot to Salesforce, with her company and her stamp; another the other way round."""
    ours = crms.create("hubspot", "contacts", email="ann@example.com")
    company = crms.create("hubspot", "companies", name="Acme")
    crms.diffs(
        diff_row("salesforce", "company", "create", "c", hubspot_id=company, changes={"Name": "Acme"}),
        diff_row(
            "salesforce",
            "contact",
            "create",
            "p",
            hubspot_id=ours,
            changes={"LastName": "Lee", "Email": "ann@example.com"},
            references={"AccountId": {"link_id": "c"}},
        ),
        diff_row(
            "hubspot",
            "contact",
            "update",
            "p",
            record_id=ours,
            changes={},
            references={"salesforce_record_id": {"link_id": "p"}},
        ),
        diff_row(
            "hubspot",
            "contact",
            "create",
            "q",
            salesforce_id="003000000000009AAA",
            changes={"lastname": "Kim", "associations.companies": company},
            all_fields=["associations.companies", "lastname", "lifecyclestage"],
        ),
    )


def _assert_complete(crms: PushWorld) -> None:
    (account,) = crms.records("salesforce", "Account")
    (contact,) = crms.records("salesforce", "Contact")
    assert contact["AccountId"] == account["Id"]
    people = {record["properties"].get("lastname"): record for record in crms.records("hubspot", "contacts")}
    assert len(people) == 2
    assert people[None]["properties"]["salesforce_record_id"] == contact["Id"]
    assert people["Kim"]["properties"]["salesforce_record_id"] == "003000000000009AAA"
    assert people["Kim"]["properties"]["associatedcompanyid"]


def test_a_record_created_in_salesforce_is_stamped_in_hubspot_in_the_same_run(crms: PushWorld) -> None:
    _both_ways(crms)
    report = crms.push()
    assert {count.outcome for count in report.counts} == {"succeeded"}
    _assert_complete(crms)


CALLS = [
    ("salesforce", "collections_upsert"),
    ("hubspot", "batch"),
    ("hubspot", "associations_batch_create"),
    ("salesforce", "collections_retrieve"),
]


def _break(
    crms: PushWorld, patch: pytest.MonkeyPatch, crm: str, method: str, fail: Callable[[], None], when: str
) -> None:
    """Let one client method fail, before or after its effect."""
    client = type(getattr(crms.clients, crm))
    real = getattr(client, method)

    def broken(*arguments: Any, **options: Any) -> Any:
        if "read" in arguments:
            return real(*arguments, **options)
        if when == "before":
            fail()
        reply = real(*arguments, **options)
        fail()
        return reply

    patch.setattr(client, method, broken)


def _die() -> None:
    raise Killed


def _stay_silent() -> None:
    raise NoResponse("no answer within the time allowed")


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("crm", "method"), CALLS)
def test_the_push_after_a_crash_completes_the_work(crms: PushWorld, crm: str, method: str, when: str) -> None:
    _both_ways(crms)
    with pytest.MonkeyPatch.context() as patch:
        _break(crms, patch, crm, method, _die, when)
        with pytest.raises(Killed):
            crms.push("crashed")
    assert [row for row in crms.attempts if row["outcome"] is None]
    crms.push("next")
    assert not [row for row in crms.attempts if row["outcome"] is None]
    crms.push("last")
    _assert_complete(crms)
    made = [write for write in crms.api_writes("salesforce") if write["operation"] == "create"]
    assert len(made) == 2


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("crm", "method"), CALLS[:3])
def test_silence_is_resolved_by_reading_in_the_same_push(crms: PushWorld, crm: str, method: str, when: str) -> None:
    _both_ways(crms)
    with pytest.MonkeyPatch.context() as patch:
        _break(crms, patch, crm, method, _stay_silent, when)
        crms.push("silent")
    outcomes = {row["outcome"] for row in crms.attempts}
    assert "unknown" not in outcomes
    assert None not in outcomes
    crms.push("next")
    crms.push("last")
    _assert_complete(crms)


def test_an_update_whose_answer_was_lost_and_was_reformatted_is_known_to_be_ours(crms: PushWorld) -> None:
    control.change_metadata(crms.state_dir, "salesforce", trigger="format_phone", on=True)
    record_id = crms.create("salesforce", "Contact", LastName="Lee", Phone="1")
    snapshot = crms.modified_at("salesforce", "Contact", record_id)
    crms.diffs(
        diff_row(
            "salesforce",
            "contact",
            "update",
            "l",
            record_id=record_id,
            changes={"Phone": "4155550100"},
            previous={"Phone": "1"},
            snapshot_modified_at=snapshot,
        )
    )
    with pytest.MonkeyPatch.context() as patch:
        _break(crms, patch, "salesforce", "collections_update", _stay_silent, "after")
        crms.push()
    (attempt,) = crms.attempts
    assert (attempt["outcome"], attempt["stored"]) == ("succeeded", {"Phone": "(415) 555-0100"})


def test_a_person_edits_a_record_between_its_creation_and_the_resolution(crms: PushWorld) -> None:
    """The edit must still differ from the base: the base takes what was sent."""
    crms.diffs(diff_row("salesforce", "company", "create", "c", hubspot_id="10", changes={"Name": "Acme"}))
    with pytest.MonkeyPatch.context() as patch:
        _break(crms, patch, "salesforce", "collections_upsert", _die, "after")
        with pytest.raises(Killed):
            crms.push("crashed")
    (account,) = crms.records("salesforce", "Account")
    crms.edit("salesforce", "Account", account["Id"], Name="Acme Ltd")
    crms.push("next")
    (attempt,) = crms.attempts
    assert (attempt["outcome"], attempt["stored"]) == ("succeeded", {"Name": "Acme"})
    assert attempt["is_modified_by_other"] is True
    assert crms.records("salesforce", "Account")[0]["Name"] == "Acme Ltd"


def test_a_person_edits_a_hubspot_record_between_its_creation_and_the_resolution(crms: PushWorld) -> None:
    """Also a field that was not sent: what a person has filled in is no default of HubSpot's."""
    crms.diffs(
        diff_row(
            "hubspot",
            "contact",
            "create",
            "q",
            salesforce_id="003A",
            changes={"lastname": "Kim"},
            all_fields=["jobtitle", "lastname", "phone"],
        )
    )
    with pytest.MonkeyPatch.context() as patch:
        _break(crms, patch, "hubspot", "batch", _die, "after")
        with pytest.raises(Killed):
            crms.push("crashed")
    (contact,) = crms.records("hubspot", "contacts")
    at = instant(contact["createdAt"]) + timedelta(seconds=30)
    control.edit(crms.state_dir, "hubspot", "contacts", contact["id"], {"jobtitle": "Chair"}, at=at)
    crms.push("next")
    (attempt,) = crms.attempts
    assert (attempt["outcome"], attempt["is_modified_by_other"]) == ("succeeded", True)
    assert attempt["stored"] == {"lastname": "Kim", "jobtitle": None, "phone": None}


def test_an_edit_between_a_hubspot_create_and_its_read_back(crms: PushWorld) -> None:
    crms.diffs(
        diff_row(
            "hubspot",
            "contact",
            "create",
            "q",
            salesforce_id="003A",
            changes={"lastname": "Kim"},
            all_fields=["jobtitle", "lastname", "lifecyclestage", "phone"],
            snapshot_modified_at=None,
        )
    )
    batch = HubSpotClient.batch

    def upsert_then_edit(client: Any, object_: str, operation: Any, inputs: Any, **options: Any) -> Any:
        reply = batch(client, object_, operation, inputs, **options)
        if operation == "upsert":
            crms.edit("hubspot", "contacts", reply.body["results"][0]["id"], lastname="Kimura", phone="1")
        return reply

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(HubSpotClient, "batch", upsert_then_edit)
        crms.push()
    (attempt,) = crms.attempts
    assert attempt["stored"] == {"jobtitle": None, "lastname": "Kim", "lifecyclestage": "lead", "phone": None}
    assert attempt["is_modified_by_other"] is True


def test_an_unreachable_salesforce_does_not_keep_hubspot_from_its_own_work(crms: PushWorld, tmp_path: Any) -> None:
    record_id = crms.create("hubspot", "contacts", email="a@example.com", jobtitle="Old")
    mine = crms.create("salesforce", "Contact", LastName="Lee")
    crms.diffs(
        diff_row("salesforce", "contact", "update", "l", record_id=mine, changes={"Title": "New"}),
        diff_row("salesforce", "company", "create", "c", hubspot_id="10", changes={"Name": "Acme"}),
        diff_row(
            "hubspot",
            "contact",
            "update",
            "h",
            record_id=record_id,
            changes={"jobtitle": "New"},
            previous={"jobtitle": "Old"},
            snapshot_modified_at=crms.modified_at("hubspot", "contacts", record_id),
        ),
    )
    addresses = control.status(crms.state_dir)
    environment = dict(
        line.split("=", 1) for line in (crms.state_dir / "sandbox.env").read_text(encoding="utf-8").splitlines()
    )
    settings = Settings(
        target="sandbox",
        project=None,  # type: ignore[arg-type]
        warehouse_path=tmp_path,
        hubspot=HubSpotSettings(addresses["hubspot"]["url"], environment["HUBSPOT_ACCESS_TOKEN"]),
        salesforce=SalesforceSettings("http://127.0.0.1:9", "id", "secret"),
    )
    crms.clients.close()
    crms.clients = build_clients(settings, max_elapsed_seconds=0.1)
    report = crms.push()
    assert report.failed_crms == ("salesforce",)
    assert crms.values("hubspot", "contacts", record_id)["jobtitle"] == "New"
    assert report.records("not_attempted", "salesforce") == 1
    assert report.records("retryable", "salesforce") == 1
    assert crms.records("salesforce", "Account") == []


def test_two_operations_on_one_record_are_two_calls(crms: PushWorld) -> None:
    """HubSpot refuses a batch in which a record occurs twice."""
    record_id = crms.create("hubspot", "contacts", email="a@example.com")
    snapshot = crms.modified_at("hubspot", "contacts", record_id)
    crms.diffs(
        *[
            diff_row(
                "hubspot",
                "contact",
                "update",
                name,
                record_id=record_id,
                changes={name: "x"},
                snapshot_modified_at=snapshot,
            )
            for name in ("firstname", "lastname", "jobtitle")
        ]
    )
    report = crms.push()
    assert report.records("succeeded") == 3
    values = crms.values("hubspot", "contacts", record_id)
    assert [values[name] for name in ("firstname", "lastname", "jobtitle")] == ["x", "x", "x"]
