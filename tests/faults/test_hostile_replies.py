"""Replies that no documentation foresees: the push gives every record an outcome, or an error of the API's own kind.

Both writers run on the real clients; only the bytes of the CRMs' answers are made up. What must never come out is any
other exception, an outcome for a record that was not asked about, or a success that no answer shows.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from client_support import FakeTime
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm_sync.clients import ApiError, build_clients
from crm_sync.clients.auth import Identity, SalesforceAuth
from crm_sync.clients.http import ApiClient, Credential
from crm_sync.config import HubSpotSettings, Project, SalesforceSettings, Settings
from reverse_etl.operations import ARCHIVE, ASSOCIATE, CREATE, SUCCEEDED, UPDATE, Attempt, Operation
from reverse_etl.push import build_writers

ID = {"hubspot": "101", "salesforce": "003000000000001AAA"}
#: Keys that replies have, so that made-up ones come near to real ones.
KEYS = [
    "results", "errors", "status", "id", "Id", "properties", "objectWriteTraceId", "context", "category", "message",
    "success", "statusCode", "records", "done", "nextRecordsUrl", "totalSize", "from", "to", "toObjectId", "updatedAt",
    "associationTypes", "paging", "salesforce_record_id", "LastModifiedById", "SystemModstamp", "Title", "attributes",
]  # fmt: skip
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["", "0", "1", "101", ID["salesforce"], "\x00", "‮evil", "' OR Name != '", "2026-13-45T99:99",
                     "99999999999999999999999999", "COMPLETE", "a" * 5000]),
)  # fmt: skip
JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(KEYS), inner, max_size=5)),
    max_leaves=25,
)
HAND_MADE: list[Any] = [
    None, [], {}, 5, "text", [None, None], [{}, {}], [[], []], [{"success": True}, {"success": True}],
    [{"success": True, "id": {"a": 1}}, {"success": "true", "id": 7}], {"results": None},
    {"results": [None, {"id": None}]}, {"results": [{"id": {"x": 1}, "properties": []}]},
    {"records": [{}], "done": True}, {"records": [None], "done": True},
    {"records": [{"Id": None}], "done": True}, {"records": [{"Id": ["x"]}], "done": True},
    {"records": [{"Id": ID["salesforce"], "LastModifiedById": {"a": 1}, "SystemModstamp": 5}], "done": True},
    {"records": [], "done": False, "nextRecordsUrl": "http://evil.invalid/services/data/"},
    {"results": [{"id": "101", "objectWriteTraceId": {"a": []}, "properties": {"jobtitle": {"a": 1}}}]},
    {"errors": [{"context": {"objectWriteTraceId": [None, {"a": 1}], "ids": 5}, "message": ["x"], "category": {}}]},
    {"results": [{"from": {"id": "101"}, "to": [{"toObjectId": {}, "associationTypes": [{"category": []}]}]}]},
    {"results": [{"from": {"id": "101"}, "to": None}]}, {"fields": [{"referenceTo": 5, "name": None}]},
]  # fmt: skip


def _operation(target: str, kind: str, number: int) -> Operation:
    is_hubspot = target == "hubspot"
    name = "associations.companies" if is_hubspot else "OpportunityContactRole.ContactId"
    changes = {name: "7"} if kind == ASSOCIATE else {"jobtitle" if is_hubspot else "Title": "New"}
    record_id = None if kind == CREATE else str(101 + number) if is_hubspot else f"00300000000000{number + 1}AAA"
    return Operation(
        operation_id=f"o{number}", target=target, object="contact", push_order=1, operation=kind,
        crm_object="contacts" if is_hubspot else "Contact", record_id=record_id, link_id=f"l{number}",
        hubspot_id=None if is_hubspot and kind == CREATE else str(101 + number),
        salesforce_id=None if not is_hubspot and kind == CREATE else f"00300000000000{number + 1}AAA",
        changes=changes if kind != ARCHIVE else {}, all_fields=tuple(changes),
        snapshot_modified_at=datetime(2026, 1, 1, tzinfo=UTC),
    )  # fmt: skip


class Answers:
    """Both clients, whose every call is answered with the same bytes."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.status, self.body = 200, b""
        patch.setattr(ApiClient, "_send", lambda *_: (self.status, {}, self.body))
        patch.setattr(SalesforceAuth, "credential", lambda *_: Credential("t"))
        patch.setattr(SalesforceAuth, "identity", lambda *_: Identity("o", "005000000000001AAA", "https://x.invalid"))
        configured = Settings(
            "prod", Project(folder), folder / "w.duckdb", HubSpotSettings("https://h.invalid", "t"),
            SalesforceSettings("https://s.invalid", "id", "secret"),
        )  # fmt: skip
        time = FakeTime()
        clients = build_clients(configured, clock=time.clock, sleep=time.sleep, max_elapsed_seconds=0)
        self.writers = build_writers(clients)

    def judge(self, body: bytes, status: int = 200) -> None:
        """Every kind of operation, written, read and resolved, against these bytes."""
        self.status, self.body = status, body
        for target, writer in self.writers.items():
            for kind in (CREATE, UPDATE, ASSOCIATE, ARCHIVE):
                operations = [_operation(target, kind, number) for number in range(2)]
                written = writer.write(operations)
                outcomes = {one.operation_id: one.outcome for one in written.outcomes}
                assert outcomes.keys() == {"o0", "o1"}, (target, kind)
                if status >= 400:
                    assert SUCCEEDED not in outcomes.values()
                attempts = [Attempt("r", one, datetime.now(UTC)) for one in operations]
                for read in (lambda w=writer, a=attempts: w.settle(a), lambda w=writer, o=operations: w.current(o)):
                    try:
                        read()
                    except ApiError:
                        continue


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        yield Answers(tmp_path_factory.mktemp("hostile"), patch)


@pytest.mark.parametrize("body", HAND_MADE, ids=range(len(HAND_MADE)))
def test_every_record_gets_an_outcome_whatever_the_reply(answers: Answers, body: Any) -> None:
    answers.judge(orjson.dumps(body))


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(body=JSON, status=st.sampled_from([200, 200, 207, 400, 403, 404, 409, 429, 500]))
def test_made_up_replies(answers: Answers, body: Any, status: int) -> None:
    answers.judge(orjson.dumps(body, option=orjson.OPT_NON_STR_KEYS) if _fits(body) else b"{}", status)


@pytest.mark.parametrize(
    "body",
    [b"", b"\x00", b"<html>busy</html>", b"{", b"\xff\xfe{\x00}\x00", b'{"results": [}', b"[" * 5000, b"NaN",
     b'{"id": "\\ud800"}', b"\xef\xbb\xbf{}"],
)  # fmt: skip
def test_what_is_no_json_is_no_answer(answers: Answers, body: bytes) -> None:
    answers.judge(body)


def _fits(body: Any) -> bool:
    """orjson writes whole numbers of 64 bits only."""
    if isinstance(body, Mapping):
        return all(_fits(one) for one in body.values())
    if isinstance(body, list):
        return all(_fits(one) for one in body)
    return not isinstance(body, int) or abs(body) < 2**63
