-- One row per record of a link to decide: may it write, judged by what it will hold once the values that win on the
-- other side have arrived. Otherwise a record that this run brings into scope would write only in the next one.
with arriving as (
    select
        winners.object,
        winners.target as side,
        case winners.target when 'hubspot' then winners.hubspot_id else winners.salesforce_id end as record_id,
        case winners.target when 'hubspot' then winners.hubspot_property else winners.salesforce_field end as property,
        winners.target_value as actual
    from {{ ref('int_field_winners') }} as winners
    inner join {{ ref('records_included') }} as sources
        on winners.object = sources.object
        and winners.winner = sources.side
        and sources.record_id
        = case winners.winner when 'hubspot' then winners.hubspot_id else winners.salesforce_id end
        and sources.is_included
    where winners.target is not null
        and winners.problem is null
        and exists (
            select 1
            from {{ ref('stg_inclusion_rules') }} as rules
            where rules.object = winners.object
                and rules.side = winners.target
                and rules.property
                = case winners.target when 'hubspot' then winners.hubspot_property else winners.salesforce_field end
        )
),

facts as (
    select
        records.object,
        records.side,
        records.record_id,
        rules.rule_group,
        rules.property,
        rules.operator,
        rules.value,
        rules.items,
        arriving.record_id is not null or json_exists(records.properties, '$."' || rules.property || '"') as is_present,
        case
            when arriving.record_id is not null then arriving.actual
            else nullif(trim(records.properties ->> ('$."' || rules.property || '"')), '')
        end as actual
    from {{ ref('int_mapped_records') }} as records
    semi join arriving as touched
        on records.object = touched.object
        and records.side = touched.side
        and records.record_id = touched.record_id
    inner join {{ ref('stg_inclusion_rules') }} as rules
        on records.object = rules.object and records.side = rules.side
    left join arriving
        on records.object = arriving.object
        and records.side = arriving.side
        and records.record_id = arriving.record_id
        and rules.property = arriving.property
),

{{ included_by_rules() }},

linked_records as (
    select object, 'hubspot' as side, hubspot_id as record_id from {{ ref('int_links_changed') }}
    union
    select object, 'salesforce' as side, salesforce_id as record_id from {{ ref('int_links_changed') }}
)

select
    linked_records.object,
    linked_records.side,
    linked_records.record_id,
    coalesce(scoped.is_included, included.is_included, false) as is_included
from linked_records
left join {{ ref('records_included') }} as included
    on linked_records.object = included.object
    and linked_records.side = included.side
    and linked_records.record_id = included.record_id
left join scoped
    on linked_records.object = scoped.object
    and linked_records.side = scoped.side
    and linked_records.record_id = scoped.record_id
