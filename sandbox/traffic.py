"""What every request of a stand-in CRM passes first: counting, latency, and the faults of the plan.

Owns: carrying faults out on the wire: replies in the CRM's own words, connections reset before or after the effect,
slow, truncated and malformed replies. Refuses: to decide which request goes wrong (`sandbox.faults`).
"""

from __future__ import annotations

import asyncio
import random
import socket
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from starlette.responses import JSONResponse, Response
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.faults import CURRENT, Rule
from sandbox.organisation import Organisation

TEMPLATE_KEY = "sandbox.path_template"
TRANSPORT_KEY = "sandbox.transport"
GATEWAY_TEXTS = {502: "Bad Gateway", 503: "Service Temporarily Unavailable", 504: "Gateway Time-out"}


class ApiRoute(Route):
    """A route that tells the traffic middleware its path template (`/objects/{type}/{id}`)."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, child_scope = super().matches(scope)
        if match is not Match.NONE:
            child_scope[TEMPLATE_KEY] = self.path
        return match, child_scope


class Voice(Protocol):
    """How a CRM says what a fault makes it say."""

    def refusal(self, status: int) -> Response:
        """The reply with this status when the CRM is in trouble."""
        ...

    def rate_limited(self, policy: str) -> Response:
        """The reply when a limit is reached; `policy` as the CRM calls it ("" for the usual one)."""
        ...

    def expire_tokens(self) -> None:
        """End the life of every token that can expire."""
        ...


@dataclass(frozen=True)
class _Captured:
    """A whole reply of the app."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class TrafficMiddleware:
    """Outermost layer of an API app: counts each request by method and path template, adds latency and faults.

    Requests that reach no route count as `METHOD (no route)`.
    """

    def __init__(self, app: ASGIApp, organisation: Organisation, voice: Voice, routes: Iterable[Any]) -> None:
        self.app = app
        self.organisation = organisation
        self.voice = voice
        self.routes = [route for route in routes if isinstance(route, ApiRoute)]
        self._random = random.Random(0)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        settings = self.organisation.settings
        if settings.latency_ms or settings.latency_jitter_ms:
            wait = settings.latency_ms + settings.latency_jitter_ms * self._random.random()
            await asyncio.sleep(wait / 1000)
        try:
            if self.organisation.faults.is_active:
                await self._maybe_misbehave(scope, receive, send)
            else:
                await self.app(scope, receive, send)
        finally:
            self.organisation.calls.add(f"{scope['method']} {scope.get(TEMPLATE_KEY, '(no route)')}")

    async def _maybe_misbehave(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await _read(receive)
        template = self._template(scope)
        if template:
            scope[TEMPLATE_KEY] = template
        rule = self.organisation.faults.strike(scope["method"], scope["path"], template, body)
        replay = _replayed(body, receive)
        if rule is None:
            await self.app(scope, replay, send)
            return
        token = CURRENT.set(rule)
        try:
            await self._misbehave(rule, scope, replay, send)
        finally:
            CURRENT.reset(token)

    def _template(self, scope: Scope) -> str:
        for route in self.routes:
            if route.matches(scope)[0] is Match.FULL:
                return route.path
        return ""

    async def _misbehave(self, rule: Rule, scope: Scope, receive: Receive, send: Send) -> None:
        match rule.kind:
            case "row_lock" | "index_lag":
                await self.app(scope, receive, send)
            case "expired_token":
                self.voice.expire_tokens()
                await self.app(scope, receive, send)
            case "rate_limit":
                await _answer(rule, self.voice.rate_limited(str(rule.options.get("policy", ""))), scope, send)
            case "status":
                if rule.options.get("after_effect"):
                    await _capture(self.app, scope, receive)
                await _answer(rule, self._refusal(rule), scope, send)
            case "reset_before":
                await _reset(scope, receive)
            case _:
                await _spoil(rule, await _capture(self.app, scope, receive), scope, receive, send)

    def _refusal(self, rule: Rule) -> Response:
        status, body = int(rule.options["status"]), rule.options.get("body")
        if body is not None:
            is_text = isinstance(body, str)
            return Response(body, status, media_type="text/html") if is_text else JSONResponse(body, status)
        if status in (502, 504):  # a gateway in front of the CRM speaks, not the CRM
            text = f"<html><head><title>{status} {GATEWAY_TEXTS[status]}</title></head></html>"
            return Response(text, status, media_type="text/html")
        return self.voice.refusal(status)


async def _read(receive: Receive) -> bytes:
    """The whole request body."""
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            break
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            break
    return b"".join(parts)


def _replayed(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives a body once more that has been read."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return messages.pop() if messages else await receive()

    return replay


async def _capture(app: ASGIApp, scope: Scope, receive: Receive) -> _Captured:
    """Let the app do its work and keep its reply."""
    status, headers, parts = 500, [], []

    async def keep(message: Message) -> None:
        nonlocal status, headers
        if message["type"] == "http.response.start":
            status, headers = message["status"], list(message.get("headers", []))
        elif message["type"] == "http.response.body":
            parts.append(message.get("body", b""))

    await app(scope, receive, keep)
    return _Captured(status, headers, b"".join(parts))


async def _answer(rule: Rule, response: Response, scope: Scope, send: Send) -> None:
    if "retry_after" in rule.options:
        response.headers["Retry-After"] = str(rule.options["retry_after"])
    await response(scope, _nothing, send)


async def _nothing() -> Message:
    return {"type": "http.disconnect"}


async def _spoil(rule: Rule, reply: _Captured, scope: Scope, receive: Receive, send: Send) -> None:
    """Faults that strike after the effect, on the way back."""
    match rule.kind:
        case "reset_after":
            await _reset(scope, receive)
        case "slow":
            await asyncio.sleep(rule.number("delay_ms", 1000) / 1000)
            await _send(send, reply)
        case "slow_body":
            await _drip(rule, reply, send)
        case "malformed":
            text = (
                str(rule.options["body"]).encode() if "body" in rule.options else _part(rule, reply) or b'{"results": ['
            )
            status = 200 if reply.status == 204 else reply.status
            await _send(send, _Captured(status, _with_length(reply.headers, len(text)), text))
        case "truncated":
            await _send(send, reply, _part(rule, reply))
            _transport(scope).close()
            await _until_gone(receive)


def _part(rule: Rule, reply: _Captured) -> bytes:
    return reply.body[: int(len(reply.body) * rule.number("share", 0.5))]


def _with_length(headers: list[tuple[bytes, bytes]], length: int) -> list[tuple[bytes, bytes]]:
    kept = [(name, value) for name, value in headers if name.lower() != b"content-length"]
    return [*kept, (b"content-length", str(length).encode())]


async def _send(send: Send, reply: _Captured, part: bytes | None = None) -> None:
    """A whole reply, or one that promises its whole length and holds only a part."""
    await send({"type": "http.response.start", "status": reply.status, "headers": reply.headers})
    body, more = (reply.body, False) if part is None else (part, True)
    await send({"type": "http.response.body", "body": body, "more_body": more})


async def _drip(rule: Rule, reply: _Captured, send: Send) -> None:
    count = max(1, int(rule.number("chunks", 5)))
    size = -(-len(reply.body) // count) or 1
    await send({"type": "http.response.start", "status": reply.status, "headers": reply.headers})
    for start in range(0, len(reply.body), size):
        await asyncio.sleep(rule.number("delay_ms", 1000) / 1000 / count)
        await send({"type": "http.response.body", "body": reply.body[start : start + size], "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def _transport(scope: Scope) -> asyncio.Transport:
    transport: asyncio.Transport = scope[TRANSPORT_KEY]
    return transport


async def _reset(scope: Scope, receive: Receive) -> None:
    """Cut the connection as a crashed peer does: with a TCP reset, and without an answer."""
    transport = _transport(scope)
    sock = transport.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
    await _until_gone(receive)


async def _until_gone(receive: Receive) -> None:
    """Wait until the server knows that the connection is closed, lest it answers all the same."""
    while (await receive())["type"] != "http.disconnect":
        pass
