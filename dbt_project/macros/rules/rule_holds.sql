{# Does the inclusion rule hold? Reads the columns of `facts`: see included_by_rules. #}
{% macro rule_holds() -%}
    {%- set chosen = "list_has_any(list_transform(string_split(lower(actual), ';'), lambda item: trim(item)), items)" -%}
    {%- set contained = "len(list_filter(items, lambda item: contains(lower(actual), item))) > 0" -%}
    {%- set equal -%}
        (lower(actual) = lower(trim(value)) or try_cast(actual as decimal(38, 10)) = try_cast(value as decimal(38, 10)))
    {%- endset -%}
    case
        when operator = 'in_list' then exists (
            select 1
            from {{ source('raw_hubspot', 'list_memberships') }} as members
            where members.record_id = facts.record_id
                and members.is_present
                and (
                    list_contains(facts.items, lower(members.list_name))
                    or list_contains(facts.items, members.list_id)
                )
        )
        when not is_present then false
        when operator = 'is_known' then actual is not null
        when operator = 'is_unknown' then actual is null
        when operator = 'is_any_of' then coalesce({{ chosen }}, false)
        when operator = 'is_none_of' then not coalesce({{ chosen }}, false)
        when operator = 'contains' then coalesce({{ contained }}, false)
        when operator = 'contains_none_of' then not coalesce({{ contained }}, false)
        when operator = 'equals' then coalesce({{ equal }}, false)
        when operator = 'not_equals' then not coalesce({{ equal }}, false)
        when operator = 'greater_than'
            then coalesce(try_cast(actual as decimal(38, 10)) > try_cast(value as decimal(38, 10)), false)
        when operator = 'less_than'
            then coalesce(try_cast(actual as decimal(38, 10)) < try_cast(value as decimal(38, 10)), false)
        when operator = 'before' then coalesce({{ to_timestamp('actual') }} < {{ to_timestamp('value') }}, false)
        when operator = 'after' then coalesce({{ to_timestamp('actual') }} > {{ to_timestamp('value') }}, false)
        else false
    end
{%- endmacro %}
