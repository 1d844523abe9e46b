-- One row per link that the previous pass could not finish: a value held back by a problem that may have been
-- remedied without either record changing (a parent that arrived, a picklist value that was added), or by a scope that
-- its record has entered meanwhile (a list got a member, a rule changed).
-- Reads what the previous pass left in fields_decided, which is further down the flow.
{% set previous = adapter.get_relation(database=target.database, schema='merging', identifier='fields_decided') %}

{% if previous %}
with hubspot_included as (
    select object, record_id from {{ ref('records_included') }}
    where side = 'hubspot' and is_included
),

salesforce_included as (
    select object, record_id from {{ ref('records_included') }}
    where side = 'salesforce' and is_included
)

select link_id from {{ previous }} where held_reason is not null and held_reason <> 'excluded'
union
select link_id from {{ previous }}
where held_reason = 'excluded'
    and (
        (winner in ('hubspot', 'both') and (object, hubspot_id) in (select (object, record_id) from hubspot_included))
        or (
            winner in ('salesforce', 'both')
            and (object, salesforce_id) in (select (object, record_id) from salesforce_included)
        )
    )
{% else %}
-- depends on: {{ ref('records_included') }}
select cast(null as varchar) as link_id where false
{% endif %}
