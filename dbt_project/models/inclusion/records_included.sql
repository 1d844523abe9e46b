-- One row per living record and object mapping: may it write to the other CRM, and which rule decided it.
{{ config(materialized='by_record', recomputed_for='int_records_touched') }}

with facts as not materialized (
    select
        records.object,
        records.side,
        records.record_id,
        records.properties,
        map([], []) as arriving
    from {{ ref('int_mapped_records') }} as records
    {{ only_recomputed('records', 'int_records_touched') }}
    where not records.is_deleted
),

{{ included_by_rules() }}

select
    object,
    side,
    record_id,
    coalesce(is_included, true) as is_included,
    coalesce(deciding_rule, 'no rules: wholly included') as deciding_rule
from scoped
