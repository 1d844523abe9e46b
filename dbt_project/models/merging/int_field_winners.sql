-- One row per link to decide and active field mapping: which side wins, and what would be written where, before
-- anybody has asked whether the winner's record is in scope. Under `union` both sides may win: then `target_value`
-- and `previous_value` are HubSpot's.
with compared as (
    select * from {{ ref('int_field_values_compared') }}
),

-- an analyst's word on a conflict counts until the base moves past it
resolved as (
    select
        compared.link_id,
        compared.hubspot_property,
        compared.salesforce_field,
        max_by(resolutions.winner, resolutions.first_seen_at) as winner
    from compared
    inner join {{ ref('int_resolutions_dated') }} as resolutions
        on compared.object = resolutions.object
        and compared.hubspot_property = resolutions.hubspot_property
        and compared.hubspot_id = coalesce(resolutions.hubspot_id, compared.hubspot_id)
        and left(compared.salesforce_id, 15) = left(coalesce(resolutions.salesforce_id, compared.salesforce_id), 15)
        and resolutions.first_seen_at > compared.based_at
    where compared.change_state = 'conflict'
    group by compared.link_id, compared.hubspot_property, compared.salesforce_field
),

merged as (
    select
        compared.*,
        resolved.winner as resolved_winner,
        case
            when compared.change_state = 'conflict' and compared.conflict_rule = 'union'
                then {{ merge_sets(
                    'compared.base_hubspot_value', 'compared.hubspot_value', 'compared.image_in_hubspot'
                ) }}
        end as merged_in_hubspot,
        case
            when compared.change_state = 'conflict' and compared.conflict_rule = 'union'
                then {{ merge_sets(
                    'compared.base_salesforce_value', 'compared.image_in_salesforce', 'compared.salesforce_value'
                ) }}
        end as merged_in_salesforce
    from compared
    left join resolved
        on compared.link_id = resolved.link_id
        and compared.hubspot_property = resolved.hubspot_property
        and compared.salesforce_field = resolved.salesforce_field
),

weighed as (
    select
        *,
        coalesce(merged_in_hubspot, '') <> coalesce(hubspot_value, '') as hubspot_gains,
        coalesce(merged_in_salesforce, '') <> coalesce(salesforce_value, '') as salesforce_gains
    from merged
),

ruled as (
    select
        *,
        case when change_state = 'conflict' then {{ wins_by_rule() }} end as winner_by_rule
    from weighed
),

won as (
    select
        * exclude (winner_by_rule, resolved_winner, hubspot_gains, salesforce_gains),
        winner_by_rule is null and resolved_winner is not null as is_resolved,
        case
            when change_state in ('unknown_value', 'agreed', 'unchanged', 'unknown') then null
            -- sets merge member by member: reference_set_decisions
            when salesforce_field like '%.%' and direction not like 'always%'
                then case change_state when 'hubspot_only' then 'hubspot' when 'salesforce_only' then 'salesforce' end
            when direction = 'always_hubspot' then 'hubspot'
            when direction = 'always_salesforce' then 'salesforce'
            when change_state in ('first_sync', 'remapped') and hubspot_value is null then 'salesforce'
            when change_state in ('first_sync', 'remapped') and salesforce_value is null then 'hubspot'
            when change_state in ('first_sync', 'remapped') and direction = 'two_way' then {{ most_recent_side() }}
            when change_state in ('first_sync', 'remapped') then preferred_side
            when change_state = 'hubspot_only' then 'hubspot'
            when change_state = 'salesforce_only' then 'salesforce'
            when change_state = 'conflict' then coalesce(winner_by_rule, resolved_winner)
        end as winner
    from ruled
),

reasoned as (
    select
        *,
        {{ decision_reason() }} as reason,
        coalesce(winner = 'both', false) as is_merged
    from won
)

select
    reasoned.*,
    case
        when mappings.kind = 'reference_set' then null
        when reasoned.winner = 'hubspot' then 'salesforce'
        when reasoned.winner = 'salesforce' then 'hubspot'
        when reasoned.winner = 'both' then 'both'
    end as target,
    case
        when reasoned.winner = 'both' then reasoned.merged_in_hubspot
        when reasoned.winner = 'hubspot' then reasoned.image_in_salesforce
        when reasoned.winner = 'salesforce' then reasoned.image_in_hubspot
    end as target_value,
    case reasoned.winner when 'hubspot' then reasoned.salesforce_raw when 'salesforce' then reasoned.hubspot_raw
        when 'both' then reasoned.hubspot_raw
    end as previous_value,
    case reasoned.winner when 'hubspot' then reasoned.hubspot_raw when 'salesforce' then reasoned.salesforce_raw
        when 'both' then reasoned.salesforce_raw
    end as source_value,
    case
        when mappings.kind = 'reference_set' then null
        when reasoned.change_state = 'conflict' and reasoned.winner is null then 'held_for_review'
        when reasoned.change_state = 'unchanged' and reasoned.base_origin = 'ignored' then 'ignored_write'
        when reasoned.winner in ('hubspot', 'both') and reasoned.problem_in_salesforce is not null
            then reasoned.problem_in_salesforce
        when reasoned.winner in ('salesforce', 'both') and reasoned.problem_in_hubspot is not null
            then reasoned.problem_in_hubspot
        when reasoned.winner in ('hubspot', 'both') and not mappings.salesforce_is_updateable then 'read_only_field'
        when reasoned.winner in ('salesforce', 'both') and not mappings.hubspot_is_updateable then 'read_only_field'
        when reasoned.winner = 'hubspot'
            and reasoned.image_in_salesforce is null
            and not mappings.salesforce_is_nillable
            then 'required_field_missing'
        when reasoned.winner = 'salesforce'
            and reasoned.image_in_hubspot is null
            and not mappings.hubspot_is_nillable
            then 'required_field_missing'
    end as problem
from reasoned
inner join {{ ref('stg_field_mappings') }} as mappings
    on reasoned.object = mappings.object
    and reasoned.hubspot_property = mappings.hubspot_property
    and reasoned.salesforce_field = mappings.salesforce_field
