-- One row per run and CRM: calls made, records read and written with them, and the share of the daily limit in use.
{{ config(materialized='view') }}

with usage as (
    select
        runs.run_id,
        runs.started_at,
        crm.key as crm,
        cast(crm.value ->> '$.calls' as bigint) as calls,
        cast(crm.value ->> '$.records' as bigint) as records,
        cast(crm.value ->> '$.daily_limit' as bigint) as daily_limit,
        cast(crm.value ->> '$.daily_used' as bigint) as daily_used,
        cast(crm.value ->> '$.writes' as bigint) as writes,
        cast(crm.value ->> '$.stale_checks' as bigint) as stale_checks,
        cast(crm.value ->> '$.read_backs' as bigint) as read_backs
    from {{ source('journal', 'runs') }} as runs
    cross join lateral json_each(runs.api_calls) as crm
    where runs.api_calls is not null
)

select
    run_id,
    started_at,
    crm,
    calls,
    records,
    round(calls / nullif(records, 0), 4) as calls_per_record,
    daily_limit,
    daily_used,
    round(daily_used / nullif(daily_limit, 0), 6) as share_used,
    writes,
    stale_checks,
    read_backs
from usage
