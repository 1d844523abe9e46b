{# ISO text (with Z, +00:00 or +0000) or epoch milliseconds as text -> timestamp with time zone; null if neither. #}
{% macro to_timestamp(value) -%}
    {{ return(adapter.dispatch('to_timestamp', 'crm_sync')(value)) }}
{%- endmacro %}

{% macro default__to_timestamp(value) -%}
    case
        when regexp_matches({{ value }}, '^-?[0-9]{9,15}$') then to_timestamp(try_cast({{ value }} as bigint) / 1000.0)
        else try_cast({{ value }} as timestamp with time zone)
    end
{%- endmacro %}
