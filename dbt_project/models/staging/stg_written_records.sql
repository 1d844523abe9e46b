-- One row per record that this sync has written to: its newest confirmed write, and who had edited it before.
-- Reads may lag behind writes (HubSpot's search is eventually consistent), so a record's state is what the writes have
-- confirmed until a read shows a later one.
{{ config(materialized='by_record', recomputed_for='int_records_touched') }}

select
    target as side,
    crm_object,
    case when target = 'hubspot' then hubspot_id else salesforce_id end as record_id,
    bool_or(operation = 'create') as is_created,
    max(target_modified_at) as target_modified_at,
    max(outcome_at) as outcome_at,
    max_by(human_modified_at, outcome_at) filter (where human_modified_at is not null) as human_modified_at
from {{ source('journal', 'push_attempts') }}
where outcome = 'succeeded'
    and operation <> 'archive'
    and case when target = 'hubspot' then hubspot_id else salesforce_id end is not null
    {% if recomputes_some() %}
    and (target, case when target = 'hubspot' then hubspot_id else salesforce_id end)
    in (select (touched.side, touched.record_id) from {{ ref('int_records_touched') }} as touched)
    {% endif %}
group by all
