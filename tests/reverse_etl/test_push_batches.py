"""Batches: no key twice, and a refused batch is halved until the bad record stands alone."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from crm_sync.clients.errors import NoResponse, NotSent, RateLimited, Refused, ServerTrouble
from reverse_etl.batches import batched, send_isolating
from reverse_etl.hubspot_replies import judge_refusal
from reverse_etl.operations import Operation, Outcome


def _update(number: int, record_id: str) -> Operation:
    return Operation(
        f"op{number}", "hubspot", "contact", 1, "update", "contacts", record_id, f"l{number}", record_id, None, {}
    )


@given(st.lists(st.integers(0, 6), max_size=60), st.integers(1, 5))
def test_no_record_twice_in_a_batch_and_none_lost(records: list[int], size: int) -> None:
    operations = [_update(number, str(record)) for number, record in enumerate(records)]
    batches = list(batched(operations, size))
    for batch in batches:
        assert 0 < len(batch) <= size
        assert len({operation.record_id for operation in batch}) == len(batch)
    assert sorted(one.operation_id for batch in batches for one in batch) == sorted(o.operation_id for o in operations)


def test_keys_of_creates_are_compared_without_case() -> None:
    creates = [
        Operation(f"op{n}", "hubspot", "contact", 1, "create", "contacts", None, "l", None, key, {})
        for n, key in enumerate(["003A", "003a", "003B"])
    ]
    assert [len(batch) for batch in batched(creates, 10)] == [2, 1]


class _Crm:
    """Refuses every batch with a bad record in it."""

    def __init__(self, bad: set[str]) -> None:
        self.bad = bad
        self.calls = 0
        self.written: list[str] = []

    def send(self, operations: Sequence[Operation]) -> list[Outcome]:
        self.calls += 1
        if any(operation.record_id in self.bad for operation in operations):
            raise Refused("Bad value", status=400, code="INVALID_OPTION")
        self.written += [operation.record_id or "" for operation in operations]
        return [Outcome(operation.operation_id, "succeeded") for operation in operations]


def test_neighbours_of_a_bad_record_go_through() -> None:
    operations = [_update(number, str(number)) for number in range(100)]
    crm = _Crm({"37", "38"})
    outcomes = {one.operation_id: one for one in send_isolating(operations, crm.send, judge_refusal).outcomes}
    assert len(outcomes) == 100
    assert [one.operation_id for one in outcomes.values() if one.outcome == "rejected"] == ["op37", "op38"]
    assert outcomes["op37"].error_code == "INVALID_OPTION"
    assert len(crm.written) == len(set(crm.written)) == 98
    assert crm.calls < 20


def test_a_missing_permission_is_not_halved() -> None:
    calls = 0

    def send(operations: Sequence[Operation]) -> list[Outcome]:
        nonlocal calls
        calls += 1
        raise Refused("No", status=403, code="MISSING_SCOPES")

    written = send_isolating([_update(n, str(n)) for n in range(50)], send, judge_refusal)
    assert calls == 1
    assert {one.outcome for one in written.outcomes} == {"rejected"}


def test_what_errors_of_a_whole_call_mean() -> None:
    expected = [
        (NoResponse("silence"), "unknown", False),
        (ServerTrouble("oops", status=500), "unknown", False),
        (ServerTrouble("locked", status=423), "retryable", False),
        (NotSent("refused"), "retryable", True),
        (RateLimited("daily", status=429, policy="DAILY"), "retryable", True),
    ]
    for error, outcome, is_final in expected:

        def send(operations: Sequence[Operation], error: Exception = error) -> list[Outcome]:
            raise error

        written = send_isolating([_update(1, "1")], send, judge_refusal)
        assert [one.outcome for one in written.outcomes] == [outcome]
        assert (written.failure is error) is is_final
        assert (written.trouble is error) is not is_final


def test_after_a_final_error_the_rest_of_the_batch_is_not_sent() -> None:
    calls: list[int] = []

    def send(operations: Sequence[Operation]) -> list[Outcome]:
        calls.append(len(operations))
        if len(operations) > 2:
            raise Refused("Bad", status=400)
        raise NotSent("gone")

    written = send_isolating([_update(n, str(n)) for n in range(4)], send, judge_refusal)
    assert calls == [4, 2]
    assert [one.outcome for one in written.outcomes] == ["retryable"] * 4
