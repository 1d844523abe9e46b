{# Numbers without noise: 1e3, 1000.00 and 1000 are one value; what is no number stays as it is. #}
{% macro canonical_number(value) -%}
    case
        when try_cast({{ value }} as decimal(38, 10)) is not null
            then {{ number_text("try_cast(" ~ value ~ " as decimal(38, 10))") }}
        when try_cast({{ value }} as double) is not null then cast(try_cast({{ value }} as double) as varchar)
        else {{ clean_text(value) }}
    end
{%- endmacro %}

{# decimal(38, 10) -> text without trailing zeros: 1000.5000000000 -> 1000.5 #}
{% macro number_text(value) -%}
    rtrim(rtrim(cast({{ value }} as varchar), '0'), '.')
{%- endmacro %}
