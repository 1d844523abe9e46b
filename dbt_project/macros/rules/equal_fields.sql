{#
    What int_links_agreeing does with the lists of a link. `named` is the variable `mapped_fields`: by object, pairs of
    property and field. A text stands at the position of its pair; `positions`, `versions` and `names` (the pair and its
    two fields) list the mappings that are compared as a whole, and `equal` holds the indexes into these three of those
    whose values are equal.
    Numbers rather than names: of millions of links, each name would be copied for each field.
#}

{# Where a mapping stands among the pairs of its object that the variable names; null where it does not. #}
{% macro position_among_named(named, mappings) -%}
    case
        {%- for object, pairs in named.items() %}
        when {{ mappings }}.object = '{{ object }}'
            then list_position({{ text_list(names_of_pairs(pairs)) }}, {{ pair_key(mappings) }})
        {%- endfor %}
        when false then 0
    end
{%- endmacro %}

{% macro names_of_pairs(pairs) -%}
    {%- set names = [] -%}
    {%- for pair in pairs %}{% do names.append(pair[0] ~ '>' ~ pair[1]) %}{% endfor -%}
    {{ return(names) }}
{%- endmacro %}

{# Of a list of field names those that the variable names, whatever their object. #}
{% macro only_named(named, fields) -%}
    {%- set names = [] -%}
    {%- for pairs in named.values() %}{% for pair in pairs %}{% do names.extend(pair) %}{% endfor %}{% endfor -%}
    list_filter({{ fields }}, lambda field: list_contains({{ text_list(names | unique | sort) }}, field))
{%- endmacro %}

{# A macro that takes a document and names, applied to the names of each object and side. Reads `records`. #}
{% macro named_members(what, named) -%}
    case
        when records.object is null then null
        {%- for object, pairs in named.items() %}
        {%- for side, index in [('hubspot', 0), ('salesforce', 1)] %}
        when records.object = '{{ object }}' and records.side = '{{ side }}'
            then {{ context[what]('records.properties', pairs | map(attribute=index) | list) }}
        {%- endfor %}
        {%- endfor %}
        else {{ context[what]('records.properties', []) }}
    end
{%- endmacro %}

{# The mappings whose fields both documents have, with equal text or both blank. Reads hubspot and salesforce. #}
{% macro equal_fields() -%}
    coalesce(
        list_filter(
            range(1, len(mapping_lists.positions) + 1),
            lambda i: hubspot.presence[mapping_lists.positions[i]]
                and salesforce.presence[mapping_lists.positions[i]]
                and nullif(hubspot.texts[mapping_lists.positions[i]], '')
                is not distinct from nullif(salesforce.texts[mapping_lists.positions[i]], '')
        ),
        []
    )
{%- endmacro %}

{# Without those that `excepted` names, by the pair or by one of its fields; few links have any. #}
{% macro equal_fields_not_excepted() -%}
    case
        when len(excepted) > 0 then list_filter(equal, lambda i: not list_has_any(excepted, names[i]))
        else equal
    end
{%- endmacro %}

{# The values that both sides hold. Reads `texts`, HubSpot's. #}
{% macro agreed_values() -%}
    list_transform(equal, lambda i: {'mapping_version': versions[i], 'value': nullif(texts[positions[i]], '')})
{%- endmacro %}

{# `others`, and those compared here that are not equal. #}
{% macro names_of_other_fields() -%}
    case
        when len(equal) = len(positions) then others
        else list_concat(
            others,
            list_transform(
                list_filter(range(1, len(positions) + 1), lambda i: not list_contains(equal, i)), lambda i: names[i][1]
            )
        )
    end
{%- endmacro %}
