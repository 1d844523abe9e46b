{#
    The two-letter code of a country: United States, USA, us -> US; what places.csv does not know stays.
    int_value_images does it, by joining stg_place_names.
#}
{% macro transform_country_code(value) -%} {{ value }} {%- endmacro %}
