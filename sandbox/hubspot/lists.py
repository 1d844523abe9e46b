"""Lists v3, the part that a sync reads: find a list, read its members, add and remove them.

Source: the public OpenAPI description of lists. Filters of dynamic lists are not evaluated: members are what
was loaded.
"""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from sandbox.hubspot.errors import bad_request, not_found
from sandbox.hubspot.organisation import HubSpotOrganisation
from sandbox.hubspot.requests import (
    after,
    json_body,
    json_list,
    limit,
    listed,
    object_type,
    path_id,
    record_id,
    sequence,
)
from sandbox.hubspot.standard import Definition
from sandbox.hubspot.store import LIVE
from sandbox.hubspot.times import iso
from sandbox.serving import JsonResponse, transaction

MEMBERS_PAGE_LIMIT = 250
SEARCH_PAGE_LIMIT = 500
FIRST_LIST_ID = 101
Json = dict[str, Any]


class Lists:
    """The handlers of `/crm/v3/lists`."""

    def __init__(self, organisation: HubSpotOrganisation) -> None:
        self.organisation = organisation
        self.metadata = organisation.metadata

    async def search(self, request: Request) -> Response:
        body = await json_body(request)
        words = str(body.get("query") or "").casefold()
        ids = {str(item) for item in sequence(body.get("listIds"), "listIds")}
        kinds = set(sequence(body.get("processingTypes"), "processingTypes"))
        found = [
            item
            for item in self.metadata.lists()
            if words in item["name"].casefold()
            and (not ids or item["listId"] in ids)
            and (not kinds or item["processingType"] in kinds)
        ]
        offset, count = int(body.get("offset") or 0), min(int(body.get("count") or 20), SEARCH_PAGE_LIMIT)
        page = [self._with_size(item) for item in found[offset : offset + count]]
        more = offset + count < len(found)
        return JsonResponse({"offset": offset + len(page), "hasMore": more, "lists": page, "total": len(found)})

    async def create(self, request: Request) -> Response:
        body = await json_body(request)
        if not body.get("name") or self.metadata.catalog.find(str(body.get("objectTypeId"))) is None:
            raise bad_request("A list needs a name and an objectTypeId.")
        now = self.organisation.settings.now_ms()
        with transaction(self.organisation.connection):
            numbers = [int(item["listId"]) for item in self.metadata.lists()]
            list_id = str(max([FIRST_LIST_ID - 1, *numbers]) + 1)
            self.metadata.save_list(body | {"listId": list_id}, now)
        return JsonResponse({"list": self.metadata.list_by_id(list_id)})

    async def read(self, request: Request) -> Response:
        return JsonResponse({"list": self._list(request)})

    async def read_by_name(self, request: Request) -> Response:
        kind, name = object_type(request), request.path_params["name"]
        for item in self.metadata.lists():
            if item["name"] == name and item["objectTypeId"] == kind.type_id:
                return JsonResponse({"list": item})
        raise not_found()

    async def memberships(self, request: Request) -> Response:
        list_id, size = int(self._list(request)["listId"]), limit(request, 100, MEMBERS_PAGE_LIMIT)
        rows = self.metadata.members(list_id, after(request), size + 1)
        results = [{"recordId": str(member), "membershipTimestamp": iso(added)} for member, added in rows[:size]]
        reply: Json = {"results": results, "total": len(self.metadata.members(list_id))}
        if len(rows) > size:
            position = str(rows[size - 1][0])
            link = str(request.url.include_query_params(after=position))
            reply["paging"] = {"next": {"after": position, "link": link}}
        return JsonResponse(reply)

    async def read_many(self, request: Request) -> Response:
        ids = listed(request, "listIds")
        found = [item for item in self.metadata.lists() if item["listId"] in ids]
        return JsonResponse({"lists": found})

    async def memberships_by_join(self, request: Request) -> Response:
        """The members by the time they joined; ties by record id."""
        list_id, size = int(self._list(request)["listId"]), limit(request, 100, MEMBERS_PAGE_LIMIT)
        rows = sorted(self.metadata.members(list_id), key=lambda row: (row[1], row[0]))
        start = after(request)
        page = rows[start : start + size]
        results = [{"recordId": str(member), "membershipTimestamp": iso(added)} for member, added in page]
        reply: Json = {"results": results, "total": len(rows)}
        if start + size < len(rows):
            position = str(start + size)
            link = str(request.url.include_query_params(after=position))
            reply["paging"] = {"next": {"after": position, "link": link}}
        return JsonResponse(reply)

    async def remove_all(self, request: Request) -> Response:
        found = self._list(request)
        _refuse_dynamic(found)
        with transaction(self.organisation.connection):
            members = [member for member, _ in self.metadata.members(int(found["listId"]))]
            self.metadata.remove_members(int(found["listId"]), members)
        return Response(status_code=204)

    async def rename(self, request: Request) -> Response:
        found, name = self._list(request), request.query_params.get("listName", "")
        if not name:
            raise bad_request("A list needs a name.")
        return JsonResponse({"updatedList": self._change_list(found, {"name": name})})

    async def delete(self, request: Request) -> Response:
        """Deleted lists can be restored for 90 days [HubSpot docs: crm/lists]; here, for ever."""
        self._change_list(self._list(request), {"deletedAt": iso(self.organisation.settings.now_ms())})
        return Response(status_code=204)

    async def restore(self, request: Request) -> Response:
        found = self.metadata.list_by_id(request.path_params["list_id"], deleted=True)
        if found is None:
            raise not_found()
        self._change_list(found, {"deletedAt": None})
        return Response(status_code=204)

    def _change_list(self, found: Definition, changes: Json) -> Definition:
        now = self.organisation.settings.now_ms()
        kept = found | changes | {"updatedAt": iso(now), "listVersion": found["listVersion"] + 1}
        kept = {key: value for key, value in kept.items() if value is not None}
        with transaction(self.organisation.connection):
            self.metadata.keep_list(kept)
        return kept

    async def add(self, request: Request) -> Response:
        return self._change(request, await json_list(request), [])

    async def remove(self, request: Request) -> Response:
        return self._change(request, [], await json_list(request))

    async def add_and_remove(self, request: Request) -> Response:
        body = await json_body(request)
        added = sequence(body.get("recordIdsToAdd"), "recordIdsToAdd")
        return self._change(request, added, sequence(body.get("recordIdsToRemove"), "recordIdsToRemove"))

    async def record_memberships(self, request: Request) -> Response:
        kind, number = object_type(request), path_id(request)
        results = [
            {"listId": item["listId"], "listVersion": item["listVersion"]}
            for item in self.metadata.lists()
            if item["objectTypeId"] == kind.type_id
            and any(member == number for member, _ in self.metadata.members(int(item["listId"])))
        ]
        return JsonResponse({"results": results, "total": len(results)})

    def _list(self, request: Request) -> Definition:
        found = self.metadata.list_by_id(request.path_params["list_id"])
        if found is None:
            raise not_found()
        return found

    def _with_size(self, item: Definition) -> Definition:
        size = len(self.metadata.members(int(item["listId"])))
        return item | {"additionalProperties": {"hs_list_size": str(size)}}

    def _change(self, request: Request, adding: list[Any], removing: list[Any]) -> Response:
        found = self._list(request)
        _refuse_dynamic(found)
        list_id, kind = int(found["listId"]), self.metadata.catalog.find(found["objectTypeId"])
        numbers = [record_id(str(item)) or 0 for item in adding]
        records = self.organisation.store.many(kind.name, numbers) if kind else {}
        live = [number for number in numbers if number in records and records[number].state == LIVE]
        gone = [record_id(str(item)) or 0 for item in removing]
        with transaction(self.organisation.connection):
            self.metadata.add_members(list_id, live, self.organisation.settings.now_ms())
            self.metadata.remove_members(list_id, gone)
        return JsonResponse(
            {
                "recordsIdsAdded": [str(number) for number in live],
                "recordIdsRemoved": [str(number) for number in gone],
                "recordIdsMissing": [str(number) for number in numbers if number not in live],
            }
        )


def _refuse_dynamic(found: Definition) -> None:
    if found["processingType"] == "DYNAMIC":
        raise bad_request("The members of a DYNAMIC list cannot be changed.")
