-- One row per record and object mapping that it falls under.
{{ config(materialized='view') }}

select
    objects.object,
    records.side,
    records.crm_object,
    records.record_id,
    records.properties,
    records.modified_at,
    records.human_modified_at,
    records.is_deleted,
    records.merged_into_id,
    records.loaded_at,
    records.is_read
from {{ ref('stg_records') }} as records
inner join {{ ref('stg_object_mappings') }} as objects
    on (records.side = 'hubspot' and records.crm_object = objects.hubspot_object)
    or (records.side = 'salesforce' and records.crm_object = objects.salesforce_object)
