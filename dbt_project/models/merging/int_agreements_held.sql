-- One row per link and field that was simply equal on both sides when its link was decided last, as the previous pass
-- left it: its base. Only of links to decide. Reads fields_agreed, which is further down the flow.
{{ config(materialized='view') }}
{% set previous = adapter.get_relation(database=target.database, schema='merging', identifier='fields_agreed') %}

{% if previous %}
select
    entries.link_id,
    entries.object,
    versions.hubspot_property,
    versions.salesforce_field,
    versions.mapping_hash,
    entries.entry.value,
    entries.based_at,
    entries.run_id
from (
    select link_id, object, unnest(agreed) as entry, based_at, run_id
    from {{ previous }}
    where link_id in (select changed.link_id from {{ ref('int_links_changed') }} as changed)
) as entries
inner join {{ ref('mapping_versions') }} as versions on entries.entry.mapping_version = versions.mapping_version
{% else %}
-- depends on: {{ ref('int_links_changed') }}
select
    object as link_id,
    object,
    hubspot_property,
    salesforce_field,
    mapping_hash,
    cast(null as varchar) as value,
    cast(null as timestamptz) as based_at,
    cast(null as varchar) as run_id
from {{ ref('mapping_versions') }}
where false
{% endif %}
