{#
    Which side wins a conflict: 'hubspot', 'salesforce', 'both' (union: the merged set is written to either side that
    lacks it), or null (review). Each rule is one branch; a rule of the user's own is the macro
    conflict_rule_<name>(), an expression over the columns of the compared values that gives 'hubspot' or
    'salesforce', or null to leave the choice to a person.
#}
{% macro wins_by_rule() -%}
    {%- set hubspot_order = orderable('hubspot_value', 'hubspot_type') -%}
    {%- set salesforce_order = orderable('salesforce_value', 'salesforce_type') -%}
    case conflict_rule
        when 'hubspot' then 'hubspot'
        when 'salesforce' then 'salesforce'
        when 'review' then null
        when 'union' then case
            when hubspot_gains and salesforce_gains then 'both'
            when hubspot_gains then 'salesforce'
            when salesforce_gains then 'hubspot'
            else {{ most_recent_side() }}
        end
        when 'longest' then {{ prefer_filled('length(hubspot_value)', 'length(salesforce_value)', '>') }}
        when 'largest' then {{ prefer_filled(hubspot_order, salesforce_order, '>') }}
        when 'smallest' then {{ prefer_filled(hubspot_order, salesforce_order, '<') }}
        {%- for name in var('custom_conflict_rules') %}
        when '{{ name }}' then {{ context['conflict_rule_' ~ name]() }}
        {%- endfor %}
        else {{ most_recent_side() }}
    end
{%- endmacro %}

{# The side with the later human edit, to the second; a tie goes to the preferred side. #}
{% macro most_recent_side() -%}
    case
        when hubspot_edited_at is not null and salesforce_edited_at is null then 'hubspot'
        when salesforce_edited_at is not null and hubspot_edited_at is null then 'salesforce'
        when date_trunc('second', hubspot_edited_at) > date_trunc('second', salesforce_edited_at) then 'hubspot'
        when date_trunc('second', hubspot_edited_at) < date_trunc('second', salesforce_edited_at) then 'salesforce'
        else preferred_side
    end
{%- endmacro %}

{# largest, smallest and longest prefer the non-blank side; ties go to the preferred side. #}
{% macro prefer_filled(hubspot, salesforce, comparison) -%}
    case
        when salesforce_value is null then 'hubspot'
        when hubspot_value is null then 'salesforce'
        when {{ hubspot }} {{ comparison }} {{ salesforce }} then 'hubspot'
        when {{ salesforce }} {{ comparison }} {{ hubspot }} then 'salesforce'
        else preferred_side
    end
{%- endmacro %}

{# Numbers order as numbers, everything else as its canonical text (ISO dates order by themselves). #}
{% macro orderable(value, data_type) -%}
    case
        when {{ data_type }} = 'number'
            then lpad(cast(try_cast({{ value }} as decimal(30, 10)) + 10000000000000000000 as varchar), 40, '0')
        else {{ value }}
    end
{%- endmacro %}
