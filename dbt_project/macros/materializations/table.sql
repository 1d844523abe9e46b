{#
    Tables as one statement. dbt-duckdb's own materialization builds under another name, renames twice and drops, which
    costs more than most of these models; in DuckDB `create or replace` is atomic by itself, so nothing is lost.
#}
{% materialization table, adapter='duckdb', supported_languages=['sql'] %}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set existing = load_cached_relation(this) -%}
    {% if existing is not none and existing.type != 'table' %}
        {% do adapter.drop_relation(existing) %}
    {% endif %}
    {% call statement('main') -%}
        create or replace table {{ target_relation }} as (
            {{ compiled_code }}
        )
    {%- endcall %}
    {% do adapter.commit() %}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}
