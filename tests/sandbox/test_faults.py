"""The fault plan: which requests it strikes, what it refuses, what it reports."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from hubspot_support import Crm

from sandbox.faults import KINDS, FaultPlan
from sandbox.organisation import ControlError, Settings

CONTACTS = "/crm/v3/objects/contacts"
TEMPLATE = "/crm/v3/objects/{object_type}"


@pytest.fixture
def plan() -> FaultPlan:
    return FaultPlan(Settings(), KINDS, ("/oauth/*",))


def struck(plan: FaultPlan, calls: int = 12, path: str = CONTACTS, method: str = "GET", body: bytes = b"") -> list[int]:
    """Which of so many equal requests go wrong, from 1."""
    return [n for n in range(1, calls + 1) if plan.strike(method, path, TEMPLATE, body) is not None]


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ({}, list(range(1, 13))),
        ({"first": 2}, [1, 2]),
        ({"nth": 3}, [3]),
        ({"nth": [2, 5]}, [2, 5]),
        ({"every": 4}, [4, 8, 12]),
        ({"skip": 9}, [10, 11, 12]),
        ({"skip": 2, "first": 2}, [3, 4]),
        ({"every": 3, "times": 2}, [3, 6]),
        ({"probability": 0}, []),
        ({"between": [-5, 60]}, list(range(1, 13))),
        ({"between": [60, 90]}, []),
        ({"between": ["2020-01-01", "2020-01-02T00:00:00Z"]}, []),
    ],
)
def test_schedules(plan: FaultPlan, when: dict[str, Any], expected: list[int]) -> None:
    plan.set({"rules": [{"kind": "reset_before", **when}]})
    assert struck(plan) == expected


def test_probability_follows_the_seed(plan: FaultPlan) -> None:
    runs = []
    for seed in (1, 1, 2):
        plan.set({"seed": seed, "rules": [{"kind": "reset_before", "probability": 0.5}]})
        runs.append(struck(plan, 200))
    assert runs[0] == runs[1] != runs[2]
    assert 70 < len(runs[0]) < 130


@pytest.mark.parametrize(
    ("where", "is_struck"),
    [
        ({"path": "/crm/v3/objects/contacts"}, True),
        ({"path": TEMPLATE}, True),
        ({"path": "*/contacts"}, True),
        ({"path": "*/batch/*"}, False),
        ({"path": ["*/deals", "*/contacts"]}, True),
        ({"path": ["*", "!*/contacts"]}, False),
        ({"path": "!*/search"}, True),
        ({"method": "get"}, True),
        ({"method": ["POST", "PATCH"]}, False),
        ({"contains": "ada@"}, True),
        ({"contains": "bob@"}, False),
    ],
)
def test_places(plan: FaultPlan, where: dict[str, Any], is_struck: bool) -> None:
    plan.set({"rules": [{"kind": "reset_before", **where}]})
    assert bool(struck(plan, 1, body=b'{"email": "ada@example.com"}')) is is_struck


def test_logging_in_is_spared_unless_named(plan: FaultPlan) -> None:
    plan.set({"rules": [{"kind": "reset_before"}]})
    assert struck(plan, 1, path="/oauth/v1/token") == []
    plan.set({"rules": [{"kind": "reset_before", "path": "/oauth/*"}]})
    assert struck(plan, 1, path="/oauth/v1/token") == [1]


def test_the_first_rule_that_strikes_wins_and_all_count(plan: FaultPlan) -> None:
    rules = [{"kind": "slow", "nth": 2}, {"kind": "status", "status": 503, "name": "down", "times": 2}]
    plan.set({"rules": rules})
    assert struck(plan, 5) == [1, 2, 3]
    report = plan.report()
    assert [(rule["name"], rule["calls"], rule["injected"]) for rule in report["rules"]] == [
        ("1 slow", 5, 1),
        ("down", 5, 2),
    ]
    assert [entry["rule"] for entry in report["log"]] == ["down", "1 slow", "down"]
    assert report["log"][0]["path"] == CONTACTS


@pytest.mark.parametrize(
    "bad",
    [
        {"rules": [{"kind": "fire"}]},
        {"rules": [{"kind": "slow", "status": 500}]},
        {"rules": [{"kind": "status"}]},
        {"rules": [{"kind": "slow", "between": [1]}]},
        {"rules": [{"kind": "slow", "probability": "often"}]},
        {"rules": [{"kind": "slow", "name": "a"}, {"kind": "slow", "name": "a"}]},
        {"rules": ["slow"]},
        {"faults": []},
    ],
)
def test_a_plan_that_makes_no_sense_leaves_the_former_one(plan: FaultPlan, bad: dict[str, Any]) -> None:
    plan.set({"rules": [{"kind": "slow"}]})
    with pytest.raises(ControlError):
        plan.set(bad)
    assert [rule["kind"] for rule in plan.report()["rules"]] == ["slow"]


# on the wire ----------------------------------------------------------------------------------------------


@pytest.fixture
def faulty(crm: Crm) -> Iterator[Crm]:
    yield crm
    requests.delete(crm.control_url + "/faults", timeout=5)
    crm.control("/settings", {"latency_ms": 0, "latency_jitter_ms": 0})


def fault(crm: Crm, kind: str, **rule: Any) -> None:
    crm.control("/faults", {"rules": [{"kind": kind, **rule}]})


def test_the_control_port_sets_shows_and_clears(faulty: Crm) -> None:
    fault(faulty, "status", status=500, path=TEMPLATE, body={"message": "planned"})
    assert faulty.get(CONTACTS).json() == {"message": "planned"}
    assert faulty.control("/faults")["rules"][0]["injected"] == 1
    assert faulty.control("/calls")[f"GET {TEMPLATE}"] >= 1
    assert requests.delete(faulty.control_url + "/faults", timeout=5).json()["rules"] == []
    assert faulty.get(CONTACTS).status_code == 200
    refused = requests.post(faulty.control_url + "/faults", json={"rules": [{"kind": "row_lock"}]}, timeout=5)
    assert (refused.status_code, "Unknown kind" in refused.json()["error"]) == (400, True)


@pytest.mark.parametrize(("kind", "created"), [("reset_before", 0), ("reset_after", 1)])
def test_resets(faulty: Crm, kind: str, created: int) -> None:
    fault(faulty, kind, method="POST")
    with pytest.raises(requests.ConnectionError, match=r"reset|aborted|closed"):
        faulty.post(CONTACTS, {"properties": {"lastname": "Lee"}})
    assert len(faulty.writes()) == created
    assert faulty.get(CONTACTS).status_code == 200


def test_a_truncated_reply_promises_more_than_it_holds(faulty: Crm) -> None:
    fault(faulty, "truncated", share=0.3)
    response = faulty.call("GET", CONTACTS, stream=True)
    assert response.status_code == 200
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        response.json()


def test_a_malformed_reply_is_complete_and_no_json(faulty: Crm) -> None:
    fault(faulty, "malformed")
    response = faulty.post(CONTACTS, {"properties": {"lastname": "Lee"}})
    assert response.status_code == 201
    assert int(response.headers["Content-Length"]) == len(response.content)
    with pytest.raises(requests.JSONDecodeError):
        response.json()
    fault(faulty, "malformed", method="DELETE")
    record = faulty.get(CONTACTS).json()["results"][0]["id"]
    assert faulty.delete(f"{CONTACTS}/{record}").content


def test_slow_replies_and_latency(faulty: Crm) -> None:
    def seconds() -> float:
        started = time.monotonic()
        assert faulty.get(CONTACTS).json()["results"] == []
        return time.monotonic() - started

    fault(faulty, "slow", delay_ms=150)
    assert seconds() >= 0.15
    fault(faulty, "slow_body", delay_ms=150, chunks=3)
    assert seconds() >= 0.15
    requests.delete(faulty.control_url + "/faults", timeout=5)
    faulty.control("/settings", {"latency_ms": 30, "latency_jitter_ms": 20})
    assert 0.03 <= seconds() < 0.15


def test_gateways_speak_html_and_the_crm_json(faulty: Crm) -> None:
    for status, media_type in ((500, "application/json"), (502, "text/html"), (503, "application/json")):
        fault(faulty, "status", status=status, retry_after=3)
        response = faulty.get(CONTACTS)
        assert (response.status_code, response.headers["Retry-After"]) == (status, "3")
        assert response.headers["Content-Type"].startswith(media_type)


def test_a_status_may_come_after_the_effect(faulty: Crm) -> None:
    fault(faulty, "status", status=504, after_effect=True)
    assert faulty.post(CONTACTS, {"properties": {"lastname": "Lee"}}).status_code == 504
    assert [write["operation"] for write in faulty.writes()] == ["create"]
