-- One row per reconcile, object and kind of drift: how many records incremental reads had missed. Rows with no records
-- say that somebody has looked.
{{ config(materialized='view') }}

with found as (
    select 'hubspot' as crm, * from {{ source('raw_hubspot', 'drift') }}
    union all
    select 'salesforce' as crm, * from {{ source('raw_salesforce', 'drift') }}
)

select
    runs.run_id,
    found.crm,
    found.object as crm_object,
    found.kind,
    found.records,
    found.compared,
    found.examples,
    found.loaded_at as reconciled_at
from found
-- the run that read it: the last one that had begun by then
left join {{ source('journal', 'runs') }} as runs on found.loaded_at >= runs.started_at
qualify row_number() over (
        partition by found.crm, found.object, found.kind, found.loaded_at
        order by runs.started_at desc
    ) = 1
