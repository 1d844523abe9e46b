{# Outer whitespace goes. #}
{% macro transform_trim(value) -%} {{ clean_text(value) }} {%- endmacro %}
