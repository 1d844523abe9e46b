-- One row per conflict that was ever decided: both sides had edited a field differently since they last agreed.
-- Published with the health models, but built with the decision: settling a conflict ends it.
{{ config(
    schema='sync_health',
    materialized='incremental', incremental_strategy='delete+insert', unique_key='conflict_id', full_refresh=false,
) }}

with conflicts as (
    select
        {{ text_hash([
            'link_id', 'hubspot_property', 'salesforce_field', 'hubspot_value', 'salesforce_value',
            'base_hubspot_value', 'base_salesforce_value', 'based_at',
        ]) }} as conflict_id,
        *
    from {{ ref('fields_decided') }}
    where change_state = 'conflict'
        -- which record is whose counterpart is not a matter of edits: merges on both sides change it on both
        and not (hubspot_property = 'salesforce_record_id' and salesforce_field = 'Id')
),

before as (
    {% if is_incremental() %}
    select conflict_id, winner, held_reason, evidence, first_seen_at from {{ this }}
    {% else %}
    select conflict_id, winner, held_reason, evidence, decided_at as first_seen_at from conflicts where false
    {% endif %}
)

select
    conflicts.conflict_id,
    conflicts.object,
    conflicts.hubspot_id,
    conflicts.salesforce_id,
    conflicts.hubspot_property,
    conflicts.salesforce_field,
    conflicts.hubspot_value,
    conflicts.salesforce_value,
    conflicts.base_hubspot_value,
    conflicts.base_salesforce_value,
    conflicts.direction,
    conflicts.conflict_rule,
    conflicts.winner,
    conflicts.reason,
    conflicts.evidence,
    conflicts.hubspot_edited_at,
    conflicts.salesforce_edited_at,
    conflicts.held_reason,
    conflicts.link_id,
    conflicts.run_id,
    coalesce(before.first_seen_at, conflicts.decided_at) as first_seen_at,
    conflicts.decided_at as last_seen_at
from conflicts
left join before on conflicts.conflict_id = before.conflict_id
-- only what is new or was decided otherwise is written
where before.conflict_id is null
    or conflicts.winner is distinct from before.winner
    or conflicts.held_reason is distinct from before.held_reason
    or conflicts.evidence is distinct from before.evidence
