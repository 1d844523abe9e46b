"""Many records at once: Salesforce's Bulk API 2.0 in place of collections, above a number of operations of one kind.

Owns how operations become the CSV of a job and a job's results become outcomes. What a CSV cannot carry (a text that
reads as null there, or one that is too long) is left to collections, and so is what a job has left undone or could
not explain. A job is opened before its attempts are journalled and gets its data after that, so that a dead run's job
is known. Holds no state between jobs and never touches the warehouse.
"""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import orjson

from crm_sync.clients.errors import ApiError, NoResponse
from crm_sync.clients.salesforce_ingest import (
    LARGEST_UPLOAD_BYTES,
    LONGEST_RECORD,
    LONGEST_VALUE,
    NULL,
    OVER,
    IngestJobs,
)
from reverse_etl.batches import Written, error_code, note_trouble, unanswered
from reverse_etl.operations import (
    CREATE,
    RETRYABLE,
    SALESFORCE_ID_FIELD,
    SUCCEEDED,
    UNKNOWN,
    UPDATE,
    Operation,
    Outcome,
)
from reverse_etl.salesforce_replies import LOCK_CODES, judge_row
from reverse_etl.values import salesforce_id_18, salesforce_json

#: One of Salesforce's own internal batches. Larger jobs would let more time pass between a record's stale check and
#: its write, and hold more in memory. [Salesforce docs: Bulk API 2.0 limits]
JOB_RECORDS = 10_000
KINDS = (CREATE, UPDATE)
NOT_PROCESSED = "NOT_PROCESSED"
#: What collections may still bring about, or explain: they name the record that is in the way.
_FOR_COLLECTIONS = LOCK_CODES | {NOT_PROCESSED, "DUPLICATES_DETECTED"}
_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 0.5, 20.0
_PATIENCE_SECONDS = 3_600.0
#: How long a dead run's job is waited for before it is aborted.
_PATIENCE_WITH_THE_DEAD_SECONDS = 60.0


@dataclass
class Job:
    """An open job and what it will carry."""

    job_id: str
    operations: list[Operation]
    data: bytes


def for_collections(outcome: Outcome) -> bool:
    """Whether a row of a job should be tried again as one of a collection."""
    return outcome.outcome != SUCCEEDED and outcome.error_code in _FOR_COLLECTIONS


