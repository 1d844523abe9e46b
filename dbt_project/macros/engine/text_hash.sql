{# A stable text hash of several columns; null and '' differ, and ('a','bc') differs from ('ab','c'). #}
{% macro text_hash(columns) -%}
    md5(
        {%- for column in columns %}
        coalesce(cast({{ column }} as varchar), '~') || '|'
        {%- if not loop.last %} || {% endif -%}
        {%- endfor %}
    )
{%- endmacro %}
