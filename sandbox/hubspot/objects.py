"""Objects v3, one record at a time: list, create, read, update, archive, merge.

Source: [HubSpot docs: crm/objects]. Batches are batch.py's, search is search.py's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from sandbox.hubspot.errors import bad_request, not_found
from sandbox.hubspot.linking import End
from sandbox.hubspot.merging import merge
from sandbox.hubspot.object_types import ObjectType
from sandbox.hubspot.organisation import HubSpotOrganisation
from sandbox.hubspot.requests import (
    after,
    flag,
    json_body,
    limit,
    listed,
    mapping,
    named_object_type,
    object_type,
    record_id,
    sequence,
)
from sandbox.hubspot.store import ARCHIVED, LIVE, Stored
from sandbox.hubspot.writing import Author
from sandbox.serving import JsonResponse, transaction

PAGE_LIMIT = 100
PAGE_LIMIT_WITH_HISTORY = 50
AUTHOR_KEY = "sandbox.author"

NewLink = tuple[End, int]
"""The other record and the association type id, seen from the new one."""


def author_of(request: Request) -> Author:
    """The app that makes this request; put there by app.py."""
    author: Author = request.scope[AUTHOR_KEY]
    return author


def is_id_property(organisation: HubSpotOrganisation, kind: ObjectType, name: str) -> bool:
    """Whether values of this property identify one record."""
    if name == "email":
        return kind.name == "contacts"
    definition = organisation.metadata.property(kind.name, name)
    return definition is not None and bool(definition["hasUniqueValue"])


def find_record(
    organisation: HubSpotOrganisation,
    kind: ObjectType,
    value: str,
    id_property: str | None,
    archived: bool = False,
) -> Stored | None:
    """The record that an id, or a value of a unique property, stands for; merged ids give the survivor."""
    if id_property in (None, "", "hs_object_id"):
        number: int | None = record_id(value.strip())
    elif is_id_property(organisation, kind, str(id_property)):
        key = value.strip().lower() if id_property == "email" else value.strip()
        number = organisation.store.holder(kind.name, str(id_property), key)
    else:
        raise bad_request(f"Unable to perform update/upsert by non-unique {kind.type_id} property {id_property}")
    record = organisation.store.survivor(kind.name, number) if number is not None else None
    wanted = ARCHIVED if archived else LIVE
    return record if record is not None and record.state == wanted else None


def new_links(organisation: HubSpotOrganisation, kind: ObjectType, associations: Iterable[Any]) -> list[NewLink]:
    """The associations asked for with a create, checked before anything is written."""
    links: list[NewLink] = []
    for item in associations:
        target = mapping(mapping(item, "associations").get("to"), "associations.to")
        for spec in sequence(mapping(item, "associations").get("types"), "associations.types"):
            type_id = int(mapping(spec, "types").get("associationTypeId", 0))
            association = organisation.metadata.catalog.associations.get(type_id)
            category = spec.get("associationCategory", "HUBSPOT_DEFINED")
            if association is None or (association.from_type, association.category) != (kind.name, category):
                raise bad_request(f"{spec.get('associationTypeId')} is not a valid association type for {kind.name}")
            number = record_id(str(target.get("id", "")))
            other = organisation.store.survivor(association.to_type, number) if number is not None else None
            if other is None or other.state != LIVE:
                raise bad_request(f"Cannot associate with {association.to_type} {target.get('id')}: it does not exist.")
            links.append(((association.to_type, other.id), association.type_id))
    return links


def create_record(
    organisation: HubSpotOrganisation, kind: ObjectType, item: Mapping[str, Any], author: Author
) -> Stored:
    """Create one record with its associations. Expects to run inside a transaction."""
    links = new_links(organisation, kind, sequence(item.get("associations"), "associations"))
    values = mapping(item.get("properties"), "properties")
    record = organisation.writer.create(kind, values, author)
    for other, type_id in links:
        changes = organisation.writer.links.connect((kind.name, record.id), other, [type_id])
        organisation.writer.log_changes(record, author, "associate", changes)
        organisation.writer.note_activity((kind.name, record.id), other)
    return organisation.store.get(kind.name, record.id) or record


class Objects:
    """The handlers of `/crm/v3/objects/{object_type}` and below."""

    def __init__(self, organisation: HubSpotOrganisation) -> None:
        self.organisation = organisation

    async def list_all(self, request: Request) -> Response:
        kind = object_type(request)
        history = listed(request, "propertiesWithHistory")
        size = limit(request, 10, PAGE_LIMIT_WITH_HISTORY if history else PAGE_LIMIT)
        renderer, store = self.organisation.renderer, self.organisation.store
        targets = [named_object_type(request, text).name for text in listed(request, "associations")]
        wanted = renderer.wanted(kind, listed(request, "properties"), history, targets)
        state = ARCHIVED if flag(request, "archived") else LIVE
        records = store.page(kind.name, after(request), size + 1, state)
        reply: dict[str, Any] = {"results": renderer.records(records[:size], wanted)}
        if len(records) > size:
            position = str(records[size].id)
            link = str(request.url.include_query_params(after=position))
            reply["paging"] = {"next": {"after": position, "link": link}}
        return JsonResponse(reply)

    async def create(self, request: Request) -> Response:
        kind, body = object_type(request), await json_body(request)
        with transaction(self.organisation.connection):
            record = create_record(self.organisation, kind, body, author_of(request))
        renderer = self.organisation.renderer
        reply = renderer.record(record, ()) | {"properties": renderer.all_properties(record)}
        return JsonResponse(reply, status_code=201)

    async def read(self, request: Request) -> Response:
        kind = object_type(request)
        record = self._record(request, kind, flag(request, "archived"))
        renderer = self.organisation.renderer
        wanted = renderer.wanted(
            kind,
            listed(request, "properties"),
            listed(request, "propertiesWithHistory"),
            [named_object_type(request, text).name for text in listed(request, "associations")],
        )
        return JsonResponse(renderer.records([record], wanted)[0])

    async def update(self, request: Request) -> Response:
        kind, body = object_type(request), await json_body(request)
        values = mapping(body.get("properties"), "properties")
        with transaction(self.organisation.connection):
            record = self._record(request, kind)
            sent = self.organisation.writer.update(record, values, author_of(request))
        return JsonResponse(self.organisation.renderer.record(record, sorted({*sent, *kind.system})))

    async def archive(self, request: Request) -> Response:
        kind = object_type(request)
        with transaction(self.organisation.connection):
            record = find_record(self.organisation, kind, request.path_params["id"], None)
            if record is not None:
                self.organisation.writer.archive(record, author_of(request))
        return Response(status_code=204)

    async def merge(self, request: Request) -> Response:
        kind, body = object_type(request), await json_body(request)
        with transaction(self.organisation.connection):
            ends = [
                find_record(self.organisation, kind, str(body.get(key, "")), None)
                for key in ("primaryObjectId", "objectIdToMerge")
            ]
            primary, loser = ends
            if primary is None or loser is None:
                raise not_found()
            survivor = merge(self.organisation.writer, primary, loser, author_of(request))
        renderer = self.organisation.renderer
        return JsonResponse(renderer.record(survivor, ()) | {"properties": renderer.all_properties(survivor)})

    async def gdpr_delete(self, request: Request) -> Response:
        """Forget a contact for good; an unknown one is a 204 as well [public OpenAPI description of contacts]."""
        kind, body = object_type(request), await json_body(request)
        if kind.name != "contacts":
            raise not_found()
        value, id_property = str(body.get("objectId", "")), body.get("idProperty")
        with transaction(self.organisation.connection):
            record = find_record(self.organisation, kind, value, id_property) or find_record(
                self.organisation, kind, value, id_property, archived=True
            )
            if record is not None:
                self.organisation.writer.erase(record, author_of(request))
        return Response(status_code=204)

    def _record(self, request: Request, kind: ObjectType, archived: bool = False) -> Stored:
        value, id_property = request.path_params["id"], request.query_params.get("idProperty")
        record = find_record(self.organisation, kind, value, id_property, archived)
        if record is None:
            raise not_found()
        return record
