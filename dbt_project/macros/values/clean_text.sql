{# What both CRMs make of a text: no outer whitespace, one kind of line break, blank is null (U+00A0 is kept). #}
{% macro clean_text(value) -%}
    nullif(trim(replace({{ value }}, e'\r\n', e'\n'), e' \t\n\r\x0b\x0c'), '')
{%- endmacro %}
