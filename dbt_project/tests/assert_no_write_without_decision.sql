-- Guards that the push writes what was decided and nothing else: every field of every update stems from a decision for
-- the other side that nothing holds back, with that very value, or is the id of the record that this run creates; every
-- set is the one that was decided on, or joins the members of a new record. A currency code goes with its amount and a
-- stage with its pipeline.
with fields as (
    select
        'hubspot' as target,
        diff.link_id,
        diff.object,
        member.key as field,
        diff.changes ->> ('$."' || member.key || '"') as value,
        diff.reasons ->> ('$."' || member.key || '"') as reason
    from {{ ref('diff_hubspot') }} as diff
    cross join lateral json_each(diff.previous) as member
    where diff.operation in ('update', 'associate')
    union all
    select
        'salesforce' as target,
        diff.link_id,
        diff.object,
        member.key as field,
        diff.changes ->> ('$."' || member.key || '"') as value,
        diff.reasons ->> ('$."' || member.key || '"') as reason
    from {{ ref('diff_salesforce') }} as diff
    cross join lateral json_each(diff.previous) as member
    where diff.operation in ('update', 'associate')
)

select fields.target, fields.link_id, fields.object, fields.field, fields.value
from fields
where not exists (
        select 1
        from {{ ref('fields_decided') }} as decisions
        where decisions.link_id = fields.link_id
            and (decisions.target = fields.target or decisions.target = 'both')
            and decisions.winner <> fields.target
            and decisions.held_reason is null
            and fields.field
            = case fields.target when 'hubspot' then decisions.hubspot_property else decisions.salesforce_field end
            and (
                left(decisions.target_value, 1) = '@'
                or fields.value is not distinct from case
                    when decisions.target = 'both' and fields.target = 'salesforce' then decisions.merged_in_salesforce
                    else decisions.target_value
                end
            )
    )
    and not exists (
        select 1
        from {{ ref('reference_set_decisions') }} as decisions
        where decisions.link_id = fields.link_id
            and decisions.target = fields.target
            and decisions.is_needed
            and fields.field
            = case fields.target when 'hubspot' then decisions.hubspot_property else decisions.salesforce_field end
            and (decisions.target_value is not distinct from fields.value or left(decisions.target_value, 1) = '@')
    )
    and not exists (
        select 1
        from {{ ref('int_creates_checked') }} as creates
        where creates.link_id = fields.link_id and creates.target = fields.target and contains(fields.field, '.')
    )
    and not exists (
        select 1
        from {{ ref('fields_decided') }} as decisions
        where decisions.link_id = fields.link_id
            and decisions.target = fields.target
            and fields.reason in ('currency_of_amount', 'stage_of_pipeline')
    )
    and not exists (
        select 1
        from {{ ref('int_creates_checked') }} as creates
        where creates.link_id = fields.link_id
            and creates.target = 'salesforce'
            and fields.target = 'hubspot'
            and fields.field = 'salesforce_record_id'
    )
