{# One step of a transform chain: the step's name is data, so each known name is a branch. #}
{% macro apply_transform(value, step) -%}
    case {{ step }}
        {%- for name in var('transforms') + var('custom_transforms') %}
        when '{{ name }}' then {{ context['transform_' ~ name](value) }}
        {%- endfor %}
        else {{ value }}
    end
{%- endmacro %}
