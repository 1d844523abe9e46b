-- One row per direction and day: seconds from a person's edit to the write that carried it over, of updates only
-- (a create copies a record whose last edit may be years old).
select
    case target when 'salesforce' then 'hubspot_to_salesforce' else 'salesforce_to_hubspot' end as direction,
    cast(date_trunc('day', outcome_at) as date) as day,
    count(*) as records,
    quantile_cont(date_diff('millisecond', source_modified_at, outcome_at) / 1000.0, 0.5) as p50_seconds,
    quantile_cont(date_diff('millisecond', source_modified_at, outcome_at) / 1000.0, 0.95) as p95_seconds
from {{ source('journal', 'push_attempts') }}
where outcome = 'succeeded'
    and operation = 'update'
    and source_modified_at is not null
    and source_modified_at <= outcome_at
group by all
