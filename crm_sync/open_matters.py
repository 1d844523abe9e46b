"""What is open, by kind: errors by CRM, class and code, and data-quality issues by type, the most frequent first.

Owns these two groupings of the published tables; whoever tells of them (the closing summary, `status`, CI, alerts)
tells of the same kinds in the same order.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import duckdb


@dataclass(frozen=True)
class OpenErrors:
    """Records that a CRM refuses for one reason. `message` is what it said of one of them, and may hold its data."""

    target: str
    error_class: str
    error_code: str
    records: int
    cause: str
    fix: str
    first_seen_at: datetime
    message: str | None


@dataclass(frozen=True)
class OpenIssues:
    """What keeps values or records from being synced for one reason."""

    issue_type: str
    records: int
    fix: str


def open_errors(connection: duckdb.DuckDBPyConnection) -> list[OpenErrors]:
    rows = connection.execute(
        "select target, error_class, error_code, count(*) as records, any_value(cause), any_value(fix),"
        " min(first_seen_at), max_by(message, last_seen_at)"
        " from sync_health.sync_errors where status = 'open'"
        " group by target, error_class, error_code order by records desc, target, error_class, error_code"
    ).fetchall()
    return [OpenErrors(*row) for row in rows]


def open_issues(connection: duckdb.DuckDBPyConnection) -> list[OpenIssues]:
    rows = connection.execute(
        "select issue_type, count(*) as records, any_value(fix) from sync_health.data_quality_issues"
        " group by issue_type order by records desc, issue_type"
    ).fetchall()
    return [OpenIssues(*row) for row in rows]
