"""Every kind of fault, and what the product's clients make of it over real HTTP.

Guarded: reads and idempotent writes are repeated, a write that may have had its effect is not, a limit of the day and a
refusal are not waited for, an expired token is renewed once, and no broken reply is taken for an answer.
"""

from __future__ import annotations

from typing import Any

import pytest
from conformance_support import Stands

from crm_sync.clients import NoResponse, NotSent, RateLimited, ServerTrouble, SessionRefused, UnreadableAnswer, http

CREATE = "*/batch/create"
UPSERT = "*/batch/upsert"
SOBJECTS = "*/composite/sobjects"
ADA = {"properties": {"email": "ada@example.com", "lastname": "Lovelace"}}
KEYED = {"id": "ada@example.com", "idProperty": "email", **ADA}
LEE = {"attributes": {"type": "Contact"}, "LastName": "Lee"}


def emails(stands: Stands) -> list[str]:
    """The e-mail of every contact that HubSpot really holds."""
    changes = [write["changes"] for write in stands.writes("hubspot") if write["operation"] == "create"]
    return [change["email"][1] for change in changes]


# limits ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "shortest"), [("TEN_SECONDLY_ROLLING", 5), ("SECONDLY", 1)], ids=["rolling", "secondly"]
)
def test_hubspots_short_limits_are_waited_for(stands: Stands, policy: str, shortest: float) -> None:
    stands.fault("hubspot", "rate_limit", policy=policy, first=1)
    reply = stands.product().hubspot.search("contacts", {"limit": 1})
    assert reply["total"] == 0
    assert stands.struck("hubspot") == 1
    assert stands.time.sleeps[0] >= shortest


def test_hubspots_daily_limit_is_not_waited_for(stands: Stands) -> None:
    stands.fault("hubspot", "rate_limit", policy="DAILY")
    with pytest.raises(RateLimited) as caught:
        stands.product().hubspot.account_details()
    assert caught.value.is_daily
    assert (stands.struck("hubspot"), stands.time.sleeps) == (1, [])


def test_salesforces_concurrency_limit_is_waited_for_and_its_daily_one_not(stands: Stands) -> None:
    client = stands.product().salesforce
    stands.fault("salesforce", "rate_limit", policy="CONCURRENT", first=2)
    assert list(client.query("SELECT Id FROM Contact")) == [[]]
    assert (stands.struck("salesforce"), len(stands.time.sleeps)) == (2, 2)
    stands.fault("salesforce", "rate_limit", policy="DAILY")
    with pytest.raises(RateLimited) as caught:
        client.describe("Contact")
    assert (caught.value.is_daily, caught.value.code) == (True, "REQUEST_LIMIT_EXCEEDED")
    assert stands.struck("salesforce") == 1


def test_real_limits_make_the_same_429s_as_the_fault_plan(stands: Stands) -> None:
    stands.settings("hubspot", rate_limits=True, daily_limit=2)
    client = stands.product().hubspot
    client.account_details()
    client.account_details()
    assert (client.limits.daily_limit, client.limits.daily_used) == (2, 2)
    with pytest.raises(RateLimited) as caught:
        client.account_details()
    assert (caught.value.is_daily, stands.time.sleeps) == (True, [])


# outages --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_reads_and_upserts_survive_an_outage(stands: Stands, status: int) -> None:
    clients = stands.product()
    for crm in ("hubspot", "salesforce"):
        stands.fault(crm, "status", status=status, first=2)
    assert clients.hubspot.batch("contacts", "upsert", [KEYED]).status == 200
    assert "fields" in clients.salesforce.describe("Contact")
    assert (stands.struck("hubspot"), stands.struck("salesforce")) == (2, 2)
    assert emails(stands) == ["ada@example.com"]


