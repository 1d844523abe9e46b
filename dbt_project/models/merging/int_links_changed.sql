-- One row per living link that has to be decided in this pass: a record was read again, the link is new, a push had
-- an outcome, a value was held back, a mapping of its object changed, or its associations did: they move no time of
-- their record. Work grows with this table.
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

-- what came to or went from a record, and who has got a counterpart since
associated as (
    select objects.object, 'hubspot' as side, associations.from_id as record_id
    from {{ source('raw_hubspot', 'associations') }} as associations
    cross join current_run
    inner join {{ ref('stg_object_mappings') }} as objects on associations.from_object = objects.hubspot_object
    left join {{ ref('stg_object_mappings') }} as others on associations.to_object = others.hubspot_object
    left join {{ ref('links') }} as members
        on members.linked_at > current_run.decided_at
        and others.object = members.object
        and associations.to_id = members.hubspot_id
    where associations.loaded_at > current_run.decided_at or (associations.is_present and members.link_id is not null)
    union
    select junctions.object, 'salesforce' as side, junctions.record_id
    from {{ ref('stg_junction_members') }} as junctions
    cross join current_run
    left join {{ ref('links') }} as members
        on members.linked_at > current_run.decided_at
        and junctions.member_id = members.salesforce_id
    where junctions.loaded_at > current_run.decided_at or (junctions.is_present and members.link_id is not null)
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
        or (links.object, links.hubspot_id) in (select (object, record_id) from associated where side = 'hubspot')
        or (links.object, links.salesforce_id) in (select (object, record_id) from associated where side = 'salesforce')
    )
