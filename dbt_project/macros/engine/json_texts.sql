{#
    The texts of several members of a JSON document as one list, in the order of their names, which must be known when
    the SQL is written: the document is parsed once. Null where the member is null or absent; json_presence tells.
#}
{% macro json_texts(document, members) -%}
    {{ return(adapter.dispatch('json_texts', 'crm_sync')(document, members)) }}
{%- endmacro %}

{% macro default__json_texts(document, members) -%}
    json_extract_string({{ document }}, {{ member_paths(members) }})
{%- endmacro %}

{# Which of several members a JSON document has, be they null, as a list of booleans. #}
{% macro json_presence(document, members) -%}
    {{ return(adapter.dispatch('json_presence', 'crm_sync')(document, members)) }}
{%- endmacro %}

{% macro default__json_presence(document, members) -%}
    json_exists({{ document }}, {{ member_paths(members) }})
{%- endmacro %}

{% macro member_paths(members) -%}
    cast([{% for member in members %}'$."{{ member }}"'{{ ', ' if not loop.last }}{% endfor %}] as varchar[])
{%- endmacro %}
