{# Midnight of a date in the configured zone, as UTC; a datetime stays as it is. #}
{% macro transform_datetime(value) -%}
    {%- set midnight = "timezone('" ~ var("timezone") ~ "', try_cast(" ~ value ~ " as timestamp))" -%}
    case
        when regexp_matches({{ value }}, '^[0-9]{4}-[0-9]{2}-[0-9]{2}$') then {{ timestamp_text(midnight) }}
        else {{ canonical_datetime(value) }}
    end
{%- endmacro %}
