"""Salesforce's REST API, one method per documented call.

SalesforceClient owns paths, the API version, paging by `nextRecordsUrl` and the shape of replies; pacing, retries
and tokens are ApiClient's. It decides nothing. Queries and retrieves return numbers as the text that stood in the
reply (`"50000.00"`), so that no digit is lost; everything else returns ordinary JSON values.

Sources: Salesforce REST API guide (query, describe, composite/sobjects, limits), Tooling API guide (CustomField),
object reference (PermissionSet, FieldPermissions, PermissionSetAssignment).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from crm_sync.clients.auth import Identity, SalesforceAuth
from crm_sync.clients.errors import RateLimited, Refused, ServerTrouble, Unauthorized, UnreadableAnswer
from crm_sync.clients.http import ApiClient, ApiResponse
from crm_sync.clients.limits import ApiLimits
from crm_sync.clients.salesforce_ingest import IngestJobs

log = logging.getLogger(__name__)

COLLECTION_SIZE = 200
COMPOSITE_QUERIES = 5  # of the 25 subrequests of a composite call [Salesforce docs: REST API composite]
RETRIEVE_SIZE = 2_000  # [Salesforce docs: sObject Collections, get records with a request body]
QUERY_PAGE = 2_000
LONGEST_URL_BYTES = 14_000  # URL and headers together may have 16,384 [Salesforce docs: API limits]
_URL_RESERVE_BYTES = 300  # scheme, host, version and path in front of the query


class QueryPage(list[dict[str, Any]]):
    """The records of one page; `total` is how many the whole query finds, as far as the answer tells."""

    def __init__(self, records: Iterable[dict[str, Any]], total: Any) -> None:
        super().__init__(records)
        self.total = int(total) if str(total).isdecimal() else None


class SalesforceClient:
    """Thin and typed; safe to share between threads."""

    def __init__(self, api: ApiClient, auth: SalesforceAuth, api_version: str = "v60.0") -> None:
        self.api = api
        self._auth = auth
        self.api_version = api_version
        self._data = f"/services/data/{api_version}"

    @property
    def calls(self) -> int:
        return self.api.calls

    @property
    def limits(self) -> ApiLimits:
        return self.api.limits

    def counted(self) -> SalesforceClient:
        """The same client, whose `calls` are counted apart as well."""
        return SalesforceClient(self.api.counted(), self._auth, self.api_version)

    def identity(self) -> Identity:
        """Organisation id, user id and instance URL of the integration user, from the token reply."""
        return self._auth.identity()

    # Reading

    def query(self, soql: str, all_rows: bool = False) -> Iterator[QueryPage]:
        """GET /query, or /queryAll with deleted and archived rows: one list of records per page."""
        yield from self._pages(soql, self._query_path(all_rows), None)

    def queries(self, soqls: Sequence[str], all_rows: bool = False) -> list[Iterator[QueryPage]]:
        """The pages of several queries; their first pages come by POST /composite, one call for every five queries.

        A query that composite does not answer, for whatever reason, is asked by itself: its own answer then tells.
        """
        path = self._query_path(all_rows)
        pages = []
        for start in range(0, len(soqls), COMPOSITE_QUERIES):
            some = soqls[start : start + COMPOSITE_QUERIES]
            for soql, first in zip(some, self._first_pages(some, path), strict=True):
                pages.append(self._pages(soql, path, first))
        return pages

    def _query_path(self, all_rows: bool) -> str:
        return f"{self._data}/{'queryAll' if all_rows else 'query'}"

    def _pages(self, soql: str, path: str, first: dict[str, Any] | None) -> Iterator[QueryPage]:
        """The records of each page, from the first one where it has come already."""
        params: Mapping[str, str] | None = {"q": soql}
        while True:
            body = self._get(path, params=params, exact=True) if first is None else first
            records = body.get("records")
            if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
                raise UnreadableAnswer("the answer has no list of records", crm="Salesforce", request=f"GET {path}")
            if soql.startswith("SELECT Id") and not all(isinstance(record.get("Id"), str) for record in records):
                raise UnreadableAnswer("a record of the answer has no Id", crm="Salesforce", request=f"GET {path}")
            yield QueryPage(records, body.get("totalSize"))
            following = body.get("nextRecordsUrl")
            if body.get("done") is True and following is None:
                return
            if not isinstance(following, str) or not following.startswith("/services/data/") or following == path:
                raise UnreadableAnswer(
                    "the answer is not the last page and names no next one", crm="Salesforce", request=f"GET {path}"
                )
            path, params, first = following, None, None

    def _first_pages(self, soqls: Sequence[str], path: str) -> list[dict[str, Any] | None]:
        """The answers to up to five queries by one call; None for those that it does not answer."""
        if len(soqls) == 1:
            return [None]
        requests = [
            {
                "method": "GET",
                "url": f"{path}?{urlencode({'q': soql}, quote_via=quote)}",
                "referenceId": f"query{number}",
            }
            for number, soql in enumerate(soqls)
        ]
        body = {"allOrNone": False, "compositeRequest": requests}
        try:
            response = self.api.request("POST", f"{self._data}/composite", json=body, retry_unknown=True, parse="exact")
        except (RateLimited, ServerTrouble, Unauthorized):
            raise
        except Refused as error:
            log.debug("composite is refused (%s), queries are asked one by one", error.code or error.status)
            return [None] * len(soqls)
        answers = response.body.get("compositeResponse") if isinstance(response.body, dict) else None
        by_reference = {
            str(answer.get("referenceId")): answer.get("body")
            for answer in (answers if isinstance(answers, list) else [])
            if isinstance(answer, dict) and answer.get("httpStatusCode") == "200"  # numbers are read as their text
        }
        found = [by_reference.get(request["referenceId"]) for request in requests]
        return [answer if isinstance(answer, dict) else None for answer in found]

    def collections_retrieve(
        self, object_: str, ids: Sequence[str], fields: Sequence[str]
    ) -> dict[str, dict[str, Any]]:
        """POST /composite/sobjects/X, at most 2,000 ids: records by their 18-character id.

        Deleted and unknown ids are absent. `fields` must name `Id`; a field that is not shown refuses the whole call.
        """
        path = f"{self._data}/composite/sobjects/{_segment(object_)}"
        body = {"ids": list(ids), "fields": list(fields)}
        response = self.api.request("POST", path, json=body, retry_unknown=True, parse="exact")
        rows = response.body
        if not isinstance(rows, list) or not all(_is_record_or_null(row) for row in rows):
            raise UnreadableAnswer("the answer is not a list of records", crm="Salesforce", request=f"POST {path}")
        return {row["Id"]: row for row in rows if row is not None}

    def describe(self, object_: str) -> dict[str, Any]:
        """GET /sobjects/X/describe: what the integration user may see."""
        return self._get(f"{self._data}/sobjects/{_segment(object_)}/describe")

    def limits_report(self) -> dict[str, Any]:
        """GET /limits (needs 'View Setup and Configuration'; up to five minutes old)."""
        return self._get(f"{self._data}/limits")

    # Writing collections: one call, HTTP 200 even if every row failed, rows in input order

    def collections_create(
        self, records: Sequence[Mapping[str, Any]], *, headers: Mapping[str, str] | None = None
    ) -> ApiResponse:
        """POST /composite/sobjects, at most 200; never repeated after an unknown outcome."""
        return self._collections("POST", "", records, retry_unknown=False, headers=headers)

    def collections_update(
        self,
        records: Sequence[Mapping[str, Any]],
        *,
        retry_unknown: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> ApiResponse:
        """PATCH /composite/sobjects, `id` in each record, at most 200 of at most ten runs of types."""
        return self._collections("PATCH", "", records, retry_unknown=retry_unknown, headers=headers)

    def collections_upsert(
        self,
        object_: str,
        ext_field: str,
        records: Sequence[Mapping[str, Any]],
        *,
        retry_unknown: bool = True,
        headers: Mapping[str, str] | None = None,
    ) -> ApiResponse:
        """PATCH /composite/sobjects/X/{external id field}, the key in each record, at most 200 of one type."""
        path = f"/{_segment(object_)}/{_segment(ext_field)}"
        return self._collections("PATCH", path, records, retry_unknown=retry_unknown, headers=headers)

    def collections_delete(self, ids: Sequence[str]) -> ApiResponse:
        """DELETE /composite/sobjects?ids=..., at most 200."""
        path = f"{self._data}/composite/sobjects"
        response = self.api.request(
            "DELETE", path, params={"ids": ",".join(ids), "allOrNone": "false"}, retry_unknown=True
        )
        return _with_rows(response, len(ids), f"DELETE {path}")

    def ingest_jobs(self) -> IngestJobs:
        """Bulk API 2.0, for many records at once."""
        return IngestJobs(self.api, self.api_version)

    # Set-up: the id field, and a permission set that makes it visible

    def tooling_query(self, soql: str) -> list[dict[str, Any]]:
        """GET /tooling/query, the first page."""
        body = self._get(f"{self._data}/tooling/query", params={"q": soql})
        records = body.get("records")
        return [record for record in records if isinstance(record, dict)] if isinstance(records, list) else []

    def tooling_create_custom_field(self, full_name: str, metadata: Mapping[str, Any]) -> ApiResponse:
        """POST /tooling/sobjects/CustomField. The field stays invisible until field permissions are granted."""
        return self.api.request(
            "POST",
            f"{self._data}/tooling/sobjects/CustomField",
            json={"FullName": full_name, "Metadata": dict(metadata)},
            retry_unknown=False,
            expect=(200, 201),
        )

    def tooling_delete_custom_field(self, field_id: str) -> None:
        """DELETE /tooling/sobjects/CustomField/{id}: with the values that records hold."""
        path = f"{self._data}/tooling/sobjects/CustomField/{_segment(field_id)}"
        self.api.request("DELETE", path, retry_unknown=True, expect=(200, 204, 404))

    def create_record(self, object_: str, values: Mapping[str, Any]) -> str:
        """POST /sobjects/X: the new record's id. Not repeated after an unknown outcome."""
        path = f"{self._data}/sobjects/{_segment(object_)}"
        response = self.api.request("POST", path, json=dict(values), retry_unknown=False, expect=(200, 201))
        if not isinstance(response.body, dict) or not isinstance(response.body.get("id"), str):
            raise UnreadableAnswer("the answer names no id", crm="Salesforce", request=f"POST {path}")
        return str(response.body["id"])

    def update_record(self, object_: str, record_id: str, values: Mapping[str, Any]) -> None:
        """PATCH /sobjects/X/{id}."""
        path = f"{self._data}/sobjects/{_segment(object_)}/{_segment(record_id)}"
        self.api.request("PATCH", path, json=dict(values), retry_unknown=False, expect=(200, 204))

    def delete_record(self, object_: str, record_id: str) -> None:
        """DELETE /sobjects/X/{id}."""
        path = f"{self._data}/sobjects/{_segment(object_)}/{_segment(record_id)}"
        self.api.request("DELETE", path, retry_unknown=True, expect=(200, 204, 404))

    # Shapes

    def _collections(
        self,
        method: str,
        path: str,
        records: Sequence[Mapping[str, Any]],
        *,
        retry_unknown: bool,
        headers: Mapping[str, str] | None,
    ) -> ApiResponse:
        full_path = f"{self._data}/composite/sobjects{path}"
        response = self.api.request(
            method,
            full_path,
            json={"allOrNone": False, "records": list(records)},
            headers=headers,
            retry_unknown=retry_unknown,
        )
        return _with_rows(response, len(records), f"{method} {full_path}")

    def _get(self, path: str, *, params: Mapping[str, str] | None = None, exact: bool = False) -> dict[str, Any]:
        response = self.api.request("GET", path, params=params, retry_unknown=True, parse="exact" if exact else "json")
        if not isinstance(response.body, dict):
            raise UnreadableAnswer("the answer is not a JSON object", crm="Salesforce", request=f"GET {path}")
        return response.body


