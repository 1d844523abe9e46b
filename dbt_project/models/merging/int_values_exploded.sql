-- One row per record to decide and field to look at that is known of it; a null value is blank, a missing row is
-- unknown.
-- What a write of ours has confirmed counts until a read shows a later state of the record. Associations and junction
-- records move no time of their record, so theirs is when they themselves were read last.
with fields_to_decide as (
    {{ fields_to_decide() }}
),

-- a constant has one field only; a stage is judged within the pipeline or record type that its deal is in
wanted as (
    select object, 'hubspot' as side, hubspot_id as record_id, hubspot_property as field from fields_to_decide
    where hubspot_property <> ''
    union
    select object, 'salesforce' as side, salesforce_id as record_id, salesforce_field as field from fields_to_decide
    where salesforce_field <> ''
    union
    select object, 'hubspot' as side, hubspot_id as record_id, 'pipeline' as field from fields_to_decide
    where hubspot_property = 'dealstage'
    union
    select object, 'salesforce' as side, salesforce_id as record_id, 'RecordTypeId' as field from fields_to_decide
    where salesforce_field = 'StageName'
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
        wanted.field,
        records.properties ->> ('$."' || wanted.field || '"') as value,
        1 as precedence
    from records
    inner join wanted
        on records.object = wanted.object
        and records.side = wanted.side
        and records.record_id = wanted.record_id
    where json_exists(records.properties, '$."' || wanted.field || '"')
),

-- a reference and when its associations or junction records were read last; one that was never read is unknown
references_read as (
    select
        fields.object,
        sides.side,
        case sides.side when 'hubspot' then fields.hubspot_property else fields.salesforce_field end as field,
        replace(fields.hubspot_property, 'associations.', '') as to_object,
        fields.salesforce_field,
        coalesce(fields.has_primary, false) as has_primary,
        fields.kind = 'reference_set' as is_set,
        reads.loaded_at as references_loaded_at
    from {{ ref('stg_field_mappings') }} as fields
    inner join (select unnest(['hubspot', 'salesforce']) as side) as sides
        on (sides.side = 'hubspot' and fields.is_association)
        or (sides.side = 'salesforce' and fields.kind = 'reference_set')
    inner join {{ ref('stg_reads') }} as reads
        on sides.side = reads.side
        and case sides.side
            when 'hubspot' then fields.hubspot_object || '.' || fields.hubspot_property
            else fields.junction_object
        end = reads.object
),

-- the primary association of a record, the one that stands for all where there is no primary, or the whole set; a
-- record whose associations were read has a known value, if only none
associated as (
    select
        records.object,
        records.side,
        records.record_id,
        fields.field,
        case
            when bool_or(fields.is_set)
                then string_agg(distinct associations.to_id, ';' order by associations.to_id)
            else arg_min(
                    associations.to_id, coalesce(preferred.preference, 3) || lpad(associations.to_id, 24, '0')
                )
        end as value,
        1 as precedence
    from records
    inner join references_read as fields on records.object = fields.object and fields.side = 'hubspot'
    left join {{ source('raw_hubspot', 'associations') }} as associations
        on records.crm_object = associations.from_object
        and records.record_id = associations.from_id
        and fields.to_object = associations.to_object
        and (associations.is_primary or not fields.has_primary)
        and associations.is_present
    left join {{ ref('int_associations_preferred') }} as preferred
        on records.object = preferred.object
        and records.record_id = preferred.record_id
        and fields.field = preferred.field
        and associations.to_id = preferred.to_id
    where records.side = 'hubspot' and records.is_read
    group by records.object, records.side, records.record_id, fields.field
),

joined as (
    select
        records.object,
        records.side,
        records.record_id,
        fields.field,
        string_agg(distinct members.member_id, ';' order by members.member_id) as value,
        1 as precedence
    from records
    inner join references_read as fields on records.object = fields.object and fields.side = 'salesforce'
    left join {{ ref('stg_junction_members') }} as members
        on records.object = members.object
        and fields.field = members.salesforce_field
        and records.record_id = members.record_id
        and members.is_present
    where records.side = 'salesforce' and records.is_read
    group by records.object, records.side, records.record_id, fields.field
),

written as (
    select *, case target when 'hubspot' then hubspot_id else salesforce_id end as written_id
    from {{ source('journal', 'push_attempts') }}
    where outcome = 'succeeded'
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
    inner join written
        on records.side = written.target
        and records.crm_object = written.crm_object
        and records.record_id = written.written_id
    cross join lateral {{ json_members('written.stored', 'member') }}
    left join references_read as fields
        on records.object = fields.object
        and records.side = fields.side
        and member.key = fields.field
    where case
            when member.key like 'associations.%'
                then greatest(records.loaded_at, fields.references_loaded_at) <= written.outcome_at
            when fields.is_set then fields.references_loaded_at <= written.outcome_at
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
    select * from joined
    union all
    select * from written_values
)

select all_values.object, all_values.side, all_values.record_id, all_values.field, all_values.value
from all_values
semi join wanted
    on all_values.object = wanted.object
    and all_values.side = wanted.side
    and all_values.record_id = wanted.record_id
    and all_values.field = wanted.field
qualify row_number() over (
        partition by all_values.object, all_values.side, all_values.record_id, all_values.field
        order by all_values.precedence
    ) = 1
