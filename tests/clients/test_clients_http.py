"""What ApiClient does when things go wrong: what it repeats, what it refuses to repeat, and how it says so."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from client_support import FakeTime, FixedAuth
from scripted_server import ScriptedServer, answer, reset

from crm_sync.clients.auth import StaticToken
from crm_sync.clients.errors import (
    NoResponse,
    NotSent,
    RateLimited,
    Refused,
    ServerTrouble,
    Unauthorized,
    UnreadableAnswer,
    explain,
)
from crm_sync.clients.http import ApiClient, checked_base_url
from crm_sync.errors import ConfigError, CycleFailed

Serve = Callable[..., ScriptedServer]
ClientFor = Callable[..., ApiClient]
OK = answer(200, {"ok": True})


def get(client: ApiClient, **details: Any) -> Any:
    return client.request("GET", "/thing", retry_unknown=True, **details).body


def post(client: ApiClient, **details: Any) -> Any:
    return client.request("POST", "/thing", json={"a": 1}, retry_unknown=False, **details).body


def free_port_url() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_a_read_is_repeated_after_a_reset(serve: Serve, client_for: ClientFor, time: FakeTime) -> None:
    server = serve(reset(), reset(), OK)
    client = client_for(server.url)
    assert get(client) == {"ok": True}
    assert client.calls == 3
    assert len(time.sleeps) == 2
    assert time.sleeps[1] > time.sleeps[0] > 0


def test_a_write_that_got_no_answer_is_unknown_and_not_repeated(serve: Serve, client_for: ClientFor) -> None:
    server = serve(reset(), OK)
    with pytest.raises(NoResponse) as caught:
        post(client_for(server.url))
    assert caught.value.is_outcome_unknown
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_write_answered_with_server_error_is_unknown(serve: Serve, client_for: ClientFor, status: int) -> None:
    server = serve(answer(status, {"message": "oops"}), OK)
    with pytest.raises(NoResponse):
        post(client_for(server.url))
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [423, 429])
def test_a_write_that_was_certainly_not_made_is_repeated(serve: Serve, client_for: ClientFor, status: int) -> None:
    server = serve(answer(status, {"message": "later"}), OK)
    assert post(client_for(server.url)) == {"ok": True}


def test_a_refused_connection_is_certainly_not_made(client_for: ClientFor, time: FakeTime) -> None:
    client = client_for(free_port_url())
    with pytest.raises(NotSent) as caught:
        post(client)
    assert not caught.value.is_outcome_unknown
    assert client.calls == 0
    assert 1 < len(time.sleeps) < 10  # a host that never answered is not tried for long
    assert sum(time.sleeps) <= 10
    told = explain(caught.value)
    assert isinstance(told, CycleFailed)
    assert "HubSpot cannot be reached" in told.message


def test_no_repetition_hides_that_an_earlier_attempt_may_have_acted(serve: Serve, client_for: ClientFor) -> None:
    server = serve(reset(), answer(429, {"policyName": "DAILY", "message": "daily"}))
    with pytest.raises(NoResponse):
        client_for(server.url).request("POST", "/thing", json={}, retry_unknown=True)


def test_retries_end_with_the_time_budget(serve: Serve, client_for: ClientFor, time: FakeTime) -> None:
    server = serve(answer(503, {"message": "down"}))
    start = time.now
    with pytest.raises(ServerTrouble) as caught:
        get(client_for(server.url, budget=30.0))
    assert time.now - start <= 30.0
    assert caught.value.status == 503
    assert isinstance(explain(caught.value), CycleFailed)


@pytest.mark.parametrize(
    ("policy", "least", "most"),
    [("TEN_SECONDLY_ROLLING", 5.0, 10.0), ("SECONDLY", 1.0, 1.3)],
)
def test_each_429_policy_waits_its_own_time(
    serve: Serve, client_for: ClientFor, time: FakeTime, policy: str, least: float, most: float
) -> None:
    server = serve(answer(429, {"message": "slow down", "policyName": policy}), OK)
    get(client_for(server.url))
    assert least <= time.sleeps[0] <= most


def test_a_daily_limit_is_not_waited_for(serve: Serve, client_for: ClientFor, time: FakeTime) -> None:
    server = serve(answer(429, {"message": "You have reached your daily limit.", "policyName": "DAILY"}))
    with pytest.raises(RateLimited) as caught:
        get(client_for(server.url))
    assert not time.sleeps
    assert isinstance(explain(caught.value), CycleFailed)


def test_retry_after_is_honoured(serve: Serve, client_for: ClientFor, time: FakeTime) -> None:
    get(client_for(serve(answer(429, {}, {"Retry-After": "3"}), OK).url))
    assert time.sleeps == [3.0]


def test_a_moving_account_is_not_waited_for_beyond_the_budget(
    serve: Serve, client_for: ClientFor, time: FakeTime
) -> None:
    server = serve(answer(477, {"message": "migrating"}, {"Retry-After": "86400"}))
    with pytest.raises(ServerTrouble):
        get(client_for(server.url))
    assert not time.sleeps


def test_salesforce_limits_tell_bursts_from_the_day(serve: Serve, client_for: ClientFor) -> None:
    def body(text: str) -> list[dict[str, str]]:
        return [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": text}]

    burst = answer(403, body("ConcurrentRequests (Concurrent API Requests) Limit exceeded."))
    assert get(client_for(serve(burst, OK).url, crm="Salesforce")) == {"ok": True}
    daily = serve(answer(403, body("TotalRequests Limit exceeded.")))
    with pytest.raises(RateLimited) as caught:
        get(client_for(daily.url, crm="Salesforce"))
    assert caught.value.is_daily


def test_a_refused_token_is_renewed_once(serve: Serve, client_for: ClientFor) -> None:
    expired = answer(401, [{"errorCode": "INVALID_SESSION_ID", "message": "Session expired or invalid"}])
    server = serve(expired, OK)
    auth = FixedAuth("old", "new")
    assert post(client_for(server.url, auth)) == {"ok": True}
    sent = [request.headers["authorization"] for request in server.requests]
    assert sent == ["Bearer old", "Bearer new"]


def test_a_session_refused_right_after_its_renewal_fails_the_cycle_and_is_no_configuration_error(
    serve: Serve, client_for: ClientFor
) -> None:
    server = serve(answer(401, {"message": "Authentication credentials not found."}))
    with pytest.raises(Unauthorized) as caught:
        get(client_for(server.url, FixedAuth("old", "new", "newer")))
    assert len(server.requests) == 2
    told = explain(caught.value)
    assert isinstance(told, CycleFailed)
    assert "HubSpot refused a session that it had opened just before" in told.message


def test_a_token_that_cannot_be_renewed_is_a_configuration_error(serve: Serve, client_for: ClientFor) -> None:
    server = serve(answer(401, {"message": "Authentication credentials not found."}))
    with pytest.raises(Unauthorized) as caught:
        get(client_for(server.url, StaticToken("pat")))
    told = explain(caught.value)
    assert isinstance(told, ConfigError)
    assert "HUBSPOT_ACCESS_TOKEN" in told.remedy


@pytest.mark.parametrize(
    "body",
    [
        {
            "category": "MISSING_SCOPES",
            "message": "This app hasn't been granted all required scopes",
            "errors": [{"message": "One or more", "context": {"requiredGranularScopes": ["crm.objects.deals.read"]}}],
        },
        {"message": "no", "context": {"requiredScopes": ["crm.objects.deals.read"]}},
    ],
)
def test_missing_scopes_are_named(serve: Serve, client_for: ClientFor, body: dict[str, Any]) -> None:
    with pytest.raises(Refused, match=r"crm\.objects\.deals\.read") as caught:
        get(client_for(serve(answer(403, body)).url))
    assert isinstance(explain(caught.value), ConfigError)


@pytest.mark.parametrize("body", [b"<html>proxy</html>", b'{"results": [', b"\xff\xfe", b"[" * 100_000, b"NaN"])
def test_an_answer_that_is_not_json_is_a_clear_error(serve: Serve, client_for: ClientFor, body: bytes) -> None:
    with pytest.raises(UnreadableAnswer, match="not JSON") as caught:
        post(client_for(serve(answer(200, body)).url))
    assert caught.value.is_outcome_unknown


def test_a_truncated_answer_is_read_again(serve: Serve, client_for: ClientFor) -> None:
    server = serve(answer(200, {"ok": "x" * 500}, cut=100), OK)
    assert get(client_for(server.url)) == {"ok": True}


def test_a_truncated_answer_to_a_write_is_unknown(serve: Serve, client_for: ClientFor) -> None:
    server = serve(answer(200, {"ok": "x" * 500}, cut=100), OK)
    with pytest.raises(UnreadableAnswer):
        post(client_for(server.url))


def test_a_redirect_is_refused_so_that_no_token_travels(serve: Serve, client_for: ClientFor) -> None:
    elsewhere = serve(OK)
    server = serve(answer(302, None, {"Location": elsewhere.url}))
    with pytest.raises(Refused):
        get(client_for(server.url))
    assert not elsewhere.requests


def test_permanent_refusals_are_not_repeated(serve: Serve, client_for: ClientFor) -> None:
    body = {"category": "VALIDATION_ERROR", "message": "no", "errors": [{"code": "INVALID_EMAIL", "message": "m"}]}
    server = serve(answer(400, body))
    with pytest.raises(Refused) as caught:
        get(client_for(server.url))
    assert (caught.value.status, caught.value.code, caught.value.body) == (400, "INVALID_EMAIL", body)
    assert len(server.requests) == 1


def test_exact_numbers_keep_their_text(serve: Serve, client_for: ClientFor) -> None:
    content = b'{"a": 50000.00, "b": 123456789012345678.90, "c": 1e3, "d": true, "e": null}'
    body = get(client_for(serve(answer(200, content)).url), parse="exact")
    assert body == {"a": "50000.00", "b": "123456789012345678.90", "c": "1e3", "d": True, "e": None}


@pytest.mark.parametrize("parse", ["json", "exact"])
def test_lone_surrogates_become_replacement_characters(serve: Serve, client_for: ClientFor, parse: str) -> None:
    body = get(client_for(serve(answer(200, b'{"a": "x\\ud800y", "b": "\\u0000"}')).url), parse=parse)
    assert body == {"a": "x\ufffdy", "b": "\x00"}


def test_logs_hold_no_token_query_or_body(
    serve: Serve, client_for: ClientFor, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    client = client_for(serve(answer(500, {"message": "boom"}), OK).url, FixedAuth("secret-token"))
    client.request("GET", "/thing", params={"q": "secret-query"}, json={"x": "secret-body"}, retry_unknown=True)
    logged = " ".join(record.getMessage() for record in caplog.records)
    assert "GET /thing: 200" in logged
    assert "secret" not in logged


@pytest.mark.parametrize("url", ["http://api.hubapi.com", "ftp://x", "api.hubapi.com", "https://", "https://a:b@c"])
def test_plain_http_is_for_this_machine_only(url: str) -> None:
    with pytest.raises(ConfigError, match="HUBSPOT_BASE_URL"):
        checked_base_url(url, "HUBSPOT_BASE_URL")


@pytest.mark.parametrize("url", ["http://127.0.0.1:8701", "http://localhost:1", "http://[::1]:1", "https://a.example/"])
def test_usable_urls(url: str) -> None:
    assert checked_base_url(url, "X") == url.rstrip("/")


def test_threads_share_a_client_and_each_gets_its_own_answer(serve: Serve, client_for: ClientFor) -> None:
    server = serve(*[answer(200, {"number": number}) for number in range(41)])
    client = client_for(server.url)
    part = client.counted()
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(get, one) for _ in range(20) for one in (client, part)]
        numbers = [future.result()["number"] for future in asked]
    assert sorted(numbers) == list(range(40))
    assert (part.calls, client.calls) == (20, 40)
    assert len(server.connections) <= 8  # kept, and lent again
