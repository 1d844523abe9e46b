-- One row per link to decide or record to create, and field mapping to look at: both sides' own values, canonical.
-- Of a record that does not exist yet every value is unknown, and so is a reference to a kind of record that the
-- mapping does not refer to. A stage is translated within the pipeline or record type that its deal is to be in.
with subjects as (
    {{ fields_to_decide() }}
),

hubspot_values as (
    select * from {{ ref('int_values_exploded') }} where side = 'hubspot'
),

salesforce_values as (
    select * from {{ ref('int_values_exploded') }} where side = 'salesforce'
),

pipeline_translations as (
    select * from {{ ref('stg_translations') }}
    where kind = 'pipeline'
        and object in (select object from {{ ref('stg_field_mappings') }} where kind = 'pipeline' and is_active)
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
    salesforce_values.record_id is not null
    and not coalesce(
        mappings.salesforce_is_polymorphic and salesforce_values.value <> '' and referred.record_id is null, false
    ) as salesforce_is_known,
    hubspot_values.value as hubspot_raw,
    salesforce_values.value as salesforce_raw,
    {{ canonical_value('hubspot_values.value', 'mappings.hubspot_type') }} as hubspot_value,
    {{ canonical_value('salesforce_values.value', 'mappings.salesforce_type') }} as salesforce_value,
    case when mappings.kind = 'stage' then coalesce(to_pipelines.to_value, pipelines.value, '') else '' end
        as hubspot_scope,
    case when mappings.kind = 'stage' then coalesce(to_record_types.to_value, record_types.value, '') else '' end
        as salesforce_scope
from subjects
inner join {{ ref('stg_field_mappings') }} as mappings
    on subjects.object = mappings.object
    and subjects.hubspot_property = mappings.hubspot_property
    and subjects.salesforce_field = mappings.salesforce_field
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
left join pipeline_translations as to_pipelines
    on to_pipelines.toward = 'hubspot'
    and subjects.object = to_pipelines.object
    and record_types.value = to_pipelines.from_value
left join pipeline_translations as to_record_types
    on to_record_types.toward = 'salesforce'
    and subjects.object = to_record_types.object
    and pipelines.value = to_record_types.from_value
left join {{ ref('int_mapped_records') }} as referred
    on mappings.salesforce_is_polymorphic
    and referred.side = 'salesforce'
    and list_contains(string_split(mappings.references_object, ';'), referred.object)
    and salesforce_values.value = referred.record_id
