{#
    Aggregates key-value rows into one JSON document, keys in alphabetical order so that equal content is equal text.
    Keys must be unique within the group; `condition` chooses the rows; no row gives {}.
#}
{% macro json_object_agg(key, value, condition='true') -%}
    {{ return(adapter.dispatch('json_object_agg', 'crm_sync')(key, value, condition)) }}
{%- endmacro %}

{% macro default__json_object_agg(key, value, condition) -%}
    coalesce(
        to_json(map_from_entries(
            list_sort(list({key: {{ key }}, value: {{ value }}}) filter (where {{ condition }}))
        )),
        cast('{}' as json)
    )
{%- endmacro %}
