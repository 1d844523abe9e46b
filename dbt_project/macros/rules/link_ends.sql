{#
    Links seen from either end: link_id, object, status, side, record_id and the counterpart's id. To be joined by side
    and record id; a condition that chooses the id column by the other table's side would compare all with all.
#}
{% macro link_ends() -%}
    (
        {%- for side, other in [('hubspot', 'salesforce'), ('salesforce', 'hubspot')] %}
        select
            link_id,
            object,
            status,
            '{{ side }}' as side,
            {{ side }}_id as record_id,
            {{ other }}_id as counterpart_id
        from {{ ref('links') }}
        {% if not loop.last %}union all{% endif %}
        {%- endfor %}
    )
{%- endmacro %}
