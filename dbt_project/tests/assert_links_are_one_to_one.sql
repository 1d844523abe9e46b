-- Guards that a record is kept in step with one other record only: of the living links of an object, none shares a
-- HubSpot or a Salesforce record with another.
with ends as (
    select object, 'hubspot' as side, hubspot_id as record_id from {{ ref('links') }} where status = 'linked'
    union all
    select object, 'salesforce' as side, salesforce_id as record_id from {{ ref('links') }} where status = 'linked'
)

select object, side, record_id, count(*) as links
from ends
group by object, side, record_id
having count(*) > 1
