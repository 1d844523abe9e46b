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
    from {{ ref('field_decisions') }}
    where change_state = 'conflict'
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
    conflicts.decided_at as first_seen_at,
    conflicts.decided_at as last_seen_at
from conflicts
{% if is_incremental() %}
anti join {{ this }} as before
    on conflicts.conflict_id = before.conflict_id
    and conflicts.winner is not distinct from before.winner
    and conflicts.held_reason is not distinct from before.held_reason
{% endif %}
