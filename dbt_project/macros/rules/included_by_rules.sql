{#
    Common table expressions that judge records by their inclusion rules. They read a preceding expression `facts` with
    one row per record (object, side, record_id, properties, and `arriving`: a map of values that will take the place of
    properties) and end in `scoped`: object, side, record_id, is_included, deciding_rule; the last two are null where
    there are no rules.
    Rules of one group are ANDed, groups are ORed; a property that is not known satisfies no rule. Each document is
    looked into once per rule, and the few combinations of rules that hold are put into words once.
#}
{% macro included_by_rules() -%}
numbered_rules as (
    select
        *,
        row_number() over (partition by object, side order by rule_group, property, operator, value) as rule_number,
        concat_ws(' ', property, operator, value) as rule_text
    from {{ ref('stg_inclusion_rules') }}
),

rule_lists as (
    select
        object,
        side,
        list(
            {
                'property': property,
                'path': '$."' || nullif(property, '') || '"',
                'operator': operator,
                'value': value,
                'items': items
            }
            order by rule_number
        ) as rules
    from numbered_rules
    group by object, side
),

lists_of_records as (
    select record_id, list(lower(list_name)) || list(list_id) as lists
    from {{ source('raw_hubspot', 'list_memberships') }}
    where is_present
    group by record_id
),

-- what counts of each rule's property: blank is null
held as not materialized (
    select
        facts.*,
        rule_lists.rules,
        lists_of_records.lists,
        list_transform(
            rule_lists.rules,
            lambda rule: case
                when map_contains(facts.arriving, rule.property) then facts.arriving[rule.property]
                else nullif(trim(json_extract_string(facts.properties, rule.path)), '')
            end
        ) as actuals
    from facts
    left join rule_lists on facts.object = rule_lists.object and facts.side = rule_lists.side
    left join lists_of_records on facts.side = 'hubspot' and facts.record_id = lists_of_records.record_id
),

-- one digit per rule: does it hold
judged as materialized (
    select
        object,
        side,
        record_id,
        array_to_string(
            list_transform(
                rules, lambda rule, place: case when {{ rule_holds('rule', 'actuals[place]', 'lists') }} then '1' else '0' end
            ),
            ''
        ) as holding
    from held
),

combinations as (
    select distinct object, side, holding from judged
),

grouped as (
    select
        combinations.object,
        combinations.side,
        combinations.holding,
        rules.rule_group,
        bool_and(combinations.holding[rules.rule_number] = '1') as holds,
        string_agg(rules.rule_text, ' and ' order by rules.rule_text) as group_text,
        min(case when combinations.holding[rules.rule_number] = '0' then rules.rule_text end) as failed_rule
    from combinations
    inner join numbered_rules as rules on combinations.object = rules.object and combinations.side = rules.side
    group by combinations.object, combinations.side, combinations.holding, rules.rule_group
),

verdicts as (
    select
        object,
        side,
        holding,
        bool_or(holds) as is_included,
        case
            when bool_or(holds) then 'meets: ' || min(case when holds then group_text end)
            else 'fails: ' || string_agg(failed_rule, ' or ' order by rule_group)
        end as deciding_rule
    from grouped
    group by object, side, holding
),

scoped as (
    select
        judged.object,
        judged.side,
        judged.record_id,
        verdicts.is_included,
        verdicts.deciding_rule
    from judged
    left join verdicts
        on judged.object = verdicts.object
        and judged.side = verdicts.side
        and judged.holding = verdicts.holding
)
{%- endmacro %}
