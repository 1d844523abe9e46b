{# A number's canonical text rounded, half away from zero, to a field's scale (0 to 8); any other scale keeps it. #}
{% macro round_number(value, scale) -%}
    {%- set rounded -%}
        case {{ scale }}
            {%- for places in range(9) %}
            when {{ places }} then cast(round(try_cast({{ value }} as decimal(38, 10)), {{ places }}) as decimal(38, 10))
            {%- endfor %}
        end
    {%- endset -%}
    coalesce({{ number_text(rounded) }}, {{ value }})
{%- endmacro %}
