"""Associations v4: between two records, and in batches.

Source: [HubSpot docs: crm/associations], the public OpenAPI description, captures of batch reads. The error
for a record that does not exist is a guess at HubSpot's wording.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from sandbox.hubspot.errors import ApiError, Context, bad_request, not_found
from sandbox.hubspot.linking import End
from sandbox.hubspot.object_types import ObjectType
from sandbox.hubspot.objects import author_of
from sandbox.hubspot.organisation import HubSpotOrganisation
from sandbox.hubspot.requests import (
    json_body,
    json_list,
    limit,
    mapping,
    object_type,
    path_id,
    record_id,
    sequence,
)
from sandbox.hubspot.store import LIVE
from sandbox.hubspot.times import iso
from sandbox.organisation import Changes
from sandbox.serving import JsonResponse, transaction

PAGE_LIMIT = 500
READ_LIMIT = 1_000
WRITE_LIMIT = 2_000
Json = dict[str, Any]


@dataclass(frozen=True)
class Pair:
    """The two object types of a batch path."""

    one: ObjectType
    other: ObjectType


class Associations:
    """The handlers of `/crm/v4/objects/…/associations/…` and `/crm/v4/associations/…`."""

    def __init__(self, organisation: HubSpotOrganisation) -> None:
        self.organisation = organisation
        self.catalog = organisation.metadata.catalog

    # between two records ----------------------------------------------------------------------------------

    async def list_all(self, request: Request) -> Response:
        pair, from_id = pair_of(request), path_id(request)
        self._end(pair.one, str(from_id))
        size = limit(request, PAGE_LIMIT, PAGE_LIMIT)
        after = int(request.query_params.get("after", "0"))
        found = self.organisation.store.associations(pair.one.name, [from_id], pair.other.name)
        rows = [(to_id, types) for to_id, types in found.get(from_id, {}).items() if to_id > after]
        reply: Json = {"results": [self._target(to_id, types) for to_id, types in rows[:size]]}
        if len(rows) > size:
            position = str(rows[size - 1][0])
            link = str(request.url.include_query_params(after=position))
            reply["paging"] = {"next": {"after": position, "link": link}}
        return JsonResponse(reply)

    async def set_default(self, request: Request) -> Response:
        pair = pair_of(request)
        one, other = self._ends(request, pair)
        started = self._now()
        with transaction(self.organisation.connection):
            self._connect(request, one, other, [])
        return self._batch_reply(started, self._default_results(one, other), [], 200)

    async def set_labels(self, request: Request) -> Response:
        pair, body = pair_of(request), await json_list(request)
        one, other = self._ends(request, pair)
        types = self._type_ids(pair, body)
        with transaction(self.organisation.connection):
            self._connect(request, one, other, types, replace=True)
        return JsonResponse(self._labels_between(pair, one, other), status_code=201)

    async def remove(self, request: Request) -> Response:
        pair = pair_of(request)
        one, other = self._ends(request, pair)
        with transaction(self.organisation.connection):
            self._disconnect(request, one, other, None)
        return Response(status_code=204)

    # in batches -------------------------------------------------------------------------------------------

    async def batch_read(self, request: Request) -> Response:
        pair, inputs, started = pair_of(request), _inputs(await json_body(request), READ_LIMIT), self._now()
        ids = {str(item.get("id", "")): record_id(str(item.get("id", ""))) for item in inputs}
        numbers = [number for number in ids.values() if number is not None]
        found = self.organisation.store.associations(pair.one.name, numbers, pair.other.name)
        results, errors = [], []
        for text, number in ids.items():
            targets = found.get(number, {}) if number is not None else {}
            if targets:
                to = [self._target(to_id, types) for to_id, types in targets.items()]
                results.append({"from": {"id": text}, "to": to})
            else:
                errors.append(_none_found(pair, text).batch_entry({}))
        return self._batch_reply(started, results, errors, 200)

    async def batch_create(self, request: Request) -> Response:
        pair, inputs, started = pair_of(request), _inputs(await json_body(request), WRITE_LIMIT), self._now()
        results: list[Json] = []
        errors: list[Json] = []
        with transaction(self.organisation.connection):
            for item in inputs:
                types = self._type_ids(pair, sequence(item.get("types"), "types"))
                try:
                    one, other = self._input_ends(pair, item)
                except ApiError as error:
                    errors.append(error.batch_entry({}))
                    continue
                self._connect(request, one, other, types, replace=True)
                results.append(self._labels_between(pair, one, other))
        return self._batch_reply(started, results, errors, 201)

    async def batch_default(self, request: Request) -> Response:
        pair, inputs, started = pair_of(request), _inputs(await json_body(request), WRITE_LIMIT), self._now()
        results: list[Json] = []
        errors: list[Json] = []
        with transaction(self.organisation.connection):
            for item in inputs:
                try:
                    one, other = self._input_ends(pair, item)
                except ApiError as error:
                    errors.append(error.batch_entry({}))
                    continue
                self._connect(request, one, other, [])
                results += self._default_results(one, other)
        return self._batch_reply(started, results, errors, 200)

    async def batch_archive(self, request: Request) -> Response:
        pair, inputs = pair_of(request), _inputs(await json_body(request), WRITE_LIMIT)
        with transaction(self.organisation.connection):
            for item in inputs:
                one = (pair.one.name, _input_id(item.get("from")))
                for target in sequence(item.get("to"), "to"):
                    self._disconnect(request, one, (pair.other.name, _input_id(target)), None)
        return Response(status_code=204)

    async def batch_archive_labels(self, request: Request) -> Response:
        pair, inputs = pair_of(request), _inputs(await json_body(request), WRITE_LIMIT)
        with transaction(self.organisation.connection):
            for item in inputs:
                one = (pair.one.name, _input_id(item.get("from")))
                other = (pair.other.name, _input_id(item.get("to")))
                types = self._type_ids(pair, sequence(item.get("types"), "types"))
                self._disconnect(request, one, other, types)
        return Response(status_code=204)

    # inside -----------------------------------------------------------------------------------------------

    def _connect(self, request: Request, one: End, other: End, types: Iterable[int], replace: bool = False) -> None:
        changes = self.organisation.writer.links.connect(one, other, types, replace)
        self._log(request, one, changes)
        if changes:
            self.organisation.writer.note_activity(one, other)

    def _disconnect(self, request: Request, one: End, other: End, types: Iterable[int] | None) -> None:
        self._log(request, one, self.organisation.writer.links.disconnect(one, other, types))

    def _log(self, request: Request, one: End, changes: Changes) -> None:
        record = self.organisation.store.get(*one)
        if record is not None:
            self.organisation.writer.log_changes(record, author_of(request), "associate", changes)

    def _end(self, kind: ObjectType, text: str) -> End:
        """A live record of an association; merged ids give the survivor."""
        number = record_id(text)
        record = self.organisation.store.survivor(kind.name, number) if number is not None else None
        if record is None or record.state != LIVE:
            raise not_found()
        return (kind.name, record.id)

    def _ends(self, request: Request, pair: Pair) -> tuple[End, End]:
        return (
            self._end(pair.one, request.path_params["id"]),
            self._end(pair.other, request.path_params["to_id"]),
        )

    def _input_ends(self, pair: Pair, item: Mapping[str, Any]) -> tuple[End, End]:
        ids = [str(mapping(item.get(key), key).get("id", "")) for key in ("from", "to")]
        try:
            return self._end(pair.one, ids[0]), self._end(pair.other, ids[1])
        except ApiError as error:
            context: Context = {"fromObjectId": [ids[0]], "toObjectId": [ids[1]]}
            message = f"One of the records {ids[0]} and {ids[1]} does not exist."
            raise ApiError(404, message, "OBJECT_NOT_FOUND", context=context) from error

    def _labels_between(self, pair: Pair, one: End, other: End) -> Json:
        kinds = (self.catalog.associations[type_id] for type_id in self.organisation.writer.links.types(one, other))
        return {
            "fromObjectTypeId": pair.one.type_id,
            "fromObjectId": one[1],
            "toObjectTypeId": pair.other.type_id,
            "toObjectId": other[1],
            "labels": [kind.label for kind in kinds if kind.label],
        }

    def _batch_reply(self, started: str, results: list[Json], errors: list[Json], success: int) -> Response:
        body: Json = {
            "status": "COMPLETE",
            "results": results,
            "startedAt": started,
            "completedAt": self._now(),
        }
        if errors:
            body |= {"numErrors": len(errors), "errors": errors}
        return JsonResponse(body, status_code=207 if errors else success)

    def _spec(self, type_id: int) -> Json:
        kind = self.catalog.associations[type_id]
        return {"category": kind.category, "typeId": type_id, "label": kind.label}

    def _target(self, to_id: int, type_ids: Iterable[int]) -> Json:
        """One associated record; its id is a number in HubSpot's replies."""
        return {"toObjectId": to_id, "associationTypes": [self._spec(type_id) for type_id in type_ids]}

    def _default_results(self, one: End, other: End) -> list[Json]:
        """The two directions of an unlabelled association."""
        results = []
        for here, there in ((one, other), (other, one)):
            type_id = self.catalog.unlabelled(here[0], there[0])
            category = self.catalog.associations[type_id].category if type_id is not None else "HUBSPOT_DEFINED"
            spec = {"associationCategory": category, "associationTypeId": type_id}
            results.append({"from": {"id": str(here[1])}, "to": {"id": str(there[1])}, "associationSpec": spec})
        return results

    def _type_ids(self, pair: Pair, specs: Iterable[Any]) -> list[int]:
        """Association type ids that fit the two object types and their category; 400 for others."""
        known = {kind.type_id: kind for kind in self.catalog.between(pair.one.name, pair.other.name)}
        type_ids = []
        for spec in specs:
            type_id = mapping(spec, "types").get("associationTypeId")
            kind = known.get(type_id) if isinstance(type_id, int) else None
            if kind is None or kind.category != spec.get("associationCategory", kind.category):
                raise bad_request(
                    f"Invalid association type {type_id} between {pair.one.type_id} and {pair.other.type_id}."
                )
            type_ids.append(kind.type_id)
        return type_ids

    def _now(self) -> str:
        return iso(self.organisation.settings.now_ms())


def pair_of(request: Request) -> Pair:
    return Pair(object_type(request, "from_type"), object_type(request, "to_type"))


def _inputs(body: Json, maximum: int) -> list[Json]:
    inputs = [mapping(item, "inputs") for item in sequence(body.get("inputs"), "inputs")]
    if len(inputs) > maximum:
        raise bad_request(f"The batch size of {len(inputs)} exceeds the maximum of {maximum} inputs.")
    return inputs


def _input_id(value: Any) -> int:
    number = record_id(str(mapping(value, "inputs").get("id", "")))
    if number is None:
        raise bad_request("Invalid input JSON: an id must be a number given as text.")
    return number


def _none_found(pair: Pair, from_id: str) -> ApiError:
    """What a batch read says of a record without associations: not a failure."""
    return ApiError(
        404,
        f"No {pair.other.singular} is associated with {pair.one.singular} {from_id}.",
        "OBJECT_NOT_FOUND",
        sub_category="crm.associations.NO_ASSOCIATIONS_FOUND",
        context={
            "fromObjectId": [from_id],
            "fromObjectType": [pair.one.singular],
            "toObjectType": [pair.other.singular],
        },
    )
