-- One row per field mapping: when it last began to look as it does, in the seeds or in the CRMs' metadata.
-- A mapping that changes makes every link of its object be decided again.
{{ config(
    materialized='incremental', incremental_strategy='delete+insert', full_refresh=false,
    unique_key=['object', 'hubspot_property', 'salesforce_field'],
) }}

select
    mappings.object,
    mappings.hubspot_property,
    mappings.salesforce_field,
    mappings.state_hash,
    current_run.started_at as changed_at
from {{ ref('stg_field_mappings') }} as mappings
cross join {{ ref('stg_current_run') }} as current_run
{% if is_incremental() %}
anti join {{ this }} as before
    on mappings.object = before.object
    and mappings.hubspot_property = before.hubspot_property
    and mappings.salesforce_field = before.salesforce_field
    and mappings.state_hash = before.state_hash
{% endif %}
