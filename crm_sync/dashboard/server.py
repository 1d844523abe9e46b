"""Shows the health page on this machine while cycles run: the page asks every few seconds, and draws newer data.

Owns the loopback server. It answers only to this machine's own names (a page of another site that points a name of
its own at 127.0.0.1 is refused), reads the health file again only when that has changed, and changes nothing.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any

import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from crm_sync.dashboard.document import read_document
from crm_sync.dashboard.page import Live, render_page
from crm_sync.errors import ConfigError, CrmSyncError

HOST = "127.0.0.1"
EVERY_MS = 4_000
_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def create_app(health: Path, target: str, every_ms: int = EVERY_MS) -> Starlette:
    """The server's two answers: the page, and the document alone for a page that is open already."""
    current = _Current(health, target)

    def page(request: Request) -> Response:
        document, tag = current.document()
        return HTMLResponse(render_page(document, Live(tag, every_ms)), headers=_HEADERS)

    def data(request: Request) -> Response:
        document, tag = current.document()
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers={**_HEADERS, "ETag": tag})
        return Response(orjson.dumps(document), media_type="application/json", headers={**_HEADERS, "ETag": tag})

    async def trouble(request: Request, error: Exception) -> Response:
        assert isinstance(error, CrmSyncError)
        return PlainTextResponse(f"{error.message}\n{error.remedy or ''}\n", status_code=503, headers=_HEADERS)

    return Starlette(
        routes=[Route("/", page), Route("/data.json", data)],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"])],
        exception_handlers={CrmSyncError: trouble},
    )


class _Current:
    """The document of the health file as it is now, and its tag. Requests come from several threads."""

    def __init__(self, health: Path, target: str) -> None:
        self._health = health
        self._target = target
        self._lock = Lock()
        self._newest: tuple[dict[str, Any], str] | None = None

    def document(self) -> tuple[dict[str, Any], str]:
        with self._lock:
            tag = _fingerprint(self._health)
            if self._newest is None or self._newest[1] != tag:
                self._newest = read_document(self._health, self._target, datetime.now(UTC)), tag
            return self._newest


def serve(health: Path, target: str, port: int, tell: Callable[[str], None]) -> None:
    """Serve until interrupted. `tell` gets the address once the port is held."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
            listener.listen()
        except OSError as error:
            raise ConfigError(
                f"Port {port} of {HOST} cannot be used: {error.strerror}.", "Choose another, or 0 for any: --port 0"
            ) from None
        tell(f"http://{HOST}:{listener.getsockname()[1]}/")
        config = uvicorn.Config(create_app(health, target), log_level="warning", access_log=False)
        try:
            uvicorn.Server(config).run(sockets=[listener])
        except KeyboardInterrupt:
            return


def _fingerprint(path: Path) -> str:
    """Changes whenever a cycle publishes: the file is written anew and renamed each time."""
    try:
        found = path.stat()
    except OSError:
        return '"none"'
    return f'"{found.st_ino:x}-{found.st_mtime_ns:x}-{found.st_size:x}"'
