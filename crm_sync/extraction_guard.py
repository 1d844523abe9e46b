"""What was just read against what is known: a read that shrank suspiciously stops the run before anything is decided.

A lost permission, a narrowed token or a CRM's bad day look like mass deletion. Owns the three comparisons: linked
records that are suddenly deleted, a full read that shows far fewer of the linked records, mapped fields of an object
that vanished together. What is known is what the last decision left behind, so the stop repeats until the read is whole
again or somebody accepts it. Writes nothing but the mark that a suspicious full read has to be repeated.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import duckdb

from crm_sync.acceptance import is_accepted
from crm_sync.errors import GuardStop
from crm_sync.warehouse import tables

#: Fewer than these are nothing to wonder about, whatever their share.
FEWEST_RECORDS = 20
FEWEST_FIELDS = 5
DEFAULT_SHARE = 0.5

_ENDS = """
select objects.{side}_object as crm_object, links.{side}_id as record_id
from matching.links as links
inner join staging.stg_object_mappings as objects using (object)
where links.status = 'linked'
"""
# the few deleted records come first: what is known is counted only where many are missing
_DELETED = """
with deleted as (
    select object, id from raw_{side}.records where is_deleted and merged_into_id is null
),
missing as (
    select ends.crm_object, count(distinct ends.record_id) as records
    from ({ends}) as ends
    inner join deleted on ends.crm_object = deleted.object and ends.record_id = deleted.id
    group by all
    having count(distinct ends.record_id) >= {fewest}
)
select ends.crm_object, count(distinct ends.record_id), any_value(missing.records)
from ({ends}) as ends
inner join missing on ends.crm_object = missing.crm_object
inner join raw_{side}.records as records on ends.crm_object = records.object and ends.record_id = records.id
group by all
"""
_UNSEEN = """
select
    ends.crm_object,
    count(distinct ends.record_id) as known,
    greatest(0, count(distinct ends.record_id) - any_value(reads.records))
from ({ends}) as ends
inner join raw_{side}.records as records on ends.crm_object = records.object and ends.record_id = records.id
inner join raw_{side}.reads as reads on ends.crm_object = reads.object
where reads.is_full and reads.is_complete
    and not coalesce(records.is_deleted, false)
    and reads.loaded_at = (select max(newest.loaded_at) from raw_{side}.reads as newest)
group by all
"""
_FIELDS = """
with present as (
    select object, name from {metadata} qualify loaded_at = max(loaded_at) over (partition by object)
),
mapped as (
    select distinct objects.{side}_object as crm_object, fields.{field} as field
    from staging.stg_field_mappings as fields
    inner join staging.stg_object_mappings as objects on fields.object = objects.object
    where fields.is_active and not contains(fields.{field}, '.') and fields.{field} <> ''
)
select mapped.crm_object, count(*) as known, count(*) filter (where present.name is null)
from mapped left join present on mapped.crm_object = present.object and mapped.field = present.name
group by all
"""
_METADATA = {
    "hubspot": {"metadata": "raw_hubspot.properties", "field": "hubspot_property"},
    "salesforce": {"metadata": "raw_salesforce.fields", "field": "salesforce_field"},
}


@dataclass(frozen=True)
class Shrinkage:
    """What is missing of something known."""

    name: str
    crm: str
    object: str
    known: int
    missing: int
    what: str

    def __str__(self) -> str:
        return f"{self.name}: {self.missing:,} of {self.known:,} {self.what}"


def require_whole(
    connection: duckdb.DuckDBPyConnection, accepted: Collection[str], most_share: float = DEFAULT_SHARE
) -> None:
    """Raise GuardStop when what was read has shrunk suspiciously and nobody has accepted it."""
    found = [one for one in _shrinkages(connection, most_share) if not is_accepted(one.name, accepted)]
    if not found:
        return
    for one in found:
        if one.name.endswith(".unseen"):
            # only a full read shows everything: the next one has to be full again
            connection.execute(f"update raw_{one.crm}.reads set is_complete = false where object = ?", [one.object])
    arguments = " ".join(f"--accept {one.name}" for one in found)
    raise GuardStop(
        "Nothing was decided or pushed, because what was read has shrunk suspiciously:\n"
        + "\n".join(f"  {one}" for one in found),
        "Check the permissions of the token and of the integration user, and what was deleted in the CRM. "
        f"If it is right, run again with {arguments} (or --accept all).",
    )


def _shrinkages(connection: duckdb.DuckDBPyConnection, most_share: float) -> Iterator[Shrinkage]:
    if not {"matching.links", "staging.stg_object_mappings", "staging.stg_field_mappings"} <= tables(connection):
        return
    for crm, metadata in _METADATA.items():
        ends = _ENDS.format(side=crm)
        checks = (
            ("deleted", _DELETED, FEWEST_RECORDS, "linked records are deleted at once"),
            ("unseen", _UNSEEN, FEWEST_RECORDS, "linked records at least were not in a read of everything"),
            ("fields", _FIELDS, FEWEST_FIELDS, "mapped fields are gone at once"),
        )
        for kind, sql, fewest, what in checks:
            rows = connection.execute(sql.format(side=crm, ends=ends, fewest=fewest, **metadata)).fetchall()
            for object_, known, missing in rows:
                if missing >= fewest and missing > most_share * known:
                    yield Shrinkage(f"{crm}.{object_}.{kind}", crm, object_, known, missing, what)
