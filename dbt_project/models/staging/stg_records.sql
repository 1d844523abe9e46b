-- Both CRMs' records in one shape, with the records that this sync has created and no read has shown yet.
-- `merged_into_id` is the last survivor of a chain of merges; a converted lead is a record that was merged into the
-- contact it became (`becomes_crm_object`).
-- `human_modified_at` is the last modification that does not stem from a write of ours, `stored_id` the id of the other
-- CRM that the record holds.
{{ config(materialized='by_record', recomputed_for='int_records_touched') }}

with read_records as not materialized (
    select
        'hubspot' as side,
        object as crm_object,
        id as record_id,
        properties,
        created_at,
        modified_at,
        human_time,
        cast(null as varchar) as last_modified_by,
        coalesce(is_deleted, false) as is_deleted,
        merged_into_id,
        cast(null as varchar) as becomes_crm_object,
        {{ json_text('properties', 'salesforce_record_id') }} as stored_id,
        loaded_at
    from {{ source('raw_hubspot', 'records') }} as records
    {% if recomputes_some() %}
    semi join {{ ref('int_records_touched') }} as touched
        on touched.side = 'hubspot' and records.id = touched.record_id
    {% endif %}
    union all
    select
        'salesforce' as side,
        object as crm_object,
        id as record_id,
        properties,
        created_at,
        modified_at,
        human_time,
        last_modified_by,
        coalesce(is_deleted, false) or {{ is_converted_lead() }} as is_deleted,
        case
            when {{ is_converted_lead() }} then {{ json_text('properties', 'ConvertedContactId') }}
            else merged_into_id
        end as merged_into_id,
        case when {{ is_converted_lead() }} then 'Contact' end as becomes_crm_object,
        {{ json_text('properties', 'HubSpot_Record_ID__c') }} as stored_id,
        loaded_at
    from {{ source('raw_salesforce', 'records') }} as records
    {% if recomputes_some() %}
    semi join {{ ref('int_records_touched') }} as touched
        on touched.side = 'salesforce' and records.id = touched.record_id
    {% endif %}
),

-- what this sync has deleted is gone, whether or not a read has shown it yet
archived as (
    select target as side, crm_object, record_id, max(outcome_at) as archived_at
    from {{ source('journal', 'push_attempts') }}
    where operation = 'archive' and outcome = 'succeeded'
    group by target, crm_object, record_id
),

merged_records as (
    select side, crm_object, record_id, coalesce(becomes_crm_object, crm_object) as into_object, merged_into_id
    from read_records
    where merged_into_id is not null
    {% if recomputes_some() %}
    -- a lead may have become a contact that was merged long ago
    union
    select 'salesforce' as side, object as crm_object, id as record_id, object as into_object, merged_into_id
    from {{ source('raw_salesforce', 'records') }}
    where merged_into_id is not null and object <> 'Lead'
    {% endif %}
),

-- a merge of a merge of a merge: four steps at the most between two passes
survivors as (
    select
        first.side,
        first.crm_object,
        first.record_id,
        coalesce(fourth.merged_into_id, third.merged_into_id, second.merged_into_id, first.merged_into_id)
            as survivor_id,
        coalesce(fourth.into_object, third.into_object, second.into_object, first.into_object) as survivor_object
    from merged_records as first
    left join merged_records as second
        on first.side = second.side
        and first.into_object = second.crm_object
        and first.merged_into_id = second.record_id
    left join merged_records as third
        on second.side = third.side
        and second.into_object = third.crm_object
        and second.merged_into_id = third.record_id
    left join merged_records as fourth
        on third.side = fourth.side
        and third.into_object = fourth.crm_object
        and third.merged_into_id = fourth.record_id
),

integration_user as (
    select max(user_id) as user_id from {{ source('raw_salesforce', 'org') }}
),

created_unread as (
    select
        written.side,
        written.crm_object,
        written.record_id,
        cast('{}' as json) as properties,
        written.outcome_at as created_at,
        written.target_modified_at as modified_at,
        cast(null as timestamptz) as human_modified_at,
        false as is_deleted,
        cast(null as varchar) as merged_into_id,
        cast(null as varchar) as becomes_crm_object,
        cast(null as varchar) as stored_id,
        written.outcome_at as loaded_at,
        false as is_read
    from {{ ref('stg_written_records') }} as written
    {{ only_recomputed('written', 'int_records_touched') }}
    anti join {{ source('raw_hubspot', 'records') }} as hubspot_records
        on written.side = 'hubspot'
        and written.crm_object = hubspot_records.object
        and written.record_id = hubspot_records.id
    anti join {{ source('raw_salesforce', 'records') }} as salesforce_records
        on written.side = 'salesforce'
        and written.crm_object = salesforce_records.object
        and written.record_id = salesforce_records.id
    where written.is_created
)

select
    read_records.side,
    read_records.crm_object,
    read_records.record_id,
    read_records.properties,
    read_records.created_at,
    read_records.modified_at,
    case
        -- Salesforce says who; of HubSpot it is known by the time that the write left behind
        when read_records.last_modified_by is not null
            then case
                    when read_records.last_modified_by = integration_user.user_id then written.human_modified_at
                    else read_records.human_time
                end
        when written.target_modified_at >= read_records.human_time then written.human_modified_at
        else read_records.human_time
    end as human_modified_at,
    read_records.is_deleted or coalesce(archived.archived_at > read_records.loaded_at, false) as is_deleted,
    survivors.survivor_id as merged_into_id,
    case when survivors.survivor_object <> read_records.crm_object then survivors.survivor_object end
        as becomes_crm_object,
    read_records.stored_id,
    read_records.loaded_at,
    true as is_read
from read_records
cross join integration_user
left join archived
    on read_records.side = archived.side
    and read_records.crm_object = archived.crm_object
    and read_records.record_id = archived.record_id
left join survivors
    on read_records.side = survivors.side
    and read_records.crm_object = survivors.crm_object
    and read_records.record_id = survivors.record_id
left join {{ ref('stg_written_records') }} as written
    on read_records.side = written.side
    and read_records.crm_object = written.crm_object
    and read_records.record_id = written.record_id
union all
select * from created_unread
