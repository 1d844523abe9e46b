{#
    Does the inclusion rule hold? `rule` is a structure (property, path, operator, value, items), `actual` what its
    property holds or will hold, `lists` are the names and ids of the lists that the record is in. Reads the columns
    `properties` and `arriving`: see included_by_rules.
#}
{% macro rule_holds(rule, actual, lists) -%}
    {%- set operator, value, items = rule ~ '.operator', rule ~ '.value', rule ~ '.items' -%}
    {%- set chosen -%}
        case
            when contains({{ actual }}, ';') then list_has_any(
                list_transform(string_split(lower({{ actual }}), ';'), lambda item: trim(item)), {{ items }}
            )
            else list_contains({{ items }}, lower({{ actual }}))
        end
    {%- endset -%}
    {%- set contained -%}
        len(list_filter({{ items }}, lambda item: contains(lower({{ actual }}), item))) > 0
    {%- endset -%}
    {%- set equal -%}
        (
            lower({{ actual }}) = lower(trim({{ value }}))
            or try_cast({{ actual }} as decimal(38, 10)) = try_cast({{ value }} as decimal(38, 10))
        )
    {%- endset -%}
    case
        when {{ operator }} = 'in_list' then coalesce(list_has_any({{ lists }}, {{ items }}), false)
        when {{ actual }} is null
            and not coalesce(map_contains(arriving, {{ rule }}.property), false)
            and not coalesce(json_exists(properties, {{ rule }}.path), false)
            then false
        when {{ operator }} = 'is_known' then {{ actual }} is not null
        when {{ operator }} = 'is_unknown' then {{ actual }} is null
        when {{ operator }} = 'is_any_of' then coalesce({{ chosen }}, false)
        when {{ operator }} = 'is_none_of' then not coalesce({{ chosen }}, false)
        when {{ operator }} = 'contains' then coalesce({{ contained }}, false)
        when {{ operator }} = 'contains_none_of' then not coalesce({{ contained }}, false)
        when {{ operator }} = 'equals' then coalesce({{ equal }}, false)
        when {{ operator }} = 'not_equals' then not coalesce({{ equal }}, false)
        when {{ operator }} = 'greater_than' then coalesce(
            try_cast({{ actual }} as decimal(38, 10)) > try_cast({{ value }} as decimal(38, 10)), false
        )
        when {{ operator }} = 'less_than' then coalesce(
            try_cast({{ actual }} as decimal(38, 10)) < try_cast({{ value }} as decimal(38, 10)), false
        )
        when {{ operator }} = 'before' then coalesce({{ to_timestamp(actual) }} < {{ to_timestamp(value) }}, false)
        when {{ operator }} = 'after' then coalesce({{ to_timestamp(actual) }} > {{ to_timestamp(value) }}, false)
        else false
    end
{%- endmacro %}
