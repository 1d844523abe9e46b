"""Published health files as the page reads them, from a few words per row.

Owns the columns that the page uses; that a real cycle publishes the same ones is shown by the scenario
`test_a_rejected_record_is_listed_and_its_neighbours_go_through`.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

NOW = datetime(2026, 3, 14, 9, 30, tzinfo=UTC)
HOSTILE = '</script><script>window.hacked = 1</script><img src=x onerror="window.hacked = 1"> & \u2028 "quoted"'

TABLES = {
    "sync_health.sync_status": "status text, last_success_at timestamptz, open_errors int, data_quality_issues int,"
    " suspended_mappings int, conflicts int, linked_records int, last_run_id text, last_run_status text,"
    " last_run_message text, paused_since timestamptz",
    "sync_health.sync_runs": "run_id text, command text, target_name text, started_at timestamptz,"
    " finished_at timestamptz, seconds double, status text, exit_code int, message text, created int, updated int,"
    " rejected int, postponed int",
    "sync_health.records_synced": "object text, direction text, operation text, records int, records_in_newest_run int,"
    " last_seen_at timestamptz",
    "sync_health.sync_errors": "target text, object text, operation text, hubspot_id text, salesforce_id text,"
    " error_code text, error_class text, message text, cause text, fix text, attempts int, first_seen_at timestamptz,"
    " last_seen_at timestamptz, status text, retry_policy text, next_retry_at timestamptz, payload json, link_id text",
    "sync_health.data_quality_issues": "issue_id text, issue_type text, object text, field text, hubspot_id text,"
    " salesforce_id text, detail text, cause text, fix text, first_seen_at timestamptz",
    "sync_health.field_conflicts": "object text, hubspot_id text, salesforce_id text, hubspot_property text,"
    " salesforce_field text, hubspot_value text, salesforce_value text, base_hubspot_value text,"
    " base_salesforce_value text, conflict_rule text, winner text, reason text, evidence text,"
    " hubspot_edited_at timestamptz, salesforce_edited_at timestamptz, first_seen_at timestamptz, link_id text",
    "sync_health.api_usage": "run_id text, started_at timestamptz, crm text, calls bigint, records bigint,"
    " calls_per_record double, daily_limit bigint, daily_used bigint, share_used double",
    "sync_health.sync_lag": "direction text, day date, records int, p50_seconds double, p95_seconds double",
    "sync_health.drift": "crm text, crm_object text, kind text, records int, compared int, reconciled_at timestamptz",
    "journal.push_attempts": "target text, object text, operation text, outcome text, outcome_at timestamptz",
    "journal.runs": "run_id text, started_at timestamptz, api_calls json",
    "matching.links": "link_id text, object text, hubspot_id text, salesforce_id text, status text",
    "matching.match_issues": "object text, side text, record_id text, issue_type text",
    "inclusion.records_included": "object text, side text, record_id text, is_included boolean",
    "merging.field_decisions": "link_id text, object text, hubspot_id text, salesforce_id text, hubspot_property text,"
    " salesforce_field text, hubspot_value text, salesforce_value text, change_state text, target text,"
    " held_reason text",
    "staging.stg_object_mappings": "object text, hubspot_object text, salesforce_object text, priority int,"
    " push_order int",
}
MAPPINGS = (
    ("company", "companies", "Account", 1, 10),
    ("contact", "contacts", "Contact", 1, 20),
    ("lead", "contacts", "Lead", 2, 10),
    ("deal", "deals", "Opportunity", 1, 20),
)


class HealthFile:
    """A health file in the making. Each method adds one row with sensible values for what is not named."""

    def __init__(self) -> None:
        self.rows: dict[str, list[dict[str, Any]]] = {name: [] for name in TABLES}
        names = ("object", "hubspot_object", "salesforce_object", "priority", "push_order")
        self.rows["staging.stg_object_mappings"] = [dict(zip(names, row, strict=True)) for row in MAPPINGS]

    def add(self, table: str, **values: Any) -> None:
        self.rows[table].append(values)

    def run(self, at: datetime, status: str = "succeeded", **values: Any) -> None:
        run_id = f"{at:%Y%m%dT%H%M%S}-0a1b2c"
        self.add(
            "sync_health.sync_runs",
            **{
                "run_id": run_id,
                "command": "sync",
                "target_name": "sandbox",
                "started_at": at,
                "finished_at": at + timedelta(seconds=12),
                "seconds": 12.3,
                "status": status,
                "exit_code": 0,
                "created": 0,
                "updated": 0,
                "rejected": 0,
                "postponed": 0,
                **values,
            },
        )
        for crm, limit, used in (("hubspot", 625_000, 41_250), ("salesforce", 100_000, 23_480)):
            self.add(
                "sync_health.api_usage",
                run_id=run_id,
                started_at=at,
                crm=crm,
                calls=17,
                records=1023,
                calls_per_record=0.0166,
                daily_limit=limit,
                daily_used=used,
                share_used=used / limit,
            )

    def addresses(self, hubspot: str | None, salesforce: str | None, at: datetime = NOW) -> None:
        """What a run has noted of where people look at the CRMs' records."""
        calls = {"hubspot": {"calls": 1, "address": hubspot}, "salesforce": {"calls": 1, "address": salesforce}}
        self.add("journal.runs", run_id=f"{at:%Y%m%dT%H%M%S}", started_at=at, api_calls=json.dumps(calls))

    def writes(
        self, at: datetime, target: str, object_: str, operation: str, count: int, outcome: str = "succeeded"
    ) -> None:
        for _ in range(count):
            self.add(
                "journal.push_attempts",
                target=target,
                object=object_,
                operation=operation,
                outcome=outcome,
                outcome_at=at,
            )

    def pair(self, object_: str, hubspot_id: str, salesforce_id: str, status: str = "linked") -> None:
        self.add(
            "matching.links",
            link_id=f"{object_}/{hubspot_id}",
            object=object_,
            hubspot_id=hubspot_id,
            salesforce_id=salesforce_id,
            status=status,
        )
        self.living(object_, "hubspot", hubspot_id)
        self.living(object_, "salesforce", salesforce_id)

    def living(self, object_: str, side: str, record_id: str, is_included: bool = True) -> None:
        self.add("inclusion.records_included", object=object_, side=side, record_id=record_id, is_included=is_included)

    def unmatched(self, object_: str, side: str, record_id: str, issue_type: str) -> None:
        self.living(object_, side, record_id)
        self.add("matching.match_issues", object=object_, side=side, record_id=record_id, issue_type=issue_type)

    def named(self, object_: str, hubspot_id: str, salesforce_id: str, first: str, last: str) -> None:
        for field, value in (("FirstName", first), ("LastName", last)):
            self.decision(object_, hubspot_id, salesforce_id, field.lower(), field, value, value)

    def decision(
        self,
        object_: str,
        hubspot_id: str,
        salesforce_id: str,
        property_: str,
        field: str,
        hubspot: str | None,
        salesforce: str | None,
        **values: Any,
    ) -> None:
        self.add(
            "merging.field_decisions",
            **{
                "link_id": f"{object_}/{hubspot_id}",
                "object": object_,
                "hubspot_id": hubspot_id,
                "salesforce_id": salesforce_id,
                "hubspot_property": property_,
                "salesforce_field": field,
                "hubspot_value": hubspot,
                "salesforce_value": salesforce,
                "change_state": "agreed",
                **values,
            },
        )

    def error(self, number: int, **values: Any) -> None:
        self.add(
            "sync_health.sync_errors",
            **{
                "target": "salesforce",
                "object": "contact",
                "operation": "update",
                "hubspot_id": f"301{number:08d}",
                "salesforce_id": f"003dM{number:09d}QA",
                "error_code": "FIELD_CUSTOM_VALIDATION_EXCEPTION",
                "error_class": "validation",
                "message": "Contacts in Atlantis need a harbour pilot",
                "cause": "A validation rule in Salesforce refuses the record",
                "fix": "Correct the record in HubSpot or exempt the integration user from the rule",
                "attempts": 2,
                "first_seen_at": NOW - timedelta(days=2),
                "last_seen_at": NOW - timedelta(hours=1),
                "status": "open",
                "retry_policy": "daily",
                "next_retry_at": NOW + timedelta(hours=23),
                "link_id": f"link{number}",
                **values,
            },
        )

    def issue(self, number: int, **values: Any) -> None:
        self.add(
            "sync_health.data_quality_issues",
            **{
                "issue_id": f"issue{len(self.rows['sync_health.data_quality_issues'])}",
                "issue_type": "missing_match_key",
                "object": "contact",
                "field": "email",
                "hubspot_id": f"302{number:08d}",
                "detail": "has no value to match by",
                "cause": "The record has no value to match by so creating it could duplicate somebody",
                "fix": "Fill the property named in match_hubspot_property of object_mappings.csv",
                "first_seen_at": NOW - timedelta(days=3),
                **values,
            },
        )

    def conflict(self, number: int, is_held: bool = False, **values: Any) -> None:
        row = {
            "object": "contact",
            "hubspot_id": f"303{number:08d}",
            "salesforce_id": f"003dM{number:09d}QB",
            "hubspot_property": "jobtitle",
            "salesforce_field": "Title",
            "hubspot_value": "Head of Growth",
            "salesforce_value": "VP Marketing",
            "base_hubspot_value": "CFO",
            "base_salesforce_value": "CFO",
            "conflict_rule": "review" if is_held else "most_recent",
            "winner": None if is_held else "salesforce",
            "reason": "conflict_review" if is_held else "conflict_most_recent",
            "evidence": "field",
            "hubspot_edited_at": NOW - timedelta(hours=5),
            "salesforce_edited_at": NOW - timedelta(hours=4),
            "first_seen_at": NOW - timedelta(hours=3),
            **values,
        }
        self.add("sync_health.field_conflicts", link_id=f"{row['object']}/{row['hubspot_id']}", **row)
        if is_held:
            self.decision(
                row["object"],
                row["hubspot_id"],
                row["salesforce_id"],
                row["hubspot_property"],
                row["salesforce_field"],
                row["hubspot_value"],
                row["salesforce_value"],
                change_state="conflict",
                held_reason="held_for_review",
            )

    def save(self, path: Path, status: str | None = "active", **of_status: Any) -> Path:
        """Write the file, the one row of the status made from the rest. Without a status it has no tables at all."""
        path.unlink(missing_ok=True)
        with duckdb.connect(str(path)) as connection:
            if status is None:
                return path
            runs = [row for row in self.rows["sync_health.sync_runs"] if row["command"] == "sync"]
            newest = max(runs, key=lambda row: row["started_at"], default={})
            completed = [row["finished_at"] for row in runs if row["status"] in ("succeeded", "degraded")]
            counts = {
                "open_errors": sum(row["status"] == "open" for row in self.rows["sync_health.sync_errors"]),
                "data_quality_issues": len(self.rows["sync_health.data_quality_issues"]),
                "suspended_mappings": 0,
                "conflicts": len(self.rows["sync_health.field_conflicts"]),
                "linked_records": sum(row["status"] == "linked" for row in self.rows["matching.links"]),
                "last_success_at": max(completed, default=None),
                "last_run_id": newest.get("run_id"),
                "last_run_status": newest.get("status"),
                "last_run_message": newest.get("message"),
            }
            self.rows["sync_health.sync_status"] = [{"status": status, **counts, **of_status}]
            for name, columns in TABLES.items():
                connection.execute(f"create schema if not exists {name.split('.')[0]}")
                connection.execute(f"create table {name} ({columns})")
                _insert(connection, name, columns, self.rows[name])
        return path


def _insert(connection: duckdb.DuckDBPyConnection, name: str, columns: str, rows: list[dict[str, Any]]) -> None:
    import pyarrow as pa

    if not rows:
        return
    names = [column.split()[0] for column in columns.split(", ")]
    data = pa.table({column: [row.get(column) for row in rows] for column in names})  # noqa: F841 (DuckDB finds it)
    connection.execute(f"insert into {name} select * from data")
