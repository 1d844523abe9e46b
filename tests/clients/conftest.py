"""Clients against a scripted server, with a clock that only sleeping moves."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import pytest
from client_support import FakeTime, FixedAuth
from scripted_server import Action, ScriptedServer

from crm_sync.clients.http import ApiClient, Auth, Sessions
from crm_sync.clients.limits import Limiter, NoLimiter


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def serve() -> Iterator[Callable[..., ScriptedServer]]:
    servers: list[ScriptedServer] = []

    def start(*script: Action) -> ScriptedServer:
        servers.append(ScriptedServer(list(script)))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def client_for(time: FakeTime) -> Callable[..., ApiClient]:
    def build(
        url: str,
        auth: Auth | None = None,
        limiter: Limiter | None = None,
        crm: str = "HubSpot",
        budget: float = 120.0,
    ) -> ApiClient:
        return ApiClient(
            Sessions(),
            url,
            auth or FixedAuth("token-1"),
            limiter or NoLimiter(),
            time.clock,
            time.sleep,
            random.Random(7),
            budget,
            crm=crm,
        )

    return build
