-- One row per pair of records known to be the same thing. A link once made survives changes of its key; merges
-- redirect it, deletes mark it, a new record with the same key takes over from a deleted one.
-- Ties are never broken by guessing: a key that several unlinked records share links nothing.
-- A pass looks at the records that are affected: what is decided about them hangs on nobody else.
{{ config(materialized='incremental', unique_key='link_id', incremental_strategy='delete+insert', full_refresh=false) }}

with records as (
    select
        mapped.object,
        coalesce(mapped.hubspot_object, mapped.object) as key_space,
        mapped.priority,
        mapped.side,
        mapped.record_id,
        mapped.is_deleted,
        mapped.merged_into_id,
        mapped.becomes_object,
        mapped.stored_id
    from {{ ref('int_mapped_records') }} as mapped
    {{ only_recomputed('mapped', 'int_records_affected') }}
),

match_keys as (
    select all_keys.* from {{ ref('int_match_keys') }} as all_keys
    {{ only_recomputed('all_keys', 'int_records_affected') }}
),

known as (
    {% if is_incremental() %}
    select link_id, object, hubspot_id, salesforce_id, matched_by, status, linked_at, run_id from {{ this }}
    {{ where_affected('hubspot_id') }}
    {% else %}
    select * from (values ('', '', '', '', '', '', timestamptz '1970-01-01 00:00:00+00', ''))
        as nothing (link_id, object, hubspot_id, salesforce_id, matched_by, status, linked_at, run_id)
    where false
    {% endif %}
),

existing as (
    select * from known
    where status <> 'superseded'
),

creates as (
    select attempts.* from {{ source('journal', 'push_attempts') }} as attempts
    {% if recomputes_some() %}
    semi join {{ ref('int_records_affected') }} as affected
        on attempts.target <> affected.side
        and case attempts.target when 'hubspot' then attempts.salesforce_id else attempts.hubspot_id end
        = affected.record_id
    {% endif %}
    where attempts.operation = 'create'
),

-- a record that stood in the way of a create is its counterpart where the two share a match key; any other unique field
-- may be shared by strangers
of_one_key as (
    select distinct attempts.attempt_id
    from creates as attempts
    inner join match_keys as own
        on attempts.object = own.object
        and attempts.target <> own.side
        and coalesce(case attempts.target when 'hubspot' then attempts.salesforce_id else attempts.hubspot_id end, '')
        = own.record_id
    inner join match_keys as found
        on attempts.target = found.side
        and attempts.existing_id = found.record_id
        and own.key_kind = found.key_kind
        and own.match_key = found.match_key
    where attempts.existing_id is not null
        and not (own.key_kind = 'name' and own.has_domain and found.has_domain)
),

-- what this sync created, or found to exist when it tried to (a duplicate error that names the record)
journalled as (
    select distinct
        attempts.link_id,
        attempts.object,
        coalesce(attempts.hubspot_id, case when attempts.target = 'hubspot' then attempts.existing_id end)
            as hubspot_id,
        coalesce(attempts.salesforce_id, case when attempts.target = 'salesforce' then attempts.existing_id end)
            as salesforce_id,
        case when attempts.outcome = 'succeeded' then 'created' else 'existing' end as matched_by
    from creates as attempts
    where attempts.link_id not in (select known.link_id from known)
        and (
            attempts.outcome = 'succeeded'
            or attempts.attempt_id in (select of_one_key.attempt_id from of_one_key)
            -- HubSpot, which knows people by their e-mail, may name a record that its search does not show yet
            or (
                attempts.target = 'hubspot'
                and attempts.existing_id is not null
                and attempts.existing_id not in (select records.record_id from records where records.side = 'hubspot')
            )
        )
    qualify row_number() over (
            partition by attempts.link_id order by attempts.outcome = 'succeeded' desc, attempts.outcome_at desc
        ) = 1
),

redirected as (
    select
        existing.link_id,
        -- a converted lead hands its link over to the contact it became
        coalesce(salesforce.becomes_object, existing.object) as object,
        coalesce(hubspot.merged_into_id, existing.hubspot_id) as hubspot_id,
        coalesce(salesforce.merged_into_id, existing.salesforce_id) as salesforce_id,
        existing.matched_by,
        existing.linked_at,
        existing.run_id,
        hubspot.merged_into_id is not null or salesforce.merged_into_id is not null as is_redirected
    from existing
    left join records as hubspot
        on hubspot.side = 'hubspot' and existing.object = hubspot.object and existing.hubspot_id = hubspot.record_id
    left join records as salesforce
        on salesforce.side = 'salesforce'
        and existing.object = salesforce.object
        and existing.salesforce_id = salesforce.record_id
    union all
    select
        journalled.link_id,
        journalled.object,
        journalled.hubspot_id,
        journalled.salesforce_id,
        journalled.matched_by,
        current_run.started_at as linked_at,
        current_run.run_id,
        false as is_redirected
    from journalled
    cross join {{ ref('stg_current_run') }} as current_run
    where journalled.hubspot_id is not null and journalled.salesforce_id is not null
),

