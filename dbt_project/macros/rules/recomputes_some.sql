{#
    Whether this model computes only the rows of some records in this pass. Not so where its table is not there yet,
    where the rules have changed by which all rows were made, and in unit tests that do not override it.
#}
{% macro recomputes_some() -%}
    {% if model.resource_type == 'unit_test' %}
        {{ return(false) }}
    {% endif %}
    {% if not execute %}
        {% do ref('stg_current_run') %}
        {{ return(true) }}
    {% endif %}
    {% set existing = load_cached_relation(this) %}
    {% set has_rows = existing is not none and existing.type == 'table' and not should_full_refresh() %}
    {{ return(has_rows and not looks_at_all()) }}
{%- endmacro %}

{# Of `rows`, which have a side and a record_id, only those of the records of `relation`, in a pass that computes some. #}
{% macro only_recomputed(rows, relation) -%}
    {%- if recomputes_some() -%}
    semi join {{ ref(relation) }} as recomputed
        on {{ rows }}.side = recomputed.side and {{ rows }}.record_id = recomputed.record_id
    {%- endif -%}
{%- endmacro %}

{# Of links only those of affected records, in a pass that computes some: who is linked is affected with its counterpart. #}
{% macro where_affected(hubspot_id) -%}
    {%- if recomputes_some() -%}
    where {{ hubspot_id }} in (select record_id from {{ ref('int_records_affected') }} where side = 'hubspot')
    {%- endif -%}
{%- endmacro %}
