"""Why a record looks as it does, and what comes next.

Owns the gathering of what the published tables say of one record: its links, its scope, per field both values, bases,
winner and reason, what was written, and what the next sync would do. Prints nothing, decides nothing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import duckdb

from crm_sync.errors import ConfigError
from crm_sync.records import find_links
from crm_sync.warehouse import has_table, rows_of

_LINK = "select link_id, object, hubspot_id, salesforce_id, matched_by, status, linked_at, run_id from matching.links"
_FIELDS = """
select hubspot_property, salesforce_field, direction, conflict_rule, hubspot_value, salesforce_value,
    base_hubspot_value, base_salesforce_value, change_state, winner, reason, evidence, hubspot_edited_at,
    salesforce_edited_at, target, target_value, held_reason, based_at, run_id, decided_at
from merging.field_decisions where link_id = ? order by hubspot_property, salesforce_field
"""
_SCOPE = """
select side, record_id, is_included, deciding_rule from inclusion.records_included
where object = ? and ((side = 'hubspot' and record_id = ?) or (side = 'salesforce' and record_id = ?)) order by side
"""
_PUSHES = """
select attempted_at, target, operation, outcome, error_code, message, changes, previous, run_id
from journal.push_attempts where link_id = ? order by attempted_at desc, attempt_id limit 10
"""
_ERRORS = """
select target, error_class, error_code, message, cause, fix, attempts, retry_policy, next_retry_at
from sync_health.sync_errors where link_id = ? and status = 'open'
"""
_ISSUES = """
select issue_type, field, detail, fix, first_seen_at from sync_health.data_quality_issues
where object = ? and (hubspot_id = ? or salesforce_id = ?) order by issue_type, field
"""
_NEXT = """
select 'hubspot' as target, operation, crm_object, record_id, changes, reasons from reverse_etl.diff_hubspot
where link_id = $link
union all
select 'salesforce', operation, crm_object, record_id, changes, reasons from reverse_etl.diff_salesforce
where link_id = $link
"""
_CREATES = """
select link_id, object, hubspot_id, salesforce_id from reverse_etl.diff_{target}
where operation = 'create' and list_contains($objects, object) and ($key in (hubspot_id, salesforce_id)
    or exists (select 1 from json_each(changes) as field where lower(field.value ->> '$') = lower($key)))
"""
_UNLINKED = """
select object, side, record_id, issue_type, detail from matching.match_issues
where list_contains($objects, object) and ($key = record_id or lower($key) = match_key) order by all
"""
_ALONE = """
select object, side, record_id, is_included, deciding_rule from inclusion.records_included
where list_contains($objects, object) and record_id = $key order by all
"""
_NAMED = """
select object, side, record_id from matching.unlinked_records
where list_contains($objects, object) and lower($key) in (lower(name), lower(email)) order by all limit 20
"""


def explain_record(connection: duckdb.DuckDBPyConnection, objects: Sequence[str], key: str) -> list[dict[str, Any]]:
    """One document per link, or unlinked record, that the key names. Raises ConfigError when there is none."""
    found = [_linked(connection, link_id) for link_id in find_links(connection, objects, key)]
    found = found or _unlinked(connection, objects, key)
    if not found:
        hint = _elsewhere(connection, key)
        raise ConfigError(
            f"No {' or '.join(objects)} is known by '{key}'.",
            hint
            or "Use a record id of either CRM, an e-mail address or a name; a record that was created since the"
            " newest cycle is known after the next.",
        )
    return found


def _linked(connection: duckdb.DuckDBPyConnection, link_id: str) -> dict[str, Any]:
    link = rows_of(connection, f"{_LINK} where link_id = ?", [link_id])[0]
    ids = [link["object"], link["hubspot_id"], link["salesforce_id"]]
    return {
        "link": link,
        "scope": rows_of(connection, _SCOPE, ids),
        "fields": rows_of(connection, _FIELDS, [link_id]),
        "errors": rows_of(connection, _ERRORS, [link_id]),
        "issues": rows_of(connection, _ISSUES, ids),
        "pushes": [_with_documents(row) for row in rows_of(connection, _PUSHES, [link_id])],
        "next": [_with_documents(row) for row in rows_of(connection, _NEXT, {"link": link_id})],
    }


def _unlinked(connection: duckdb.DuckDBPyConnection, objects: Sequence[str], key: str) -> list[dict[str, Any]]:
    """Records of one CRM only: about to be created in the other, or kept from it, or out of scope."""
    parameters = {"objects": list(objects), "key": key.strip()}
    found = []
    for target in ("salesforce", "hubspot"):
        for row in rows_of(connection, _CREATES.format(target=target), parameters):
            side = "hubspot" if target == "salesforce" else "salesforce"
            document = _alone(connection, row["object"], side, row[f"{side}_id"])
            document["next"] = [_with_documents(one) for one in rows_of(connection, _NEXT, {"link": row["link_id"]})]
            document["errors"] = rows_of(connection, _ERRORS, [row["link_id"]])
            document["pushes"] = [_with_documents(one) for one in rows_of(connection, _PUSHES, [row["link_id"]])]
            found.append(document)
    by_name = (_NAMED,) if has_table(connection, "matching", "unlinked_records") else ()
    for sql in (_UNLINKED, _ALONE, *by_name):
        for row in rows_of(connection, sql, parameters):
            if all(one["record_id"] != row["record_id"] or one["object"] != row["object"] for one in found):
                found.append(_alone(connection, row["object"], row["side"], row["record_id"]))
    return found


def _alone(connection: duckdb.DuckDBPyConnection, object_: str, side: str, record_id: str) -> dict[str, Any]:
    ids = [object_, record_id, record_id]
    issues = rows_of(
        connection,
        "select issue_type, match_key, detail from matching.match_issues where object = ? and side = ?"
        " and record_id = ?",
        [object_, side, record_id],
    )
    return {
        "link": None,
        "object": object_,
        "side": side,
        "record_id": record_id,
        "scope": rows_of(connection, _SCOPE, ids),
        "matching": issues,
        "issues": rows_of(connection, _ISSUES, ids),
        "errors": [],
        "pushes": [],
        "next": [],
    }


def _elsewhere(connection: duckdb.DuckDBPyConnection, key: str) -> str:
    """Whether the key names a record of another object."""
    every = [row[0] for row in connection.execute("select distinct object from matching.links").fetchall()]
    links = find_links(connection, every, key)
    if not links:
        return ""
    row = connection.execute("select object from matching.links where link_id = ?", [links[0]]).fetchone()
    return f"It is a {row[0]}: crm-sync explain {row[0]} {key}" if row else ""


def _with_documents(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: json.loads(value or "{}") if name in ("changes", "previous", "reasons") else value
        for name, value in row.items()
    }
