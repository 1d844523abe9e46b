-- The enabled object mappings. `push_order` is lower for parents than for the objects that refer to them: 10, and 10
-- more for each step of the longest chain of references, up to five. Objects that refer to each other in a circle
-- have no order; the push sorts their records out.
with enabled as (
    select * from {{ ref('object_mappings') }}
    where {{ is_yes('enabled') }}
),

parents as (
    select distinct fields.object, parent.object as parent
    from {{ ref('field_mappings') }} as fields
    cross join unnest(string_split({{ given('fields.references_object', "''") }}, ';')) as named (parent)
    inner join enabled as parent on trim(named.parent) = parent.object
    where {{ given('fields.direction', "'prefer_salesforce'") }} <> 'none' and fields.object <> parent.object
),

levels_0 as (
    select object, 0 as level from enabled
),
{% for step in range(1, 6) %}
levels_{{ step }} as (
    select enabled.object, coalesce(max(before.level) + 1, 0) as level
    from enabled
    left join parents on enabled.object = parents.object
    left join levels_{{ step - 1 }} as before on parents.parent = before.object
    group by enabled.object
){{ ',' if not loop.last }}
{% endfor %}

select
    enabled.object,
    enabled.hubspot_object,
    enabled.salesforce_object,
    enabled.priority,
    {{ given('enabled.match_rule', "''") }} as match_rule,
    {{ given('enabled.match_hubspot_property', "''") }} as match_hubspot_property,
    {{ given('enabled.match_salesforce_field', "''") }} as match_salesforce_field,
    {{ is_yes('enabled.create_in_hubspot') }} as creates_in_hubspot,
    {{ is_yes('enabled.create_in_salesforce') }} as creates_in_salesforce,
    {{ given('enabled.on_hubspot_delete', "'ignore'") }} as on_hubspot_delete,
    {{ given('enabled.on_salesforce_delete', "'ignore'") }} as on_salesforce_delete,
    10 + 10 * levels_5.level as push_order
from enabled
inner join levels_5 on enabled.object = levels_5.object
