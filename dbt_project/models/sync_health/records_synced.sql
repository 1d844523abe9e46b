-- One row per object, direction and operation: how many records were written, ever and by the newest run that wrote.
{{ config(materialized='view') }}

with written as (
    select
        object,
        case target when 'salesforce' then 'hubspot_to_salesforce' else 'salesforce_to_hubspot' end as direction,
        operation,
        run_id,
        link_id,
        outcome_at
    from {{ source('journal', 'push_attempts') }}
    where outcome = 'succeeded'
),

newest_run as (
    select run_id from written
    order by outcome_at desc
    limit 1
)

select
    object,
    direction,
    operation,
    count(*) as records,
    count(*) filter (where run_id in (select newest_run.run_id from newest_run)) as records_in_newest_run,
    min(outcome_at) as first_seen_at,
    max(outcome_at) as last_seen_at
from written
group by object, direction, operation
