{#
    What int_links_agreeing does with the lists of a link: `plain`, the mappings that are compared as a whole, and
    `equal`, those of them whose values are equal; each a struct of version, pair, hubspot_at and salesforce_at, the
    positions of the two fields in the lists of texts.
#}
{% macro list_of_plain_mappings() -%}
    coalesce(
        list(
            {
                'version': mapping_version, 'pair': pair, 'hubspot_at': hubspot_at, 'salesforce_at': salesforce_at
            } order by mapping_version
        ) filter (where is_compared),
        []
    )
{%- endmacro %}

{# The mappings whose fields both documents have, with equal text or both blank. Reads hubspot and salesforce. #}
{% macro equal_fields() -%}
    coalesce(
        list_filter(
            mapping_lists.plain,
            lambda mapping: hubspot.presence[mapping.hubspot_at]
                and salesforce.presence[mapping.salesforce_at]
                and nullif(hubspot.texts[mapping.hubspot_at], '')
                is not distinct from nullif(salesforce.texts[mapping.salesforce_at], '')
        ),
        []
    )
{%- endmacro %}

{# Without those that `excepted` names, by the pair or by one of its fields; few links have any. #}
{% macro equal_fields_not_excepted() -%}
    case
        when len(excepted) > 0 then list_filter(
            equal,
            lambda mapping: not list_has_any(
                excepted, [mapping.pair, split_part(mapping.pair, '>', 1), split_part(mapping.pair, '>', 2)]
            )
        )
        else equal
    end
{%- endmacro %}

{# The values that both sides hold. Reads `texts`, HubSpot's. #}
{% macro agreed_values() -%}
    list_transform(
        equal,
        lambda mapping: {'mapping_version': mapping.version, 'value': nullif(texts[mapping.hubspot_at], '')}
    )
{%- endmacro %}

{# `others`, and the plain ones that are not equal. #}
{% macro names_of_other_fields() -%}
    case
        when len(equal) = len(plain) then others
        else list_concat(
            others,
            list_transform(
                list_filter(
                    plain,
                    lambda mapping: not list_contains(
                        list_transform(equal, lambda other: other.version), mapping.version
                    )
                ),
                lambda mapping: mapping.pair
            )
        )
    end
{%- endmacro %}
