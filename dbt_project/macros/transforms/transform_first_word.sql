{# The first word: Ada Maria Lovelace -> Ada #}
{% macro transform_first_word(value) -%} nullif(regexp_extract({{ value }}, '^\s*(\S+)', 1), '') {%- endmacro %}
