-- One row per link to decide and active field mapping: which side wins, and what would be written where, before
-- anybody has asked whether the winner's record is in scope.
with won as (
    select
        *,
        case
            when change_state in ('unknown_value', 'agreed', 'unchanged', 'unknown') then null
            when direction = 'always_hubspot' then 'hubspot'
            when direction = 'always_salesforce' then 'salesforce'
            when change_state in ('first_sync', 'remapped') and hubspot_value is null then 'salesforce'
            when change_state in ('first_sync', 'remapped') and salesforce_value is null then 'hubspot'
            when change_state in ('first_sync', 'remapped') and direction = 'two_way' then {{ most_recent_side() }}
            when change_state in ('first_sync', 'remapped') then preferred_side
            when change_state = 'hubspot_only' then 'hubspot'
            when change_state = 'salesforce_only' then 'salesforce'
            when change_state = 'conflict' then {{ wins_by_rule() }}
        end as winner
    from {{ ref('int_field_values_compared') }}
),

reasoned as (
    select
        *,
        {{ decision_reason() }} as reason
    from won
)

select
    reasoned.*,
    case reasoned.winner when 'hubspot' then 'salesforce' when 'salesforce' then 'hubspot' end as target,
    case reasoned.winner
        when 'hubspot' then reasoned.image_in_salesforce
        when 'salesforce' then reasoned.image_in_hubspot
    end as target_value,
    case reasoned.winner
        when 'hubspot' then reasoned.salesforce_raw
        when 'salesforce' then reasoned.hubspot_raw
    end as previous_value,
    case reasoned.winner
        when 'hubspot' then reasoned.hubspot_raw
        when 'salesforce' then reasoned.salesforce_raw
    end as source_value,
    case
        when reasoned.change_state = 'conflict' and reasoned.winner is null then 'held_for_review'
        when reasoned.winner = 'hubspot' and reasoned.problem_in_salesforce is not null
            then reasoned.problem_in_salesforce
        when reasoned.winner = 'salesforce' and reasoned.problem_in_hubspot is not null
            then reasoned.problem_in_hubspot
        when reasoned.winner = 'hubspot' and not mappings.salesforce_is_updateable then 'read_only_field'
        when reasoned.winner = 'salesforce' and not mappings.hubspot_is_updateable then 'read_only_field'
        when reasoned.winner = 'hubspot'
            and reasoned.image_in_salesforce is null
            and not mappings.salesforce_is_nillable
            then 'required_field_missing'
    end as problem
from reasoned
inner join {{ ref('stg_field_mappings') }} as mappings
    on reasoned.object = mappings.object
    and reasoned.hubspot_property = mappings.hubspot_property
    and reasoned.salesforce_field = mappings.salesforce_field
