-- One row per field that the sync has written at least three times in either direction within the last ten runs: two
-- automations, or an automation and a person, keep undoing each other.
with latest_runs as (
    select run_id from {{ source('journal', 'runs') }}
    where command in ('sync', 'watch')
    order by started_at desc
    limit 10
),

updates as (
    select link_id, object, target, hubspot_id, salesforce_id, run_id, changes
    from {{ source('journal', 'push_attempts') }}
    where outcome = 'succeeded'
        and operation = 'update'
        and run_id in (select latest_runs.run_id from latest_runs)
    -- only records that were written both ways are looked into
    qualify count(*) filter (where target = 'hubspot') over (partition by link_id) >= 3
        and count(*) filter (where target = 'salesforce') over (partition by link_id) >= 3
),

writes as (
    select
        updates.link_id,
        updates.object,
        updates.target,
        updates.run_id,
        updates.hubspot_id,
        updates.salesforce_id,
        mappings.hubspot_property,
        mappings.salesforce_field
    from updates
    cross join lateral json_each(updates.changes) as change
    inner join {{ ref('stg_field_mappings') }} as mappings
        on updates.object = mappings.object
        and change.key
        = case updates.target when 'hubspot' then mappings.hubspot_property else mappings.salesforce_field end
    -- a merged set is written to both sides at once, which is no flapping
    where mappings.conflict_rule <> 'union'
)

select
    link_id,
    object,
    hubspot_property,
    salesforce_field,
    max(hubspot_id) as hubspot_id,
    max(salesforce_id) as salesforce_id,
    count(distinct run_id) filter (where target = 'hubspot') as writes_to_hubspot,
    count(distinct run_id) filter (where target = 'salesforce') as writes_to_salesforce
from writes
group by link_id, object, hubspot_property, salesforce_field
having count(distinct run_id) filter (where target = 'hubspot') >= 3
    and count(distinct run_id) filter (where target = 'salesforce') >= 3
