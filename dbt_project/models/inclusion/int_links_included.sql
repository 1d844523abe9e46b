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

arriving_values as (
    select object, side, record_id, map(list(property), list(actual)) as arriving
    from arriving
    group by object, side, record_id
),

facts as (
    select
        records.object,
        records.side,
        records.record_id,
        records.properties,
        arriving_values.arriving
    from {{ ref('int_mapped_records') }} as records
    inner join arriving_values
        on records.object = arriving_values.object
        and records.side = arriving_values.side
        and records.record_id = arriving_values.record_id
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
