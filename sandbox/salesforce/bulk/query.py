"""Query jobs: the rows of a SOQL query as CSV, in pages by locator.

Owns: the resources under `/jobs/query`. Refuses: what Bulk query cannot do: aggregates, GROUP BY, OFFSET,
child subqueries, compound fields. [Salesforce docs: Bulk API 2.0 query jobs]
"""

from __future__ import annotations

import csv
import io
from array import array
from typing import Any

from sandbox.salesforce.bulk.jobs import DELIMITERS, FINISHED, LINE_ENDINGS, Job, Jobs, job_list
from sandbox.salesforce.errors import ApiError
from sandbox.salesforce.soql.compiler import Compiled, Node
from sandbox.salesforce.web import Call, Endpoint, Reply

KIND = "query"
OPERATIONS = ("query", "queryAll")
DEFAULT_PAGE = 50_000
MAX_RESULT_PAGES = 5


def endpoints() -> list[Endpoint]:
    path = "/jobs/query"
    job = path + "/{id}"
    return [
        Endpoint("GET", path, _list, can_be_nested=False),
        Endpoint("POST", path, _create, can_be_nested=False),
        Endpoint("GET", path + "/", _list, can_be_nested=False),
        Endpoint("POST", path + "/", _create, can_be_nested=False),
        Endpoint("GET", job, _info, can_be_nested=False),
        Endpoint("PATCH", job, _abort, can_be_nested=False),
        Endpoint("DELETE", job, _delete, can_be_nested=False),
        Endpoint("GET", job + "/results", _results, can_be_nested=False),
        Endpoint("GET", job + "/resultPages", _pages, can_be_nested=False),
    ]


def _jobs(call: Call) -> Jobs:
    return call.organisation.bulk_jobs


def _shown(job: Job) -> Job:
    return {name: value for name, value in job.items() if not name.startswith("_") and name != "query"}


def _list(call: Call) -> Reply:
    return Reply(job_list(call, [_shown(job) for job in _jobs(call).all(KIND)]))


def _create(call: Call) -> Reply:
    body = call.json_object()
    if body.get("operation") not in OPERATIONS:
        raise ApiError("INVALIDJOB", f"Invalid operation: {body.get('operation')}")
    compiled = _compile(call, str(body.get("query") or ""), str(body["operation"]))
    wanted: Job = {name: body[name] for name in ("lineEnding", "columnDelimiter") if body.get(name)}
    wanted |= {"operation": body["operation"], "object": compiled.object.name, "state": "UploadComplete"}
    job = _jobs(call).create(call, KIND, wanted | {"query": body["query"]})
    return Reply(_shown(job))


def _compile(call: Call, soql: str, operation: str) -> Compiled:
    compiled = call.organisation.queries.compile(soql, call.reader, operation == "queryAll")
    fields = compiled.root.fields if compiled.root is not None else []
    types = [compiled.object.fields[name].type for name, _, _ in fields if name in compiled.object.fields]
    if compiled.root is None or compiled.query.offset or compiled.children or "address" in types:
        message = "Aggregate, GROUP BY, OFFSET, child subqueries and compound fields are not supported in Bulk Query"
        raise ApiError("API_ERROR", message)
    return compiled


def _advance(call: Call, job: Job) -> Job:
    """Each look at a job moves it on: UploadComplete, InProgress, JobComplete."""
    if job["state"] == "UploadComplete":
        job["state"] = "InProgress"
    elif job["state"] == "InProgress":
        compiled = _compile(call, job["query"], job["operation"])
        row_ids = call.organisation.queries.row_ids(compiled)
        job |= {"state": "JobComplete", "_rows": len(row_ids)}
        _jobs(call).put_data(job["id"], row_ids.tobytes())
    else:
        return job
    _jobs(call).keep(KIND, job)
    return job


def _info(call: Call) -> Reply:
    job = _advance(call, _jobs(call).find(call, KIND))
    more = {"jobType": "V2Query", "retries": 0, "totalProcessingTime": 0, "isPkChunkingSupported": True}
    if job["state"] == "JobComplete":
        more["numberRecordsProcessed"] = job["_rows"]
    return Reply(_shown(job) | more)


