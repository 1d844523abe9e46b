-- One row per living record that was neither linked nor may be created, with the reason: its key is ambiguous, a
-- linked record already holds it, or it has no key.
with unlinked as (
    select records.object, records.side, records.record_id
    from {{ ref('int_mapped_records') }} as records
    inner join {{ ref('stg_object_mappings') }} as objects on records.object = objects.object
    anti join (select * from {{ ref('links') }} where status <> 'superseded') as links
        on records.object = links.object
        and ((records.side = 'hubspot' and records.record_id = links.hubspot_id)
            or (records.side = 'salesforce' and records.record_id = links.salesforce_id))
    where not records.is_deleted and objects.match_rule <> ''
),

keys as (
    select
        match_keys.*,
        unlinked.record_id is not null as is_unlinked
    from {{ ref('int_match_keys') }} as match_keys
    left join unlinked
        on match_keys.object = unlinked.object
        and match_keys.side = unlinked.side
        and match_keys.record_id = unlinked.record_id
),

sharing as (
    select
        own.object,
        own.side,
        own.record_id,
        own.key_kind,
        own.match_key,
        other.side as other_side,
        other.record_id as other_record_id,
        other.is_unlinked as other_is_unlinked
    from keys as own
    inner join keys as other
        on own.object = other.object
        and own.key_kind = other.key_kind
        and own.match_key = other.match_key
        and (own.side <> other.side or own.record_id <> other.record_id)
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
        side,
        record_id,
        case
            when bool_and(other_is_unlinked) then 'ambiguous_match'
            when any_value(key_kind) = 'email' then 'duplicate_person'
            else 'ambiguous_match'
        end as issue_type,
        any_value(match_key) as match_key,
        any_value(key_kind) as key_kind,
        string_agg(distinct other_side || ' ' || other_record_id, ', ' order by other_side || ' ' || other_record_id)
            as other_records,
        bool_and(other_is_unlinked) as all_unlinked
    from sharing
    group by object, side, record_id
),

without_key as (
    select unlinked.* from unlinked
    anti join {{ ref('int_match_keys') }} as match_keys
        on unlinked.object = match_keys.object
        and unlinked.side = match_keys.side
        and unlinked.record_id = match_keys.record_id
)

select
    object,
    side,
    record_id,
    issue_type,
    match_key,
    key_kind || case
        when all_unlinked then ' is shared with '
        else ' is already held by a linked record or its counterpart: '
    end || other_records as detail
from shared
union all
select
    object,
    side,
    record_id,
    'missing_match_key' as issue_type,
    null as match_key,
    'has no value to match by' as detail
from without_key
