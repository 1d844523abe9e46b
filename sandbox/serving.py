"""What both stand-in CRMs share: serving an API app and its control app, counting calls, JSON replies.

Owns: sockets (loopback only), the two uvicorn servers of a process.
Refuses: to know any CRM's API (`sandbox.organisation` says what a CRM must offer) and to misbehave (`sandbox.traffic`).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import uvicorn
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from sandbox.database import open_database, transaction
from sandbox.loopback import LOOPBACK, bind
from sandbox.organisation import (
    CallCounter,
    ControlError,
    Organisation,
    Record,
    Settings,
    WriteLog,
)
from sandbox.traffic import TEMPLATE_KEY, TRANSPORT_KEY, ApiRoute, TrafficMiddleware

__all__ = [
    "TEMPLATE_KEY",
    "ApiRoute",
    "CallCounter",
    "ControlError",
    "JsonResponse",
    "Organisation",
    "Record",
    "RunningServers",
    "Settings",
    "TrafficMiddleware",
    "WriteLog",
    "bind",
    "open_database",
    "run",
    "serve_in_thread",
    "transaction",
]

logger = logging.getLogger(__name__)


class JsonResponse(Response):
    """A JSON reply rendered by orjson; `content` may also be ready-made bytes."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return content if isinstance(content, bytes) else orjson.dumps(content)


class _Protocol(AutoHTTPProtocol):  # type: ignore[misc, valid-type]
    """HTTP whose requests know their connection, so that a fault can cut it."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        app: ASGIApp = self.app  # type: ignore[has-type]

        async def with_transport(scope: Scope, receive: Receive, send: Send) -> None:
            scope[TRANSPORT_KEY] = transport
            await app(scope, receive, send)

        self.app = with_transport


class _Server(uvicorn.Server):
    """A uvicorn server that leaves signals to `run`, as two of them share one event loop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


def _server(app: ASGIApp) -> _Server:
    return _Server(
        uvicorn.Config(
            app,
            http=_Protocol,
            log_level="warning",
            access_log=False,
            lifespan="off",
            server_header=False,
            timeout_keep_alive=60,
        )
    )


async def _serve(servers: Sequence[_Server], sockets: Sequence[socket.socket]) -> None:
    pairs = zip(servers, sockets, strict=True)
    await asyncio.gather(*(server.serve(sockets=[sock]) for server, sock in pairs))


def run(
    api_app: ASGIApp,
    control_app: ASGIApp,
    sockets: tuple[socket.socket, socket.socket],
    on_started: Callable[[], None] = lambda: None,
) -> None:
    """Serve both apps in this process until SIGTERM or SIGINT. The sockets come from `bind`."""

    async def main() -> None:
        servers = (_server(api_app), _server(control_app))
        loop = asyncio.get_running_loop()

        def stop() -> None:
            for server in servers:
                server.should_exit = True

        for signal_number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(signal_number, stop)
        serving = asyncio.ensure_future(_serve(servers, sockets))
        while not serving.done() and not all(server.started for server in servers):
            await asyncio.sleep(0.01)
        if not serving.done():
            on_started()
        await serving

    asyncio.run(main())


@dataclass(frozen=True)
class RunningServers:
    """The two addresses of an organisation that is being served."""

    api_url: str
    control_url: str


@contextlib.contextmanager
def serve_in_thread(api_app: ASGIApp, control_app: ASGIApp) -> Iterator[RunningServers]:
    """Serve both apps on free ports from a thread of this process, for tests."""
    sockets = (bind(0), bind(0))
    servers = (_server(api_app), _server(control_app))
    thread = threading.Thread(target=lambda: asyncio.run(_serve(servers, sockets)), daemon=True)
    thread.start()
    try:
        while thread.is_alive() and not all(server.started for server in servers):
            thread.join(0.01)
        urls = [f"http://{LOOPBACK}:{sock.getsockname()[1]}" for sock in sockets]
        yield RunningServers(*urls)
    finally:
        for server in servers:
            server.should_exit = True
        thread.join(10)
