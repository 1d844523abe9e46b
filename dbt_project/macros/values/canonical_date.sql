{# 2026-03-01, 2026-03-01T09:30:00Z (its UTC day) and epoch milliseconds -> 2026-03-01 #}
{% macro canonical_date(value) -%}
    case
        when regexp_matches({{ value }}, '^\s*[0-9]{4}-[0-9]{2}-[0-9]{2}\s*$') then trim({{ value }})
        else coalesce(left({{ timestamp_text(to_timestamp(value)) }}, 10), {{ clean_text(value) }})
    end
{%- endmacro %}
