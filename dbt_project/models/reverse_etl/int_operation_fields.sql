-- One row per field of every operation: what is to be written, what is there now, where it comes from and why.
-- `is_sent` false: not written, but its value at the source belongs to what the record is created with.
with decisions as (
    select * from {{ ref('field_decisions') }}
    where target in ('hubspot', 'salesforce') and held_reason is null
    union all
    -- a merged set that either side lacks is two writes
    select * replace ('hubspot' as target) from {{ ref('field_decisions') }}
    where target = 'both' and held_reason is null
    union all
    select
        * replace (
            'salesforce' as target, merged_in_salesforce as target_value,
            source_value as previous_value, previous_value as source_value
        )
    from {{ ref('field_decisions') }}
    where target = 'both' and held_reason is null
),

updates as (
    select
        decisions.target,
        decisions.object,
        case when decisions.target = 'hubspot' and decisions.hubspot_property like 'associations.%'
                then 'associate'
            else 'update'
        end as operation,
        decisions.link_id,
        decisions.hubspot_id,
        decisions.salesforce_id,
        case decisions.target when 'hubspot' then decisions.hubspot_property else decisions.salesforce_field end
            as field,
        -- a merged set is nobody's value: base_values takes what both sides have stored of it
        case
            when decisions.is_merged then null
            when decisions.target = 'hubspot' then decisions.salesforce_field
            else decisions.hubspot_property
        end as source_field,
        decisions.target_value as value,
        decisions.previous_value,
        decisions.source_value,
        decisions.reason,
        true as is_sent
    from decisions
    semi join (select * from {{ ref('links') }} where status = 'linked') as links
        on decisions.link_id = links.link_id
),

references_of_creates as (
    select * from {{ ref('int_reference_images') }} where purpose = 'create_in_' || toward
),

creatable as (
    select * from {{ ref('int_creates_checked') }}
    where held_reason is null
        and link_id not in (select link_id from references_of_creates where problem = 'blocked')
),

values_of_creates as (
    select link_id, object, target, hubspot_property, salesforce_field, image, true as has_source_value
    from {{ ref('int_create_values') }}
    union all
    select
        link_id,
        object,
        toward as target,
        hubspot_property,
        salesforce_field,
        image,
        problem is null as has_source_value
    from references_of_creates
),

creates as (
    select
        creatable.target,
        creatable.object,
        'create' as operation,
        creatable.link_id,
        case when creatable.side = 'hubspot' then creatable.record_id end as hubspot_id,
        case when creatable.side = 'salesforce' then creatable.record_id end as salesforce_id,
        case creatable.target when 'hubspot' then images.hubspot_property else images.salesforce_field end as field,
        case creatable.target when 'hubspot' then images.salesforce_field else images.hubspot_property end
            as source_field,
        images.image as value,
        cast(null as varchar) as previous_value,
        case creatable.target when 'hubspot' then paired.salesforce_raw else paired.hubspot_raw end as source_value,
        'new_in_' || creatable.side as reason,
        images.image is not null as is_sent
    from creatable
    inner join values_of_creates as images
        on creatable.link_id = images.link_id and creatable.target = images.target
    inner join {{ ref('int_values_paired') }} as paired
        on images.link_id = paired.link_id
        and images.hubspot_property = paired.hubspot_property
        and images.salesforce_field = paired.salesforce_field
    where images.has_source_value
),

-- a new deal takes the pipeline that its stage belongs to
pipelines_of_creates as (
    select
        creates.* replace (
            'pipeline' as field,
            pipelines.pipeline_id as value,
            null as source_field,
            null as source_value
        )
    from creates
    inner join (
        select distinct stage_id, pipeline_id from {{ source('raw_hubspot', 'pipelines') }} where object = 'deals'
    ) as pipelines
        on creates.value = pipelines.stage_id
    where creates.target = 'hubspot' and creates.field = 'dealstage' and creates.is_sent
        and creates.link_id not in (
            select piped.link_id from creates as piped where piped.field = 'pipeline' and piped.is_sent
        )
),

-- the HubSpot record of a link to come gets the id of the Salesforce record that this run creates
stamps_of_creates as (
    select
        'hubspot' as target,
        object,
        'update' as operation,
        link_id,
        record_id as hubspot_id,
        cast(null as varchar) as salesforce_id,
        'salesforce_record_id' as field,
        'Id' as source_field,
        '@' || link_id as value,
        cast(null as varchar) as previous_value,
        cast(null as varchar) as source_value,
        'new_in_hubspot' as reason,
        true as is_sent
    from creatable
    where target = 'salesforce'
)

select * from updates
union all
select * from creates
union all
select * from pipelines_of_creates
union all
select * from stamps_of_creates
