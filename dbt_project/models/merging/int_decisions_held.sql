-- One row per link and field that a side has once won, as the previous pass left it: what field_decisions goes on
-- telling of. The id of the counterpart, which every link has, is left out.
-- Reads fields_decided, which is further down the flow.
{{ config(materialized='view') }}
{% set previous = adapter.get_relation(database=target.database, schema='merging', identifier='fields_decided') %}

{% if previous %}
select link_id, hubspot_property, salesforce_field from {{ previous }}
where winner is not null and salesforce_field <> 'Id'
{% else %}
select
    cast(null as varchar) as link_id,
    cast(null as varchar) as hubspot_property,
    cast(null as varchar) as salesforce_field
where false
{% endif %}
