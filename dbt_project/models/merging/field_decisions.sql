-- One row per link and field mapping: both values, both bases, which side wins, why, and what holds it back.
-- Rows stay until their link is decided again, so every value of every linked record can be explained.
{{ config(
    materialized='incremental', incremental_strategy='delete+insert', unique_key='link_id', full_refresh=false,
) }}

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

targeted as (
    select
        won.*,
        case won.winner when 'hubspot' then 'salesforce' when 'salesforce' then 'hubspot' end as target,
        case won.winner when 'hubspot' then won.image_in_salesforce when 'salesforce' then won.image_in_hubspot end
            as target_value,
        case won.winner when 'hubspot' then won.salesforce_raw when 'salesforce' then won.hubspot_raw end
            as previous_value,
        case won.winner when 'hubspot' then won.hubspot_raw when 'salesforce' then won.salesforce_raw end
            as source_value,
        case won.winner when 'hubspot' then won.problem_in_salesforce when 'salesforce' then won.problem_in_hubspot end
            as problem,
        case
            when won.winner = 'hubspot' then not mappings.salesforce_is_updateable
            when won.winner = 'salesforce' then not mappings.hubspot_is_updateable
        end as target_is_read_only,
        won.winner = 'hubspot' and won.image_in_salesforce is null and not mappings.salesforce_is_nillable
            as clears_required,
        case won.winner
            when 'hubspot' then hubspot_included.is_included
            when 'salesforce' then salesforce_included.is_included
        end as winner_is_included
    from won
    inner join {{ ref('stg_field_mappings') }} as mappings
        on won.object = mappings.object
        and won.hubspot_property = mappings.hubspot_property
        and won.salesforce_field = mappings.salesforce_field
    left join {{ ref('records_included') }} as hubspot_included
        on hubspot_included.side = 'hubspot'
        and won.object = hubspot_included.object
        and won.hubspot_id = hubspot_included.record_id
    left join {{ ref('records_included') }} as salesforce_included
        on salesforce_included.side = 'salesforce'
        and won.object = salesforce_included.object
        and won.salesforce_id = salesforce_included.record_id
)

select
    targeted.link_id,
    targeted.object,
    targeted.hubspot_id,
    targeted.salesforce_id,
    targeted.hubspot_property,
    targeted.salesforce_field,
    targeted.direction,
    targeted.conflict_rule,
    targeted.hubspot_value,
    targeted.salesforce_value,
    targeted.base_hubspot_value,
    targeted.base_salesforce_value,
    targeted.change_state,
    targeted.winner,
    {{ decision_reason() }} as reason,
    case
        when targeted.change_state = 'conflict'
            or (targeted.change_state in ('first_sync', 'remapped') and targeted.direction = 'two_way')
            then 'record'
    end as evidence,
    targeted.hubspot_edited_at,
    targeted.salesforce_edited_at,
    targeted.target,
    targeted.target_value,
    targeted.previous_value,
    targeted.source_value,
    case
        when targeted.change_state = 'conflict' and targeted.winner is null then 'held_for_review'
        when targeted.winner is null then null
        when targeted.salesforce_field <> 'Id' and not coalesce(targeted.winner_is_included, false) then 'excluded'
        when targeted.problem is not null then targeted.problem
        when targeted.target_is_read_only then 'read_only_field'
        when targeted.clears_required then 'required_field_missing'
    end as held_reason,
    targeted.is_truncated_in_salesforce,
    targeted.is_truncated_in_hubspot,
    targeted.mapping_hash,
    targeted.based_at,
    current_run.run_id,
    current_run.started_at as decided_at
from targeted
cross join {{ ref('stg_current_run') }} as current_run
