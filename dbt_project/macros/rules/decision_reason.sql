{# Why a side won, as a short code that the docs explain: see docs/how-a-value-is-decided.md. #}
{% macro decision_reason() -%}
    case
        when change_state in ('unknown_value', 'agreed', 'unchanged', 'unknown') then change_state
        when salesforce_field like '%.%' and winner is null then change_state || '_union'
        when change_state = 'hubspot_only' and winner = 'salesforce' then 'reverted_to_salesforce'
        when change_state = 'salesforce_only' and winner = 'hubspot' then 'reverted_to_hubspot'
        when change_state = 'hubspot_only' then 'edited_in_hubspot'
        when change_state = 'salesforce_only' then 'edited_in_salesforce'
        when change_state = 'conflict' and direction in ('always_hubspot', 'always_salesforce')
            then 'conflict_' || direction
        when change_state = 'conflict' and is_resolved then 'conflict_resolved'
        when change_state = 'conflict' then 'conflict_' || conflict_rule
        when direction in ('always_hubspot', 'always_salesforce') then change_state || '_' || direction
        when hubspot_value is null or salesforce_value is null then change_state || '_only_value'
        when direction = 'two_way' then change_state || '_most_recent'
        else change_state || '_' || direction
    end
{%- endmacro %}
