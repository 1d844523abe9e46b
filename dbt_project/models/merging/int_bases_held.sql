-- One row per link and reference field: what both sides held when they last agreed, as the previous pass left it.
-- Reads base_values, which is further down the flow.
{{ config(materialized='view') }}
{% set previous = adapter.get_relation(database=target.database, schema='merging', identifier='base_values') %}

{% if previous %}
select link_id, object, hubspot_property, salesforce_field, hubspot_value, salesforce_value from {{ previous }}
where hubspot_property like 'associations.%'
{% else %}
select
    cast(null as varchar) as link_id,
    cast(null as varchar) as object,
    cast(null as varchar) as hubspot_property,
    cast(null as varchar) as salesforce_field,
    cast(null as varchar) as hubspot_value,
    cast(null as varchar) as salesforce_value
where false
{% endif %}