standing as (
    select
        redirected.*,
        coalesce(hubspot.key_space, redirected.object) as key_space,
        case
            when coalesce(hubspot.is_deleted, false) and coalesce(salesforce.is_deleted, false) then 'both_deleted'
            when coalesce(hubspot.is_deleted, false) then 'hubspot_deleted'
            when coalesce(salesforce.is_deleted, false) then 'salesforce_deleted'
            else 'linked'
        end as living_status
    from redirected
    left join records as hubspot
        on hubspot.side = 'hubspot'
        and redirected.object = hubspot.object
        and redirected.hubspot_id = hubspot.record_id
    left join records as salesforce
        on salesforce.side = 'salesforce'
        and redirected.object = salesforce.object
        and redirected.salesforce_id = salesforce.record_id
),

-- two links that meet in one survivor: one with a living counterpart wins, then the older, then the survivor's own
ranked as (
    select
        * exclude (is_redirected),
        row_number() over (
            partition by key_space, hubspot_id
            order by living_status = 'linked' desc, linked_at, is_redirected, matched_by = 'created', link_id
        ) as rank_in_hubspot,
        row_number() over (
            partition by object, salesforce_id
            order by living_status = 'linked' desc, linked_at, is_redirected, matched_by = 'created', link_id
        ) as rank_in_salesforce
    from standing
),

settled as (
    select
        * exclude (living_status, rank_in_hubspot, rank_in_salesforce),
        case
            when rank_in_hubspot > 1 or rank_in_salesforce > 1 then 'superseded'
            else living_status
        end as status
    from ranked
),

-- a HubSpot record that is linked as a contact is not free to be a lead, and the reverse
linked_records as (
    select object, 'hubspot' as side, hubspot_id as record_id from settled where status = 'linked'
    union
    select records.object, 'hubspot' as side, records.record_id
    from settled
    inner join records
        on records.side = 'hubspot' and settled.key_space = records.key_space and settled.hubspot_id = records.record_id
    where settled.status = 'linked'
    union
    select object, 'salesforce' as side, salesforce_id as record_id from settled where status = 'linked'
),

unlinked as (
    select records.* from records
    anti join linked_records
        on records.object = linked_records.object
        and records.side = linked_records.side
        and records.record_id = linked_records.record_id
    where not records.is_deleted
),

-- either record may hold the other's id; two joins, since one with an `or` would compare all with all
holding_ids as (
    {% for holder, held in [('hubspot', 'salesforce'), ('salesforce', 'hubspot')] %}
    select
        hubspot.object,
        hubspot.key_space,
        hubspot.priority,
        hubspot.record_id as hubspot_id,
        salesforce.record_id as salesforce_id
    from unlinked as hubspot
    inner join unlinked as salesforce
        on salesforce.side = 'salesforce'
        and hubspot.object = salesforce.object
        and {{ holder }}.stored_id = {{ held }}.record_id
    where hubspot.side = 'hubspot'
    {% if not loop.last %}union{% endif %}
    {% endfor %}
),

by_stored_id as (
    select * from holding_ids
    qualify count(*) over (partition by object, hubspot_id) = 1
        and count(*) over (partition by object, salesforce_id) = 1
),

-- whoever is both a contact and a lead is linked as the contact
outranked as (
    select distinct lower_keys.object, lower_keys.side, lower_keys.record_id
    from match_keys as lower_keys
    inner join match_keys as higher_keys
        on lower_keys.key_space = higher_keys.key_space
        and lower_keys.side = higher_keys.side
        and lower_keys.key_kind = higher_keys.key_kind
        and lower_keys.match_key = higher_keys.match_key
        and lower_keys.priority > higher_keys.priority
    where lower_keys.side = 'salesforce'
),

{% set rounds = [('by_key', 'by_stored_id', 1), ('by_second_key', 'by_key', 2)] %}
{% for name, taken, rank in rounds %}
linked_before_{{ name }} as (
    select * from {% if loop.first %}linked_records{% else %}linked_before_by_key{% endif %}
    union all
    select object, 'hubspot' as side, hubspot_id as record_id from {{ taken }}
    union all
    select object, 'salesforce' as side, salesforce_id as record_id from {{ taken }}
),

