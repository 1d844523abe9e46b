{# The day of a datetime in the configured zone; a date stays as it is. #}
{% macro transform_date(value) -%}
    case
        when regexp_matches({{ value }}, '^[0-9]{4}-[0-9]{2}-[0-9]{2}$') then {{ value }}
        else coalesce(
            strftime(timezone('{{ var("timezone") }}', {{ to_timestamp(value) }}), '%Y-%m-%d'),
            {{ value }}
        )
    end
{%- endmacro %}
