{# Any ISO text or epoch milliseconds -> UTC to the millisecond: 2026-03-01T09:30:00.120Z #}
{% macro canonical_datetime(value) -%}
    coalesce({{ timestamp_text(to_timestamp(value)) }}, {{ clean_text(value) }})
{%- endmacro %}
