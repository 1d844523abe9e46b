-- One row per field of every operation: what is to be written, what is there now, where it comes from and why.
-- `is_sent` false: not written, but its value at the source belongs to what the record is created with.
with decisions as (
    select * from {{ ref('fields_decided') }}
    where target in ('hubspot', 'salesforce') and held_reason is null
    union all
    -- a merged set that either side lacks is two writes
    select * replace ('hubspot' as target) from {{ ref('fields_decided') }}
    where target = 'both' and held_reason is null
    union all
    select
        * replace (
            'salesforce' as target, merged_in_salesforce as target_value,
            source_value as previous_value, previous_value as source_value
        )
    from {{ ref('fields_decided') }}
    where target = 'both' and held_reason is null
),

decided as (
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

-- an amount and its currency code go in the same write: the code follows the amount, whoever would win it alone, and
-- where the code cannot be written the amount waits
amounts as (
    select distinct decided.link_id, decided.target
    from decided
    inner join {{ ref('stg_field_mappings') }} as mappings
        on mappings.is_currency
        and decided.object = mappings.object
        and decided.field
        = case decided.target when 'hubspot' then mappings.hubspot_property else mappings.salesforce_field end
),

codes_of_amounts as (
    select
        amounts.target,
        decisions.object,
        'update' as operation,
        decisions.link_id,
        decisions.hubspot_id,
        decisions.salesforce_id,
        case amounts.target when 'hubspot' then decisions.hubspot_property else decisions.salesforce_field end as field,
        case amounts.target when 'hubspot' then decisions.salesforce_field else decisions.hubspot_property end
            as source_field,
        coalesce(
            translations.to_value,
            case amounts.target when 'hubspot' then decisions.salesforce_value else decisions.hubspot_value end
        ) as value,
        case amounts.target when 'hubspot' then decisions.hubspot_value else decisions.salesforce_value end
            as previous_value,
        case amounts.target when 'hubspot' then decisions.salesforce_value else decisions.hubspot_value end
            as source_value,
        'currency_of_amount' as reason,
        (decisions.held_reason is null or (decisions.target is distinct from amounts.target)) as is_sent
    from amounts
    inner join {{ ref('fields_decided') }} as decisions
        on decisions.salesforce_field = 'CurrencyIsoCode'
        and amounts.link_id = decisions.link_id
        and (decisions.hubspot_value is distinct from decisions.salesforce_value)
    left join {{ ref('stg_translations') }} as translations
        on amounts.target = translations.toward
        and decisions.object = translations.object
        and decisions.hubspot_property = translations.hubspot_property
        and translations.from_value
        = case amounts.target when 'hubspot' then decisions.salesforce_value else decisions.hubspot_value end
    where decisions.change_state not in ('agreed', 'unknown_value')
        and case amounts.target when 'hubspot' then decisions.salesforce_value else decisions.hubspot_value end
        is not null
),

updates as (
    select decided.* from decided
    left join codes_of_amounts as codes on decided.link_id = codes.link_id
    left join {{ ref('stg_field_mappings') }} as mappings
        on mappings.is_currency
        and decided.object = mappings.object
        and decided.field
        = case decided.target when 'hubspot' then mappings.hubspot_property else mappings.salesforce_field end
    where codes.link_id is null
        or (mappings.is_currency and (codes.is_sent or decided.target <> codes.target))
        or (mappings.is_currency is null and decided.field not in (codes.field, codes.source_field))
    union all
    select * from codes_of_amounts
    where is_sent
),

-- a deal that moves to another pipeline takes the stage there that its Salesforce stage stands for
stages_of_moves as (
    select
        updates.* replace (
            'dealstage' as field,
            'StageName' as source_field,
            translations.to_value as value,
            stages.hubspot_value as previous_value,
            stages.salesforce_value as source_value,
            'stage_of_pipeline' as reason
        )
    from updates
    inner join {{ ref('fields_decided') }} as stages
        on updates.link_id = stages.link_id
        and stages.hubspot_property = 'dealstage'
        and stages.salesforce_field = 'StageName'
    inner join {{ ref('stg_translations') }} as translations
        on translations.kind = 'stage'
        and translations.toward = 'hubspot'
        and updates.object = translations.object
        and updates.value = translations.scope
        and stages.salesforce_value = translations.from_value
    where updates.target = 'hubspot'
        and updates.field = 'pipeline'
        and (translations.to_value is distinct from stages.hubspot_value)
        and updates.link_id not in (
            select staged.link_id from updates as staged where staged.target = 'hubspot' and staged.field = 'dealstage'
        )
),

set_updates as (
    select
        decisions.target,
        decisions.object,
        'associate' as operation,
        decisions.link_id,
        decisions.hubspot_id,
        decisions.salesforce_id,
        case decisions.target when 'hubspot' then decisions.hubspot_property else decisions.salesforce_field end
            as field,
        case decisions.target when 'hubspot' then decisions.salesforce_field else decisions.hubspot_property end
            as source_field,
        decisions.target_value as value,
        decisions.previous_value,
        decisions.source_value,
        decisions.reason,
        true as is_sent
    from {{ ref('reference_set_decisions') }} as decisions
    semi join (select * from {{ ref('links') }} where status = 'linked') as links
        on decisions.link_id = links.link_id
    semi join (select * from {{ ref('stg_field_mappings') }} where kind = 'reference_set' and is_active) as mappings
        on decisions.object = mappings.object
        and decisions.hubspot_property = mappings.hubspot_property
        and decisions.salesforce_field = mappings.salesforce_field
    where decisions.is_needed
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
    select
        link_id,
        object,
        target,
        hubspot_property,
        salesforce_field,
        image,
        true as has_source_value,
        problem is not null as is_held
    from {{ ref('int_create_values') }}
    union all
    select
        link_id,
        object,
        toward as target,
        hubspot_property,
        salesforce_field,
        image,
        problem is null as has_source_value,
        false as is_held
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
        -- of a value that is held back the base is blank: it stays an edit until it can be carried over
        case
            when images.is_held then null
            when creatable.target = 'hubspot' then paired.salesforce_raw
            else paired.hubspot_raw
        end as source_value,
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

-- the members of a record to come are joined to it once it is there
sets_of_creates as (
    select
        creatable.target,
        creatable.object,
        'associate' as operation,
        creatable.link_id,
        case when creatable.side = 'hubspot' then creatable.record_id end as hubspot_id,
        case when creatable.side = 'salesforce' then creatable.record_id end as salesforce_id,
        case creatable.target when 'hubspot' then members.hubspot_property else members.salesforce_field end as field,
        case creatable.target when 'hubspot' then members.salesforce_field else members.hubspot_property end
            as source_field,
        string_agg(
            case creatable.target when 'hubspot' then members.hubspot_id else members.salesforce_id end, ';'
            order by case creatable.target when 'hubspot' then members.hubspot_id else members.salesforce_id end
        ) as value,
        cast(null as varchar) as previous_value,
        string_agg(
            case creatable.target when 'hubspot' then members.salesforce_id else members.hubspot_id end, ';'
            order by case creatable.target when 'hubspot' then members.salesforce_id else members.hubspot_id end
        ) as source_value,
        'new_in_' || creatable.side as reason,
        true as is_sent
    from creatable
    inner join {{ ref('int_reference_members') }} as members
        on creatable.link_id = members.link_id
        and members.purpose = 'create_in_' || creatable.target
    where members.hubspot_id is not null and members.salesforce_id is not null
    group by all
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
),

-- where the mapping says so, a record follows its counterpart into the recycle bin
archives as (
    select
        case links.status when 'hubspot_deleted' then 'salesforce' else 'hubspot' end as target,
        links.object,
        'archive' as operation,
        links.link_id,
        links.hubspot_id,
        links.salesforce_id,
        '(record)' as field,
        cast(null as varchar) as source_field,
        cast(null as varchar) as value,
        cast(null as varchar) as previous_value,
        cast(null as varchar) as source_value,
        case links.status when 'hubspot_deleted' then 'deleted_in_hubspot' else 'deleted_in_salesforce' end as reason,
        false as is_sent
    from {{ ref('links') }} as links
    inner join {{ ref('stg_object_mappings') }} as objects on links.object = objects.object
    where (links.status = 'hubspot_deleted' and objects.on_hubspot_delete = 'delete')
        or (links.status = 'salesforce_deleted' and objects.on_salesforce_delete = 'delete')
)

select * from updates
union all
select * from stages_of_moves
union all
select * from set_updates
union all
select * from sets_of_creates
union all
select * from creates
union all
select * from pipelines_of_creates
union all
select * from stamps_of_creates
union all
select * from archives
