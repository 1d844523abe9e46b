{# Spellings of a place that mean the same: case, accents, dots and a leading article go. 'The U.S.A.' -> usa #}
{% macro fold_place(value) -%}
    nullif(
        regexp_replace(
            trim(regexp_replace(regexp_replace(strip_accents(lower({{ value }})), '[.'']', '', 'g'), '[^\p{L}\p{N}]+', ' ', 'g')),
            '^the ',
            ''
        ),
        ''
    )
{%- endmacro %}
