{# Digits only: (415) 555-0100 -> 4155550100 #}
{% macro transform_digits(value) -%} nullif(regexp_replace({{ value }}, '[^0-9]', '', 'g'), '') {%- endmacro %}
