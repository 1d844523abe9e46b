-- One row per link that the previous pass could not finish: a value held back by a problem that may have been
-- remedied without either record changing (a parent that arrived, a picklist value that was added), or by a scope that
-- its record has entered meanwhile (a list got a member, a rule changed).
-- Reads what the previous pass left in field_decisions, which is further down the flow.
{% set previous = adapter.get_relation(database=target.database, schema='merging', identifier='field_decisions') %}

{% if previous %}
select link_id from {{ previous }} where held_reason is not null and held_reason <> 'excluded'
union
select decisions.link_id
from {{ previous }} as decisions
inner join {{ ref('records_included') }} as included
    on decisions.object = included.object
    and decisions.winner in (included.side, 'both')
    and included.record_id
    = case included.side when 'hubspot' then decisions.hubspot_id else decisions.salesforce_id end
where decisions.held_reason = 'excluded' and included.is_included
{% else %}
-- depends on: {{ ref('records_included') }}
select cast(null as varchar) as link_id where false
{% endif %}
