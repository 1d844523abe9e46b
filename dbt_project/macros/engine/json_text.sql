{# Text of one member of a JSON document; null when the member is null or absent.  {"a": 1.0} , a  ->  1.0 #}
{% macro json_text(document, member) -%}
    {{ return(adapter.dispatch('json_text', 'crm_sync')(document, member)) }}
{%- endmacro %}

{% macro default__json_text(document, member) -%}
    json_extract_string({{ document }}, '$."{{ member }}"')
{%- endmacro %}
