"""The control app: one generic HTTP interface through which people and tests play with an organisation.

Owns: the JSON shapes of the control port. Refuses: to know any CRM; it calls `Organisation` only.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from sandbox.organisation import ControlError, Organisation
from sandbox.serving import JsonResponse


def create_control_app(organisation: Organisation, state_dir: Path | None = None) -> ASGIApp:
    """The control app of one organisation, to be served on its own loopback port. `/health` tells the state
    directory, so that nobody mistakes another sandbox for theirs."""
    control = _Control(organisation, state_dir)
    routes = [
        Route("/health", control.health),
        Route("/environment", control.environment),
        Route("/reset", control.reset, methods=["POST"]),
        Route("/load", control.load, methods=["POST"]),
        Route("/edit", control.edit, methods=["POST"]),
        Route("/create", control.create, methods=["POST"]),
        Route("/delete", control.delete, methods=["POST"]),
        Route("/act/{action}", control.act, methods=["POST"]),
        Route("/record/{object}/{id}", control.record),
        Route("/records/{object}", control.records),
        Route("/writes", control.writes),
        Route("/calls", control.calls),
        Route("/calls/reset", control.calls_reset, methods=["POST"]),
        Route("/settings", control.settings, methods=["GET", "POST"]),
        Route("/metadata", control.metadata, methods=["POST"]),
        Route("/faults", control.faults, methods=["GET", "POST", "DELETE"]),
    ]
    handlers: dict[Any, Any] = {ControlError: _control_error, Exception: _server_error}
    return Starlette(routes=routes, exception_handlers=handlers)


async def _control_error(request: Request, error: ControlError) -> Response:
    return JsonResponse({"error": error.message}, status_code=error.status)


async def _server_error(request: Request, error: Exception) -> Response:
    return JsonResponse({"error": f"{type(error).__name__}: {error}"}, status_code=500)


async def _body(request: Request) -> dict[str, Any]:
    raw = await request.body()
    try:
        body = orjson.loads(raw or b"{}")
    except orjson.JSONDecodeError as error:
        raise ControlError(f"The request body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise ControlError("The request body must be a JSON object.")
    return body


def _need(body: Mapping[str, Any], name: str) -> Any:
    if body.get(name) in (None, ""):
        raise ControlError(f'The request body lacks "{name}".')
    return body[name]


def _moment(body: Mapping[str, Any]) -> datetime | None:
    text = body.get("at")
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError as error:
        raise ControlError(f'"at" is not an ISO time: {text}') from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class _Control:
    """The handlers, each a few lines over the organisation."""

    def __init__(self, organisation: Organisation, state_dir: Path | None) -> None:
        self.organisation = organisation
        self.state_dir = str(state_dir.resolve()) if state_dir else None

    async def health(self, request: Request) -> Response:
        return JsonResponse(
            {"crm": self.organisation.name, "is_new": self.organisation.is_new(), "state_dir": self.state_dir}
        )

    async def environment(self, request: Request) -> Response:
        return JsonResponse(self.organisation.environment(request.query_params.get("base_url", "")))

    async def reset(self, request: Request) -> Response:
        self.organisation.reset(demo=bool((await _body(request)).get("demo", True)))
        return JsonResponse({"ok": True})

    async def load(self, request: Request) -> Response:
        body = await _body(request)
        return JsonResponse({"loaded": self.organisation.load(_need(body, "object"), _need(body, "records"))})

    async def edit(self, request: Request) -> Response:
        body = await _body(request)
        record = self.organisation.edit(
            _need(body, "object"),
            str(_need(body, "id")),
            _need(body, "values"),
            body.get("user"),
            _moment(body),
        )
        return JsonResponse(record)

    async def create(self, request: Request) -> Response:
        body = await _body(request)
        values = body.get("values") or {}
        return JsonResponse(self.organisation.create(_need(body, "object"), values, body.get("user"), _moment(body)))

    async def delete(self, request: Request) -> Response:
        body = await _body(request)
        self.organisation.delete(_need(body, "object"), str(_need(body, "id")), body.get("user"), _moment(body))
        return JsonResponse({"ok": True})

    async def act(self, request: Request) -> Response:
        return JsonResponse(self.organisation.act(request.path_params["action"], await _body(request)))

    async def record(self, request: Request) -> Response:
        object_, record_id = request.path_params["object"], request.path_params["id"]
        record = self.organisation.record(object_, record_id)
        if record is None:
            raise ControlError(f"There is no {object_} {record_id}.", status=404)
        return JsonResponse(record)

    async def records(self, request: Request) -> Response:
        return JsonResponse(list(self.organisation.records(request.path_params["object"])))

    async def writes(self, request: Request) -> Response:
        since = request.query_params.get("since", "0")
        if not since.isdigit():
            raise ControlError(f'"since" must be a sequence number, not {since}.')
        return JsonResponse(self.organisation.writes.since(int(since)))

    async def calls(self, request: Request) -> Response:
        return JsonResponse(self.organisation.calls.counts())

    async def calls_reset(self, request: Request) -> Response:
        self.organisation.calls.reset()
        return JsonResponse({"ok": True})

    async def settings(self, request: Request) -> Response:
        values = await _body(request) if request.method == "POST" else {}
        return JsonResponse(self.organisation.settings.change(values))

    async def metadata(self, request: Request) -> Response:
        return JsonResponse(self.organisation.change_metadata(await _body(request)))

    async def faults(self, request: Request) -> Response:
        plan = self.organisation.faults
        if request.method == "POST":
            plan.set(await _body(request))
        elif request.method == "DELETE":
            plan.clear()
        return JsonResponse(plan.report())
