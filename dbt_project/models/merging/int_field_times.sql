-- One row per side, record and field whose history was read in this run, because a conflict hangs on it: when a
-- person last changed it. Only a history that ends in the value being decided counts; without one the record's time
-- does.
with current_run as (
    select * from {{ ref('stg_current_run') }}
),

hubspot_versions as (
    select
        'hubspot' as side,
        history.object as crm_object,
        history.id as record_id,
        history.property as field,
        history.changed_at,
        history.value,
        true as has_value
    from {{ source('raw_hubspot', 'property_history') }} as history
    cross join current_run
    where history.loaded_at > current_run.decided_at
),

-- the integration user's own writes are nobody's edit; long texts and multi-selects are tracked without their values
salesforce_versions as (
    select
        'salesforce' as side,
        history.object as crm_object,
        history.record_id,
        history.field,
        history.changed_at,
        history.new_value as value,
        history.new_value is not null or history.old_value is not null as has_value
    from {{ source('raw_salesforce', 'field_history') }} as history
    cross join current_run
    where history.loaded_at > current_run.decided_at
        and history.created_by_id not in (select org.user_id from {{ source('raw_salesforce', 'org') }} as org)
),

versions as (
    select * from hubspot_versions
    union all
    select * from salesforce_versions
)

select
    side,
    crm_object,
    record_id,
    field,
    max(changed_at) as edited_at,
    arg_max_null(value, changed_at) as value,
    max_by(has_value, changed_at) as has_value
from versions
group by side, crm_object, record_id, field
