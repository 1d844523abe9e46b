{#
    The code of a state of the US, Canada or Australia: California -> CA; what places.csv does not know stays.
    int_value_images does it, by joining stg_place_names.
#}
{% macro transform_state_code(value) -%} {{ value }} {%- endmacro %}
