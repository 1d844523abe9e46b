"""The jobs themselves: what they were told, how far they are, and what came of their rows.

Owns: the tables of Bulk API 2.0 and the JSON of a job. Refuses: to run jobs (`ingest` and `query` do).
[Salesforce docs: Bulk API 2.0 job information]
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from sandbox.salesforce.errors import ApiError, not_found
from sandbox.salesforce.ids import BASE62, INSTANCE, is_id, make_id, number_of, to_18
from sandbox.salesforce.values import format_datetime
from sandbox.salesforce.web import Call

if TYPE_CHECKING:
    from sandbox.salesforce.organisation import SalesforceOrganisation

JOB_PREFIX = "750"
DELIMITERS = {"BACKQUOTE": "`", "CARET": "^", "COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "TAB": "\t"}
LINE_ENDINGS = {"LF": "\n", "CRLF": "\r\n"}
FINISHED = frozenset({"JobComplete", "Failed", "Aborted"})
SUCCEEDED, FAILED, UNPROCESSED = "succeeded", "failed", "unprocessed"

Job = dict[str, Any]


class Jobs:
    """All Bulk jobs of one organisation; they survive a restart, half-done ones are resumed when asked for."""

    def __init__(self, organisation: SalesforceOrganisation) -> None:
        self.store = organisation.store
        self.now: Callable[[], Any] = organisation.now
        self.running: set[str] = set()
        connection = self.store.connection
        connection.execute(
            "create table if not exists bulk_jobs (id text primary key, kind text not null, body text not null)"
        )
        connection.execute("create table if not exists bulk_data (job_id text primary key, csv blob not null)")
        connection.execute(
            "create table if not exists bulk_rows (job_id text not null, number integer not null,"
            " outcome text not null, record_id text, note text not null, line text not null,"
            " primary key (job_id, number)) without rowid"
        )

    def clear(self) -> None:
        for table in ("bulk_jobs", "bulk_data", "bulk_rows"):
            self.store.connection.execute(f"delete from {table}")
        self.running.clear()

    def create(self, call: Call, kind: str, body: Mapping[str, Any]) -> Job:
        """A new job of the calling user."""
        last = self.store.connection.execute(
            "select max(id) from bulk_jobs where id < ?", (JOB_PREFIX + INSTANCE + BASE62[-1] * 9,)
        ).fetchone()[0]
        stamp = format_datetime(self.now())
        job: Job = {
            "id": make_id(JOB_PREFIX, number_of(last) + 1 if last else 1),
            "createdById": call.user_id,
            "createdDate": stamp,
            "systemModstamp": stamp,
            "concurrencyMode": "Parallel",
            "contentType": "CSV",
            "apiVersion": float(call.base.rpartition("/v")[2]),
            "lineEnding": _choice(body, "lineEnding", LINE_ENDINGS, "LF"),
            "columnDelimiter": _choice(body, "columnDelimiter", DELIMITERS, "COMMA"),
            **body,
        }
        self.keep(kind, job)
        return job

    def keep(self, kind: str, job: Job) -> None:
        job["systemModstamp"] = format_datetime(self.now())
        with self.store.savepoint():
            self.store.connection.execute(
                "insert or replace into bulk_jobs values (?, ?, ?)", (job["id"], kind, self.store.document_text(job))
            )

    def get(self, kind: str, job_id: str) -> Job | None:
        row = self.store.connection.execute(
            "select body from bulk_jobs where id = ? and kind = ?", (job_id, kind)
        ).fetchone()
        return None if row is None else self.store.document_from(row[0])

    def find(self, call: Call, kind: str) -> Job:
        """The job named in the path; 404 when there is none, 409 through another API version."""
        job_id = call.path["id"]
        job = self.get(kind, to_18(job_id) if is_id(job_id) else job_id)
        if job is None:
            raise not_found()
        if not call.base.endswith(f"/v{job['apiVersion']}"):
            raise ApiError("API_ERROR", f"Use API version {job['apiVersion']} for all calls of this job.", 409)
        return job

    def all(self, kind: str) -> list[Job]:
        rows = self.store.connection.execute("select body from bulk_jobs where kind = ? order by id", (kind,))
        return [self.store.document_from(row[0]) for row in rows]

    def delete(self, job_id: str) -> None:
        with self.store.savepoint():
            for table, column in (("bulk_jobs", "id"), ("bulk_data", "job_id"), ("bulk_rows", "job_id")):
                self.store.connection.execute(f"delete from {table} where {column} = ?", (job_id,))

    # --- ingest data and results

    def put_data(self, job_id: str, csv: bytes) -> None:
        with self.store.savepoint():
            self.store.connection.execute("insert into bulk_data values (?, ?)", (job_id, csv))

    def data(self, job_id: str) -> bytes | None:
        row = self.store.connection.execute("select csv from bulk_data where job_id = ?", (job_id,)).fetchone()
        return None if row is None else bytes(row[0])

    def add_results(self, rows: Iterable[tuple[str, int, str, str | None, str, str]]) -> None:
        self.store.connection.executemany("insert into bulk_rows values (?, ?, ?, ?, ?, ?)", rows)

    def results(self, job_id: str, outcome: str) -> Iterator[tuple[str | None, str, str]]:
        """Record id, note (created or error) and the input line of each row with an outcome."""
        yield from self.store.connection.execute(
            "select record_id, note, line from bulk_rows where job_id = ? and outcome = ? order by number",
            (job_id, outcome),
        )

    def processed(self, job_id: str) -> int:
        row = self.store.connection.execute("select count(*) from bulk_rows where job_id = ?", (job_id,)).fetchone()
        return int(row[0])


def _choice(body: Mapping[str, Any], name: str, choices: Mapping[str, str], default: str) -> str:
    value = str(body.get(name) or default)
    if value not in choices:
        raise ApiError("INVALIDJOB", f"Invalid value for {name}: {value}")
    return value


def job_list(call: Call, jobs: list[Job]) -> Job:
    """The reply to listing jobs."""
    return {"done": True, "nextRecordsUrl": None, "records": jobs}
