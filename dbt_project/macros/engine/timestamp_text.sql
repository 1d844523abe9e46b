{# timestamp with time zone -> 2026-03-01T09:30:00.120Z #}
{% macro timestamp_text(value) -%}
    {{ return(adapter.dispatch('timestamp_text', 'crm_sync')(value)) }}
{%- endmacro %}

{% macro default__timestamp_text(value) -%}
    strftime(timezone('UTC', {{ value }}), '%Y-%m-%dT%H:%M:%S.%gZ')
{%- endmacro %}
