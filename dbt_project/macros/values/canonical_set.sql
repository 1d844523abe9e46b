{# A multi-select as a sorted set: ' b;a;b' -> a;b #}
{% macro canonical_set(value) -%}
    nullif(
        array_to_string(
            list_sort(list_distinct(list_filter(
                list_transform(string_split({{ value }}, ';'), lambda item: trim(item)),
                lambda item: item <> ''
            ))),
            ';'
        ),
        ''
    )
{%- endmacro %}
