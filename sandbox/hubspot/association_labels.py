"""Association labels v4: the kinds of associations between two objects, and those that users add.

Sources: [HubSpot docs: crm/associations], the public OpenAPI description of association labels. At most 10 custom
labels (or pairs of labels) per pair of objects. The wording of refusals is a guess.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from sandbox.hubspot.associations import Pair, pair_of
from sandbox.hubspot.catalog import USER_DEFINED
from sandbox.hubspot.errors import ApiError, bad_request, not_found
from sandbox.hubspot.object_types import AssociationType
from sandbox.hubspot.organisation import HubSpotOrganisation
from sandbox.hubspot.requests import json_body, record_id
from sandbox.serving import JsonResponse, transaction

MAX_CUSTOM_LABELS = 10
Json = dict[str, Any]


class AssociationLabels:
    """The handlers of `/crm/v4/associations/{from_type}/{to_type}/labels`."""

    def __init__(self, organisation: HubSpotOrganisation) -> None:
        self.organisation = organisation
        self.catalog = organisation.metadata.catalog

    async def list_all(self, request: Request) -> Response:
        pair = pair_of(request)
        kinds = self.catalog.between(pair.one.name, pair.other.name)
        return JsonResponse({"results": [_shown(kind) for kind in kinds]})

    async def create(self, request: Request) -> Response:
        pair, body = pair_of(request), await json_body(request)
        label, name = str(body.get("label") or ""), str(body.get("name") or "")
        inverse = str(body.get("inverseLabel") or label)
        if not label or not re.fullmatch(r"[A-Za-z]\w*", name):
            raise bad_request("An association label needs a label and a name of letters, digits and underscores.")
        own = self._custom(pair)
        if len(own) >= MAX_CUSTOM_LABELS:
            raise bad_request(f"There may be at most {MAX_CUSTOM_LABELS} custom labels between two objects.")
        if any(name == kind.name or label == kind.label for kind in own):
            raise ApiError(409, f"An association label {name} ({label}) already exists.", "CONFLICT")
        with transaction(self.organisation.connection):
            ids = self.catalog.add_pair(pair.one.name, pair.other.name, name, (label, inverse))
        kinds = [self.catalog.associations[type_id] for type_id in dict.fromkeys(ids)]
        return JsonResponse({"results": [_shown(kind) for kind in kinds]})

    async def update(self, request: Request) -> Response:
        pair, body = pair_of(request), await json_body(request)
        kind = self._own(pair, body.get("associationTypeId"))
        with transaction(self.organisation.connection):
            self._relabel(kind, body)
        return Response(status_code=204)

    async def remove(self, request: Request) -> Response:
        """Also takes the label from every pair of records that has it; their plain association stays."""
        pair = pair_of(request)
        kind = self._own(pair, record_id(request.path_params["type_id"]))
        with transaction(self.organisation.connection):
            self.organisation.store.forget_association_types({kind.type_id, kind.inverse})
            self.catalog.remove(kind.type_id)
        return Response(status_code=204)

    def _custom(self, pair: Pair) -> list[AssociationType]:
        kinds = self.catalog.between(pair.one.name, pair.other.name)
        return [kind for kind in kinds if kind.category == USER_DEFINED and kind.label is not None]

    def _own(self, pair: Pair, type_id: Any) -> AssociationType:
        found = next((kind for kind in self._custom(pair) if kind.type_id == type_id), None)
        if found is None:
            raise not_found()
        return found

    def _relabel(self, kind: AssociationType, body: Mapping[str, Any]) -> None:
        if body.get("label"):
            self.catalog.relabel(kind.type_id, str(body["label"]))
        if body.get("inverseLabel") and kind.inverse != kind.type_id:
            self.catalog.relabel(kind.inverse, str(body["inverseLabel"]))


def _shown(kind: AssociationType) -> Json:
    return {"category": kind.category, "typeId": kind.type_id, "label": kind.label}
