"""Properties v3: definitions and groups, read and changed.

Source: [HubSpot docs: crm/properties]. The wording of the refusals of a create is a guess.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from sandbox.hubspot.errors import ApiError, bad_request, not_found
from sandbox.hubspot.object_types import ObjectType
from sandbox.hubspot.organisation import HubSpotOrganisation
from sandbox.hubspot.requests import flag, json_body, mapping, object_type, sequence
from sandbox.hubspot.standard import Definition, definition
from sandbox.hubspot.times import iso
from sandbox.serving import JsonResponse, transaction

MAX_UNIQUE = 10
FIELD_TYPES = {
    "bool": {"booleancheckbox", "calculation_equation"},
    "enumeration": {"booleancheckbox", "checkbox", "radio", "select", "calculation_equation"},
    "date": {"date"},
    "datetime": {"date"},
    "number": {"number", "calculation_equation"},
    "string": {"file", "html", "phonenumber", "text", "textarea", "calculation_equation"},
    "phone_number": {"phonenumber"},
}
_CHANGEABLE = (
    "label",
    "type",
    "fieldType",
    "groupName",
    "description",
    "displayOrder",
    "hidden",
    "formField",
)
Json = dict[str, Any]


class Properties:
    """The handlers of `/crm/v3/properties/{object_type}` and below."""

    def __init__(self, organisation: HubSpotOrganisation) -> None:
        self.organisation = organisation
        self.metadata = organisation.metadata

    async def list_all(self, request: Request) -> Response:
        kind = object_type(request)
        return JsonResponse({"results": self.metadata.properties(kind.name, flag(request, "archived"))})

    async def read(self, request: Request) -> Response:
        kind = object_type(request)
        found = self.metadata.any_property(kind.name, request.path_params["name"])
        if found is None or found["archived"] is not flag(request, "archived"):
            raise not_found()
        return JsonResponse(found)

    async def create(self, request: Request) -> Response:
        kind, body = object_type(request), await json_body(request)
        with transaction(self.organisation.connection):
            created = self._create(kind, body)
        return JsonResponse(created, status_code=201)

    async def update(self, request: Request) -> Response:
        kind, body = object_type(request), await json_body(request)
        found = self._changeable(kind, request.path_params["name"], "readOnlyDefinition")
        with transaction(self.organisation.connection):
            found |= {key: body[key] for key in _CHANGEABLE if key in body}
            if "options" in body:
                found["options"] = _options(body["options"])
            found["updatedAt"] = iso(self.organisation.settings.now_ms())
            self.metadata.save_property(kind.name, found)
        return JsonResponse(found)

    async def archive(self, request: Request) -> Response:
        kind = object_type(request)
        with transaction(self.organisation.connection):
            self._archive(kind, request.path_params["name"])
        return Response(status_code=204)

    async def batch_read(self, request: Request) -> Response:
        kind, body = object_type(request), await json_body(request)
        names = _names(body)
        found = [self.metadata.property(kind.name, name) for name in names]
        missing = [name for name, item in zip(names, found, strict=True) if item is None]
        reply = self._batch([item for item in found if item is not None])
        if missing:
            error = ApiError(404, "Some properties do not exist.", "OBJECT_NOT_FOUND", context={"name": missing})
            reply |= {"numErrors": 1, "errors": [error.batch_entry({})]}
        return JsonResponse(reply, status_code=207 if missing else 200)

    async def batch_create(self, request: Request) -> Response:
        kind, body = object_type(request), await json_body(request)
        with transaction(self.organisation.connection):
            created = [self._create(kind, mapping(item, "inputs")) for item in sequence(body.get("inputs"), "inputs")]
        return JsonResponse(self._batch(created), status_code=201)

    async def batch_archive(self, request: Request) -> Response:
        kind, body = object_type(request), await json_body(request)
        with transaction(self.organisation.connection):
            for name in _names(body):
                self._archive(kind, name)
        return Response(status_code=204)

    async def groups(self, request: Request) -> Response:
        return JsonResponse({"results": self.metadata.groups(object_type(request).name)})

    async def read_group(self, request: Request) -> Response:
        return JsonResponse(self._group(request))

    async def update_group(self, request: Request) -> Response:
        group, body = self._group(request), await json_body(request)
        group |= {key: body[key] for key in ("label", "displayOrder") if key in body}
        with transaction(self.organisation.connection):
            self.metadata.save_group(object_type(request).name, group)
        return JsonResponse(group)

    async def archive_group(self, request: Request) -> Response:
        kind, group = object_type(request), self._group(request)
        if any(item["groupName"] == group["name"] for item in self.metadata.properties(kind.name)):
            raise bad_request(f"The property group '{group['name']}' still has properties.")
        with transaction(self.organisation.connection):
            self.metadata.drop_group(kind.name, group["name"])
        return Response(status_code=204)

    def _group(self, request: Request) -> Definition:
        groups = self.metadata.groups(object_type(request).name)
        found = next((group for group in groups if group["name"] == request.path_params["name"]), None)
        if found is None:
            raise not_found()
        return found

    async def create_group(self, request: Request) -> Response:
        kind, body = object_type(request), await json_body(request)
        name, label = str(body.get("name") or ""), str(body.get("label") or "")
        if not name or not label:
            raise bad_request("A property group needs a name and a label.")
        if any(group["name"] == name for group in self.metadata.groups(kind.name)):
            raise ApiError(409, f"Property group named '{name}' already exists.", "CONFLICT")
        group = {
            "name": name,
            "label": label,
            "displayOrder": body.get("displayOrder", -1),
            "archived": False,
        }
        with transaction(self.organisation.connection):
            self.metadata.save_group(kind.name, group)
        return JsonResponse(group, status_code=201)

    def _create(self, kind: ObjectType, body: Mapping[str, Any]) -> Definition:
        self._check_new(kind, body)
        created = new_definition(body, iso(self.organisation.settings.now_ms()))
        self.metadata.save_property(kind.name, created)
        return created

    def _check_new(self, kind: ObjectType, body: Mapping[str, Any]) -> None:
        missing = [key for key in ("name", "label", "type", "fieldType", "groupName") if not body.get(key)]
        if missing:
            raise bad_request(f"Some required fields were not set: {missing}")
        name, type_ = str(body["name"]), str(body["type"])
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,99}", name):
            raise bad_request(
                f"The name '{name}' is invalid: use lower-case letters, digits and underscores, first a letter."
            )
        if self.metadata.property(kind.name, name) is not None:
            raise ApiError(409, f"Property named '{name}' already exists.", "CONFLICT")
        if type_ not in FIELD_TYPES or body["fieldType"] not in FIELD_TYPES[type_]:
            raise bad_request(f"fieldType {body['fieldType']} does not fit type {type_}.")
        if not any(group["name"] == body["groupName"] for group in self.metadata.groups(kind.name)):
            raise bad_request(f"Property group '{body['groupName']}' does not exist.")
        if body.get("hasUniqueValue") and len(self.metadata.unique_properties(kind.name)) >= MAX_UNIQUE:
            raise bad_request(f"An object may have at most {MAX_UNIQUE} properties with unique values.")

    def _archive(self, kind: ObjectType, name: str) -> None:
        found = self._changeable(kind, name, "readOnlyDefinition")
        self.metadata.save_property(
            kind.name, found | {"archived": True, "archivedAt": iso(self.organisation.settings.now_ms())}
        )

    def _changeable(self, kind: ObjectType, name: str, lock: str) -> Definition:
        found = self.metadata.property(kind.name, name)
        if found is None:
            raise not_found()
        if found["modificationMetadata"][lock]:
            raise bad_request(f"The definition of property {name} is read only.")
        return found

    def _batch(self, results: list[Definition]) -> Json:
        now = iso(self.organisation.settings.now_ms())
        return {"status": "COMPLETE", "results": results, "startedAt": now, "completedAt": now}


def new_definition(body: Mapping[str, Any], now: str) -> Definition:
    """A custom property as a create asks for it."""
    missing = [key for key in ("name", "label") if not body.get(key)]
    if missing:
        raise bad_request(f"Some required fields were not set: {missing}")
    created = definition(
        str(body["name"]),
        str(body["label"]),
        str(body["type"]),
        str(body["fieldType"]),
        str(body["groupName"]),
        custom=True,
        unique=bool(body.get("hasUniqueValue", False)),
        external=bool(body.get("externalOptions", False)),
        referenced=body.get("referencedObjectType"),
        description=str(body.get("description", "")),
    )
    return created | {
        "options": _options(body.get("options")),
        "hidden": bool(body.get("hidden", False)),
        "formField": bool(body.get("formField", False)),
        "displayOrder": int(body.get("displayOrder", -1)),
        "createdAt": now,
        "updatedAt": now,
    }


def _names(body: Json) -> list[str]:
    return [str(mapping(item, "inputs").get("name")) for item in sequence(body.get("inputs"), "inputs")]


def _options(options: Any) -> list[Json]:
    return [
        {
            "label": str(item.get("label", "")),
            "value": str(item.get("value", "")),
            "description": str(item.get("description", "")),
            "displayOrder": int(item.get("displayOrder", order)),
            "hidden": bool(item.get("hidden", False)),
        }
        for order, item in enumerate(sequence(options, "options"))
    ]