@pytest.mark.parametrize("after_effect", [False, True])
@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_create_is_not_repeated_after_an_outage(stands: Stands, status: int, after_effect: bool) -> None:
    clients = stands.product()
    stands.fault("hubspot", "status", status=status, path=CREATE, after_effect=after_effect, first=1)
    stands.fault("salesforce", "status", status=status, path=SOBJECTS, after_effect=after_effect, first=1)
    with pytest.raises(NoResponse) as caught:
        clients.hubspot.batch("contacts", "create", [ADA])
    assert caught.value.is_outcome_unknown
    with pytest.raises(NoResponse):
        clients.salesforce.collections_create([LEE])
    assert stands.calls("hubspot", "POST /batch/create") == stands.calls("salesforce", "POST /composite/sobjects") == 1
    assert len(stands.writes("hubspot")) == len(stands.writes("salesforce")) == int(after_effect)


def test_an_outage_that_lasts_ends_the_call_within_its_budget(stands: Stands) -> None:
    stands.fault("hubspot", "status", status=503)
    with pytest.raises(ServerTrouble) as caught:
        stands.product().hubspot.account_details()
    assert caught.value.status == 503
    assert sum(stands.time.sleeps) <= 60


def test_locked_and_moving_accounts_are_waited_for_even_by_creates(stands: Stands) -> None:
    client = stands.product().hubspot
    stands.fault("hubspot", "status", status=423, first=1)
    assert client.batch("contacts", "create", [ADA]).status == 201
    assert stands.time.sleeps[0] >= 2
    stands.time.sleeps.clear()
    stands.fault("hubspot", "status", status=477, retry_after=7, first=1)
    assert client.batch("contacts", "read", [{"id": "1"}]).status == 207
    assert stands.time.sleeps == [7]
    stands.fault("hubspot", "status", status=477, retry_after=86_400)
    with pytest.raises(ServerTrouble):
        client.account_details()
    assert stands.struck("hubspot") == 1
    assert emails(stands) == ["ada@example.com"]


# connections that break -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "written"), [("reset_before", 0), ("reset_after", 1)])
def test_a_reset_leaves_a_creates_outcome_unknown(stands: Stands, kind: str, written: int) -> None:
    clients = stands.product()
    stands.fault("hubspot", kind, path=CREATE)
    stands.fault("salesforce", kind, path=SOBJECTS)
    with pytest.raises(NoResponse, match="connection broke"):
        clients.hubspot.batch("contacts", "create", [ADA])
    with pytest.raises(NoResponse, match="connection broke"):
        clients.salesforce.collections_create([LEE])
    assert stands.struck("hubspot") == stands.struck("salesforce") == 1
    assert len(stands.writes("hubspot")) == len(stands.writes("salesforce")) == written


@pytest.mark.parametrize(("kind", "is_new"), [("reset_before", True), ("reset_after", False)])
def test_an_upsert_is_repeated_after_a_reset_and_makes_one_record(stands: Stands, kind: str, is_new: bool) -> None:
    stands.fault("hubspot", kind, path=UPSERT, first=1)
    reply = stands.product().hubspot.batch("contacts", "upsert", [KEYED])
    assert [row["new"] for row in reply.body["results"]] == [is_new]
    assert emails(stands) == ["ada@example.com"]


def test_a_login_that_breaks_leaves_nothing_unknown(stands: Stands) -> None:
    stands.fault("salesforce", "reset_before", path="/services/oauth2/token")
    with pytest.raises(NotSent):
        stands.product().salesforce.collections_create([LEE])
    assert stands.calls("salesforce", "POST /composite/sobjects") == 0


# slow and broken replies ----------------------------------------------------------------------------------


def test_a_reply_that_comes_too_late_is_no_reply(stands: Stands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "READ_TIMEOUT_SECONDS", 0.2)
    client = stands.product().hubspot
    stands.fault("hubspot", "slow", delay_ms=600, first=1)
    with pytest.raises(NoResponse, match="no answer within"):
        client.batch("contacts", "create", [ADA])
    assert stands.calls("hubspot", "POST /batch/create") <= 1
    assert emails(stands) == ["ada@example.com"]
    stands.fault("hubspot", "slow", delay_ms=600, first=1)
    assert client.account_details()["portalId"]


def test_a_slow_reply_within_the_time_allowed_is_an_answer(stands: Stands) -> None:
    clients = stands.product()
    stands.fault("hubspot", "slow", delay_ms=50)
    stands.fault("salesforce", "slow_body", delay_ms=100, chunks=4)
    assert clients.hubspot.account_details()["portalId"]
    assert "fields" in clients.salesforce.describe("Contact")
    assert stands.time.sleeps == []


