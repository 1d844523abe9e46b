-- One row per junction record of a many-valued reference: which record it makes a member of which. One that was deleted
-- stays with is_present = false.
{{ config(materialized='view') }}

select
    mappings.object,
    mappings.salesforce_field,
    records.properties ->> ('$."' || mappings.parent_field || '"') as record_id,
    records.properties ->> ('$."' || mappings.member_field || '"') as member_id,
    not coalesce(records.is_deleted, false) as is_present,
    records.loaded_at
from {{ source('raw_salesforce', 'records') }} as records
inner join {{ ref('stg_field_mappings') }} as mappings
    on records.object = mappings.junction_object
    and mappings.kind = 'reference_set'
    and mappings.is_active
