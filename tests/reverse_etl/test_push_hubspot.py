"""Pushing to HubSpot over real HTTP: batches, conflicts, associations, clears, and what HubSpot makes of a value."""

from __future__ import annotations

from typing import Any

import pytest
from push_support import diff_row
from push_world import PushWorld

from sandbox import control

CONTACT_FIELDS = ["associations.companies", "email", "firstname", "jobtitle", "lastname", "lifecyclestage", "phone"]


def _create(link_id: str, key: str, **values: Any) -> dict[str, Any]:
    defaults = {"salesforce_id": key, "all_fields": CONTACT_FIELDS, "snapshot_modified_at": None}
    return diff_row("hubspot", "contact", "create", link_id, **{**defaults, **values})


def _update(crms: PushWorld, link_id: str, record_id: str, **values: Any) -> dict[str, Any]:
    defaults = {"record_id": record_id, "snapshot_modified_at": crms.modified_at("hubspot", "contacts", record_id)}
    return diff_row("hubspot", "contact", "update", link_id, **{**defaults, **values})


def test_creates_are_made_once_with_every_field_read_back(crms: PushWorld) -> None:
    changes = {"firstname": " Zoë ", "lastname": 'O\'Neill "Q"', "email": "ZOE@Example.com", "phone": "1\n2"}
    crms.diffs(_create("l1", "003000000000001AAA", changes=changes))
    report = crms.push()
    assert report.records("succeeded") == 1
    (record,) = crms.records("hubspot", "contacts")
    assert record["properties"]["salesforce_record_id"] == "003000000000001AAA"
    (attempt,) = crms.attempts
    assert attempt["record_id"] == attempt["hubspot_id"] == record["id"]
    stored = attempt["stored"]
    assert set(stored) == {*CONTACT_FIELDS}
    assert stored["email"] == "zoe@example.com"
    assert stored["lifecyclestage"] == "lead"
    assert stored["jobtitle"] is None
    assert attempt["is_modified_by_other"] is False
    assert attempt["target_modified_at"] == crms.modified_at("hubspot", "contacts", record["id"])
    crms.push("again")
    assert len(crms.records("hubspot", "contacts")) == 1


def test_one_bad_record_fails_alone_and_its_neighbours_are_written_in_the_same_call(crms: PushWorld) -> None:
    rows = [_create(f"l{n:03}", f"003{n:03}", changes={"email": f"p{n}@example.com"}) for n in range(100)]
    rows[7]["changes"] = {"email": "not an address"}
    rows[8]["changes"] = {"lifecyclestage": "nonsense", "lastname": "x"}
    rows[9]["changes"] = {"no_such_property": "x", "lastname": "x"}
    crms.diffs(*rows)
    report = crms.push()
    assert (report.records("succeeded"), report.records("rejected")) == (97, 3)
    codes = {row["link_id"]: row["error_code"] for row in crms.attempts if row["outcome"] == "rejected"}
    assert codes == {"l007": "INVALID_EMAIL", "l008": "INVALID_OPTION", "l009": "PROPERTY_DOESNT_EXIST"}
    assert report.api_calls["hubspot"] == 2  # one upsert, one reading back


def test_an_existing_address_names_the_record_that_has_it(crms: PushWorld) -> None:
    existing = crms.create("hubspot", "contacts", email="ann@example.com")
    crms.diffs(
        _create("l1", "003A", changes={"email": "Ann@example.com"}), _create("l2", "003B", changes={"lastname": "B"})
    )
    crms.push()
    first, second = crms.attempts
    assert (first["outcome"], first["error_code"], first["existing_id"]) == ("stale", "CONFLICT", existing)
    assert first["hubspot_id"] is None
    assert second["outcome"] == "succeeded"


def test_updates_send_only_what_changes_and_null_clears(crms: PushWorld) -> None:
    record_id = crms.create("hubspot", "contacts", email="a@example.com", jobtitle="CEO", phone="1")
    crms.diffs(
        _update(
            crms, "l1", record_id, changes={"jobtitle": None, "phone": "2"}, previous={"jobtitle": "CEO", "phone": "1"}
        )
    )
    crms.push()
    values = crms.values("hubspot", "contacts", record_id)
    assert not values.get("jobtitle")
    assert values["phone"] == "2"
    (write,) = crms.api_writes("hubspot")
    assert set(write["changes"]) == {"jobtitle", "phone"}
    (attempt,) = crms.attempts
    assert attempt["outcome"] == "succeeded"
    assert (attempt["stored"]["jobtitle"] or "", attempt["stored"]["phone"]) == ("", "2")
    assert attempt["target_modified_at"] == crms.modified_at("hubspot", "contacts", record_id)


