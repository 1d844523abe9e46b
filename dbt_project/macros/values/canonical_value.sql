{# The one text form in which values of a type are compared (DESIGN section 6). Blank is null. #}
{% macro canonical_value(value, data_type) -%}
    case
        when {{ value }} is null then null
        when {{ data_type }} = 'number' then {{ canonical_number(value) }}
        when {{ data_type }} = 'date' then {{ canonical_date(value) }}
        when {{ data_type }} = 'datetime' then {{ canonical_datetime(value) }}
        when {{ data_type }} = 'boolean' then lower({{ clean_text(value) }})
        when {{ data_type }} = 'multi' then {{ canonical_set(value) }}
        when {{ data_type }} = 'email' then lower({{ clean_text(value) }})
        else {{ clean_text(value) }}
    end
{%- endmacro %}
