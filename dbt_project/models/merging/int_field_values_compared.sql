-- One row per link to decide and active field mapping, classified: who has edited it since both sides last agreed.
with translations as (
    {{ value_translations() }}
),

compared as (
    select
        field_values.*,
        mappings.direction,
        mappings.conflict_rule,
        mappings.hubspot_type,
        mappings.salesforce_type,
        {{ pair_mapping_hash('mappings.mapping_hash') }} as mapping_hash,
        base.link_id is not null as has_base,
        base.hubspot_value as base_hubspot_value,
        base.salesforce_value as base_salesforce_value,
        base.mapping_hash as base_mapping_hash,
        base.based_at,
        base.origin as base_origin,
        (base.link_id is not null) and (field_values.hubspot_value is distinct from base.hubspot_value)
            as hubspot_is_edited,
        (base.link_id is not null) and (field_values.salesforce_value is distinct from base.salesforce_value)
            as salesforce_is_edited
    from {{ ref('int_field_values') }} as field_values
    inner join {{ ref('stg_field_mappings') }} as mappings
        on field_values.object = mappings.object
        and field_values.hubspot_property = mappings.hubspot_property
        and field_values.salesforce_field = mappings.salesforce_field
    left join {{ ref('base_values') }} as base
        on field_values.link_id = base.link_id
        and field_values.hubspot_property = base.hubspot_property
        and field_values.salesforce_field = base.salesforce_field
    {{ pair_translations('field_values') }}
)

select
    *,
    case when direction in ('prefer_hubspot', 'always_hubspot') then 'hubspot' else 'salesforce' end as preferred_side,
    case
        when not hubspot_is_known or not salesforce_is_known then 'unknown_value'
        when agrees then 'agreed'
        when not has_base then 'first_sync'
        when hubspot_is_edited and salesforce_is_edited then 'conflict'
        when hubspot_is_edited then 'hubspot_only'
        when salesforce_is_edited then 'salesforce_only'
        when (base_mapping_hash is distinct from mapping_hash) then 'remapped'
        when not hubspot_is_edited and not salesforce_is_edited then 'unchanged'
        else 'unknown'
    end as change_state
from compared