def test_what_a_trigger_makes_of_a_phone_becomes_the_base(crms: PushWorld) -> None:
    control.change_metadata(crms.state_dir, "hubspot", trigger="format_phone", on=True)
    record_id = crms.create("hubspot", "contacts", email="a@example.com")
    crms.diffs(_update(crms, "l1", record_id, changes={"phone": "4155550100"}))
    crms.push()
    (attempt,) = crms.attempts
    assert attempt["stored"] == {"phone": "(415) 555-0100"}
    assert "HubSpot stored phone" in attempt["message"]


def test_a_backward_lifecycle_stage_is_accepted_and_ignored(crms: PushWorld) -> None:
    record_id = crms.create("hubspot", "contacts", email="a@example.com", lifecyclestage="customer")
    crms.diffs(
        _update(crms, "l1", record_id, changes={"lifecyclestage": "lead"}, previous={"lifecyclestage": "customer"})
    )
    crms.push()
    (attempt,) = crms.attempts
    assert (attempt["outcome"], attempt["stored"]) == ("succeeded", {"lifecyclestage": "customer"})
    assert attempt["message"] == "HubSpot kept lifecyclestage 'customer' and ignored 'lead'."


def test_an_edited_a_deleted_and_a_merged_record_are_left(crms: PushWorld) -> None:
    ids = [crms.create("hubspot", "contacts", email=f"p{n}@example.com", jobtitle="Old") for n in range(5)]
    rows = [
        _update(crms, f"l{n}", record_id, changes={"jobtitle": "New"}, previous={"jobtitle": "Old"})
        for n, record_id in enumerate(ids[:4])
    ]
    crms.edit("hubspot", "contacts", ids[0], jobtitle="Edited by a person")
    crms.edit("hubspot", "contacts", ids[1], phone="555")
    control.delete(crms.state_dir, "hubspot", "contacts", ids[2])
    control.act(crms.state_dir, "hubspot", "merge", object="contacts", id=ids[3], into=ids[4])
    crms.diffs(*rows)
    crms.push()
    found = {row["link_id"]: (row["outcome"], row["error_code"]) for row in crms.attempts}
    assert found == {
        "l0": ("stale", "RECORD_CHANGED"),
        "l1": ("succeeded", None),
        "l2": ("stale", "RECORD_GONE"),
        "l3": ("stale", "RECORD_GONE"),
    }
    assert crms.values("hubspot", "contacts", ids[0])["jobtitle"] == "Edited by a person"
    assert crms.values("hubspot", "contacts", ids[4])["jobtitle"] == "Old"


# ------------------------------------------------------------ associations


def _primary(crms: PushWorld, object_: str, record_id: str) -> dict[str, list[int]]:
    """The record's companies with their association types, as the API shows them."""
    body = crms.clients.hubspot.associations_batch_read(object_, "companies", [record_id]).body
    return {
        str(other["toObjectId"]): sorted(one["typeId"] for one in other["associationTypes"])
        for result in body["results"]
        for other in result["to"]
    }


def test_company_contact_and_deal_created_in_one_run_are_associated(crms: PushWorld) -> None:
    reference = {"associations.companies": {"link_id": "c"}}
    source = {"lastname": {"source_field": "LastName"}, "associations.companies": {"source_field": "AccountId"}}
    crms.diffs(
        diff_row("hubspot", "company", "create", "c", salesforce_id="001A", changes={"name": "Acme"}),
        _create("p", "003A", changes={"lastname": "Lee"}, references=reference, source_values=source),
        _create("q", "003B", changes={"lastname": "Kim", "associations.companies": None}),
        diff_row(
            "hubspot",
            "deal",
            "create",
            "d",
            salesforce_id="006A",
            changes={"dealname": "Big", "dealstage": "appointmentscheduled", "pipeline": "default"},
            references=reference,
        ),
    )
    report = crms.push()
    assert report.records("succeeded") == 6
    (company,) = crms.records("hubspot", "companies")
    by_link = {row["link_id"]: row for row in crms.attempts if row["operation"] == "create"}
    assert _primary(crms, "contacts", by_link["p"]["record_id"]) == {company["id"]: [1, 279]}
    assert _primary(crms, "deals", by_link["d"]["record_id"]) == {company["id"]: [5, 341]}
    assert by_link["p"]["stored"]["associations.companies"] == company["id"]
    assert by_link["p"]["source_values"] == {"lastname": {"source_field": "LastName"}}
    assert by_link["q"]["stored"]["associations.companies"] is None
    associate = next(row for row in crms.attempts if row["operation"] == "associate" and row["link_id"] == "p")
    assert associate["changes"] == {"associations.companies": company["id"]}
    assert associate["source_values"] == {"associations.companies": {"source_field": "AccountId"}}
    assert associate["record_id"] == by_link["p"]["record_id"]


