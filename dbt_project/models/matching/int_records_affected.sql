-- One row per record whose link or matching may change in this pass: those that were touched, and whoever hangs
-- together with them by links, merges, stored ids and keys, however many steps away. What is decided about these hangs
-- on nobody else. Empty in a pass that computes everything.
{% set links = adapter.get_relation(database=target.database, schema='matching', identifier='links') %}

{% if looks_at_all() %}
select side, record_id from {{ ref('int_records_touched') }}
{% else %}
select found.side, found.record_id
from (
    with recursive reached as (
        select side, record_id from {{ ref('int_records_touched') }}
        union
        (
            -- semi joins: what is reached is little, the rest is much
            select others.side, others.record_id
            from {{ ref('int_match_keys') }} as others
            semi join (
                select own.key_space, own.key_kind, own.match_key
                from {{ ref('int_match_keys') }} as own
                semi join reached on own.side = reached.side and own.record_id = reached.record_id
            ) as held
                on others.key_space = held.key_space
                and others.key_kind = held.key_kind
                and others.match_key = held.match_key
            {% for side, other in [('hubspot', 'salesforce'), ('salesforce', 'hubspot')] %}
            -- a record that stood in the way of a create
            union all
            select '{{ other }}' as side, attempts.existing_id as record_id
            from {{ source('journal', 'push_attempts') }} as attempts
            semi join reached on reached.side = '{{ side }}' and attempts.{{ side }}_id = reached.record_id
            where attempts.target = '{{ other }}' and attempts.operation = 'create' and attempts.existing_id is not null
            {% if links %}
            union all
            select '{{ other }}' as side, links.{{ other }}_id as record_id
            from {{ links }} as links
            semi join reached on reached.side = '{{ side }}' and links.{{ side }}_id = reached.record_id
            {% endif %}
            union all
            select '{{ other }}' as side, own.stored_id as record_id
            from {{ ref('stg_records') }} as own
            semi join reached on own.side = reached.side and own.record_id = reached.record_id
            where own.side = '{{ side }}' and own.stored_id is not null
            union all
            select '{{ other }}' as side, others.record_id
            from {{ ref('stg_records') }} as others
            semi join reached on reached.side = '{{ side }}' and others.stored_id = reached.record_id
            where others.side = '{{ other }}' and others.stored_id is not null
            {% endfor %}
            union all
            select own.side, own.merged_into_id as record_id
            from {{ ref('stg_records') }} as own
            semi join reached on own.side = reached.side and own.record_id = reached.record_id
            where own.merged_into_id is not null
            union all
            select others.side, others.record_id
            from {{ ref('stg_records') }} as others
            semi join reached on others.side = reached.side and others.merged_into_id = reached.record_id
            where others.merged_into_id is not null
        )
    )

    select side, record_id from reached
) as found
{% endif %}
