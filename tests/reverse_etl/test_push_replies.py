"""What the CRMs' replies to writes mean, from bodies in the form in which the APIs give them."""

from __future__ import annotations

from typing import Any

import pytest

from crm_sync.clients.errors import Refused
from reverse_etl.hubspot_replies import judge_error, sort_reply
from reverse_etl.hubspot_replies import judge_refusal as judge_hubspot
from reverse_etl.operations import Operation
from reverse_etl.salesforce_replies import judge_refusal as judge_salesforce
from reverse_etl.salesforce_replies import judge_row


def _operation(operation: str = "update", record_id: str | None = "501", target: str = "hubspot") -> Operation:
    is_hubspot = target == "hubspot"
    return Operation(
        f"op-{record_id}",
        target,
        "contact",
        2,
        operation,
        "contacts" if is_hubspot else "Contact",
        record_id if operation == "update" else None,
        "link",
        None if operation == "create" and is_hubspot else record_id,
        record_id,
        {},
    )


INVALID = {
    "status": "error",
    "message": (
        'Property values were not valid: [{"isValid":false,"message":"Property \\"x\\" does not exist",'
        '"error":"PROPERTY_DOESNT_EXIST","name":"x"}]'
    ),
    "category": "VALIDATION_ERROR",
}


@pytest.mark.parametrize(
    ("error", "operation", "outcome", "code", "existing_id"),
    [
        (INVALID, "update", "rejected", "PROPERTY_DOESNT_EXIST", None),
        (
            {**INVALID, "message": "no", "errors": [{"code": "INVALID_OPTION", "message": "no"}]},
            "create",
            "rejected",
            "INVALID_OPTION",
            None,
        ),
        (
            {"category": "CONFLICT", "message": "Contact already exists. Existing ID: 3401"},
            "create",
            "stale",
            "CONFLICT",
            "3401",
        ),
        (
            {"category": "CONFLICT", "message": "exists", "context": {"existingId": ["7"]}},
            "create",
            "stale",
            "CONFLICT",
            "7",
        ),
        ({"category": "CONFLICT", "message": "Contact already exists"}, "create", "rejected", "CONFLICT", None),
        (
            {"category": "CONFLICT", "message": "Contact already exists. Existing ID: 3401"},
            "update",
            "rejected",
            "CONFLICT",
            "3401",
        ),
        ({"category": "OBJECT_NOT_FOUND", "message": "gone"}, "update", "stale", "OBJECT_NOT_FOUND", None),
        ({"category": "RATE_LIMITS", "message": "slow"}, "update", "retryable", "RATE_LIMITS", None),
        ({}, "update", "rejected", "UNKNOWN_ERROR", None),
        ({"message": "Property values were not valid: nonsense"}, "update", "rejected", "UNKNOWN_ERROR", None),
    ],
)
def test_hubspot_errors(
    error: dict[str, Any], operation: str, outcome: str, code: str, existing_id: str | None
) -> None:
    judged = judge_error(_operation(operation), error)
    assert (judged.outcome, judged.error_code, judged.existing_id) == (outcome, code, existing_id)


def test_a_refused_hubspot_call_is_judged_by_its_body() -> None:
    body = {"status": "error", "message": "Contact already exists. Existing ID: 3401", "category": "CONFLICT"}
    refusal = Refused(body["message"], status=409, code="CONFLICT", body=body)
    judged = judge_hubspot(_operation("create"), refusal)
    assert (judged.outcome, judged.existing_id) == ("stale", "3401")
    assert judge_hubspot(_operation(), Refused("<html>", status=400, body="<html>")).error_code == "400"