-- who shares a key with a linked record is its duplicate, and links by that key to nobody
held_before_{{ name }} as (
    select keys.object, keys.key_kind, keys.match_key, keys.has_domain from match_keys as keys
    semi join linked_before_{{ name }} as linked
        on keys.object = linked.object and keys.side = linked.side and keys.record_id = linked.record_id
),

keys_before_{{ name }} as (
    select keys.* from match_keys as keys
    anti join linked_before_{{ name }} as linked
        on keys.object = linked.object and keys.side = linked.side and keys.record_id = linked.record_id
    anti join outranked
        on keys.object = outranked.object and keys.side = outranked.side and keys.record_id = outranked.record_id
    anti join held_before_{{ name }} as held
        on keys.object = held.object
        and keys.key_kind = held.key_kind
        and keys.match_key = held.match_key
        and not (keys.key_kind = 'name' and keys.has_domain and held.has_domain)
),

{{ name }} as (
    select
        hubspot.object,
        coalesce(hubspot.key_space, hubspot.object) as key_space,
        hubspot.priority,
        hubspot.record_id as hubspot_id,
        salesforce.record_id as salesforce_id,
        hubspot.key_kind as matched_by
    from keys_before_{{ name }} as hubspot
    inner join keys_before_{{ name }} as salesforce
        on salesforce.side = 'salesforce'
        and hubspot.object = salesforce.object
        and hubspot.key_kind = salesforce.key_kind
        and hubspot.match_key = salesforce.match_key
    where hubspot.side = 'hubspot'
        {% if rank == 1 %}
        and hubspot.key_rank = 1 and salesforce.key_rank = 1
        {% else %}
        and not (hubspot.key_kind = 'name' and hubspot.has_domain and salesforce.has_domain)
        {% endif %}
    qualify count(*) over (partition by hubspot.object, hubspot.record_id) = 1
        and count(*) over (partition by hubspot.object, salesforce.record_id) = 1
),
{% endfor %}

-- a pair of which neither record is in scope is nobody's business
included as (
    select scopes.object, scopes.side, scopes.record_id
    from {{ ref('records_included') }} as scopes
    {{ only_recomputed('scopes', 'int_records_affected') }}
    where scopes.is_included
),

in_scope as (
    select pairs.*
    from (
        select * from by_key
        union all
        select * from by_second_key
    ) as pairs
    where (pairs.object, pairs.hubspot_id) in (select (object, record_id) from included where side = 'hubspot')
        or (pairs.object, pairs.salesforce_id) in (select (object, record_id) from included where side = 'salesforce')
),

new_pairs as (
    select object, hubspot_id, salesforce_id, matched_by
    from (
        select object, key_space, priority, hubspot_id, salesforce_id, 'stored_id' as matched_by from by_stored_id
        union all
        select object, key_space, priority, hubspot_id, salesforce_id, matched_by from in_scope
    ) as candidates
    qualify row_number() over (
            partition by key_space, hubspot_id order by matched_by = 'stored_id' desc, priority, salesforce_id
        ) = 1
),

current_links as (
    select
        settled.link_id,
        settled.object,
        settled.hubspot_id,
        settled.salesforce_id,
        settled.matched_by,
        case
            when settled.status <> 'linked'
                and (
                    (settled.object, settled.hubspot_id) in (select (object, hubspot_id) from new_pairs)
                    or (settled.object, settled.salesforce_id) in (select (object, salesforce_id) from new_pairs)
                )
                then 'superseded'
            else settled.status
        end as status,
        settled.linked_at,
        settled.run_id
    from settled
    union all
    select
        md5(new_pairs.object || '|' || new_pairs.hubspot_id || '|' || new_pairs.salesforce_id) as link_id,
        new_pairs.object,
        new_pairs.hubspot_id,
        new_pairs.salesforce_id,
        new_pairs.matched_by,
        'linked' as status,
        current_run.started_at as linked_at,
        current_run.run_id
    from new_pairs
    cross join {{ ref('stg_current_run') }} as current_run
)

select current_links.* from current_links
{% if is_incremental() %}
-- only what is new or has changed is written
anti join known as before
    on current_links.link_id = before.link_id
    and current_links.object = before.object
    and current_links.hubspot_id = before.hubspot_id
    and current_links.salesforce_id = before.salesforce_id
    and current_links.status = before.status
{% endif %}
qualify row_number() over (partition by current_links.link_id order by current_links.status = 'linked' desc) = 1
