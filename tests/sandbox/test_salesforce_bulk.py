"""Bulk API 2.0: ingest and query jobs over HTTP."""

from __future__ import annotations

import csv
import io
import time
from typing import Any

from salesforce_support import DATA, ID_FIELD, Salesforce

pytest_plugins = ["salesforce_fixtures"]


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def finish(org: Salesforce, path: str) -> dict[str, Any]:
    for _ in range(200):
        job: dict[str, Any] = org.get(path).json()
        if job["state"] in ("JobComplete", "Failed", "Aborted"):
            return job
        time.sleep(0.02)
    raise AssertionError(f"The job does not end: {job}")


def ingest(org: Salesforce, data: str, **job: Any) -> dict[str, Any]:
    created = org.post("/jobs/ingest", {"object": "Contact", "contentType": "CSV", **job}).json()
    assert (created["state"], created["apiVersion"]) == ("Open", 60.0)
    assert created["contentUrl"] == f"services/data/v60.0/jobs/ingest/{created['id']}/batches"
    uploaded = org.call("PUT", "/" + created["contentUrl"], data=data.encode(), headers={"Content-Type": "text/csv"})
    assert uploaded.status_code == 201
    closed = org.patch(f"/jobs/ingest/{created['id']}", {"state": "UploadComplete"})
    assert closed.json()["state"] == "UploadComplete"
    return finish(org, f"/jobs/ingest/{created['id']}")


def result(org: Salesforce, job: dict[str, Any], which: str) -> list[dict[str, str]]:
    return rows_of(org.get(f"/jobs/ingest/{job['id']}/{which}").text)


def test_insert_with_bad_rows(org: Salesforce) -> None:
    data = 'LastName,Title,Birthdate\n"Doe, ""J""","line 1\nline 2",1980-02-29\n,t,\nRoe,,never\n'
    job = ingest(org, data, operation="insert")
    assert (job["state"], job["numberRecordsProcessed"], job["numberRecordsFailed"]) == ("JobComplete", 3, 2)
    (good,) = result(org, job, "successfulResults")
    assert (good["sf__Created"], good["LastName"], good["Title"]) == ("true", 'Doe, "J"', "line 1\nline 2")
    failed = result(org, job, "failedResults")
    assert failed[0]["sf__Error"] == ("REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --")
    assert failed[1]["sf__Error"].startswith("INVALID_TYPE_ON_FIELD_IN_RECORD:Birthdate: value not of required type")
    assert org.get(f"/jobs/ingest/{job['id']}/unprocessedrecords").text.strip() == '"LastName","Title","Birthdate"'
    record = org.get(f"/sobjects/Contact/{good['sf__Id']}").json()
    assert record["Title"] == "line 1\nline 2"


def test_upsert_clears_with_its_own_null(org: Salesforce) -> None:
    org.add_id_field()
    org.add_id_field("Account")
    account = org.create("Account", Name="A", **{ID_FIELD: "9"})
    old = org.create("Contact", LastName="a", Title="t", Department="d", **{ID_FIELD: "1"})
    data = f"{ID_FIELD},LastName,Title,Department,Account.{ID_FIELD}\n1,a,#N/A,,9\n2,b,,,\n3,c,,,8\n4,d,,,\n4,e,,,\n"
    job = ingest(org, data, operation="upsert", externalIdFieldName=ID_FIELD)
    assert (job["numberRecordsProcessed"], job["numberRecordsFailed"]) == (5, 3)
    record = org.get(f"/sobjects/Contact/{old}").json()
    assert (record["Title"], record["Department"], record["AccountId"]) == (None, "d", account)
    created = {row[ID_FIELD]: row["sf__Created"] for row in result(org, job, "successfulResults")}
    assert created == {"1": "false", "2": "true"}
    errors = [row["sf__Error"].partition(":")[0] for row in result(org, job, "failedResults")]
    assert errors == ["INVALID_FIELD", "DUPLICATE_VALUE", "DUPLICATE_VALUE"]


def test_bad_files_fail_the_job(org: Salesforce) -> None:
    job = ingest(org, "LastName,Nope\nx,y\n", operation="insert")
    assert (job["state"], job["errorMessage"]) == ("Failed", "InvalidBatch : Field name not found : Nope")
    job = ingest(org, "LastName\r\nx\r\n", operation="insert")
    assert job["errorMessage"].startswith("ClientInputError : LineEnding is invalid on user data.")
    assert ingest(org, "LastName\r\nx\r\n", operation="insert", lineEnding="CRLF")["state"] == "JobComplete"
    assert org.post("/jobs/ingest", {"object": "Nope", "operation": "insert"}).status_code == 400


