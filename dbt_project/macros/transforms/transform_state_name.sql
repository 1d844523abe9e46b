{#
    The name of a state of the US, Canada or Australia: CA -> California; what places.csv does not know stays.
    int_value_images does it, by joining stg_place_names.
#}
{% macro transform_state_name(value) -%} {{ value }} {%- endmacro %}