@pytest.mark.parametrize("kind", ["truncated", "malformed"])
def test_a_broken_reply_is_no_answer(stands: Stands, kind: str) -> None:
    clients = stands.product()
    stands.fault("hubspot", kind, first=1)
    assert clients.hubspot.account_details()["portalId"]
    stands.fault("salesforce", kind, first=1)
    assert list(clients.salesforce.query("SELECT Id FROM Contact")) == [[]]
    stands.fault("hubspot", kind, path=CREATE)
    with pytest.raises(UnreadableAnswer) as caught:
        clients.hubspot.batch("contacts", "create", [ADA])
    assert caught.value.is_outcome_unknown
    assert stands.struck("hubspot") == 1
    assert emails(stands) == ["ada@example.com"]


def test_a_gateways_page_in_place_of_json_is_no_answer(stands: Stands) -> None:
    stands.fault("hubspot", "malformed", body="<html>Please log in to the network</html>")
    with pytest.raises(UnreadableAnswer):
        stands.product().hubspot.account_details()


# tokens ---------------------------------------------------------------------------------------------------


def test_an_expired_token_is_renewed_once_and_the_call_repeated(stands: Stands) -> None:
    clients = stands.product(oauth=True)
    clients.hubspot.account_details()
    clients.salesforce.describe("Contact")
    stands.fault("hubspot", "expired_token", first=1)
    stands.fault("salesforce", "expired_token", first=1)
    assert clients.hubspot.batch("contacts", "create", [ADA]).status == 201
    assert clients.salesforce.collections_create([LEE]).body[0]["success"] is True
    assert stands.calls("hubspot", "POST /oauth/v1/token") == stands.calls("salesforce", "POST /oauth2/token") == 2
    assert len(stands.writes("hubspot")) == len(stands.writes("salesforce")) == 1


def test_a_token_refused_again_after_its_renewal_is_given_up(stands: Stands) -> None:
    stands.fault("salesforce", "status", status=401)
    with pytest.raises(SessionRefused):
        stands.product().salesforce.describe("Contact")
    assert stands.struck("salesforce") == 2


# inside the CRM -------------------------------------------------------------------------------------------


def test_row_locks_fail_rows_and_pass(stands: Stands) -> None:
    client = stands.product().salesforce
    ids = [row["id"] for row in client.collections_create([LEE, {**LEE, "LastName": "Li"}]).body]
    updates: list[dict[str, Any]] = [{"attributes": {"type": "Contact"}, "id": each, "Title": "CEO"} for each in ids]
    stands.fault("salesforce", "row_lock", path=SOBJECTS, first=1)
    errors = [row["errors"][0]["statusCode"] for row in client.collections_update(updates).body]
    assert errors == ["UNABLE_TO_LOCK_ROW"] * 2
    assert all(row["success"] for row in client.collections_update(updates).body)


def test_search_lags_behind_a_write_and_batch_read_does_not(stands: Stands) -> None:
    client = stands.product().hubspot
    stands.fault("hubspot", "index_lag", delay_ms=700, path=CREATE)
    record = client.batch("contacts", "create", [ADA]).body["results"][0]
    assert client.search("contacts", {})["total"] == 0
    assert client.batch("contacts", "read", [{"id": record["id"]}]).status == 200
    stands.settings("hubspot", clock_skew_ms=1000)
    assert client.search("contacts", {})["total"] == 1


def test_a_skewed_clock_shows_in_stamps(stands: Stands) -> None:
    client = stands.product().hubspot
    for crm in ("hubspot", "salesforce"):
        stands.settings(crm, clock_skew_ms=366 * 86_400_000)
    record = client.batch("contacts", "create", [ADA]).body["results"][0]
    stands.settings("hubspot", clock_skew_ms=0)
    later = client.batch("contacts", "create", [{"properties": {"email": "b@example.com"}}]).body["results"][0]
    assert record["createdAt"] > later["createdAt"]