def test_update_delete_and_abort(org: Salesforce) -> None:
    record = org.create("Contact", LastName="x")
    ingest(org, f"Id|Title\n{record}|t\n", operation="update", columnDelimiter="PIPE")
    assert org.get(f"/sobjects/Contact/{record}").json()["Title"] == "t"
    ingest(org, f"Id\n{record}\n", operation="delete")
    assert org.query("SELECT Id FROM Contact") == []
    org.control("/settings", {"bulk_delay_ms": 200})
    job = org.post("/jobs/ingest", {"object": "Contact", "operation": "insert"}).json()
    path = f"/jobs/ingest/{job['id']}"
    org.call("PUT", f"{path}/batches", data=b"LastName\nx\n")
    org.patch(path, {"state": "UploadComplete"})
    assert org.patch(path, {"state": "Aborted"}).json()["state"] == "Aborted"
    assert [row["LastName"] for row in rows_of(org.get(f"{path}/unprocessedrecords").text)] == ["x"]
    org.control("/settings", {"bulk_delay_ms": 0})
    assert org.call("DELETE", path).status_code == 204
    assert org.get(path).status_code == 404


def test_query_job_in_pages(org: Salesforce) -> None:
    records = [{"LastName": f"N{number}", "DoNotCall": number % 2 == 0} for number in range(5)]
    org.control("/load", {"object": "Contact", "records": records})
    soql = "SELECT Id, LastName, DoNotCall, Owner.Name, Title, SystemModstamp FROM Contact ORDER BY LastName"
    job = org.post("/jobs/query", {"operation": "query", "query": soql}).json()
    assert job["state"] == "UploadComplete"
    early = org.get(f"/jobs/query/{job['id']}/results")
    assert early.status_code == 400
    assert finish(org, f"/jobs/query/{job['id']}")["numberRecordsProcessed"] == 5
    page = org.get(f"/jobs/query/{job['id']}/results", maxRecords=3)
    assert (page.headers["Sforce-NumberOfRecords"], page.headers["Sforce-Locator"]) == ("3", "3")
    rest = org.get(f"/jobs/query/{job['id']}/results", maxRecords=3, locator=page.headers["Sforce-Locator"])
    assert (rest.headers["Sforce-NumberOfRecords"], rest.headers["Sforce-Locator"]) == ("2", "null")
    rows = rows_of(page.text) + rows_of(rest.text)
    assert [(row["LastName"], row["DoNotCall"], row["Title"]) for row in rows[:2]] == [
        ("N0", "true", ""),
        ("N1", "false", ""),
    ]
    assert rows[0]["Owner.Name"] == "Maya Okafor"
    assert rows[0]["SystemModstamp"].endswith(".000Z")
    assert org.get(f"/services/data/v61.0/jobs/query/{job['id']}").status_code == 409
    pages = org.get(f"/jobs/query/{job['id']}/resultPages").json()
    assert pages["resultPages"][0]["resultUrl"].startswith(f"{DATA}/jobs/query/{job['id']}/results?locator=0")


def test_what_bulk_query_cannot_do(org: Salesforce) -> None:
    for soql in (
        "SELECT COUNT(Id) FROM Contact",
        "SELECT Id FROM Contact OFFSET 5",
        "SELECT MailingAddress FROM Contact",
    ):
        response = org.post("/jobs/query", {"operation": "query", "query": soql})
        assert (response.status_code, response.json()[0]["errorCode"]) == (400, "API_ERROR")


def test_row_locks_of_the_fault_plan_strike_rows_of_jobs(org: Salesforce) -> None:
    plan = {"rules": [{"kind": "row_lock", "path": "*/jobs/ingest/*", "method": "PATCH", "share": 0.5}]}
    org.control("/faults", plan)
    try:
        job = ingest(org, "LastName\n" + "".join(f"N{number}\n" for number in range(100)), operation="insert")
    finally:
        org.control("/faults", {"rules": []})
    failed = result(org, job, "failedResults")
    assert 20 < len(failed) < 80
    assert failed[0]["sf__Error"].startswith("UNABLE_TO_LOCK_ROW:unable to obtain exclusive access")
