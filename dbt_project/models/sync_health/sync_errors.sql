-- One row per record and error that a CRM has answered with. It closes itself when the record goes through, or when
-- there is nothing left to write for it.
with attempts as (
    select
        *,
        row_number() over (
            partition by target, object, link_id, operation order by attempted_at desc, attempt_id desc
        ) = 1 as is_latest
    from {{ source('journal', 'push_attempts') }}
    where outcome is not null
        -- another record that stood in the way and became no counterpart is an error as well
        and (outcome not in ('stale', 'blocked') or (outcome = 'stale' and existing_id is not null))
),

failures as (
    select
        target,
        object,
        link_id,
        coalesce(error_code, upper(outcome)) as error_code,
        max_by(operation, attempted_at) as operation,
        max_by(coalesce(hubspot_id, case when target = 'hubspot' then record_id end), attempted_at) as hubspot_id,
        max_by(coalesce(salesforce_id, case when target = 'salesforce' then record_id end), attempted_at)
            as salesforce_id,
        max_by(message, attempted_at) as message,
        max_by(changes, attempted_at) as payload,
        max_by(outcome, attempted_at) as outcome,
        max_by(operation_id, attempted_at) as operation_id,
        max_by(run_id, attempted_at) as run_id,
        count(*) as attempts,
        min(attempted_at) as first_seen_at,
        max(attempted_at) as last_seen_at,
        bool_or(is_latest) as is_latest
    from attempts
    where outcome <> 'succeeded'
    group by target, object, link_id, coalesce(error_code, upper(outcome))
)

select
    failures.target,
    failures.object,
    failures.operation,
    failures.hubspot_id,
    failures.salesforce_id,
    failures.error_code,
    coalesce(catalog.error_class, case when failures.outcome in ('rejected', 'stale') then 'other' else 'transient' end)
        as error_class,
    failures.message,
    coalesce(catalog.cause, 'The CRM refused the record; its message says why') as cause,
    coalesce(catalog.fix, 'Read the message; correct the record or the mapping') as fix,
    failures.attempts,
    failures.first_seen_at,
    failures.last_seen_at,
    case
        when failures.is_latest and wanted.link_id is not null then 'open'
        else 'closed'
    end as status,
    coalesce(catalog.retry_policy, case when failures.outcome in ('rejected', 'stale') then 'daily' else 'retry' end)
        as retry_policy,
    waiting.next_retry_at,
    failures.payload,
    failures.link_id,
    failures.run_id
from failures
left join {{ ref('error_catalog') }} as catalog
    on failures.target = catalog.target and failures.error_code = catalog.error_code
left join (select distinct target, object, link_id, operation from {{ ref('int_operations') }}) as wanted
    on failures.target = wanted.target
    and failures.object = wanted.object
    and failures.link_id = wanted.link_id
    and failures.operation = wanted.operation
left join {{ ref('int_operations_waiting') }} as waiting on failures.operation_id = waiting.operation_id
where failures.outcome <> 'stale' or wanted.link_id is not null
