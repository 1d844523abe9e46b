{# The host of a web address: https://www.Acme.com:443/about -> acme.com #}
{% macro transform_url_host(value) -%}
    nullif(
        regexp_replace(
            regexp_extract(lower(trim({{ value }})), '^(?:[a-z][a-z0-9+.-]*://)?(?:[^/@\s]*@)?([^/:?#\s]+)', 1),
            '^www\.',
            ''
        ),
        ''
    )
{%- endmacro %}
