-- One row per living record that was neither linked nor may be created, with the reason: its key is ambiguous, a
-- linked record already holds it, or it has no key.
{{ config(materialized='by_record', recomputed_for='int_records_affected') }}

with records as (
    select
        records.object,
        coalesce(records.hubspot_object, records.object) as key_space,
        records.priority,
        records.side,
        records.record_id
    from {{ ref('int_mapped_records') }} as records
    {{ only_recomputed('records', 'int_records_affected') }}
    inner join {{ ref('stg_object_mappings') }} as objects on records.object = objects.object
    where not records.is_deleted and objects.match_rule <> ''
),

known_links as (
    select object, hubspot_id, salesforce_id, status from {{ ref('links') }}
    {{ where_affected('hubspot_id') }}
),

known_keys as (
    select all_keys.* from {{ ref('int_match_keys') }} as all_keys
    {{ only_recomputed('all_keys', 'int_records_affected') }}
),

-- a HubSpot record that is linked under one mapping is linked for those that share its HubSpot object
linked as (
    select links.object, 'hubspot' as side, links.hubspot_id as record_id
    from known_links as links
    where links.status <> 'superseded'
    union
    select siblings.object, 'hubspot' as side, siblings.record_id
    from known_links as links
    inner join records as own
        on own.side = 'hubspot' and links.object = own.object and links.hubspot_id = own.record_id
    inner join records as siblings
        on siblings.side = 'hubspot' and own.key_space = siblings.key_space and own.record_id = siblings.record_id
    where links.status <> 'superseded'
    union
    select links.object, 'salesforce' as side, links.salesforce_id as record_id
    from known_links as links
    where links.status <> 'superseded'
),

unlinked as (
    select records.*
    from records
    anti join linked
        on records.object = linked.object and records.side = linked.side and records.record_id = linked.record_id
),

keys as (
    select
        match_keys.* replace (
            coalesce(match_keys.key_space, match_keys.object) as key_space, coalesce(match_keys.priority, 1) as priority
        ),
        unlinked.record_id is not null as is_unlinked
    from known_keys as match_keys
    left join unlinked
        on match_keys.object = unlinked.object
        and match_keys.side = unlinked.side
        and match_keys.record_id = unlinked.record_id
),

sharing as (
    select
        own.object,
        own.key_space,
        own.priority,
        own.side,
        own.record_id,
        own.key_kind,
        own.match_key,
        own.side = 'salesforce' and other.priority < own.priority as is_outranked,
        other.side as other_side,
        other.record_id as other_record_id,
        other.is_unlinked as other_is_unlinked
    from keys as own
    inner join keys as other
        on own.key_space = other.key_space
        and own.key_kind = other.key_kind
        and own.match_key = other.match_key
        and (own.side <> other.side or own.record_id <> other.record_id)
        -- a lead never stands in the way of a contact
        and not (other.side = 'salesforce' and other.priority > own.priority)
    where own.is_unlinked
        and (
            own.key_kind <> 'name'
            or (own.side = other.side and other.is_unlinked and not own.has_domain)
            or ((own.side <> other.side or not other.is_unlinked) and not (own.has_domain and other.has_domain))
            or own.key_rank = 1
        )
),

shared as (
    select
        object,
        key_space,
        priority,
        side,
        record_id,
        case
            when bool_or(is_outranked) then 'duplicate_person'
            when bool_and(other_is_unlinked) then 'ambiguous_match'
            when min(key_kind) = 'email' then 'duplicate_person'
            else 'ambiguous_match'
        end as issue_type,
        arg_min(match_key, key_kind || ' ' || match_key) as match_key,
        min(key_kind) || case
            when bool_or(is_outranked) then ' is that of a contact as well: '
            when bool_and(other_is_unlinked) then ' is shared with '
            else ' is already held by a linked record or its counterpart: '
        end || string_agg(
            distinct other_side || ' ' || other_record_id, ', ' order by other_side || ' ' || other_record_id
        ) as detail
    from sharing
    group by object, key_space, priority, side, record_id
),

without_key as (
    select
        unlinked.object,
        unlinked.key_space,
        unlinked.priority,
        unlinked.side,
        unlinked.record_id,
        'missing_match_key' as issue_type,
        cast(null as varchar) as match_key,
        'has no value to match by' as detail
    from unlinked
    anti join known_keys as match_keys
        on unlinked.object = match_keys.object
        and unlinked.side = match_keys.side
        and unlinked.record_id = match_keys.record_id
),

-- two links met in one survivor: the counterpart of the one that gave way is left over
left_over as (
    select distinct
        unlinked.object,
        unlinked.key_space,
        unlinked.priority,
        unlinked.side,
        unlinked.record_id,
        case when objects.match_rule = 'email' then 'duplicate_person' else 'ambiguous_match' end as issue_type,
        cast(null as varchar) as match_key,
        'its counterpart was merged into a record that is linked already' as detail
    from unlinked
    inner join (
        select object, 'hubspot' as side, hubspot_id as record_id from known_links where status = 'superseded'
        union all
        select object, 'salesforce' as side, salesforce_id as record_id from known_links where status = 'superseded'
    ) as gone
        on unlinked.object = gone.object
        and unlinked.side = gone.side
        and unlinked.record_id = gone.record_id
    inner join {{ ref('stg_object_mappings') }} as objects on unlinked.object = objects.object
    anti join shared
        on unlinked.object = shared.object and unlinked.side = shared.side and unlinked.record_id = shared.record_id
),

found as (
    select * from shared
    union all
    select * from without_key
    union all
    select left_over.* from left_over
    anti join without_key
        on left_over.object = without_key.object
        and left_over.side = without_key.side
        and left_over.record_id = without_key.record_id
)

-- a HubSpot record that falls under several mappings is listed once
select
    object,
    key_space,
    side,
    record_id,
    issue_type,
    match_key,
    detail
from found
qualify side = 'salesforce'
    or row_number() over (partition by side, key_space, record_id order by priority, object) = 1
