{#
    A lateral source with one row per member of a JSON document, columns `key` and `value` (text, null for JSON null).
    A member that is absent gives no row: unknown is not the same as cleared.
#}
{% macro json_members(document, alias) -%}
    {{ return(adapter.dispatch('json_members', 'crm_sync')(document, alias)) }}
{%- endmacro %}

{% macro default__json_members(document, alias) -%}
    (
        select
            member.key as key,
            member.value ->> '$' as value,
        from json_each({{ document }}) as member
    ) as {{ alias }}
{%- endmacro %}
