-- Both CRMs' records in one shape, with the records that this sync has created and no read has shown yet.
-- `human_modified_at` is the last modification that does not stem from a write of ours.
with read_records as (
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
        loaded_at
    from {{ source('raw_hubspot', 'records') }}
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
        coalesce(is_deleted, false) as is_deleted,
        merged_into_id,
        loaded_at
    from {{ source('raw_salesforce', 'records') }}
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
        written.outcome_at as loaded_at,
        false as is_read
    from {{ ref('stg_written_records') }} as written
    where written.is_created
        and not exists (
            select 1
            from read_records
            where read_records.side = written.side
                and read_records.crm_object = written.crm_object
                and read_records.record_id = written.record_id
        )
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
    read_records.is_deleted,
    read_records.merged_into_id,
    read_records.loaded_at,
    true as is_read
from read_records
cross join integration_user
left join {{ ref('stg_written_records') }} as written
    on read_records.side = written.side
    and read_records.crm_object = written.crm_object
    and read_records.record_id = written.record_id
union all
select * from created_unread
