-- One row per link and field mapping that is not simply equal on both sides: both values, both bases, which side wins,
-- why, and what holds it back. Rows stay until their link is decided again, and the last decision stays after it was
-- carried out (`change_state` is then agreed or unchanged, and `target` null), so every value of every linked record
-- can be explained.
{{ config(
    materialized='incremental', incremental_strategy='delete+insert', unique_key='link_id', full_refresh=false,
    on_schema_change='append_new_columns',
) }}

{% set former = adapter.get_relation(database=target.database, schema='merging', identifier='field_decisions') %}

with scoped as (
    select
        winners.*,
        coalesce(hubspot_included.is_included, false) as hubspot_is_included,
        coalesce(salesforce_included.is_included, false) as salesforce_is_included
    from {{ ref('int_field_winners') }} as winners
    left join {{ ref('int_links_included') }} as hubspot_included
        on hubspot_included.side = 'hubspot'
        and winners.object = hubspot_included.object
        and winners.hubspot_id = hubspot_included.record_id
    left join {{ ref('int_links_included') }} as salesforce_included
        on salesforce_included.side = 'salesforce'
        and winners.object = salesforce_included.object
        and winners.salesforce_id = salesforce_included.record_id
),

-- a merged set goes only where the other side's record is in scope
sided as (
    select
        *,
        winner = 'both' and hubspot_is_included <> salesforce_is_included as is_one_sided,
        winner = 'both' and hubspot_is_included and not salesforce_is_included as is_salesforce_alone
    from scoped
),

narrowed as (
    select
        * replace (
            case
                when is_salesforce_alone then 'hubspot'
                when is_one_sided then 'salesforce'
                else winner
            end as winner,
            case
                when is_salesforce_alone then 'salesforce'
                when is_one_sided then 'hubspot'
                else target
            end as target,
            case when is_salesforce_alone then merged_in_salesforce else target_value end as target_value,
            case when is_salesforce_alone then source_value else previous_value end as previous_value,
            case when is_salesforce_alone then previous_value else source_value end as source_value
        )
    from sided
),

decided as (
    select
        winners.link_id,
        winners.object,
        winners.hubspot_id,
        winners.salesforce_id,
        winners.hubspot_property,
        winners.salesforce_field,
        winners.direction,
        winners.conflict_rule,
        winners.hubspot_value,
        winners.salesforce_value,
        winners.base_hubspot_value,
        winners.base_salesforce_value,
        winners.change_state,
        winners.winner,
        winners.reason,
        -- what the choice rests on, where times decided or could have
        case
            when winners.change_state = 'conflict' or winners.reason like '%\_most\_recent' escape '\'
                then coalesce(winners.evidence, 'record')
        end as evidence,
        winners.hubspot_edited_at,
        winners.salesforce_edited_at,
        winners.target,
        winners.target_value,
        winners.previous_value,
        winners.source_value,
        case
            -- the id of the counterpart is written on every HubSpot record that is linked
            when winners.winner is not null
                and winners.salesforce_field <> 'Id'
                and not case winners.winner
                    when 'salesforce' then winners.salesforce_is_included
                    else winners.hubspot_is_included
                end
                then 'excluded'
            else winners.problem
        end as held_reason,
        winners.is_truncated_in_salesforce,
        winners.is_truncated_in_hubspot,
        coalesce(winners.is_merged, false) as is_merged,
        case when winners.is_merged then winners.merged_in_salesforce end as merged_in_salesforce,
        winners.mapping_hash,
        winners.based_at,
        current_run.run_id,
        current_run.started_at as decided_at
    from narrowed as winners
    cross join {{ ref('stg_current_run') }} as current_run
),

before as (
    {% if is_incremental() %}
    select * from {{ this }} where winner is not null
    {% else %}
    select * from decided where false
    {% endif %}
)

select
    decided.* replace (
        coalesce(before.winner, decided.winner) as winner,
        coalesce(before.reason, decided.reason) as reason,
        coalesce(before.evidence, decided.evidence) as evidence,
        case when before.link_id is null then decided.hubspot_edited_at else before.hubspot_edited_at end
            as hubspot_edited_at,
        case when before.link_id is null then decided.salesforce_edited_at else before.salesforce_edited_at end
            as salesforce_edited_at,
        coalesce(before.run_id, decided.run_id) as run_id,
        coalesce(before.decided_at, decided.decided_at) as decided_at
    )
from decided
left join before
    on decided.winner is null
    and decided.change_state in ('agreed', 'unchanged')
    and decided.link_id = before.link_id
    and decided.hubspot_property = before.hubspot_property
    and decided.salesforce_field = before.salesforce_field
{% if not is_incremental() and former and former.is_table %}
-- what an earlier version kept under the name that is now a view over all fields
union all by name
select former.* from {{ former }} as former
where former.link_id not in (select decided.link_id from decided)
{% endif %}
