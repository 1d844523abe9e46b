{#
    The hash of a mapping as it concerns one pair of values: where values are translated one by one (owners, stages, value
    mappings), with what these two become. So a row for one value decides nothing about the others.
    Reads `forth` and `back`, which `pair_translations` joins.
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

{#
    Joins what the values of a pair become: `forth` in Salesforce, `back` in HubSpot. Reads `translations`, made of
    `value_translations`, and `mappings`; `pair` is what holds object, hubspot_property and both values.
#}
{% macro pair_translations(pair) -%}
    {%- for name, toward, source in [('forth', 'salesforce', 'hubspot'), ('back', 'hubspot', 'salesforce')] %}
    left join translations as {{ name }}
        on mappings.translates_singly
        and {{ name }}.toward = '{{ toward }}'
        and {{ pair }}.object = {{ name }}.object
        and {{ pair }}.hubspot_property = {{ name }}.hubspot_property
        and {{ pair }}.{{ source }}_value = {{ name }}.from_value
    {%- endfor %}
{%- endmacro %}
