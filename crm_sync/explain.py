"""Why a record looks as it does: its links, its scope, and per field both values, bases, winner and reason."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb

from crm_sync.errors import ConfigError

_FIND = """
select distinct link_id, object, hubspot_id, salesforce_id, matched_by, status from matching.links
where object = $object and (hubspot_id = $key or salesforce_id = $key or salesforce_id like $key || '___'
    or link_id in (
        select link_id from merging.field_decisions
        where object = $object
            and hubspot_property in ('email', 'name', 'dealname', 'domain')
            and lower($key) in (lower(hubspot_value), lower(salesforce_value))
    ))
order by status, link_id
"""
_FIELDS = """
select hubspot_property, salesforce_field, direction, hubspot_value, salesforce_value, base_hubspot_value,
    base_salesforce_value, coalesce(winner, '-'), reason, held_reason, evidence, run_id
from merging.field_decisions where link_id = ? order by hubspot_property
"""
_SCOPE = """
select side, is_included, deciding_rule from inclusion.records_included
where object = ? and ((side = 'hubspot' and record_id = ?) or (side = 'salesforce' and record_id = ?)) order by side
"""
_PUSHES = """
select attempted_at, target, operation, outcome, coalesce(error_code, ''), run_id from journal.push_attempts
where link_id = ? order by attempted_at desc limit 10
"""


def explain_record(health: Path, object_: str, key: str) -> Iterator[str]:
    """Lines that explain every link of the record that `key` (id, e-mail or name) names."""
    if not health.exists():
        raise ConfigError(f"There is no health file {health.name} yet.", "Run a cycle first: make sync")
    with duckdb.connect(str(health), read_only=True) as connection:
        links = connection.execute(_FIND, {"object": object_, "key": key}).fetchall()
        if not links:
            yield from _unlinked(connection, object_, key)
        for link in links:
            yield from _link(connection, link)


def _unlinked(connection: duckdb.DuckDBPyConnection, object_: str, key: str) -> Iterator[str]:
    rows = connection.execute(
        "select side, record_id, issue_type, detail from matching.match_issues"
        " where object = ? and (record_id = ? or match_key = lower(?))",
        [object_, key, key],
    ).fetchall()
    for side, record_id, issue_type, detail in rows:
        yield f"{object_} {side} {record_id} is not linked: {issue_type}: {detail}"
    scope = connection.execute(
        "select side, is_included, deciding_rule from inclusion.records_included where object = ? and record_id = ?",
        [object_, key],
    ).fetchall()
    for side, is_included, rule in scope:
        yield f"{object_} {side} {key}: {'in scope' if is_included else 'out of scope'} ({rule})"
    if not rows and not scope:
        raise ConfigError(
            f"No {object_} is known by '{key}'.", "Use a record id of either CRM, an e-mail address or a name."
        )


def _link(connection: duckdb.DuckDBPyConnection, link: tuple[str, ...]) -> Iterator[str]:
    link_id, object_, hubspot_id, salesforce_id, matched_by, status = link
    yield f"{object_}: HubSpot {hubspot_id} = Salesforce {salesforce_id} ({status}, matched by {matched_by})"
    for side, is_included, rule in connection.execute(_SCOPE, [object_, hubspot_id, salesforce_id]).fetchall():
        yield f"  {side} record is {'in scope' if is_included else 'out of scope'}: {rule}"
    for row in connection.execute(_FIELDS, [link_id]).fetchall():
        hubspot_property, salesforce_field, direction, h, s, h0, s0, winner, reason, held, evidence, run_id = row
        yield f"  {hubspot_property} <-> {salesforce_field}  [{direction}]"
        yield f"      HubSpot {_shown(h)} (base {_shown(h0)})   Salesforce {_shown(s)} (base {_shown(s0)})"
        note = f", held back: {held}" if held else ""
        note += f", evidence: {evidence}" if evidence else ""
        yield f"      winner {winner}: {reason}{note}  (run {run_id})"
    for at, target, operation, outcome, code, run_id in connection.execute(_PUSHES, [link_id]).fetchall():
        yield f"  {at:%Y-%m-%d %H:%M:%S} {operation} in {target}: {outcome or 'unknown'} {code} (run {run_id})"
    yield ""


def _shown(value: str | None) -> str:
    if value is None:
        return "(blank)"
    return repr(value) if len(value) <= 60 else repr(value[:57] + "...")
