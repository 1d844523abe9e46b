{# Midnight of a date in the configured zone, as UTC; a datetime, and a day that does not exist, stay as they are. #}
{% macro transform_datetime(value) -%}
    {%- set midnight = "timezone('" ~ var("timezone") ~ "', try_cast(" ~ value ~ " as timestamp))" -%}
    case
        when regexp_matches({{ value }}, '^[0-9]{4}-[0-9]{2}-[0-9]{2}$')
            then coalesce({{ timestamp_text(midnight) }}, {{ value }})
        else {{ canonical_datetime(value) }}
    end
{%- endmacro %}
