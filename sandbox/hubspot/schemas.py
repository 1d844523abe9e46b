"""Custom objects: their schemas, read and changed.

Sources: [HubSpot docs: crm/crm-custom-objects], the public OpenAPI description of object schemas: the name cannot be
changed, `objectTypeId` is "2-...", a custom object associates with the activities by itself and with what
`associatedObjects` names. The wording of refusals is a guess.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from sandbox.hubspot.catalog import PORTAL_ID, Schema
from sandbox.hubspot.errors import ApiError, bad_request, not_found
from sandbox.hubspot.object_types import OBJECT_TYPES, ObjectType
from sandbox.hubspot.organisation import HubSpotOrganisation
from sandbox.hubspot.properties import new_definition
from sandbox.hubspot.requests import flag, json_body, mapping, record_id, sequence
from sandbox.hubspot.standard import Definition, common
from sandbox.hubspot.store import LIVE
from sandbox.hubspot.times import iso
from sandbox.serving import JsonResponse, transaction

_CHANGEABLE = (
    "labels",
    "description",
    "primaryDisplayProperty",
    "secondaryDisplayProperties",
    "requiredProperties",
    "searchableProperties",
)
Json = dict[str, Any]


class Schemas:
    """The handlers of `/crm/v3/schemas` and of the same under `/crm-object-schemas/v3/schemas`."""

    def __init__(self, organisation: HubSpotOrganisation) -> None:
        self.organisation = organisation
        self.metadata = organisation.metadata
        self.catalog = organisation.metadata.catalog

    async def list_all(self, request: Request) -> Response:
        schemas = self.catalog.schemas(flag(request, "archived"))
        return JsonResponse({"results": [self._shown(schema) for schema in schemas]})

    async def read(self, request: Request) -> Response:
        return JsonResponse(self._shown(self._schema(request)))

    async def create(self, request: Request) -> Response:
        body = await json_body(request)
        schema = self._new(body)
        with transaction(self.organisation.connection):
            self.catalog.save_schema(schema)
            self._add_properties(schema, sequence(body.get("properties"), "properties"))
            activities = [kind.name for kind in OBJECT_TYPES.values() if kind.is_activity]
            for target in [*activities, *sequence(body.get("associatedObjects"), "associatedObjects")]:
                self._associate(schema, self._target(str(target)))
        return JsonResponse(self._shown(schema), status_code=201)

    async def update(self, request: Request) -> Response:
        schema, body = self._schema(request), await json_body(request)
        changes = {key: body[key] for key in _CHANGEABLE if key in body}
        changed = schema | changes | {"updatedAt": self._now()}
        with transaction(self.organisation.connection):
            self.catalog.save_schema(changed)
        return JsonResponse(_without_blanks(changed))

    async def archive(self, request: Request) -> Response:
        schema = self._schema(request)
        if self.organisation.store.page(schema["name"], 0, 1, LIVE):
            raise bad_request("The object type cannot be deleted while it has records.")
        with transaction(self.organisation.connection):
            self.catalog.save_schema(schema | {"archived": True, "updatedAt": self._now()})
        return Response(status_code=204)

    async def associate(self, request: Request) -> Response:
        schema, body = self._schema(request), await json_body(request)
        ends = [self._target(str(body.get(key))) for key in ("fromObjectTypeId", "toObjectTypeId")]
        if schema["objectTypeId"] not in [end.type_id for end in ends]:
            raise bad_request("One end of the association must be the object itself.")
        other = ends[1] if ends[0].type_id == schema["objectTypeId"] else ends[0]
        with transaction(self.organisation.connection):
            added = self._associate(schema, other, str(body.get("name") or ""))
        return JsonResponse(added, status_code=201)

    async def dissociate(self, request: Request) -> Response:
        schema, type_id = self._schema(request), record_id(request.path_params["association_id"])
        kind = self.catalog.associations.get(type_id or 0)
        if kind is None or schema["name"] not in (kind.from_type, kind.to_type):
            raise not_found()
        with transaction(self.organisation.connection):
            self.organisation.store.forget_association_types({kind.type_id, kind.inverse})
            self.catalog.remove(kind.type_id)
        return Response(status_code=204)

    # inside -----------------------------------------------------------------------------------------------

    def _schema(self, request: Request) -> Schema:
        found = self.catalog.schema(request.path_params["schema"])
        if found is None:
            raise not_found()
        return found

    def _target(self, text: str) -> ObjectType:
        """An object to associate with: `CONTACT`, a name or an objectTypeId."""
        found = self.catalog.find(text) or self.catalog.find(text.lower())
        if found is None:
            raise bad_request(f"Unable to infer object type from: {text}")
        return found

    def _new(self, body: Mapping[str, Any]) -> Schema:
        name, labels = str(body.get("name") or ""), mapping(body.get("labels"), "labels")
        if not re.fullmatch(r"[A-Za-z]\w{0,99}", name):
            raise bad_request(f"The name '{name}' is invalid: use letters, digits and underscores, first a letter.")
        if self.catalog.find(name) is not None or name in self.catalog.all_names():
            raise ApiError(409, f"An object type named '{name}' already exists.", "CONFLICT")
        required = [str(each) for each in sequence(body.get("requiredProperties"), "requiredProperties")]
        given = [mapping(each, "properties") for each in sequence(body.get("properties"), "properties")]
        names = {str(each.get("name")) for each in given}
        display = body.get("primaryDisplayProperty") or next(iter(required), None)
        unknown = {*required, *([display] if display else [])} - names
        if unknown:
            raise bad_request(f"These properties are not among the schema's own: {sorted(unknown)}")
        type_id, now = self.catalog.next_type_id(), self._now()
        return {
            "labels": {"singular": labels.get("singular") or name, "plural": labels.get("plural") or name},
            "requiredProperties": required,
            "searchableProperties": sequence(body.get("searchableProperties"), "searchableProperties"),
            "primaryDisplayProperty": display,
            "secondaryDisplayProperties": sequence(body.get("secondaryDisplayProperties"), "secondary"),
            "description": body.get("description"),
            "archived": False,
            "id": type_id.partition("-")[2],
            "objectTypeId": type_id,
            "fullyQualifiedName": f"p{PORTAL_ID}_{name}",
            "name": name,
            "createdAt": now,
            "updatedAt": now,
            "metaType": "PORTAL_SPECIFIC",
            "portalId": PORTAL_ID,
            "allowsSensitiveProperties": False,
        }

    def _add_properties(self, schema: Schema, given: list[Any]) -> None:
        group = f"{schema['name']}_information"
        own: list[Definition] = common(group, "hs_lastmodifieddate", "hs_createdate")
        for each in given:
            body = {"type": "string", "fieldType": "text", "groupName": group} | mapping(each, "properties")
            own.append(new_definition(body, self._now()))
        self.metadata.add_object(schema["name"], group, f"{schema['labels']['singular']} Information", own)

    def _associate(self, schema: Schema, other: ObjectType, name: str = "") -> Json:
        name = name or f"{schema['name']}_to_{other.singular}"
        there, _ = self.catalog.add_pair(schema["name"], other.name, name, (None, None))
        return self._association(there)

    def _association(self, type_id: int) -> Json:
        kind, types = self.catalog.associations[type_id], self.catalog.types
        return {
            "id": str(type_id),
            "fromObjectTypeId": types[kind.from_type].type_id,
            "toObjectTypeId": types[kind.to_type].type_id,
            "name": kind.name,
            "createdAt": self._now(),
            "updatedAt": self._now(),
        }

    def _shown(self, schema: Schema) -> Json:
        """The schema with its properties and associations."""
        name = schema["name"]
        associations = [
            self._association(kind.type_id)
            for kind in self.catalog.associations.values()
            if name in (kind.from_type, kind.to_type) and not schema["archived"]
        ]
        more = {"properties": self.metadata.properties(name), "associations": associations}
        return _without_blanks(schema) | more

    def _now(self) -> str:
        return iso(self.organisation.settings.now_ms())


def _without_blanks(schema: Schema) -> Json:
    return {key: value for key, value in schema.items() if value is not None}
