{# The schemas are a contract (DESIGN: tables that others read), so they carry their plain names in every target. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ (custom_schema_name or target.schema) | trim }}
{%- endmacro %}
