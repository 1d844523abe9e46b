{#
    Common table expressions that judge records by their inclusion rules. They read a preceding expression `facts` with
    one row per record and rule (object, side, record_id, rule_group, property, operator, value, items, is_present,
    actual) and end in `scoped`: object, side, record_id, is_included, deciding_rule.
    Rules of one group are ANDed, groups are ORed; a property that is not known satisfies no rule.
#}
{% macro included_by_rules() -%}
judged as (
    select
        *,
        {{ rule_holds() }} as holds,
        concat_ws(' ', property, operator, value) as rule_text
    from facts
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

scoped as (
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
{%- endmacro %}
