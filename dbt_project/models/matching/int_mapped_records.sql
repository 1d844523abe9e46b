-- One row per record and object mapping that it falls under. Mappings that share a HubSpot object (contact and lead)
-- each have a row of its records; the one with the lower priority number comes first.
{{ config(materialized='view') }}

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
inner join {{ ref('stg_object_mappings') }} as objects
    on (records.side = 'hubspot' and records.crm_object = objects.hubspot_object)
    or (records.side = 'salesforce' and records.crm_object = objects.salesforce_object)
left join {{ ref('stg_object_mappings') }} as successors
    on records.becomes_crm_object = successors.salesforce_object
    and objects.hubspot_object = successors.hubspot_object
