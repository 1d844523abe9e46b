{# Lower case. #}
{% macro transform_lower(value) -%} lower({{ value }}) {%- endmacro %}