def _with_rows(response: ApiResponse, rows: int, request: str) -> ApiResponse:
    """The reply, which must have one row, a JSON object, per record sent."""
    body = response.body
    if not isinstance(body, list) or len(body) != rows or not all(isinstance(row, dict) for row in body):
        raise UnreadableAnswer("the answer does not have one row per record", crm="Salesforce", request=request)
    return response


def _is_record_or_null(row: Any) -> bool:
    return row is None or (isinstance(row, dict) and isinstance(row.get("Id"), str))


def id_queries(object_: str, ids: Sequence[str], fields: Sequence[str]) -> Iterator[str]:
    """`SELECT Id, <fields> FROM X WHERE Id IN (...)`, each short enough for a URL."""
    head = f"SELECT {', '.join(dict.fromkeys(('Id', *fields)))} FROM {object_} WHERE Id IN ("
    room = LONGEST_URL_BYTES - _URL_RESERVE_BYTES - encoded_bytes(head) - 3
    per_id = encoded_bytes("'001000000000000AAA',")
    count = max(1, room // per_id)
    for start in range(0, len(ids), count):
        yield head + ",".join(f"'{soql_text(record_id)}'" for record_id in ids[start : start + count]) + ")"


def soql_text(text: str) -> str:
    """Text for use between single quotes in SOQL."""
    return text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r")


def encoded_bytes(soql: str) -> int:
    """How many bytes the text takes in a URL's query."""
    return len(urlencode({"q": soql})) - 2


def fits_url(soql: str) -> bool:
    """Whether a GET /query with this SOQL stays within the URL length allowed."""
    return encoded_bytes(soql) + _URL_RESERVE_BYTES <= LONGEST_URL_BYTES


def _segment(text: str) -> str:
    return quote(text, safe="")