def test_hubspot_results_find_their_inputs_in_any_order() -> None:
    operations = {str(n): _operation("update", str(500 + n)) for n in range(6)}
    body = {
        "status": "COMPLETE",
        "results": [
            {"id": "503", "properties": {"a": "3"}, "updatedAt": "2026-03-01T09:30:00.120Z"},
            {"id": "500", "properties": {"a": "0"}},
            {"id": "999", "properties": {"a": "merged"}},
        ],
        "errors": [
            {"category": "OBJECT_NOT_FOUND", "message": "gone", "context": {"ids": ["501"]}},
            {**INVALID, "context": {"objectWriteTraceId": ["2"]}},
            {"category": "VALIDATION_ERROR", "message": "somebody's"},
        ],
    }
    found = sort_reply(body, operations, None)
    assert {key: answer.properties["a"] for key, answer in found.answers.items()} == {"op-503": "3", "op-500": "0"}
    assert {key: one.outcome for key, one in found.failures.items()} == {"op-501": "stale", "op-502": "rejected"}
    assert [one.operation_id for one in found.left] == ["op-504", "op-505"]
    assert [answer.record_id for answer in found.stray_answers] == ["999"]
    assert len(found.stray_errors) == 1


def test_hubspot_creates_are_found_by_their_key() -> None:
    operations = {"0": _operation("create", "003A"), "1": _operation("create", "003B")}
    result = {"id": "77", "new": True, "properties": {"salesforce_record_id": "003B"}}
    found = sort_reply({"results": [result]}, operations, "salesforce_record_id")
    assert found.answers["op-003B"].record_id == "77"


@pytest.mark.parametrize("body", [None, [], "text", {"results": None}, {"results": ["x"], "errors": {"a": 1}}])
def test_hubspot_replies_of_another_shape_answer_nobody(body: Any) -> None:
    found = sort_reply(body, {"0": _operation()}, None)
    assert len(found.left) == 1


DUPLICATES = {
    "statusCode": "DUPLICATES_DETECTED",
    "message": "Use one of these records?",
    "duplicateResult": {
        "matchResults": [
            {"matchRecords": [{"record": {"attributes": {"type": "Contact"}, "Id": "003000000000001AAA"}}]}
        ]
    },
}


@pytest.mark.parametrize(
    ("error", "operation", "outcome", "existing_id"),
    [
        ({"statusCode": "STRING_TOO_LONG", "message": "too long"}, "update", "rejected", None),
        ({"statusCode": "UNABLE_TO_LOCK_ROW", "message": "busy"}, "update", "retryable", None),
        ({"statusCode": "ENTITY_IS_DELETED", "message": "gone"}, "update", "stale", None),
        ({"statusCode": "ENTITY_IS_DELETED", "message": "parent gone"}, "create", "rejected", None),
        (DUPLICATES, "create", "stale", "003000000000001AAA"),
        (DUPLICATES, "update", "rejected", "003000000000001AAA"),
        (
            {
                "statusCode": "DUPLICATE_VALUE",
                "message": "duplicate value found: Ext__c duplicates value on record with id: 001D000000IqhSL",
            },
            "create",
            "stale",
            "001D000000IqhSLIAZ",
        ),
        (
            {"statusCode": "DUPLICATE_VALUE", "message": "Duplicate external id specified: a-1"},
            "create",
            "rejected",
            None,
        ),
    ],
)
def test_salesforce_rows(error: dict[str, Any], operation: str, outcome: str, existing_id: str | None) -> None:
    judged = judge_row(_operation(operation, target="salesforce"), {"success": False, "errors": [error]})
    assert (judged.outcome, judged.error_code, judged.existing_id) == (outcome, error["statusCode"], existing_id)


def test_two_matches_of_a_duplicate_rule_name_nobody() -> None:
    second = {"record": {"Id": "003000000000002AAA"}}
    result = {"matchResults": [{"matchRecords": [*DUPLICATES["duplicateResult"]["matchResults"][0]["matchRecords"], second]}]}  # type: ignore[index]  # fmt: skip  # noqa: E501
    judged = judge_row(_operation("create"), {"errors": [{**DUPLICATES, "duplicateResult": result}]})
    assert (judged.outcome, judged.existing_id) == ("rejected", None)


def test_a_refused_salesforce_call_is_judged_by_its_body() -> None:
    body = [{"errorCode": "JSON_PARSER_ERROR", "message": "Cannot deserialize"}]
    judged = judge_salesforce(_operation(), Refused("x", status=400, code="JSON_PARSER_ERROR", body=body))
    assert (judged.outcome, judged.error_code) == ("rejected", "JSON_PARSER_ERROR")
    assert judge_row(_operation(), {}).error_code == "UNKNOWN_ERROR"
