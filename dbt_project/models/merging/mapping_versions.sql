-- One row per field mapping and rules that it has ever had, with a number that stands for both: fields_agreed names
-- them millions of times.
{{ config(materialized='incremental', incremental_strategy='append', full_refresh=false) }}

select
    mappings.object,
    mappings.hubspot_property,
    mappings.salesforce_field,
    mappings.mapping_hash,
    cast(
        row_number() over (order by mappings.object, mappings.hubspot_property, mappings.salesforce_field)
        {% if is_incremental() %}
        + coalesce((select max(newest.mapping_version) from {{ this }} as newest), 0)
        {% endif %}
        as integer
    ) as mapping_version
from {{ ref('stg_field_mappings') }} as mappings
{% if is_incremental() %}
anti join {{ this }} as before
    on mappings.object = before.object
    and mappings.hubspot_property = before.hubspot_property
    and mappings.salesforce_field = before.salesforce_field
    and mappings.mapping_hash = before.mapping_hash
{% endif %}
