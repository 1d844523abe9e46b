-- One row per living record and object mapping: may it write to the other CRM, and which rule decided it.
with facts as (
    select
        records.object,
        records.side,
        records.record_id,
        rules.rule_group,
        rules.property,
        rules.operator,
        rules.value,
        rules.items,
        json_exists(records.properties, '$."' || rules.property || '"') as is_present,
        nullif(trim(records.properties ->> ('$."' || rules.property || '"')), '') as actual
    from {{ ref('int_mapped_records') }} as records
    inner join {{ ref('stg_inclusion_rules') }} as rules
        on records.object = rules.object and records.side = rules.side
    where not records.is_deleted
),

{{ included_by_rules() }}

select
    records.object,
    records.side,
    records.record_id,
    coalesce(scoped.is_included, true) as is_included,
    coalesce(scoped.deciding_rule, 'no rules: wholly included') as deciding_rule
from {{ ref('int_mapped_records') }} as records
left join scoped
    on records.object = scoped.object
    and records.side = scoped.side
    and records.record_id = scoped.record_id
where not records.is_deleted
