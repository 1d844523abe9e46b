-- One row per wanted operation that a CRM has rejected (or that another record stood in the way of) and that is not due
-- yet: on_change waits until record or mapping change (then it is another operation), daily waits a day, never waits
-- for a person; retry is always due, and so is what a person has asked for since (crm-sync review --retry).
with latest as (
    select *
    from {{ source('journal', 'push_attempts') }}
    qualify row_number() over (partition by operation_id order by attempted_at desc, attempt_id desc) = 1
)

select
    operations.operation_id,
    coalesce(catalog.retry_policy, 'daily') as retry_policy,
    case when coalesce(catalog.retry_policy, 'daily') = 'daily' then latest.outcome_at + interval 1 day end
        as next_retry_at
from {{ ref('int_operations') }} as operations
inner join latest on operations.operation_id = latest.operation_id
left join {{ ref('error_catalog') }} as catalog
    on latest.target = catalog.target and latest.error_code = catalog.error_code
cross join {{ ref('stg_current_run') }} as current_run
anti join {{ source('journal', 'retry_requests') }} as requests
    on operations.target = requests.target
    and operations.link_id = requests.link_id
    and latest.outcome_at < requests.requested_at
where (latest.outcome = 'rejected' or (latest.outcome = 'stale' and latest.existing_id is not null))
    and case coalesce(catalog.retry_policy, 'daily')
        when 'retry' then false
        when 'daily' then latest.outcome_at + interval 1 day > current_run.started_at
        else true
    end
