-- One row per link to decide or record to create, and active field mapping: both sides' own values, canonical.
-- Of a record that does not exist yet every value is unknown.
with subjects as (
    select link_id, object, hubspot_id, salesforce_id, 'link' as purpose from {{ ref('int_links_changed') }}
    union all
    select
        link_id,
        object,
        case when side = 'hubspot' then record_id end as hubspot_id,
        case when side = 'salesforce' then record_id end as salesforce_id,
        'create_in_' || target as purpose
    from {{ ref('int_create_candidates') }}
),

hubspot_values as (
    select * from {{ ref('int_values_exploded') }} where side = 'hubspot'
),

salesforce_values as (
    select * from {{ ref('int_values_exploded') }} where side = 'salesforce'
)

select
    subjects.link_id,
    subjects.object,
    subjects.hubspot_id,
    subjects.salesforce_id,
    subjects.purpose,
    mappings.hubspot_property,
    mappings.salesforce_field,
    hubspot_values.record_id is not null as hubspot_is_known,
    salesforce_values.record_id is not null as salesforce_is_known,
    hubspot_values.value as hubspot_raw,
    salesforce_values.value as salesforce_raw,
    {{ canonical_value('hubspot_values.value', 'mappings.hubspot_type') }} as hubspot_value,
    {{ canonical_value('salesforce_values.value', 'mappings.salesforce_type') }} as salesforce_value,
    case when mappings.kind = 'stage' then coalesce(pipelines.value, '') else '' end as hubspot_scope,
    case when mappings.kind = 'stage' then coalesce(record_types.value, '') else '' end as salesforce_scope
from subjects
inner join {{ ref('stg_field_mappings') }} as mappings
    on subjects.object = mappings.object and mappings.is_active
left join hubspot_values
    on subjects.object = hubspot_values.object
    and subjects.hubspot_id = hubspot_values.record_id
    and mappings.hubspot_property = hubspot_values.field
left join salesforce_values
    on subjects.object = salesforce_values.object
    and subjects.salesforce_id = salesforce_values.record_id
    and mappings.salesforce_field = salesforce_values.field
left join hubspot_values as pipelines
    on mappings.kind = 'stage'
    and subjects.object = pipelines.object
    and subjects.hubspot_id = pipelines.record_id
    and pipelines.field = 'pipeline'
left join salesforce_values as record_types
    on mappings.kind = 'stage'
    and subjects.object = record_types.object
    and subjects.salesforce_id = record_types.record_id
    and record_types.field = 'RecordTypeId'
