{# Upper case. #}
{% macro transform_upper(value) -%} upper({{ value }}) {%- endmacro %}
