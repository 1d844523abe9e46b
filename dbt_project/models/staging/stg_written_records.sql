-- The newest confirmed write of ours per record: what it left behind, and who had edited the record before it.
-- Reads may lag behind writes (HubSpot's search is eventually consistent), so the record's state is what a write
-- has confirmed until a read shows a later one.
with succeeded as (
    select
        target as side,
        crm_object,
        case when target = 'hubspot' then hubspot_id else salesforce_id end as record_id,
        operation,
        attempt_id,
        run_id,
        stored,
        attempted_at,
        outcome_at,
        target_modified_at,
        human_modified_at,
        link_id,
        object
    from {{ source('journal', 'push_attempts') }}
    where outcome = 'succeeded' and operation <> 'archive'
)

select * from succeeded
where record_id is not null
qualify row_number() over (
    partition by side, crm_object, record_id
    order by target_modified_at desc nulls last, outcome_at desc, attempt_id desc
) = 1
