-- One row per link: the fields that were simply equal on both sides when it was decided last (`agreed`: by
-- mapping version, the value that both sides held). It is their base; of all other fields base_values tells.
-- A field that leaves is taken over by base_values, which is why that is built first.
{{ config(
    materialized='incremental', incremental_strategy='delete+insert', unique_key='link_id', full_refresh=false,
) }}

select
    agreeing.link_id,
    agreeing.object,
    agreeing.hubspot_id,
    agreeing.salesforce_id,
    agreeing.agreed,
    current_run.started_at as based_at,
    current_run.run_id
from {{ ref('int_links_agreeing') }} as agreeing
cross join {{ ref('stg_current_run') }} as current_run
{% if is_incremental() %}
left join {{ this }} as before on agreeing.link_id = before.link_id
where (before.link_id is not null or len(agreeing.agreed) > 0)
    and (
        before.agreed is distinct from agreeing.agreed
        or before.hubspot_id is distinct from agreeing.hubspot_id
        or before.salesforce_id is distinct from agreeing.salesforce_id
    )
{% else %}
where len(agreeing.agreed) > 0
{% endif %}
-- depends on: {{ ref('base_values') }}
