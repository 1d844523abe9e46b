"""Salesforce's Bulk API 2.0, ingest: one method per documented call of a job's life.

Owns paths, the states of a job and the shape of its results. Pacing, retries and tokens are ApiClient's; when to ask
again and what a row's outcome means is the caller's business. [Salesforce docs: Bulk API 2.0, ingest jobs]
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any, Literal
from urllib.parse import quote

from crm_sync.clients.errors import Refused, UnreadableAnswer
from crm_sync.clients.http import ApiClient

#: What Salesforce takes: 150 MB after base64. [Salesforce docs: Bulk API 2.0 limits]
LARGEST_UPLOAD_BYTES = 100_000_000
LONGEST_VALUE = 32_000
LONGEST_RECORD = 400_000
#: The cell that clears a field; an empty one leaves it alone.
NULL = "#N/A"
OVER = frozenset({"JobComplete", "Failed", "Aborted"})
_WRONG_STATE = "INVALIDJOBSTATE"

Results = Literal["successfulResults", "failedResults", "unprocessedrecords"]


class IngestJobs:
    """Thin and typed; safe to share between threads."""

    def __init__(self, api: ApiClient, api_version: str) -> None:
        self._api = api
        self._jobs = f"/services/data/{api_version}/jobs/ingest"

    def create(self, object_: str, operation: Literal["update", "upsert"], key_field: str | None = None) -> str:
        """POST /jobs/ingest: the id of an open job. Repeated freely: an open job without data does nothing."""
        body: dict[str, Any] = {
            "object": object_,
            "operation": operation,
            "contentType": "CSV",
            "lineEnding": "LF",
            "columnDelimiter": "COMMA",
        }
        if key_field is not None:
            body["externalIdFieldName"] = key_field
        job = self._job(self._api.request("POST", self._jobs, json=body, retry_unknown=True, expect=(200, 201)).body)
        return str(job["id"])

    def upload(self, job_id: str, data: bytes) -> None:
        """PUT .../batches: all of the CSV in one call. A job takes data once, so repeating it is safe."""
        headers = {"Content-Type": "text/csv; charset=UTF-8"}
        path = f"{self._path(job_id)}/batches"
        try:
            self._api.request("PUT", path, data=data, headers=headers, retry_unknown=True, expect=(200, 201))
        except Refused as refusal:
            if refusal.code != _WRONG_STATE:
                raise

    def close(self, job_id: str) -> None:
        """PATCH to UploadComplete: from here on Salesforce works."""
        self._set(job_id, "UploadComplete")

    def abort(self, job_id: str) -> None:
        """PATCH to Aborted; what is done stays done. A job that is over stays as it is."""
        self._set(job_id, "Aborted")

    def _set(self, job_id: str, state: str) -> None:
        try:
            self._api.request("PATCH", self._path(job_id), json={"state": state}, retry_unknown=True)
        except Refused as refusal:
            if refusal.code != _WRONG_STATE:
                raise

    def info(self, job_id: str) -> dict[str, Any] | None:
        """GET /jobs/ingest/{id}: state and counts; None for a job that Salesforce no longer keeps (7 days)."""
        try:
            return self._job(self._api.request("GET", self._path(job_id), retry_unknown=True).body)
        except Refused as refusal:
            if refusal.status == 404:
                return None
            raise

    def results(self, job_id: str, kind: Results) -> Iterator[dict[str, str]]:
        """GET .../successfulResults and the like: rows by column name, in any order."""
        path = f"{self._path(job_id)}/{kind}"
        text = self._api.request("GET", path, retry_unknown=True, parse="text").body or ""
        try:
            yield from csv.DictReader(io.StringIO(text, newline=""), strict=True, restval="")
        except csv.Error as error:
            raise UnreadableAnswer(
                f"the answer is not CSV: {error}", crm=self._api.crm, request=f"GET {path}"
            ) from None

    def _path(self, job_id: str) -> str:
        return f"{self._jobs}/{quote(job_id, safe='')}"

    def _job(self, body: Any) -> dict[str, Any]:
        if not isinstance(body, dict) or not isinstance(body.get("id"), str) or not isinstance(body.get("state"), str):
            raise UnreadableAnswer("the answer is no job", crm=self._api.crm, request=self._jobs)
        return body
