{# A Salesforce lead that has become a contact; it is read-only from then on. Reads `object` and `properties`. #}
{% macro is_converted_lead() -%}
    (object = 'Lead' and coalesce({{ json_text('properties', 'IsConverted') }}, 'false') = 'true')
{%- endmacro %}
