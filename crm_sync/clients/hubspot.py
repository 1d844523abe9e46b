"""HubSpot's API, one method per documented call.

HubSpotClient owns paths, parameters and the shape of replies; pacing, retries and tokens are ApiClient's. It keeps
no state between calls and decides nothing: which pages to read and what to write is the caller's business. Reads
return the parsed reply; batch writes return the ApiResponse, since 200 and 207 mean different things.

Sources: HubSpot OpenAPI specs (crm/objects, properties, associations v4, lists, owners, pipelines, account-info).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal
from urllib.parse import quote

from crm_sync.clients.errors import UnreadableAnswer
from crm_sync.clients.http import ApiClient, ApiResponse
from crm_sync.clients.limits import ApiLimits

BatchOperation = Literal["read", "create", "update", "upsert", "archive"]

LIST_PAGE = 100  # 50 with propertiesWithHistory
SEARCH_PAGE = 200
SEARCH_CAP = 10_000  # results per query, over all pages
SEARCH_BODY_BYTES = 3_000
BATCH_SIZE = 100
ASSOCIATIONS_READ_BATCH = 1_000
ASSOCIATIONS_CREATE_BATCH = 2_000

# Repeating these cannot make a second record: reads, and writes that name the record they act on by a key.
_REPEATABLE: frozenset[str] = frozenset({"read", "upsert", "archive"})


class HubSpotClient:
    """Thin and typed; safe to share between threads."""

    def __init__(self, api: ApiClient) -> None:
        self.api = api

    @property
    def calls(self) -> int:
        return self.api.calls

    @property
    def limits(self) -> ApiLimits:
        return self.api.limits

    def counted(self) -> HubSpotClient:
        """The same client, whose `calls` are counted apart as well."""
        return HubSpotClient(self.api.counted())

    # Records

    def list_page(
        self,
        object_: str,
        *,
        properties: Sequence[str] = (),
        after: str | None = None,
        archived: bool = False,
        associations: Sequence[str] = (),
        limit: int = LIST_PAGE,
    ) -> dict[str, Any]:
        """GET /crm/v3/objects/{type}: one page, ordered by id; `paging` is absent on the last."""
        params: dict[str, str] = {"limit": str(limit), "archived": "true" if archived else "false"}
        if properties:
            params["properties"] = ",".join(properties)
        if associations:
            params["associations"] = ",".join(associations)
        if after is not None:
            params["after"] = after
        return self._page("GET", f"/crm/v3/objects/{_segment(object_)}", params=params)

    def search(self, object_: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """POST /crm/v3/objects/{type}/search: one page of at most 200, from an index that lags behind."""
        return self._page("POST", f"/crm/v3/objects/{_segment(object_)}/search", json=body)

    def batch(
        self,
        object_: str,
        operation: BatchOperation,
        inputs: Sequence[Mapping[str, Any]],
        *,
        retry_unknown: bool | None = None,
        archived: bool = False,
        **body: Any,
    ) -> ApiResponse:
        """POST /crm/v3/objects/{type}/batch/{operation}, at most 100 inputs. Further `body` keys, such as
        `properties`, `propertiesWithHistory` and `idProperty`, belong to a read.

        Returns 200, 201, 204 and 207 replies alike (results are not in input order); a batch refused as a whole
        (400, 409) raises Refused. Reads, upserts and archives are repeated after an unknown outcome unless
        `retry_unknown` says otherwise; creates and updates are not.
        """
        return self.api.request(
            "POST",
            f"/crm/v3/objects/{_segment(object_)}/batch/{operation}",
            params={"archived": "true"} if archived else None,
            json={"inputs": list(inputs), **body},
            retry_unknown=operation in _REPEATABLE if retry_unknown is None else retry_unknown,
            expect=(200, 201, 202, 204, 207),
        )

    # Metadata

    def properties(self, object_: str) -> list[dict[str, Any]]:
        """GET /crm/v3/properties/{type}: every property that the token may see."""
        return _results(self._page("GET", f"/crm/v3/properties/{_segment(object_)}"))

    def create_property(self, object_: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """POST /crm/v3/properties/{type}; 409 (Refused) when the name is taken."""
        path = f"/crm/v3/properties/{_segment(object_)}"
        return self._object(
            self.api.request("POST", path, json=body, retry_unknown=False, expect=(200, 201)), f"POST {path}"
        )

    def delete_property(self, object_: str, name: str) -> None:
        """DELETE /crm/v3/properties/{type}/{name}: archives it, with the values that records hold."""
        path = f"/crm/v3/properties/{_segment(object_)}/{_segment(name)}"
        self.api.request("DELETE", path, retry_unknown=True, expect=(204, 404))

    def property_groups(self, object_: str) -> list[dict[str, Any]]:
        """GET /crm/v3/properties/{type}/groups."""
        return _results(self._page("GET", f"/crm/v3/properties/{_segment(object_)}/groups"))

    def schemas(self) -> list[dict[str, Any]]:
        """GET /crm/v3/schemas: the custom objects, with the properties that a new record of each must have."""
        return _results(self._page("GET", "/crm/v3/schemas"))

    def pipelines(self, object_: str) -> list[dict[str, Any]]:
        """GET /crm/v3/pipelines/{type}, with their stages."""
        return _results(self._page("GET", f"/crm/v3/pipelines/{_segment(object_)}"))

    def owners(self, archived: bool = False) -> Iterator[dict[str, Any]]:
        """GET /crm/v3/owners, all pages, either the active or the archived ones."""
        params = {"limit": "100", "archived": "true" if archived else "false"}
        yield from self._all("GET", "/crm/v3/owners", params)

    def account_details(self) -> dict[str, Any]:
        """GET /account-info/v3/details: portal, time zone, currency."""
        path = "/account-info/v3/details"
        return self._object(self.api.request("GET", path, retry_unknown=True), f"GET {path}")

    # Associations

    def associations_batch_read(self, from_: str, to: str, ids: Sequence[str | Mapping[str, str]]) -> ApiResponse:
        """POST /crm/v4/associations/{from}/{to}/batch/read, at most 1,000 ids (or {"id", "after"} for a further
        page of one record); a 207 with NO_ASSOCIATIONS_FOUND errors is the normal answer for records without any.
        """
        inputs = [{"id": item} if isinstance(item, str) else item for item in ids]
        return self._associations(from_, to, "read", inputs, retry_unknown=True)

    def associations_batch_create(
        self, from_: str, to: str, inputs: Sequence[Mapping[str, Any]], default: bool
    ) -> ApiResponse:
        """POST .../batch/associate/default (unlabelled) or .../batch/create (with `types`), at most 2,000.

        Associating twice is the same as once, so it is repeated after an unknown outcome.
        """
        operation = "associate/default" if default else "create"
        return self._associations(from_, to, operation, inputs, retry_unknown=True)

    def associations_batch_archive(self, from_: str, to: str, inputs: Sequence[Mapping[str, Any]]) -> ApiResponse:
        """POST .../batch/archive: removes all labels between each pair."""
        return self._associations(from_, to, "archive", inputs, retry_unknown=True)

    # Lists

    def search_lists(self, query: str) -> Iterator[dict[str, Any]]:
        """POST /crm/v3/lists/search: lists whose name contains the text, all pages."""
        offset = 0
        while True:
            body = {"query": query, "offset": offset, "count": 500}
            page = self._page("POST", "/crm/v3/lists/search", json=body, key="lists")
            lists: list[dict[str, Any]] = page["lists"]
            yield from lists
            offset += len(lists)
            if not lists or not page.get("hasMore"):
                return

    def get_list(self, list_id: str) -> dict[str, Any]:
        """GET /crm/v3/lists/{listId}."""
        path = f"/crm/v3/lists/{_segment(list_id)}"
        return self._object(self.api.request("GET", path, retry_unknown=True), f"GET {path}")

    def list_memberships(self, list_id: str) -> Iterator[str]:
        """GET /crm/v3/lists/{listId}/memberships: record ids, all pages."""
        for row in self._all("GET", f"/crm/v3/lists/{_segment(list_id)}/memberships", {"limit": "250"}):
            yield str(row["recordId"])

    # Shapes

    def _associations(
        self, from_: str, to: str, operation: str, inputs: Sequence[Mapping[str, Any]], *, retry_unknown: bool
    ) -> ApiResponse:
        return self.api.request(
            "POST",
            f"/crm/v4/associations/{_segment(from_)}/{_segment(to)}/batch/{operation}",
            json={"inputs": list(inputs)},
            retry_unknown=retry_unknown,
            expect=(200, 201, 204, 207),
        )

    def _all(self, method: str, path: str, params: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        after: str | None = None
        while True:
            page = self._page(method, path, params={**params, "after": after} if after is not None else params)
            yield from page["results"]
            previous, after = after, next_after(page)
            if after is None or after == previous:
                return

    def _page(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        json: Any = None,
        key: str = "results",
    ) -> dict[str, Any]:
        response = self.api.request(method, path, params=params, json=json, retry_unknown=True)
        body = self._object(response, f"{method} {path}")
        rows = body.get(key)
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise UnreadableAnswer(f"the answer has no list of {key}", crm="HubSpot", request=f"{method} {path}")
        return body

    def _object(self, response: ApiResponse, request: str) -> dict[str, Any]:
        if not isinstance(response.body, dict):
            raise UnreadableAnswer("the answer is not a JSON object", crm="HubSpot", request=request)
        return response.body


def next_after(page: Mapping[str, Any]) -> str | None:
    """The cursor of the next page, None on the last."""
    paging = page.get("paging")
    following = paging.get("next") if isinstance(paging, dict) else None
    after = following.get("after") if isinstance(following, dict) else None
    return None if after is None else str(after)


def _results(page: Mapping[str, Any]) -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = page["results"]
    return results


def _segment(text: str) -> str:
    return quote(text, safe="")


__all__ = [
    "ASSOCIATIONS_CREATE_BATCH",
    "ASSOCIATIONS_READ_BATCH",
    "BATCH_SIZE",
    "LIST_PAGE",
    "SEARCH_BODY_BYTES",
    "SEARCH_CAP",
    "SEARCH_PAGE",
    "HubSpotClient",
    "next_after",
]
