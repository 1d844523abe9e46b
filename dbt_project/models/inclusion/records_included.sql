-- One row per record and object mapping: may it write to the other CRM, and which rule decided it.
-- Rules of one group are ANDed, groups are ORed; a property that is not known satisfies no rule.
with rules as (
    select
        object,
        side,
        {{ given('rule_group', "'1'") }} as rule_group,
        trim(property) as property,
        operator,
        value,
        list_transform(string_split(lower(value), ';'), lambda item: trim(item)) as items
    from {{ ref('inclusion_rules') }}
),

evaluated as (
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
    inner join rules on records.object = rules.object and records.side = rules.side
    where not records.is_deleted
),

judged as (
    select
        *,
        {{ rule_holds() }} as holds,
        concat_ws(' ', property, operator, value) as rule_text
    from evaluated
),

grouped as (
    select
        object,
        side,
        record_id,
        rule_group,
        bool_and(holds) as holds,
        string_agg(rule_text, ' and ' order by rule_text) as group_text,
        min(case when not holds then rule_text end) as failed_rule
    from judged
    group by object, side, record_id, rule_group
),

decided as (
    select
        object,
        side,
        record_id,
        bool_or(holds) as is_included,
        case
            when bool_or(holds) then 'meets: ' || min(case when holds then group_text end)
            else 'fails: ' || string_agg(failed_rule, ' or ' order by rule_group)
        end as deciding_rule
    from grouped
    group by object, side, record_id
)

select
    records.object,
    records.side,
    records.record_id,
    coalesce(decided.is_included, true) as is_included,
    coalesce(decided.deciding_rule, 'no rules: wholly included') as deciding_rule
from {{ ref('int_mapped_records') }} as records
left join decided
    on records.object = decided.object
    and records.side = decided.side
    and records.record_id = decided.record_id
where not records.is_deleted