@pytest.mark.parametrize("wanted", ["new", None])
def test_another_primary_company_takes_over_and_the_old_one_stays_associated(
    crms: PushWorld, wanted: str | None
) -> None:
    old, new = (crms.create("hubspot", "companies", name=name) for name in ("Old", "New"))
    person = crms.create("hubspot", "contacts", email="a@example.com")
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": type_id} for type_id in (1, 279)]
    inputs = [{"from": {"id": person}, "to": {"id": old}, "types": types}]
    crms.clients.hubspot.associations_batch_create("contacts", "companies", inputs, False)
    value = new if wanted else None
    crms.diffs(
        diff_row(
            "hubspot",
            "contact",
            "associate",
            "l1",
            record_id=person,
            changes={"associations.companies": value},
            previous={"associations.companies": old},
            snapshot_modified_at=crms.modified_at("hubspot", "contacts", person),
        )
    )
    crms.push()
    expected = {old: [279], new: [1, 279]} if wanted else {old: [279]}
    assert _primary(crms, "contacts", person) == expected
    (attempt,) = crms.attempts
    assert (attempt["outcome"], attempt["stored"]) == ("succeeded", {"associations.companies": value})
    assert attempt["target_modified_at"] is not None


def test_a_primary_company_that_a_person_chose_meanwhile_is_left(crms: PushWorld) -> None:
    """HubSpot does not move the record's time for it, so only the association itself tells."""
    chosen, ours = (crms.create("hubspot", "companies", name=name) for name in ("Chosen", "Ours"))
    person = crms.create("hubspot", "contacts", email="a@example.com")
    row = diff_row(
        "hubspot",
        "contact",
        "associate",
        "l1",
        record_id=person,
        changes={"associations.companies": ours},
        previous={"associations.companies": None},
        snapshot_modified_at=crms.modified_at("hubspot", "contacts", person),
    )
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 1}]
    inputs = [{"from": {"id": person}, "to": {"id": chosen}, "types": types}]
    crms.clients.hubspot.associations_batch_create("contacts", "companies", inputs, False)
    crms.diffs(row)
    crms.push()
    assert crms.outcomes == {row["operation_id"]: "stale"}
    assert _primary(crms, "contacts", person) == {chosen: [1, 279]}


def test_associations_without_a_primary_are_a_set(crms: PushWorld) -> None:
    """Only the difference to the former set is written; what other people associated stays."""
    people = [crms.create("hubspot", "contacts", email=f"p{n}@example.com") for n in range(3)]
    deal = crms.create("hubspot", "deals", dealname="Big", dealstage="appointmentscheduled", pipeline="default")
    ends = [{"from": {"id": deal}, "to": {"id": person}} for person in people[:2]]
    crms.clients.hubspot.associations_batch_create("deals", "contacts", ends, True)
    crms.diffs(
        diff_row(
            "hubspot",
            "deal",
            "associate",
            "d",
            record_id=deal,
            changes={"associations.contacts": f"{people[2]};{people[1]}"},
            previous={"associations.contacts": f"{people[1]};{people[0]}"},
            snapshot_modified_at=crms.modified_at("hubspot", "deals", deal),
        )
    )
    crms.push()
    assert crms.attempts[0]["outcome"] == "succeeded"
    body = crms.clients.hubspot.associations_batch_read("deals", "contacts", [deal]).body
    assert {str(other["toObjectId"]) for other in body["results"][0]["to"]} == set(people[1:])


def test_a_refused_association_leaves_the_created_record_and_its_neighbours(crms: PushWorld) -> None:
    company = crms.create("hubspot", "companies", name="Acme")
    crms.diffs(
        _create("p", "003A", changes={"lastname": "Lee", "associations.companies": "999999"}),
        _create("q", "003B", changes={"lastname": "Kim", "associations.companies": company}),
    )
    crms.push()
    found = {(row["link_id"], row["operation"]): row for row in crms.attempts}
    assert found["p", "create"]["outcome"] == "succeeded"
    assert found["p", "create"]["stored"]["associations.companies"] is None
    assert found["p", "associate"]["outcome"] == "rejected"
    assert found["p", "associate"]["error_code"] == "OBJECT_NOT_FOUND"
    assert found["q", "associate"]["outcome"] == "succeeded"
    assert _primary(crms, "contacts", found["q", "create"]["record_id"]) == {company: [1, 279]}
