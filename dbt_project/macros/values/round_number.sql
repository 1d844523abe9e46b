{# A number's canonical text rounded, half away from zero, to a field's scale (0 to 8; null keeps it). #}
{% macro round_number(value, scale) -%}
    case {{ scale }}
        {%- for places in range(9) %}
        when {{ places }}
            then coalesce(
                {{ canonical_number("cast(round(try_cast(" ~ value ~ " as decimal(38, 10)), " ~ places ~ ") as varchar)") }},
                {{ value }}
            )
        {%- endfor %}
        else {{ value }}
    end
{%- endmacro %}
