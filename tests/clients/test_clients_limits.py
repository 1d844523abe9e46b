"""Pacing: the limits are kept before the CRM has to say so."""

from __future__ import annotations

import threading
import time as real_time

from client_support import FakeTime
from hypothesis import given
from hypothesis import strategies as st

from crm_sync.clients.limits import ApiLimits, HubSpotLimiter, RollingWindow, SalesforceLimiter


@given(
    durations=st.lists(st.floats(0.0, 1.5), min_size=30, max_size=60),
    capacity=st.integers(1, 8),
)
def test_no_window_of_the_crm_ever_holds_more_calls_than_allowed(durations: list[float], capacity: int) -> None:
    time = FakeTime()
    window = RollingWindow(capacity, 10.0, time.clock, time.sleep)
    counted: list[float] = []
    for position, duration in enumerate(durations):
        with window.slot():
            # The CRM counts the call somewhere between its sending and its answer.
            counted.append(time.now + duration * (position % 3) / 2)
            time.now += duration
    for moment in counted:
        assert sum(moment - 10.0 < other <= moment for other in counted) <= capacity


def test_room_for_several_calls_is_waited_for_before_the_first_of_them() -> None:
    time = FakeTime()
    window = RollingWindow(10, 10.0, time.clock, time.sleep)
    window.await_room(4)
    assert time.now == 1000.0
    for _ in range(8):
        with window.slot():
            time.now += 0.5
    window.await_room(4)
    # two are free; the first two of the eight ended half a second and a second after the start
    assert 1011.0 <= time.now <= 1011.1
    started = time.now
    for _ in range(4):
        with window.slot():
            pass
    assert time.now == started


def test_searches_are_paced_apart_from_other_calls() -> None:
    time = FakeTime()
    limiter = HubSpotLimiter(time.clock, time.sleep)
    for _ in range(20):
        with limiter.slot("/crm/v3/objects/contacts/search"):
            pass
    assert 3.0 <= time.now - 1000.0 <= 3.1
    before = time.now
    for _ in range(50):
        with limiter.slot("/crm/v3/objects/contacts"):
            pass
    assert time.now == before


def test_hubspot_headers_set_the_pace_and_the_daily_use() -> None:
    time = FakeTime()
    limiter = HubSpotLimiter(time.clock, time.sleep)
    with limiter.slot("/x"):
        pass
    limiter.observe(
        {
            "X-HubSpot-RateLimit-Max": "190",
            "X-HubSpot-RateLimit-Remaining": "9",
            "X-HubSpot-RateLimit-Daily": "250000",
            "X-HubSpot-RateLimit-Daily-Remaining": "249000",
        }
    )
    assert limiter.limits == ApiLimits(250000, 1000)
    # 181 calls are used, one of them ours: another integration used 180, and 9 are left for now.
    for _ in range(9):
        with limiter.slot("/x"):
            pass
    assert time.now == 1000.0
    with limiter.slot("/x"):
        pass
    assert time.now > 1000.0


def test_replies_without_headers_change_nothing() -> None:
    time = FakeTime()
    limiter = HubSpotLimiter(time.clock, time.sleep)
    limiter.observe({"X-HubSpot-RateLimit-Max": "many", "X-HubSpot-RateLimit-Remaining": "-3"})
    assert limiter.limits == ApiLimits()


def test_salesforce_usage_is_read_past_the_other_figures() -> None:
    limiter = SalesforceLimiter()
    header = "per-app-api-usage=17/250(appName=sample), api-usage=1234/100000; api-bursts=1/750"
    limiter.observe({"Sforce-Limit-Info": header})
    assert limiter.limits == ApiLimits(100000, 1234)


def test_salesforce_calls_at_once_are_few() -> None:
    limiter = SalesforceLimiter(concurrent=2)
    running: list[int] = []
    lock = threading.Lock()
    most = 0

    def call() -> None:
        nonlocal most
        with limiter.slot("/x"):
            with lock:
                running.append(1)
                most = max(most, len(running))
            real_time.sleep(0.01)
            with lock:
                running.pop()

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 2
