"""Objects v3, up to 100 records at a time: batch read, create, update, upsert and archive.

Owns: what one bad input does [HubSpot docs: error-handling; public captures]:
- every input has its own `objectWriteTraceId`: the good ones are written, the bad ones listed, 207;
- otherwise one bad value refuses the whole batch with 400, one existing e-mail with 409;
- ids that do not exist are one error that lists them all, 207;
- an id given twice refuses the whole batch with 400;
- an id that was merged away is answered by the survivor, without an error.
Results do not come back in the order of the inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from sandbox.hubspot.errors import (
    ApiError,
    InvalidValue,
    bad_request,
    duplicate_ids,
    invalid_values,
    unknown_ids,
)
from sandbox.hubspot.object_types import ObjectType
from sandbox.hubspot.objects import author_of, create_record, find_record, is_id_property
from sandbox.hubspot.organisation import HubSpotOrganisation
from sandbox.hubspot.requests import flag, json_body, mapping, object_type, sequence
from sandbox.hubspot.store import Stored
from sandbox.hubspot.times import iso
from sandbox.hubspot.writing import Author
from sandbox.serving import JsonResponse, transaction

MAX_INPUTS = 100
TRACE = "objectWriteTraceId"
Json = dict[str, Any]


@dataclass
class Outcome:
    """What has become of a batch so far."""

    started: str
    results: list[Json] = field(default_factory=list)
    errors: list[Json] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    def reply(self, kind: ObjectType, success: int, completed: str) -> Response:
        """The reply: `success` when nothing failed, else 207."""
        errors = list(self.errors)
        if self.missing:
            errors.append(unknown_ids(kind, self.missing).batch_entry({}))
        body: Json = {
            "status": "COMPLETE",
            "results": self.results[::-1],
            "startedAt": self.started,
            "completedAt": completed,
        }
        if errors:
            body |= {"numErrors": len(errors), "errors": errors}
        return JsonResponse(body, status_code=207 if errors else success)


class Batches:
    """The handlers of `/crm/v3/objects/{object_type}/batch/…`."""

    def __init__(self, organisation: HubSpotOrganisation) -> None:
        self.organisation = organisation

    async def read(self, request: Request) -> Response:
        kind, body = object_type(request), await json_body(request)
        inputs, outcome = _inputs(body), self._start()
        _refuse_duplicates(inputs, lambda item: body.get("idProperty"))
        renderer = self.organisation.renderer
        wanted = renderer.wanted(
            kind,
            sequence(body.get("properties"), "properties"),
            sequence(body.get("propertiesWithHistory"), "propertiesWithHistory"),
        )
        found: dict[int, Stored] = {}
        for item in inputs:
            value = str(item.get("id", ""))
            record = find_record(self.organisation, kind, value, body.get("idProperty"), flag(request, "archived"))
            if record is None:
                outcome.missing.append(value)
            else:
                found[record.id] = record
        outcome.results = renderer.records(list(found.values()), wanted)
        return outcome.reply(kind, 200, self._now())

    async def create(self, request: Request) -> Response:
        kind, body = object_type(request), await json_body(request)
        inputs, outcome, author = _inputs(body), self._start(), author_of(request)

        def write(item: Json) -> Json:
            return self._all_values(create_record(self.organisation, kind, item, author))

        return self._write(kind, [(item, None) for item in inputs], write, outcome, 201)

    async def update(self, request: Request) -> Response:
        kind, body = object_type(request), await json_body(request)
        inputs, outcome, author = _inputs(body), self._start(), author_of(request)
        _refuse_duplicates(inputs, lambda item: item.get("idProperty"))
        targets: list[tuple[Json, Stored | None]] = []
        for item in inputs:
            value = str(item.get("id", ""))
            record = find_record(self.organisation, kind, value, item.get("idProperty"))
            if record is None:
                outcome.missing.append(value)
            else:
                targets.append((item, record))

        def write(item: Json) -> Json:
            return self._updated(kind, item, author)

        return self._write(kind, targets, write, outcome, 200)

    async def upsert(self, request: Request) -> Response:
        kind, body = object_type(request), await json_body(request)
        inputs, outcome, author = _inputs(body), self._start(), author_of(request)
        for item in inputs:
            name = str(item.get("idProperty") or "")
            if not is_id_property(self.organisation, kind, name):
                raise bad_request(f"Unable to perform update/upsert by non-unique {kind.type_id} property {name}")
        _refuse_duplicates(inputs, lambda item: item.get("idProperty"))
        targets = [
            (item, find_record(self.organisation, kind, str(item.get("id", "")), item["idProperty"])) for item in inputs
        ]

        def write(item: Json) -> Json:
            value, name = str(item.get("id", "")), item["idProperty"]
            if find_record(self.organisation, kind, value, name) is not None:
                return self._updated(kind, item, author) | {"new": False}
            values = {name: value} | mapping(item.get("properties"), "properties")
            record = create_record(self.organisation, kind, item | {"properties": values}, author)
            return self._all_values(record) | {"new": True}

        return self._write(kind, targets, write, outcome, 200)

    async def archive(self, request: Request) -> Response:
        kind, body = object_type(request), await json_body(request)
        inputs = _inputs(body)
        _refuse_duplicates(inputs, lambda item: None)
        with transaction(self.organisation.connection):
            for item in inputs:
                record = find_record(self.organisation, kind, str(item.get("id", "")), None)
                if record is not None:
                    self.organisation.writer.archive(record, author_of(request))
        return Response(status_code=204)

    def _write(
        self,
        kind: ObjectType,
        targets: Sequence[tuple[Json, Stored | None]],
        write: Callable[[Json], Json],
        outcome: Outcome,
        success: int,
    ) -> Response:
        """Write each input; `targets` pairs it with the record it will change."""
        traced = _all_traced([item for item, _ in targets])
        with transaction(self.organisation.connection):
            if not traced:
                self._refuse_invalid(kind, targets)
            for item, _ in targets:
                try:
                    result = write(item)
                except ApiError as error:
                    if not traced:
                        raise
                    outcome.errors.append(error.batch_entry(_context(item, error)))
                else:
                    outcome.results.append(result | ({TRACE: item[TRACE]} if TRACE in item else {}))
        return outcome.reply(kind, success, self._now())

    def _refuse_invalid(self, kind: ObjectType, targets: Iterable[tuple[Json, Stored | None]]) -> None:
        """Without trace ids: list every bad value of the batch, not saying which input it belongs to."""
        problems: list[InvalidValue] = []
        for item, record in targets:
            current = record.properties if record is not None else {}
            values = mapping(item.get("properties"), "properties")
            problems += self.organisation.writer.check(kind, values, current)[1]
        if problems:
            raise invalid_values(problems)

    def _updated(self, kind: ObjectType, item: Json, author: Author) -> Json:
        """Update the record an input names, as it is now, and show what was sent of it."""
        record = find_record(self.organisation, kind, str(item.get("id", "")), item.get("idProperty"))
        if record is None:
            raise unknown_ids(kind, [str(item.get("id", ""))])
        values = mapping(item.get("properties"), "properties")
        sent = self.organisation.writer.update(record, values, author)
        return self.organisation.renderer.record(record, sorted({*sent, *kind.system}))

    def _all_values(self, record: Stored) -> Json:
        renderer = self.organisation.renderer
        return renderer.record(record, ()) | {"properties": renderer.all_properties(record)}

    def _start(self) -> Outcome:
        return Outcome(self._now())

    def _now(self) -> str:
        return iso(self.organisation.settings.now_ms())


def _inputs(body: Json) -> list[Json]:
    inputs = [mapping(item, "inputs") for item in sequence(body.get("inputs"), "inputs")]
    if len(inputs) > MAX_INPUTS:
        raise bad_request(f"The batch size of {len(inputs)} exceeds the maximum of {MAX_INPUTS} inputs.")
    return inputs


def _refuse_duplicates(inputs: Iterable[Json], id_property: Callable[[Json], Any]) -> None:
    seen: set[str] = set()
    repeated: list[str] = []
    for item in inputs:
        value = str(item.get("id", "")).strip()
        key = value.lower() if id_property(item) == "email" else value
        if key in seen and key not in repeated:
            repeated.append(key)
        seen.add(key)
    if repeated:
        raise duplicate_ids(repeated)


def _all_traced(inputs: Sequence[Json]) -> bool:
    """Whether every input carries a trace id of its own."""
    traces = [str(item[TRACE]) for item in inputs if item.get(TRACE) not in (None, "")]
    return len(traces) == len(inputs) == len(set(traces))


def _context(item: Json, error: ApiError) -> dict[str, list[str]]:
    """Which input failed, and which record stood in the way."""
    context = {TRACE: [str(item[TRACE])]}
    if error.status == 409:
        context["existingId"] = [error.message.rpartition(" ")[2]]
    return context
