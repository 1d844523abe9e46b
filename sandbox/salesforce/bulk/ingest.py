"""Ingest jobs: a CSV goes in, each row has an outcome of its own.

Owns: the resources under `/jobs/ingest`, CSV rules, running a job in the background in chunks of 200 rows.
Refuses: saving itself. JobComplete may contain failed rows.
Setting `bulk_delay_ms`: how long a closed job waits before it starts. [Salesforce docs: Bulk API 2.0 ingest jobs]
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from sandbox.salesforce.bulk.jobs import (
    DELIMITERS,
    FAILED,
    FINISHED,
    LINE_ENDINGS,
    SUCCEEDED,
    UNPROCESSED,
    Job,
    Jobs,
    job_list,
)
from sandbox.salesforce.bulk.table import BadFile, Table, join_values, quote, read_rows
from sandbox.salesforce.errors import ApiError
from sandbox.salesforce.records import key_field
from sandbox.salesforce.saving import Actor
from sandbox.salesforce.validation import wrong_in_row
from sandbox.salesforce.web import Call, Endpoint, Reply

if TYPE_CHECKING:
    from sandbox.salesforce.organisation import SalesforceOrganisation

KIND = "ingest"
OPERATIONS = ("insert", "update", "upsert", "delete", "hardDelete")
MAX_UPLOAD_BYTES = 150_000_000
CHUNK_ROWS = 200


def endpoints() -> list[Endpoint]:
    path = "/jobs/ingest"
    job = path + "/{id}"
    return [
        Endpoint("GET", path, _list, can_be_nested=False),
        Endpoint("POST", path, _create, can_be_nested=False),
        Endpoint("GET", path + "/", _list, can_be_nested=False),
        Endpoint("POST", path + "/", _create, can_be_nested=False),
        Endpoint("GET", job, _info, can_be_nested=False),
        Endpoint("PATCH", job, _set_state, can_be_nested=False),
        Endpoint("DELETE", job, _delete, can_be_nested=False),
        Endpoint("PUT", job + "/batches", _upload, can_be_nested=False),
        Endpoint("GET", job + "/successfulResults", _successes, can_be_nested=False),
        Endpoint("GET", job + "/failedResults", _failures, can_be_nested=False),
        Endpoint("GET", job + "/unprocessedrecords", _unprocessed, can_be_nested=False),
        Endpoint(
            "GET", job + "/unprocessedRecords", _unprocessed, can_be_nested=False
        ),  # as simple-salesforce spells it
    ]


def _jobs(call: Call) -> Jobs:
    return call.organisation.bulk_jobs


def _shown(job: Job) -> Job:
    """A job as it is answered: without the notes that start with an underscore."""
    return {name: value for name, value in job.items() if not name.startswith("_")}


# --- the resources


def _list(call: Call) -> Reply:
    return Reply(job_list(call, [_shown(job) for job in _jobs(call).all(KIND)]))


def _create(call: Call) -> Reply:
    body = call.json_object()
    operation = body.get("operation")
    if operation not in OPERATIONS:
        raise ApiError("INVALIDJOB", f"Invalid operation: {operation}")
    sobject = call.organisation.schema.find(str(body.get("object") or ""))
    if sobject is None:
        raise ApiError("INVALIDENTITY", f"The entity '{body.get('object')}' is not supported by the Bulk API.")
    if str(body.get("contentType") or "CSV") != "CSV":
        raise ApiError("INVALIDJOB", "Only contentType CSV is supported")
    wanted: Job = {name: body[name] for name in ("lineEnding", "columnDelimiter") if body.get(name)} | {
        "object": sobject.name,
        "operation": operation,
        "state": "Open",
    }
    if operation == "upsert":
        if not body.get("externalIdFieldName"):
            raise ApiError("INVALIDJOB", "externalIdFieldName is required for upsert")
        wanted["externalIdFieldName"] = key_field(sobject, call.view, str(body["externalIdFieldName"])).name
    job = _jobs(call).create(call, KIND, wanted)
    job["contentUrl"] = f"{call.base[1:]}/jobs/ingest/{job['id']}/batches"
    _jobs(call).keep(KIND, job)
    return Reply(_shown(job))


def _info(call: Call) -> Reply:
    job = _jobs(call).find(call, KIND)
    if job["state"] in ("UploadComplete", "InProgress"):
        _start(call, job)  # resumes a job that a restart interrupted
    more = {
        "jobType": "V2Ingest",
        "numberRecordsProcessed": job.get("_processed", 0),
        "numberRecordsFailed": job.get("_failed", 0),
        "retries": 0,
        "totalProcessingTime": job.get("_milliseconds", 0),
        "apiActiveProcessingTime": job.get("_milliseconds", 0),
        "apexProcessingTime": 0,
    }
    return Reply(_shown(job) | more)


def _upload(call: Call) -> Reply:
    job = _jobs(call).find(call, KIND)
    if job["state"] != "Open" or _jobs(call).data(job["id"]) is not None:
        raise ApiError("INVALIDJOBSTATE", "Data can be uploaded once, to a job in state Open")
    if len(call.body) > MAX_UPLOAD_BYTES:
        raise ApiError("API_ERROR", "The uploaded data is larger than 150 MB", 413)
    _jobs(call).put_data(job["id"], call.body)
    return Reply(status=201)


def _set_state(call: Call) -> Reply:
    job, state = _jobs(call).find(call, KIND), call.json_object().get("state")
    can_abort = state == "Aborted" and job["state"] not in FINISHED
    if not can_abort and (state, job["state"]) != ("UploadComplete", "Open"):
        raise ApiError("INVALIDJOBSTATE", f"Job in state {job['state']} cannot become {state}")
    job["state"] = state
    _jobs(call).keep(KIND, job)
    if state == "UploadComplete":
        _start(call, job)
    return Reply(_shown(job))


def _delete(call: Call) -> Reply:
    job = _jobs(call).find(call, KIND)
    if job["state"] not in FINISHED:
        raise ApiError("INVALIDJOBSTATE", f"Job in state {job['state']} cannot be deleted")
    _jobs(call).delete(job["id"])
    return Reply(status=204)


def _results(call: Call, outcome: str, columns: list[str]) -> Reply:
    job = _jobs(call).find(call, KIND)
    header = str(job.get("_header") or "")
    delimiter, ending = DELIMITERS[job["columnDelimiter"]], LINE_ENDINGS[job["lineEnding"]]
    lines = [delimiter.join([*(f'"{column}"' for column in columns), *([header] if header else [])])]
    for record_id, note, line in _jobs(call).results(job["id"], outcome):
        extra = [record_id or "", note] if columns else []
        lines.append(delimiter.join([*(quote(value) for value in extra), line]))
    return Reply((ending.join(lines) + ending).encode(), headers={"Content-Type": "text/csv"})


def _successes(call: Call) -> Reply:
    return _results(call, SUCCEEDED, ["sf__Id", "sf__Created"])


def _failures(call: Call) -> Reply:
    return _results(call, FAILED, ["sf__Id", "sf__Error"])


def _unprocessed(call: Call) -> Reply:
    job = _jobs(call).find(call, KIND)
    if job["state"] == "Aborted":
        _keep_unprocessed(_jobs(call), job)
    return _results(call, UNPROCESSED, [])


# --- running a job


def _start(call: Call, job: Job) -> None:
    jobs = _jobs(call)
    if job["id"] in jobs.running:
        return
    jobs.running.add(job["id"])
    actor = replace(call.actor, wrong_type=wrong_in_row, method=f"bulk {job['operation']}")
    task = asyncio.get_running_loop().create_task(_run(call.organisation, actor, job["id"]))
    task.add_done_callback(lambda _: jobs.running.discard(job["id"]))


async def _run(organisation: SalesforceOrganisation, actor: Actor, job_id: str) -> None:
    """Work through a job, letting other requests in between; an aborted or deleted job is left alone."""
    await asyncio.sleep(float(organisation.settings.extra.get("bulk_delay_ms", 0)) / 1000)
    jobs = organisation.bulk_jobs
    job = jobs.get(KIND, job_id)
    if job is None or job["state"] in FINISHED:
        return
    try:
        table = Table(jobs.data(job_id) or b"", job, organisation, actor)
    except BadFile as error:
        jobs.keep(KIND, job | {"state": "Failed", "errorMessage": str(error), "_processed": 0, "_failed": 0})
        return
    jobs.keep(KIND, job | {"state": "InProgress", "_header": table.header_line})
    for start in range(jobs.processed(job_id), len(table.rows), CHUNK_ROWS):
        await asyncio.sleep(0)
        job = jobs.get(KIND, job_id)
        if job is None or job["state"] != "InProgress":
            return
        _run_chunk(jobs, job, table, start)
    job = jobs.get(KIND, job_id)
    if job is not None and job["state"] == "InProgress":
        jobs.keep(KIND, job | {"state": "JobComplete"})


def _run_chunk(jobs: Jobs, job: Job, table: Table, start: int) -> None:
    began = time.monotonic()
    results: list[tuple[str, int, str, str | None, str, str]] = []
    rows = table.rows[start : start + CHUNK_ROWS]
    duplicates = table.duplicates(rows)
    with jobs.store.savepoint():
        for number, row in enumerate(rows, start=start):
            line = table.line(row)
            try:
                with jobs.store.savepoint():
                    record_id, created = table.save(row, duplicates)
                results.append((job["id"], number, SUCCEEDED, record_id, str(created).lower(), line))
            except ApiError as error:
                results.append((job["id"], number, FAILED, table.id_of(row), bulk_text(error), line))
        jobs.add_results(results)
        job["_processed"] = job.get("_processed", 0) + len(rows)
        job["_failed"] = job.get("_failed", 0) + sum(result[2] == FAILED for result in results)
        job["_milliseconds"] = job.get("_milliseconds", 0) + round((time.monotonic() - began) * 1000)
        jobs.keep(KIND, job)


def bulk_text(error: ApiError) -> str:
    """`CODE:message:fields --`, the text of `sf__Error`."""
    fields = f"{', '.join(error.fields)} " if error.fields else ""
    return f"{error.code}:{error.message}:{fields}--"


def _keep_unprocessed(jobs: Jobs, job: Job) -> None:
    """Rows of an aborted job that were never tried."""
    done = jobs.processed(job["id"])
    try:
        reader = read_rows(jobs.data(job["id"]) or b"", job)
        header = next(reader, [])
        rest = list(reader)[done:]
    except BadFile:
        return
    job.setdefault("_header", join_values(header, job))
    with jobs.store.savepoint():
        jobs.add_results(
            (job["id"], number, UNPROCESSED, None, "", join_values(row, job))
            for number, row in enumerate(rest, start=done)
        )
        jobs.keep(KIND, job)
