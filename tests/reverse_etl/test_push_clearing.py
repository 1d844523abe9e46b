"""Fields that HubSpot moves forward only, over real HTTP: cleared and then set where their mapping asks for it, and
what becomes of that when a call fails or the process dies between the two."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from push_support import diff_row
from push_world import PushWorld

from crm_sync.clients import HubSpotClient, NoResponse
from crm_sync.clients.errors import Refused

STAGE = "lifecyclestage"
BACK = {"changes": {STAGE: "lead"}, "previous": {STAGE: "customer"}, "clear_first": [STAGE]}


class Killed(BaseException):
    """The process dies."""


def _die() -> None:
    raise Killed


def _stay_silent() -> None:
    raise NoResponse("no answer within the time allowed")


def _refuse() -> None:
    raise Refused("not now", status=400)


def _person(crms: PushWorld, number: int, **values: Any) -> str:
    return crms.create("hubspot", "contacts", email=f"p{number}@example.com", **{STAGE: "customer", **values})


def _update(crms: PushWorld, link_id: str, record_id: str, **values: Any) -> dict[str, Any]:
    snapshot = crms.modified_at("hubspot", "contacts", record_id)
    return diff_row(
        "hubspot", "contact", "update", link_id, record_id=record_id, snapshot_modified_at=snapshot, **values
    )


def _fail(patch: pytest.MonkeyPatch, sent: str, fail: Callable[[], None], when: str) -> None:
    """Let the call that sends this lifecycle stage alone to a single record fail, before or after its effect."""
    real = HubSpotClient.batch
    passed = []

    def broken(client: Any, object_: str, operation: str, inputs: Any, **options: Any) -> Any:
        is_meant = operation == "update" and [one["properties"] for one in inputs] == [{STAGE: sent}]
        if is_meant and sent:
            passed.append(sent)
            is_meant = len(passed) > 1  # the first is the update itself
        if is_meant and when == "before":
            fail()
        reply = real(client, object_, operation, inputs, **options)
        if is_meant:
            fail()
        return reply

    patch.setattr(HubSpotClient, "batch", broken)


def test_a_backward_stage_is_cleared_and_set_and_its_neighbours_are_written_once(crms: PushWorld) -> None:
    back, forward, unmarked = (_person(crms, number) for number in range(3))
    crms.diffs(
        _update(
            crms,
            "l0",
            back,
            changes={STAGE: "lead", "jobtitle": "CEO"},
            previous={STAGE: "customer", "jobtitle": None},
            clear_first=["jobtitle", STAGE],
        ),
        _update(crms, "l1", forward, **{**BACK, "changes": {STAGE: "evangelist"}}),
        _update(crms, "l2", unmarked, **{**BACK, "clear_first": []}),
    )
    report = crms.push()
    assert report.records("succeeded") == 3
    # the stale check, the update, a reading back of what its answer leaves out, the clear, the set
    assert report.api_calls["hubspot"] == 5
    stored = {row["link_id"]: (row["stored"], row["message"]) for row in crms.attempts}
    assert stored == {
        "l0": ({STAGE: "lead", "jobtitle": "CEO"}, None),
        "l1": ({STAGE: "evangelist"}, None),
        "l2": ({STAGE: "customer"}, "HubSpot kept lifecyclestage 'customer' and ignored 'lead'."),
    }
    assert [crms.values("hubspot", "contacts", one)[STAGE] for one in (back, forward, unmarked)] == [
        "lead",
        "evangelist",
        "customer",
    ]
    (attempt,) = [row for row in crms.attempts if row["link_id"] == "l0"]
    assert attempt["target_modified_at"] == crms.modified_at("hubspot", "contacts", back)
    assert attempt["is_modified_by_other"] is False


def test_a_run_that_dies_between_clear_and_set_is_completed_by_the_next(crms: PushWorld) -> None:
    record_id = _person(crms, 1)
    crms.diffs(_update(crms, "l1", record_id, **BACK))
    with pytest.MonkeyPatch.context() as patch:
        _fail(patch, "", _die, "after")
        with pytest.raises(Killed):
            crms.push("crashed")
    assert not crms.values("hubspot", "contacts", record_id).get(STAGE)
    # what is decided next: see the unit test of base_values on the blank
    again = {**_update(crms, "l1", record_id, **{**BACK, "previous": {STAGE: None}}), "operation_id": "hubspot-again"}
    crms.diffs(again)
    crms.push("next")
    first, second = crms.attempts
    assert (first["outcome"], first["stored"][STAGE] or "") == ("succeeded", "")
    assert first["message"].endswith("with lifecyclestage cleared and not set yet.")
    assert first["is_modified_by_other"] is False
    assert (second["outcome"], second["stored"]) == ("succeeded", {STAGE: "lead"})
    assert crms.values("hubspot", "contacts", record_id)[STAGE] == "lead"


@pytest.mark.parametrize(
    ("sent", "fail", "when", "outcome", "stored"),
    [
        ("", _stay_silent, "before", "retryable", None),
        ("", _stay_silent, "after", "succeeded", ""),
        ("", _refuse, "before", "succeeded", "customer"),
        ("lead", _stay_silent, "before", "succeeded", ""),
        ("lead", _stay_silent, "after", "succeeded", "lead"),
        ("lead", _refuse, "before", "succeeded", ""),
    ],
)
def test_the_outcome_tells_how_far_clear_and_set_have_come(
    crms: PushWorld, sent: str, fail: Callable[[], None], when: str, outcome: str, stored: str | None
) -> None:
    record_id = _person(crms, 1)
    crms.diffs(_update(crms, "l1", record_id, **BACK))
    with pytest.MonkeyPatch.context() as patch:
        _fail(patch, sent, fail, when)
        crms.push()
    (attempt,) = crms.attempts
    assert attempt["outcome"] == outcome
    if stored is None:
        assert attempt["stored"] is None
        stored = "customer"
    else:
        assert (attempt["stored"][STAGE] or "") == stored
        assert attempt["target_modified_at"] == crms.modified_at("hubspot", "contacts", record_id)
    assert (crms.values("hubspot", "contacts", record_id).get(STAGE) or "") == stored
