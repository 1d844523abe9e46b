"""Whether there is anything to decide, and by what: asked of the warehouse around the read, before dbt is even loaded.

A cycle decides everything anew where the rules (seeds, models, macros, variables) or the CRMs' metadata have changed,
what follows from records where only these have, and nothing where nothing has. Only reads, and decides nothing.
"""

from __future__ import annotations

from datetime import datetime

import duckdb

# When metadata last came that was not known: what is read again unchanged is not landed again. An undo settles, but
# decides by no rules.
_KNOWN = """
select mapping_hash = $rules_hash and decided_at > greatest(
    (select max(loaded_at) from raw_hubspot.properties), (select max(loaded_at) from raw_hubspot.pipelines),
    (select max(loaded_at) from raw_hubspot.owners), (select max(loaded_at) from raw_salesforce.fields),
    (select max(loaded_at) from raw_salesforce.picklist_values), (select max(loaded_at) from raw_salesforce.users),
    (select max(loaded_at) from raw_salesforce.record_types), (select max(loaded_at) from raw_salesforce.org)
)
from journal.runs where decided_at is not null and command <> 'undo' order by decided_at desc limit 1
"""

# The last pass has seen all that was read, left nothing to write and wrote nothing; and no refused record is due again.
_QUIET = """
with last as (
    select run_id, decided_at from journal.runs where decided_at is not null order by decided_at desc limit 1
)
select not exists (from raw_hubspot.records where loaded_at > last.decided_at)
    and not exists (from raw_salesforce.records where loaded_at > last.decided_at)
    and not exists (from raw_hubspot.associations where loaded_at > last.decided_at)
    and not exists (from raw_hubspot.list_memberships where loaded_at > last.decided_at)
    and not exists (
        from journal.push_attempts as attempts
        where attempts.run_id = last.run_id or attempts.outcome is null or attempts.outcome_at > last.decided_at
    )
    and not exists (from journal.retry_requests where requested_at > last.decided_at)
    and not exists (from reverse_etl.diff_hubspot)
    and not exists (from reverse_etl.diff_salesforce)
    and not exists (from reverse_etl.int_operations_waiting where next_retry_at <= $now)
from last
"""


def rules_and_metadata_are_known(connection: duckdb.DuckDBPyConnection, rules_hash: str) -> bool:
    """Whether the last run that decided did so by these very rules, and on the metadata that the CRMs show now."""
    row = connection.execute(_KNOWN, {"rules_hash": rules_hash}).fetchone()
    return row is not None and bool(row[0])


def is_quiet(connection: duckdb.DuckDBPyConnection, rules_hash: str, now: datetime) -> bool:
    """Before the read: whether there will be nothing to decide, unless the read brings it."""
    try:
        return rules_and_metadata_are_known(connection, rules_hash) and nothing_is_new(connection, now)
    except duckdb.CatalogException:  # a table that a first read or decision is yet to make
        return False


def nothing_is_new(connection: duckdb.DuckDBPyConnection, now: datetime) -> bool:
    """Whether another decision by the same rules would come to the same as the last: nothing to write."""
    row = connection.execute(_QUIET, {"now": now}).fetchone()
    return row is not None and bool(row[0])
