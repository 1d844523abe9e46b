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
    {%- set bare = "regexp_replace(lower(" ~ value ~ "), '(;|,|ext|x|#).*$|\\(0\\)', '', 'g')" -%}
    {%- set e164 -%}
        case
            when regexp_matches(phone, '[a-z]') then null
            when left(ltrim(phone), 1) = '+' then '+' || phone_digits
            when left(phone_digits, 2) = '00' then '+' || substr(phone_digits, 3)
            {%- if calling_code == '1' %}
            when left(phone_digits, 3) = '011' and length(phone_digits) > 10 then '+' || substr(phone_digits, 4)
            when length(phone_digits) = 10 then '+1' || phone_digits
            when length(phone_digits) = 11 and left(phone_digits, 1) = '1' then '+' || phone_digits
            {%- else %}
            else '+{{ calling_code }}' || case when left(phone_digits, 1) = '0' then substr(phone_digits, 2) else phone_digits end
            {%- endif %}
        end
    {%- endset -%}
    {%- set digits = "regexp_replace(phone, '[^0-9]', '', 'g')" -%}
    coalesce(
        {{ with_value('phone', bare, with_value('phone_digits', digits,
            with_value('e164', e164, "case when regexp_matches(e164, '^\\+[1-9][0-9]{7,14}$') then e164 end"))) }},
        {{ value }}
    )
{%- endmacro %}
