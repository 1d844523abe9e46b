-- One row per link and field mapping, the simply equal fields included: both values, both bases, which side wins, why,
-- and what holds it back, as of when its link was decided last. So every value of every linked record can be explained.
{{ config(materialized='view') }}

select
    link_id,
    object,
    hubspot_id,
    salesforce_id,
    hubspot_property,
    salesforce_field,
    direction,
    conflict_rule,
    hubspot_value,
    salesforce_value,
    base_hubspot_value,
    base_salesforce_value,
    change_state,
    winner,
    reason,
    evidence,
    hubspot_edited_at,
    salesforce_edited_at,
    target,
    target_value,
    previous_value,
    source_value,
    held_reason,
    is_truncated_in_salesforce,
    is_truncated_in_hubspot,
    is_merged,
    merged_in_salesforce,
    mapping_hash,
    based_at,
    run_id,
    decided_at
from {{ ref('fields_decided') }}
union all
select
    entries.link_id,
    entries.object,
    entries.hubspot_id,
    entries.salesforce_id,
    mappings.hubspot_property,
    mappings.salesforce_field,
    mappings.direction,
    mappings.conflict_rule,
    {{ canonical_value('entries.entry.value', 'mappings.hubspot_type') }} as hubspot_value,
    {{ canonical_value('entries.entry.value', 'mappings.salesforce_type') }} as salesforce_value,
    {{ canonical_value('entries.entry.value', 'mappings.hubspot_type') }} as base_hubspot_value,
    {{ canonical_value('entries.entry.value', 'mappings.salesforce_type') }} as base_salesforce_value,
    'agreed' as change_state,
    null as winner,
    'agreed' as reason,
    null as evidence,
    null as hubspot_edited_at,
    null as salesforce_edited_at,
    null as target,
    null as target_value,
    null as previous_value,
    null as source_value,
    null as held_reason,
    false as is_truncated_in_salesforce,
    false as is_truncated_in_hubspot,
    false as is_merged,
    null as merged_in_salesforce,
    versions.mapping_hash,
    entries.based_at,
    entries.run_id,
    entries.based_at as decided_at
from (
    select link_id, object, hubspot_id, salesforce_id, unnest(agreed) as entry, based_at, run_id
    from {{ ref('fields_agreed') }}
) as entries
inner join {{ ref('mapping_versions') }} as versions on entries.entry.mapping_version = versions.mapping_version
inner join {{ ref('stg_field_mappings') }} as mappings
    on versions.object = mappings.object
    and versions.hubspot_property = mappings.hubspot_property
    and versions.salesforce_field = mappings.salesforce_field
