-- One row per record to create and field mapping: the value to send, blank or not, and what is wrong with it.
-- A blank source takes the mapping's default; `now` is the moment of the run. A row that names the target's field only
-- is a constant. References are resolved by int_reference_images.
with creating as (
    select
        images.link_id,
        images.object,
        images.toward as target,
        images.hubspot_property,
        images.salesforce_field,
        case when images.toward = 'hubspot' then images.hubspot_property else images.salesforce_field end as field,
        images.image,
        images.problem,
        images.is_truncated,
        case images.toward when 'hubspot' then mappings.default_in_hubspot else mappings.default_in_salesforce end
            as default_value,
        case images.toward when 'hubspot' then mappings.hubspot_is_required else mappings.salesforce_is_required end
            as is_required,
        case images.toward when 'hubspot' then mappings.hubspot_is_createable else mappings.salesforce_is_createable end
            as is_createable,
        mappings.direction = 'always_' || images.toward as source_never_writes,
        case images.toward when 'hubspot' then mappings.hubspot_type else mappings.salesforce_type end as target_type
    from {{ ref('int_value_images') }} as images
    inner join {{ ref('stg_field_mappings') }} as mappings
        on images.object = mappings.object
        and images.hubspot_property = mappings.hubspot_property
        and images.salesforce_field = mappings.salesforce_field
    where images.purpose = 'create_in_' || images.toward and mappings.kind <> 'id'
),

constants as (
    select
        candidates.link_id,
        candidates.object,
        candidates.target,
        mappings.hubspot_property,
        mappings.salesforce_field,
        case candidates.target when 'hubspot' then mappings.hubspot_property else mappings.salesforce_field end
            as field,
        cast(null as varchar) as image,
        cast(null as varchar) as problem,
        false as is_truncated,
        case candidates.target when 'hubspot' then mappings.default_in_hubspot else mappings.default_in_salesforce end
            as default_value,
        false as is_required,
        case candidates.target
            when 'hubspot' then mappings.hubspot_is_createable
            else mappings.salesforce_is_createable
        end as is_createable,
        false as source_never_writes,
        case candidates.target when 'hubspot' then mappings.hubspot_type else mappings.salesforce_type end
            as target_type
    from {{ ref('int_create_candidates') }} as candidates
    inner join {{ ref('stg_field_mappings') }} as mappings
        on mappings.kind = 'constant'
        and mappings.is_active
        and candidates.object = mappings.object
        and case candidates.target when 'hubspot' then mappings.hubspot_property else mappings.salesforce_field end
        <> ''
),

all_values as (
    select * from creating
    union all
    select * from constants
),

run_times as (
    select {{ timestamp_text('started_at') }} as now_text from {{ ref('stg_current_run') }}
),

dated as (
    select
        all_values.* replace (
            case
                when all_values.default_value = 'now' and all_values.target_type = 'datetime' then run_times.now_text
                when all_values.default_value = 'now' and all_values.target_type = 'date'
                    then left(run_times.now_text, 10)
                else all_values.default_value
            end as default_value
        )
    from all_values
    cross join run_times
)

select
    * exclude (is_createable, source_never_writes, target_type)
    replace (
        case
            when problem is not null or not is_createable then null
            else coalesce(image, default_value)
        end as image,
        case
            when problem is not null then problem
            -- a field that only its own side may write is left to it without a word
            when not is_createable and image is not null and not source_never_writes then 'read_only_field'
            when is_required and is_createable and coalesce(image, default_value) is null then 'required_field_missing'
        end as problem
    )
from dated
