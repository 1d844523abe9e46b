{# Cuts a text to the length of the field it is written to; int_value_images does it, as only it knows the length. #}
{% macro transform_truncate(value) -%} {{ value }} {%- endmacro %}
