-- One row per record about which something has come since the last complete decision: it was read again, a push had an
-- outcome, a list took it in or let it go, or it shared a key, an id or a link with such a record before. All that
-- follows from single records is computed again for these and stays as it is for others.
-- Empty in a pass that computes everything. Rows of a pass that did not come to its end are kept: what they shared
-- before may be gone by now. Reads what the previous pass left in models further down the flow.
{% set links = adapter.get_relation(database=target.database, schema='matching', identifier='links') %}
{% set keys = adapter.get_relation(database=target.database, schema='matching', identifier='int_match_keys') %}
{% set records = adapter.get_relation(database=target.database, schema='staging', identifier='stg_records') %}
{% set previous = adapter.get_relation(database=target.database, schema='staging', identifier='int_records_touched') %}
{% if records and 'stored_id' not in (adapter.get_columns_in_relation(records) | map(attribute='name')) %}
    {% set records = none %}
{% endif %}

{% if looks_at_all() %}
select cast(null as varchar) as side, cast(null as varchar) as record_id, cast(null as timestamptz) as decided_at
where false
{% else %}
with current_run as (
    select run_id, decided_at from {{ ref('stg_current_run') }}
),

news as (
    select 'hubspot' as side, records.id as record_id
    from {{ source('raw_hubspot', 'records') }} as records
    inner join current_run on records.loaded_at > current_run.decided_at
    union
    select 'salesforce' as side, records.id as record_id
    from {{ source('raw_salesforce', 'records') }} as records
    inner join current_run on records.loaded_at > current_run.decided_at
    union
    select ends.side, ends.record_id
    from (
        select
            unnest(['hubspot', 'salesforce', target, target]) as side,
            unnest([hubspot_id, salesforce_id, record_id, existing_id]) as record_id
        from {{ source('journal', 'push_attempts') }}
        where outcome_at > (select current_run.decided_at from current_run)
    ) as ends
    where ends.record_id is not null
    union
    select 'hubspot' as side, members.record_id
    from {{ source('raw_hubspot', 'list_memberships') }} as members
    inner join current_run on members.loaded_at > current_run.decided_at
    {% if previous %}
    union
    select before.side, before.record_id
    from {{ previous }} as before
    inner join current_run on before.decided_at = current_run.decided_at
    {% endif %}
),

-- who was merged into whom, up and down the chain: four steps at the most, as in stg_records
merges as (
    select 'hubspot' as side, id as record_id, merged_into_id from {{ source('raw_hubspot', 'records') }}
    where merged_into_id is not null
    union all
    select 'salesforce' as side, id as record_id, merged_into_id from {{ source('raw_salesforce', 'records') }}
    where merged_into_id is not null
    {% if records %}
    union all
    select side, record_id, merged_into_id from {{ records }}
    where merged_into_id is not null
    {% endif %}
),

merge_steps as (
    select side, record_id, merged_into_id as other_id from merges
    union
    select side, merged_into_id as record_id, record_id as other_id from merges
),

merged_0 as (
    select side, record_id from news
),
{% for step in range(1, 5) %}
merged_{{ step }} as (
    select side, record_id from merged_{{ step - 1 }}
    union
    select merge_steps.side, merge_steps.other_id as record_id
    from merge_steps
    inner join merged_{{ step - 1 }} as reached
        on merge_steps.side = reached.side and merge_steps.record_id = reached.record_id
){{ ',' if not loop.last or (links and keys and records) }}
{% endfor %}
{% if links and keys and records %}
-- what shared a key, an id or a link with them before
shared_before as (
    select others.side, others.record_id
    from {{ keys }} as others
    semi join (
        select own.key_space, own.key_kind, own.match_key
        from {{ keys }} as own
        semi join merged_4 as touched on own.side = touched.side and own.record_id = touched.record_id
    ) as held
        on others.key_space = held.key_space and others.key_kind = held.key_kind and others.match_key = held.match_key
    union
    select case own.side when 'hubspot' then 'salesforce' else 'hubspot' end as side, own.stored_id as record_id
    from {{ records }} as own
    semi join merged_4 as touched on own.side = touched.side and own.record_id = touched.record_id
    where own.stored_id is not null
    union
    select 'salesforce' as side, before.salesforce_id as record_id
    from {{ links }} as before
    semi join merged_4 as touched on touched.side = 'hubspot' and before.hubspot_id = touched.record_id
    union
    select 'hubspot' as side, before.hubspot_id as record_id
    from {{ links }} as before
    semi join merged_4 as touched on touched.side = 'salesforce' and before.salesforce_id = touched.record_id
),

-- a pair that was linked since has left the others with its key or ids among themselves
linked_since as (
    select unnest(['hubspot', 'salesforce']) as side, unnest([hubspot_id, salesforce_id]) as record_id
    from {{ links }}
    where run_id in (
            select runs.run_id
            from {{ source('journal', 'runs') }} as runs
            inner join current_run on runs.run_id = current_run.run_id or runs.decided_at = current_run.decided_at
        )
),

left_among_themselves as (
    select others.side, others.record_id
    from {{ keys }} as own
    inner join linked_since on own.side = linked_since.side and own.record_id = linked_since.record_id
    inner join {{ keys }} as others
        on own.key_space = others.key_space and own.key_kind = others.key_kind and own.match_key = others.match_key
    union
    select others.side, others.record_id
    from {{ records }} as others
    inner join linked_since on others.side <> linked_since.side and others.stored_id = linked_since.record_id
    union
    select others.side, others.record_id
    from {{ records }} as own
    inner join linked_since on own.side = linked_since.side and own.record_id = linked_since.record_id
    inner join {{ records }} as others on own.side <> others.side and own.stored_id = others.record_id
),

unlinked as (
    select left_among_themselves.*
    from left_among_themselves
    anti join (select hubspot_id from {{ links }} where status = 'linked') as hubspot_links
        on left_among_themselves.side = 'hubspot' and left_among_themselves.record_id = hubspot_links.hubspot_id
    anti join (select salesforce_id from {{ links }} where status = 'linked') as salesforce_links
        on left_among_themselves.side = 'salesforce'
        and left_among_themselves.record_id = salesforce_links.salesforce_id
)
{% endif %}

select
    touched.side,
    touched.record_id,
    current_run.decided_at
from (
    select side, record_id from merged_4
    {% if links and keys and records %}
    union
    select side, record_id from shared_before
    union
    select side, record_id from unlinked
    {% endif %}
) as touched
cross join current_run
{% endif %}
