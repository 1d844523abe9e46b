"""Finding records in the published tables by what a person knows of them: an id, an e-mail address, or a name."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from crm_sync.errors import ConfigError
from crm_sync.mappings import Mappings

#: Properties whose value names a record.
NAMING = ("email", "name", "dealname", "domain", "hs_task_subject")

_BY_ID = """
select link_id from matching.links
where list_contains($objects, object)
    and (hubspot_id = $key or salesforce_id = $key or (length($key) = 15 and left(salesforce_id, 15) = $key))
order by status, link_id
"""
_BY_NAME = f"""
with named as (
    select link_id from merging.field_decisions
    where hubspot_property in {NAMING} and lower($key) in (lower(hubspot_value), lower(salesforce_value))
    union
    select link_id from merging.field_decisions
    where hubspot_property in ('firstname', 'lastname')
    group by link_id
    having lower($key) in (
        lower(string_agg(hubspot_value, ' ' order by hubspot_property)),
        lower(string_agg(salesforce_value, ' ' order by hubspot_property))
    )
)
select link_id from matching.links
where list_contains($objects, object) and link_id in (from named)
order by status, link_id
"""


def objects_named(mappings: Mappings, name: str) -> list[str]:
    """Object mappings by their own name, or by that of their HubSpot or Salesforce object (`contacts`, `Contact`).

    Raises ConfigError naming what there is.
    """
    found = [one.object for one in mappings.enabled if one.object == name]
    found = found or [one.object for one in mappings.enabled if name in (one.hubspot_object, one.salesforce_object)]
    if not found:
        known = ", ".join(one.object for one in mappings.enabled)
        raise ConfigError(f"There is no object '{name}'.", f"Use one of: {known}.")
    return found


def find_links(connection: duckdb.DuckDBPyConnection, objects: Sequence[str], key: str) -> list[str]:
    """The links that the key names: by an id of either CRM, an e-mail address, a name, or first and last name."""
    parameters = {"key": key.strip(), "objects": list(objects)}
    rows = connection.execute(_BY_ID, parameters).fetchall() or connection.execute(_BY_NAME, parameters).fetchall()
    return [row[0] for row in rows]
