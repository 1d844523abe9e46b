{# `body`, in which `name` stands for `value`: what is used several times is written, planned and computed once. #}
{% macro with_value(name, value, body) -%}
    list_transform([{{ value }}], lambda {{ name }}: {{ body }})[1]
{%- endmacro %}
