-- One row per record and object mapping that it falls under. Mappings that share a HubSpot object (contact and lead)
-- each have a row of its records; the one with the lower priority number comes first.
{{ config(materialized='view') }}

-- by side, so that records find their mappings by a hash and a condition on records reaches their table
with mapped_objects as (
    select object, hubspot_object, priority, 'hubspot' as side, hubspot_object as crm_object
    from {{ ref('stg_object_mappings') }}
    union all
    select object, hubspot_object, priority, 'salesforce' as side, salesforce_object as crm_object
    from {{ ref('stg_object_mappings') }}
)

select
    objects.object,
    objects.hubspot_object,
    objects.priority,
    records.side,
    records.crm_object,
    records.record_id,
    records.properties,
    records.modified_at,
    records.human_modified_at,
    records.is_deleted,
    -- a converted lead leads nowhere when contacts are not mapped
    case when records.becomes_crm_object is null or successors.object is not null then records.merged_into_id end
        as merged_into_id,
    successors.object as becomes_object,
    records.stored_id,
    records.loaded_at,
    records.is_read
from {{ ref('stg_records') }} as records
inner join mapped_objects as objects on records.side = objects.side and records.crm_object = objects.crm_object
left join {{ ref('stg_object_mappings') }} as successors
    on records.becomes_crm_object = successors.salesforce_object
    and objects.hubspot_object = successors.hubspot_object
