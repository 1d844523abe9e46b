-- One row per record to create: may it be created, or what keeps it waiting (held_reason and the field concerned).
with missing_unmapped as (
    select
        candidates.link_id,
        'required_field_missing' as problem,
        min(fields.field) as field
    from {{ ref('int_create_candidates') }} as candidates
    inner join {{ ref('stg_object_mappings') }} as objects on candidates.object = objects.object
    inner join {{ ref('stg_fields') }} as fields
        on candidates.target = fields.side
        and case candidates.target when 'hubspot' then objects.hubspot_object else objects.salesforce_object end
        = fields.crm_object
        and fields.is_required
        and fields.is_present
    where fields.field not in (
            select
                case candidates.target
                    when 'hubspot' then mappings.hubspot_property else mappings.salesforce_field
                end
            from {{ ref('stg_field_mappings') }} as mappings
            where mappings.object = candidates.object and mappings.is_active
        )
    group by candidates.link_id
),

-- a contact needs one of its e-mail and names, a company one of name and domain
nameless as (
    select
        candidates.link_id,
        'required_field_missing' as problem,
        string_agg(fields.field, ' / ' order by fields.field) as field
    from {{ ref('int_create_candidates') }} as candidates
    inner join {{ ref('stg_object_mappings') }} as objects on candidates.object = objects.object
    inner join {{ ref('stg_fields') }} as fields
        on fields.side = 'hubspot'
        and objects.hubspot_object = fields.crm_object
        and fields.is_required_in_part
        and fields.is_present
    left join {{ ref('int_create_values') }} as create_values
        on candidates.link_id = create_values.link_id
        and fields.field = create_values.field
    where candidates.target = 'hubspot'
    group by candidates.link_id
    having count(create_values.image) = 0
),

blocking as (
    select link_id, problem, field
    from {{ ref('int_create_values') }}
    where problem = 'unmapped_stage' or (problem is not null and is_required)
    union all
    select * from missing_unmapped
    union all
    select * from nameless
),

first_blocking as (
    select link_id, min_by(problem, field) as held_reason, min(field) as held_field
    from blocking
    group by link_id
)

select
    candidates.link_id,
    candidates.object,
    candidates.side,
    candidates.record_id,
    candidates.target,
    first_blocking.held_reason,
    first_blocking.held_field
from {{ ref('int_create_candidates') }} as candidates
left join first_blocking on candidates.link_id = first_blocking.link_id