class SalesforceBulk:
    """Opens jobs, runs them, and ends those of dead runs. Methods may be called by several threads at once."""

    unit_size = JOB_RECORDS

    def __init__(
        self,
        jobs: IngestJobs,
        largest_upload: int = LARGEST_UPLOAD_BYTES,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._jobs = jobs
        self._largest = largest_upload
        self._sleep = sleep
        self._clock = clock

    def open(self, operations: Sequence[Operation]) -> list[Job]:
        """Open a job, or several where one would be too large. Operations that are in none of them go in collections.
        Raises ApiError: nothing is written then."""
        jobs = []
        first = operations[0]
        for part, data in self._tables(operations):
            if first.operation == CREATE:
                job_id = self._jobs.create(first.crm_object, "upsert", SALESFORCE_ID_FIELD)
            else:
                job_id = self._jobs.create(first.crm_object, "update")
            jobs.append(Job(job_id, part, data))
        return jobs

    def _tables(self, operations: Sequence[Operation]) -> Iterable[tuple[list[Operation], bytes]]:
        key = SALESFORCE_ID_FIELD if operations[0].operation == CREATE else "Id"
        names = sorted({name for operation in operations for name in operation.changes} - {key})
        head = _line([key, *names])
        part: list[Operation] = []
        lines, size = [head], len(head)
        for operation in operations:
            cells = _cells(operation, names)
            if cells is None:
                continue
            line = _line(cells)
            if part and size + len(line) > self._largest:
                yield part, b"".join(lines)
                part, lines, size = [], [head], len(head)
            part.append(operation)
            lines.append(line)
            size += len(line)
        if part:
            yield part, b"".join(lines)

    def run(self, job: Job) -> tuple[Written, bool]:
        """Upload and wait. Never raises for what Salesforce does: every operation gets an outcome. Also whether the
        job is over: what is unknown may be found out by reading then, and not before."""
        try:
            self._jobs.upload(job.job_id, job.data)
            job.data = b""
            self._jobs.close(job.job_id)
            state = self._wait(job.job_id, _PATIENCE_SECONDS)
            if state not in OVER:
                message = (
                    f"Salesforce is still at work on the Bulk job {job.job_id}; the next run asks what became of it."
                )
                return Written(
                    [Outcome(one.operation_id, UNKNOWN, "BULK_RUNNING", message) for one in job.operations]
                ), False
            return Written(self._outcomes(job)), True
        except ApiError as error:
            return self._broken(job, error), False

    def _broken(self, job: Job, error: ApiError) -> Written:
        """A job of which no more is heard is still known by its id: the next run asks."""
        written = Written([unanswered(one, error) for one in job.operations])
        if not error.is_outcome_unknown:
            code = error_code(error)
            written.outcomes = [Outcome(one.operation_id, UNKNOWN, code, error.message) for one in job.operations]
        note_trouble(written, error)
        return written

    def _wait(self, job_id: str, patience: float) -> str:
        """The state of the job once it is over, or when patience ends; `Aborted` for one that is not kept any more."""
        until = self._clock() + patience
        pause = _FIRST_WAIT_SECONDS
        while True:
            info = self._jobs.info(job_id)
            state = "Aborted" if info is None else str(info["state"])
            if state in OVER or self._clock() >= until:
                return state
            self._sleep(pause)
            pause = min(pause * 2, _LONGEST_WAIT_SECONDS)

    def _outcomes(self, job: Job) -> list[Outcome]:
        """Results come in any order, and a row is known by its key."""
        is_create = job.operations[0].operation == CREATE
        key_field = SALESFORCE_ID_FIELD if is_create else "Id"
        by_key = {_folded(one.key if is_create else one.record_id or "", is_create): one for one in job.operations}
        found: dict[str, Outcome] = {}
        for row in self._jobs.results(job.job_id, "successfulResults"):
            if operation := by_key.get(_folded(row.get(key_field) or "", is_create)):
                record_id = salesforce_id_18(row.get("sf__Id") or operation.record_id or "")
                found[operation.operation_id] = Outcome(operation.operation_id, SUCCEEDED, record_id=record_id)
        if len(found) == len(job.operations):
            return list(found.values())
        for row in self._jobs.results(job.job_id, "failedResults"):
            if operation := by_key.get(_folded(row.get(key_field) or "", is_create)):
                outcome = judge_row(operation, {"errors": [_error(row.get("sf__Error") or "")]})
                found.setdefault(operation.operation_id, outcome)
        if len(found) == len(job.operations):
            return list(found.values())
        info = self._jobs.info(job.job_id) or {}
        message = str(info.get("errorMessage") or "Salesforce ended the Bulk job before it came to this record.")
        for row in self._jobs.results(job.job_id, "unprocessedrecords"):
            if operation := by_key.get(_folded(row.get(key_field) or "", is_create)):
                outcome = Outcome(operation.operation_id, RETRYABLE, NOT_PROCESSED, message)
                found.setdefault(operation.operation_id, outcome)
        missing = Outcome("", UNKNOWN, "NO_RESULT", f"The results of the Bulk job {job.job_id} do not name the record.")
        if info.get("state") == "Failed" and not found:  # a file that Salesforce could not read has no rows at all
            missing = Outcome("", RETRYABLE, NOT_PROCESSED, message)
        return [
            found.get(one.operation_id) or replace(missing, operation_id=one.operation_id) for one in job.operations
        ]

    def end(self, job_id: str) -> None:
        """See to it that a dead run's job writes nothing any more. Raises ApiError while it still may."""
        info = self._jobs.info(job_id)
        if info is None or info["state"] in OVER:
            return
        if info["state"] != "Open" and self._wait(job_id, _PATIENCE_WITH_THE_DEAD_SECONDS) in OVER:
            return
        self._jobs.abort(job_id)
        if self._wait(job_id, _PATIENCE_WITH_THE_DEAD_SECONDS) not in OVER:
            raise NoResponse(f"it is still at work on the Bulk job {job_id} of an earlier run", crm="Salesforce")


def _cells(operation: Operation, names: Sequence[str]) -> list[str] | None:
    """A row, or None for one that only JSON can carry."""
    key = operation.key if operation.operation == CREATE else operation.record_id or ""
    cells = [key]
    for name in names:
        if name not in operation.changes:
            cells.append("")
            continue
        value = operation.changes[name]
        if value is not None and (value.strip() == NULL or len(value) > LONGEST_VALUE):
            return None
        cells.append(_cell(value, operation.field_types.get(name)))
    return cells if sum(map(len, cells)) <= LONGEST_RECORD else None


def _cell(value: str | None, field_type: str | None) -> str:
    """The same value that a collection would carry, as text. Blank is null, since an empty cell is left alone."""
    sent = salesforce_json(value, field_type)
    if sent is None:
        return NULL
    return sent if isinstance(sent, str) else orjson.dumps(sent).decode()


def _line(cells: Sequence[str]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL).writerow(cells)
    return text.getvalue().encode("utf-8", "replace")


def _folded(key: str, is_external: bool) -> str:
    """A key as Salesforce compares it."""
    return key.strip().casefold() if is_external else salesforce_id_18(key.strip())


def _error(text: str) -> Mapping[str, str]:
    """`CODE:message:fields --` as the error of a row. [Salesforce docs: Bulk API 2.0 failed results]"""
    code, _, rest = text.partition(":")
    message = rest.rpartition(":")[0] or rest
    return {"statusCode": code.strip() or "UNKNOWN_ERROR", "message": message}
