-- One row per record to decide and mapped field that is known of it; a null value is blank, a missing row is unknown.
-- What a write of ours has confirmed counts until a read shows a later state of the record.
with wanted as (
    select object, 'hubspot' as side, hubspot_id as record_id from {{ ref('int_links_changed') }}
    union
    select object, 'salesforce' as side, salesforce_id as record_id from {{ ref('int_links_changed') }}
    union
    select object, side, record_id from {{ ref('int_create_candidates') }}
),

mapped_fields as (
    select distinct object, 'hubspot' as side, hubspot_property as field from {{ ref('stg_field_mappings') }}
    where hubspot_is_present
    union
    select distinct object, 'salesforce' as side, salesforce_field as field from {{ ref('stg_field_mappings') }}
    where salesforce_is_present
    union
    select object, 'hubspot' as side, 'pipeline' as field from {{ ref('stg_object_mappings') }}
    union
    select object, 'salesforce' as side, 'RecordTypeId' as field from {{ ref('stg_object_mappings') }}
),

records as (
    select records.*
    from {{ ref('int_mapped_records') }} as records
    semi join wanted
        on records.object = wanted.object
        and records.side = wanted.side
        and records.record_id = wanted.record_id
),

read_values as (
    select
        records.object,
        records.side,
        records.record_id,
        member.key as field,
        member.value,
        1 as precedence
    from records
    cross join lateral {{ json_members('records.properties', 'member') }}
),

-- the primary association of a record; a record that was read has a known one, if only none
associated as (
    select
        records.object,
        records.side,
        records.record_id,
        fields.field,
        min(associations.to_id) as value,
        1 as precedence
    from records
    inner join mapped_fields as fields
        on records.object = fields.object and fields.side = 'hubspot' and fields.field like 'associations.%'
    left join {{ source('raw_hubspot', 'associations') }} as associations
        on records.crm_object = associations.from_object
        and records.record_id = associations.from_id
        and fields.field = 'associations.' || associations.to_object
        and associations.is_primary
        and associations.is_present
    where records.side = 'hubspot' and records.is_read
    group by records.object, records.side, records.record_id, fields.field
),

-- what the writes left in each field, the newest write first
written_values as (
    select
        records.object,
        records.side,
        records.record_id,
        member.key as field,
        member.value,
        0 as precedence
    from records
    inner join {{ source('journal', 'push_attempts') }} as written
        on written.outcome = 'succeeded'
        and records.side = written.target
        and records.crm_object = written.crm_object
        and records.record_id
        = case when records.side = 'hubspot' then written.hubspot_id else written.salesforce_id end
    cross join lateral {{ json_members('written.stored', 'member') }}
    where case
            when member.key like 'associations.%' then records.loaded_at <= written.outcome_at
            else records.modified_at < written.target_modified_at
                or (records.modified_at = written.target_modified_at and records.loaded_at <= written.outcome_at)
        end
    qualify row_number() over (
            partition by records.object, records.side, records.record_id, member.key
            order by written.outcome_at desc, written.attempt_id desc
        ) = 1
),

-- the id that a read or a write has given a record is known even before the record itself has been read
identities as (
    select object, side, record_id, 'Id' as field, record_id as value, 0 as precedence
    from records
    where side = 'salesforce'
),

all_values as (
    select * from identities
    union all
    select * from read_values
    union all
    select * from associated
    union all
    select * from written_values
)

select all_values.object, all_values.side, all_values.record_id, all_values.field, all_values.value
from all_values
semi join mapped_fields
    on all_values.object = mapped_fields.object
    and all_values.side = mapped_fields.side
    and all_values.field = mapped_fields.field
qualify row_number() over (
        partition by all_values.object, all_values.side, all_values.record_id, all_values.field
        order by all_values.precedence
    ) = 1
