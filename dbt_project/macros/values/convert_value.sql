{# A canonical value of one type in the form of another; only dates and datetimes differ in form. #}
{% macro convert_value(value, from_type, to_type) -%}
    case
        when {{ from_type }} = 'date' and {{ to_type }} = 'datetime' then {{ transform_datetime(value) }}
        when {{ from_type }} = 'datetime' and {{ to_type }} = 'date' then {{ transform_date(value) }}
        else {{ value }}
    end
{%- endmacro %}