def _abort(call: Call) -> Reply:
    job = _jobs(call).find(call, KIND)
    if call.json_object().get("state") != "Aborted" or job["state"] in FINISHED:
        raise ApiError("INVALIDJOBSTATE", f"Job in state {job['state']} cannot be changed")
    job["state"] = "Aborted"
    _jobs(call).keep(KIND, job)
    return Reply(_shown(job))


def _delete(call: Call) -> Reply:
    job = _jobs(call).find(call, KIND)
    if job["state"] not in FINISHED:
        raise ApiError("INVALIDJOBSTATE", f"Job in state {job['state']} cannot be deleted")
    _jobs(call).delete(job["id"])
    return Reply(status=204)


def _complete(call: Call) -> tuple[Job, array[int]]:
    job = _jobs(call).find(call, KIND)
    if job["state"] != "JobComplete":
        raise ApiError("INVALIDJOBSTATE", f"The job is in state {job['state']}: there are no results yet")
    return job, array("q", _jobs(call).data(job["id"]) or b"")


def _page_bounds(call: Call, total: int) -> tuple[int, int]:
    locator, most = call.query.get("locator", ""), call.query.get("maxRecords", "")
    try:
        start = int(locator or 0)
        size = int(most or DEFAULT_PAGE)
    except ValueError:
        raise ApiError("INVALID_QUERY_LOCATOR", f"Invalid locator: {locator}") from None
    if start < 0 or size < 1 or (start and start >= total):
        raise ApiError("INVALID_QUERY_LOCATOR", f"Invalid locator: {locator}")
    return start, min(start + size, total)


def _results(call: Call) -> Reply:
    job, row_ids = _complete(call)
    start, end = _page_bounds(call, len(row_ids))
    compiled = _compile(call, job["query"], job["operation"])
    columns = _csv_columns(compiled)
    rows = call.organisation.queries.rows_by_number(compiled, row_ids[start:end])
    out = io.StringIO()
    writer = csv.writer(
        out, delimiter=DELIMITERS[job["columnDelimiter"]], lineterminator=LINE_ENDINGS[job["lineEnding"]],
        quoting=csv.QUOTE_ALL,
    )  # fmt: skip
    writer.writerow(compiled.names)
    writer.writerows([row[column] for column in columns] for row in rows)
    headers = {
        "Content-Type": "text/csv",
        "Sforce-Locator": "null" if end >= len(row_ids) else str(end),
        "Sforce-NumberOfRecords": str(len(rows)),
    }
    return Reply(out.getvalue().encode(), headers=headers)


def _pages(call: Call) -> Reply:
    """Addresses of up to five pages that may be read side by side."""
    job, row_ids = _complete(call)
    start, _ = _page_bounds(call, len(row_ids))
    starts = list(range(start, len(row_ids), DEFAULT_PAGE))
    url = f"{call.base}/jobs/query/{job['id']}"
    pages: list[dict[str, Any]] = [
        {"resultUrl": f"{url}/results?locator={each}&maxRecords={DEFAULT_PAGE}"} for each in starts[:MAX_RESULT_PAGES]
    ]
    rest = starts[MAX_RESULT_PAGES:]
    following = f"{url}/resultPages?locator={rest[0]}" if rest else None
    return Reply({"resultPages": pages, "nextRecordsUrl": following, "done": not rest})


def _csv_columns(compiled: Compiled) -> list[int]:
    """The columns of `compiled.names`, in SELECT order; times and booleans are turned into their CSV text."""
    assert compiled.root is not None
    order: list[int] = []

    def collect(node: Node) -> None:
        order.extend(column for _, column, _ in node.fields)
        for _, parent in node.parents:
            collect(parent)

    collect(compiled.root)
    for column in order:
        sql = compiled.columns[column]
        kind = compiled.types[column]
        if kind == "boolean":
            compiled.columns[column] = f"case {sql} when 1 then 'true' when 0 then 'false' end"
        elif kind == "datetime":
            compiled.columns[column] = f"substr({sql}, 1, 23) || 'Z'"
    return sorted(order)
