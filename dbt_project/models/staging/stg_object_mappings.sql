-- The enabled object mappings. Parents are pushed before children: companies, people, deals, the rest, activities.
select
    object,
    hubspot_object,
    salesforce_object,
    priority,
    {{ given('match_rule', "''") }} as match_rule,
    {{ given('match_hubspot_property', "''") }} as match_hubspot_property,
    {{ given('match_salesforce_field', "''") }} as match_salesforce_field,
    {{ is_yes('create_in_hubspot') }} as creates_in_hubspot,
    {{ is_yes('create_in_salesforce') }} as creates_in_salesforce,
    {{ given('on_hubspot_delete', "'ignore'") }} as on_hubspot_delete,
    {{ given('on_salesforce_delete', "'ignore'") }} as on_salesforce_delete,
    case
        when hubspot_object = 'companies' then 10
        when hubspot_object = 'contacts' then 20
        when hubspot_object = 'deals' then 30
        when hubspot_object in ('tasks', 'notes', 'calls', 'meetings', 'emails') then 50
        else 40
    end as push_order
from {{ ref('object_mappings') }}
where {{ is_yes('enabled') }}
