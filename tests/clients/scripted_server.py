"""A tiny HTTP server on loopback that answers request after request as a test's script says."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Request:
    """A request as it arrived."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


Action = Callable[[socket.socket], bool]  # returns whether the connection stays open


def answer(
    status: int = 200, body: Any = None, headers: dict[str, str] | None = None, cut: int | None = None
) -> Action:
    """A reply; `cut` sends only so many bytes of the body and closes."""
    content = body if isinstance(body, bytes) else (b"" if body is None else json.dumps(body).encode())

    def act(connection: socket.socket) -> bool:
        lines = [f"HTTP/1.1 {status} Scripted", f"Content-Length: {len(content)}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + (content if cut is None else content[:cut]))
        return cut is None

    return act


def reset() -> Action:
    """The request was read, and the connection breaks without an answer."""

    def act(connection: socket.socket) -> bool:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return False

    return act


@dataclass
class ScriptedServer:
    """Answers with `script` in order, then with its last action for ever."""

    script: list[Action] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    connections: list[socket.socket] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as stream:
            try:
                while (request := _read(stream)) is not None:
                    with self._lock:
                        self.requests.append(request)
                        action = self.script.pop(0) if len(self.script) > 1 else self.script[0]
                    if not action(connection):
                        return
            except OSError:
                return


def _read(stream: Any) -> Request | None:
    first = stream.readline().decode().split()
    if not first:
        return None
    headers: dict[str, str] = {}
    while (line := stream.readline().decode().strip()) != "":
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    return Request(first[0], first[1], headers, stream.read(int(headers.get("content-length", 0))))
