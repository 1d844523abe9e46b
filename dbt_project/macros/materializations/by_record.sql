{#
    Tables that follow from single records: a pass computes again what it has to and leaves the rest as it is. The
    model selects only the records (side, record_id) of the relation named by `recomputed_for` when `recomputes_some()`
    says so; here their rows are replaced. Otherwise the whole table is made anew.
#}
{% materialization by_record, adapter='duckdb', supported_languages=['sql'] %}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set existing = load_cached_relation(this) -%}
    {% if existing is not none and existing.type != 'table' %}
        {% do adapter.drop_relation(existing) %}
    {% endif %}
    {% if recomputes_some() %}
        {% call statement('forget') -%}
            delete from {{ target_relation }} as stored
            using {{ ref(config.require('recomputed_for')) }} as recomputed
            where stored.side = recomputed.side and stored.record_id = recomputed.record_id
        {%- endcall %}
        {% call statement('main') -%}
            insert into {{ target_relation }} by name ({{ compiled_code }})
        {%- endcall %}
    {% else %}
        {% call statement('main') -%}
            create or replace table {{ target_relation }} as ({{ compiled_code }})
        {%- endcall %}
    {% endif %}
    {% do adapter.commit() %}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}
