{# All words but the first: Ada Maria Lovelace -> Maria Lovelace #}
{% macro transform_other_words(value) -%}
    nullif(regexp_extract({{ value }}, '^\s*\S+\s+(.*\S)', 1), '')
{%- endmacro %}
