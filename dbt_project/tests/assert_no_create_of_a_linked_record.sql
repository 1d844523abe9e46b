-- Guards against duplicates: nothing is created for a record that has a counterpart, living or deleted.
with creates as (
    select object, operation, hubspot_id, salesforce_id from {{ ref('diff_hubspot') }} where operation = 'create'
    union all
    select object, operation, hubspot_id, salesforce_id from {{ ref('diff_salesforce') }} where operation = 'create'
)

select links.link_id, links.object, links.hubspot_id, links.salesforce_id, links.status
from {{ ref('links') }} as links
inner join creates
    on links.object = creates.object
    and (links.hubspot_id = creates.hubspot_id or links.salesforce_id = creates.salesforce_id)
where links.status <> 'superseded'
