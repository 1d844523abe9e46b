{#
    Plus sign and digits, 00 read as plus; ten digits, or eleven that begin with 1, are North American.
    (415) 555-0100 -> +14155550100 ; 0049 30 1234567 -> +49301234567 ; anything else stays as it is
#}
{% macro transform_phone_e164(value) -%}
    {%- set bare = "regexp_replace(" ~ value ~ ", '[^0-9]', '', 'g')" -%}
    case
        when regexp_matches({{ value }}, '^\s*\+') then '+' || {{ bare }}
        when regexp_matches({{ value }}, '^\s*00') then '+' || regexp_replace({{ bare }}, '^00', '')
        when length({{ bare }}) = 10 then '+1' || {{ bare }}
        when length({{ bare }}) = 11 and left({{ bare }}, 1) = '1' then '+' || {{ bare }}
        else {{ value }}
    end
{%- endmacro %}
