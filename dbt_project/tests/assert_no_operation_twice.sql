-- Guards that a push writes a record once: one operation of a kind per record, one create per link, in all mappings
-- of a CRM together.
with operations as (
    select 'hubspot' as target, operation_id, operation, crm_object, coalesce(record_id, link_id) as subject
    from {{ ref('diff_hubspot') }}
    union all
    select 'salesforce' as target, operation_id, operation, crm_object, coalesce(record_id, link_id) as subject
    from {{ ref('diff_salesforce') }}
)

select target, operation, crm_object, subject, count(*) as operations
from operations
group by target, operation, crm_object, subject
having count(*) > 1
