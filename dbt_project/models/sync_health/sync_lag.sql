-- One row per direction and day: seconds from a person's edit to the write that carried it over. What was edited
-- before its records were linked (first sync, creates) was not waiting for this sync and does not count.
{{ config(materialized='view') }}

with carried as (
    select
        case attempts.target when 'salesforce' then 'hubspot_to_salesforce' else 'salesforce_to_hubspot' end
            as direction,
        cast(date_trunc('day', attempts.outcome_at) as date) as day,
        date_diff('millisecond', attempts.source_modified_at, attempts.outcome_at) / 1000.0 as seconds
    from {{ source('journal', 'push_attempts') }} as attempts
    inner join {{ ref('links') }} as links on attempts.link_id = links.link_id
    where attempts.outcome = 'succeeded'
        and attempts.operation = 'update'
        and attempts.source_modified_at > links.linked_at
        and attempts.source_modified_at <= attempts.outcome_at
)

select
    direction,
    day,
    count(*) as records,
    quantile_cont(seconds, 0.5) as p50_seconds,
    quantile_cont(seconds, 0.95) as p95_seconds
from carried
group by direction, day
