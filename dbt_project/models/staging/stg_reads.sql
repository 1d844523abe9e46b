-- One row per CRM and thing that is read as a whole, with the time of its last complete read: an object (contacts,
-- Contact), a pair of HubSpot objects whose associations are read (contacts.associations.companies), a junction object.
select 'hubspot' as side, object, loaded_at
from {{ source('raw_hubspot', 'reads') }}
where is_complete
union all
select 'salesforce' as side, object, loaded_at
from {{ source('raw_salesforce', 'reads') }}
where is_complete
