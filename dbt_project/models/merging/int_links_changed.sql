-- One row per living link that has to be decided in this pass: a record was read again, the link is new, a push had
-- an outcome, a value was held back, or a mapping of its object changed. Work grows with this table.
with current_run as (
    select * from {{ ref('stg_current_run') }}
),

read_again as (
    select records.object, records.side, records.record_id
    from {{ ref('int_mapped_records') }} as records
    cross join current_run
    where records.loaded_at > current_run.decided_at
),

pushed as (
    select distinct attempts.link_id
    from {{ source('journal', 'push_attempts') }} as attempts
    cross join current_run
    where attempts.outcome_at > current_run.decided_at
),

remapped as (
    select distinct states.object
    from {{ ref('mapping_states') }} as states
    cross join current_run
    where states.changed_at > current_run.decided_at
)

select
    links.link_id,
    links.object,
    links.hubspot_id,
    links.salesforce_id
from {{ ref('links') }} as links
cross join current_run
where links.status = 'linked'
    and (
        links.linked_at > current_run.decided_at
        or links.object in (select remapped.object from remapped)
        or links.link_id in (select pushed.link_id from pushed)
        or links.link_id in (select held.link_id from {{ ref('int_links_held') }} as held)
        or (links.object, links.hubspot_id) in (select (object, record_id) from read_again where side = 'hubspot')
        or (links.object, links.salesforce_id) in (select (object, record_id) from read_again where side = 'salesforce')
    )
