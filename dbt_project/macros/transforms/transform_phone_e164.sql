{#
    Plus sign and digits, as ITU-T E.164 has it; an extension and a bracketed trunk zero go. In order:
    - a number that begins with + is international:                +44 (0)20 7946 0018 -> +442079460018
    - so is one that begins with 00, or with 011 in North America:    0049 30 1234567 -> +49301234567
    - any other is national, under the calling code of the dbt variable phone_calling_code (1: North America):
      there it has ten digits, or eleven that begin with 1:        (415) 555-0100 x5 -> +14155550100
      elsewhere a leading zero is the trunk prefix and goes (with 44):  020 7946 0018 -> +442079460018
    What is then not 8 to 15 digits stays as it is: a number that is not understood is better left alone.
#}
{% macro transform_phone_e164(value) -%}
    {%- set calling_code = var('phone_calling_code') | string -%}
    {%- set number -%}
        regexp_replace(regexp_replace(lower({{ value }}), '(;|,|ext|x|#).*$', ''), '\(0\)', '')
    {%- endset -%}
    {%- set digits = "regexp_replace(" ~ number ~ ", '[^0-9]', '', 'g')" -%}
    {%- set e164 -%}
        case
            when regexp_matches({{ number }}, '[a-z]') then null
            when regexp_matches({{ number }}, '^\s*\+') then '+' || {{ digits }}
            when regexp_matches({{ digits }}, '^00') then '+' || regexp_replace({{ digits }}, '^00', '')
            {%- if calling_code == '1' %}
            when regexp_matches({{ digits }}, '^011[0-9]{8,}') then '+' || regexp_replace({{ digits }}, '^011', '')
            when regexp_matches({{ digits }}, '^[0-9]{10}$') then '+1' || {{ digits }}
            when regexp_matches({{ digits }}, '^1[0-9]{10}$') then '+' || {{ digits }}
            {%- else %}
            else '+{{ calling_code }}' || regexp_replace({{ digits }}, '^0', '')
            {%- endif %}
        end
    {%- endset -%}
    case when regexp_matches({{ e164 }}, '^\+[1-9][0-9]{7,14}$') then {{ e164 }} else {{ value }} end
{%- endmacro %}
