{#
    The hash of a mapping as it concerns one pair of values: where values are translated one by one (owners, stages, value
    mappings), with what these two become. So a row for one value decides nothing about the others.
    Reads `forth` and `back`: rows of `value_translations` for the pair, where there are any.
#}
{% macro pair_mapping_hash(mapping_hash) -%}
    case
        when forth.becomes is null and back.becomes is null then {{ mapping_hash }}
        else md5(concat_ws('|', {{ mapping_hash }}, coalesce(forth.becomes, '~'), coalesce(back.becomes, '~')))
    end
{%- endmacro %}

{# What each translated value becomes, in every scope: object, hubspot_property, toward, from_value, becomes. #}
{% macro value_translations() -%}
    select
        object, hubspot_property, toward, from_value, string_agg(coalesce(scope, '') || '>' || to_value, ';' order by scope nulls first) as becomes
    from {{ ref('stg_translations') }}
    group by object, hubspot_property, toward, from_value
{%- endmacro %}
