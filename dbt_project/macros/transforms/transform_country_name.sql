{#
    The common English name of a country: US, USA -> United States; what places.csv does not know stays.
    int_value_images does it, by joining stg_place_names.
#}
{% macro transform_country_name(value) -%} {{ value }} {%- endmacro %}
