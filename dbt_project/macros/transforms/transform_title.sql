{# Each word with a capital: aDA lovelace -> Ada Lovelace #}
{% macro transform_title(value) -%}
    array_to_string(
        list_transform(
            string_split(lower({{ value }}), ' '),
            lambda word: upper(left(word, 1)) || substr(word, 2)
        ),
        ' '
    )
{%- endmacro %}
