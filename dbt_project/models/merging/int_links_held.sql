-- One row per link that the previous pass could not finish: a value held back by a problem that may have been
-- remedied without either record changing (a parent that arrived, a picklist value that was added).
-- Reads what the previous pass left in field_decisions, which is further down the flow.
{% set previous = adapter.get_relation(database=target.database, schema='merging', identifier='field_decisions') %}

{% if previous %}
select distinct link_id from {{ previous }} where held_reason is not null and held_reason <> 'excluded'
{% else %}
select cast(null as varchar) as link_id where false
{% endif %}
