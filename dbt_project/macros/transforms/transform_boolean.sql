{# Words for yes and no: Yes, y, on, 1 -> true; No, n, off, 0 -> false; anything else stays. #}
{% macro transform_boolean(value) -%}
    case
        when lower(trim({{ value }})) in ('true', 'yes', 'y', 't', '1', 'on', 'x') then 'true'
        when lower(trim({{ value }})) in ('false', 'no', 'n', 'f', '0', 'off') then 'false'
        else {{ value }}
    end
{%- endmacro %}
