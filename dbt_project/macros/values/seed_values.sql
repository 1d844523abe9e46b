{# Text that is blank in a seed means "not given". #}
{% macro given(column, otherwise) -%}
    coalesce(nullif(trim(cast({{ column }} as varchar)), ''), {{ otherwise }})
{%- endmacro %}

{# true, yes and 1 in a seed. #}
{% macro is_yes(column) -%}
    (coalesce(lower(trim(cast({{ column }} as varchar))), '') in ('true', 'yes', '1'))
{%- endmacro %}

{# A list of texts. #}
{% macro text_list(texts) -%}
    cast([{% for text in texts %}'{{ text | replace("'", "''") }}'{{ ', ' if not loop.last }}{% endfor %}] as varchar[])
{%- endmacro %}
