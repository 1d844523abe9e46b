-- One row per link and field mapping: what each side held when both last agreed. It moves only when a CRM has
-- confirmed a write, or when both sides are seen to agree. Fields that are simply equal on both sides have their base
-- in fields_agreed, whose rows come before these; one that ceases to be is taken over here.
-- A write that was confirmed before its mapping changed (the run died, and an analyst edited the seeds) is the base of
-- no mapping that stands, so that the change takes effect.
-- A write that a CRM confirmed and did not carry out (HubSpot moves a lifecycle stage forward only) is a base too, of
-- origin `ignored`: repeating it would change nothing. Texts are excepted, which CRMs may only spell in their own way.
-- A field that was to be cleared first and is found blank was cleared and not set yet: no mapping stands for that, so
-- that it is decided again.
{{ config(
    materialized='incremental', incremental_strategy='delete+insert', full_refresh=false,
    unique_key=['link_id', 'hubspot_property', 'salesforce_field'],
) }}

{% set target_type = "case confirmed_values.target when 'hubspot' then mappings.hubspot_type"
    ~ " else mappings.salesforce_type end" %}

with current_run as (
    select * from {{ ref('stg_current_run') }}
),

mappings as (
    select fields.*, states.changed_at
    from {{ ref('stg_field_mappings') }} as fields
    left join {{ ref('mapping_states') }} as states
        on fields.object = states.object
        and fields.hubspot_property = states.hubspot_property
        and fields.salesforce_field = states.salesforce_field
),

translations as (
    {{ value_translations() }}
),

confirmed as (
    select
        attempts.link_id,
        attempts.object,
        attempts.target,
        attempts.operation,
        attempts.attempt_id,
        attempts.outcome_at,
        attempts.run_id,
        attempts.changes,
        attempts.previous,
        attempts.stored,
        attempts.source_values,
        attempts.clear_first,
        case when attempts.operation_id like 'undo-%' then 'undone' else 'written' end as origin
    from {{ source('journal', 'push_attempts') }} as attempts
    cross join current_run
    where attempts.outcome = 'succeeded'
        and attempts.operation <> 'archive'
        and attempts.outcome_at > current_run.decided_at
),

-- the source's value as it was decided on, and the target's as it was stored
confirmed_values as (
    select
        confirmed.*,
        source.key as field,
        json_extract_string(source.value, '$.source_field') as source_field,
        json_extract_string(source.value, '$.value') as source_value,
        case
            when json_exists(confirmed.stored, '$."' || source.key || '"')
                then confirmed.stored ->> ('$."' || source.key || '"')
            else confirmed.changes ->> ('$."' || source.key || '"')
        end as target_value,
        confirmed.changes ->> ('$."' || source.key || '"') as sent_value,
        confirmed.previous ->> ('$."' || source.key || '"') as previous_value
    from confirmed
    cross join lateral json_each(coalesce(confirmed.source_values, '{}')) as source
),

written_by_one as (
    select
        confirmed_values.link_id,
        confirmed_values.object,
        mappings.hubspot_property,
        mappings.salesforce_field,
        case
            when confirmed_values.target = 'hubspot'
                then {{ canonical_value('confirmed_values.target_value', 'mappings.hubspot_type') }}
            else {{ canonical_value('confirmed_values.source_value', 'mappings.hubspot_type') }}
        end as hubspot_value,
        case
            when confirmed_values.target = 'hubspot'
                then {{ canonical_value('confirmed_values.source_value', 'mappings.salesforce_type') }}
            else {{ canonical_value('confirmed_values.target_value', 'mappings.salesforce_type') }}
        end as salesforce_value,
        case
            when mappings.changed_at > confirmed_values.outcome_at then 'changed since'
            when json_contains(confirmed_values.clear_first, to_json(confirmed_values.field))
                and coalesce(confirmed_values.target_value, '') = ''
                and confirmed_values.sent_value <> ''
                and confirmed_values.previous_value <> ''
                then 'changed since'
            else mappings.mapping_hash
        end as mapping_hash,
        case
            when confirmed_values.origin = 'written'
                and confirmed_values.operation = 'update'
                and {{ target_type }} not in ('text', 'email')
                and (
                    {{ canonical_value('confirmed_values.target_value', target_type) }}
                    is distinct from {{ canonical_value('confirmed_values.sent_value', target_type) }}
                )
                and (
                    {{ canonical_value('confirmed_values.target_value', target_type) }}
                    is not distinct from {{ canonical_value('confirmed_values.previous_value', target_type) }}
                )
                then 'ignored'
            else confirmed_values.origin
        end as origin,
        confirmed_values.outcome_at as based_at,
        confirmed_values.run_id
    from confirmed_values
    inner join mappings
        on confirmed_values.object = mappings.object
        and (
            (
                confirmed_values.target = 'hubspot'
                and confirmed_values.field = mappings.hubspot_property
                and confirmed_values.source_field = mappings.salesforce_field
            )
            or (
                confirmed_values.target = 'salesforce'
                and confirmed_values.field = mappings.salesforce_field
                and confirmed_values.source_field = mappings.hubspot_property
            )
        )
    qualify row_number() over (
            partition by confirmed_values.link_id, mappings.hubspot_property, mappings.salesforce_field
            order by confirmed_values.outcome_at desc, confirmed_values.attempt_id desc
        ) = 1
),

-- merged sets have no source: what both sides have stored of one in the same run is the base
merged_values as (
    select
        confirmed.*,
        change.key as field,
        case
            when
                json_exists(confirmed.stored, '$."' || change.key || '"')
                then confirmed.stored ->> ('$."' || change.key || '"')
            else change.value ->> '$'
        end as target_value
    from confirmed
    cross join lateral json_each(confirmed.changes) as change
    where confirmed.operation = 'update'
        -- most writes have a source for each field: no need to look at theirs one by one
        and len(json_keys(confirmed.changes)) > coalesce(len(json_keys(confirmed.source_values)), 0)
        and not json_exists(coalesce(confirmed.source_values, '{}'), '$."' || change.key || '"')
),

written_by_both as (
    select
        hubspot.link_id,
        hubspot.object,
        mappings.hubspot_property,
        mappings.salesforce_field,
        {{ canonical_value('hubspot.target_value', 'mappings.hubspot_type') }} as hubspot_value,
        {{ canonical_value('salesforce.target_value', 'mappings.salesforce_type') }} as salesforce_value,
        case when mappings.changed_at > hubspot.outcome_at then 'changed since' else mappings.mapping_hash end
            as mapping_hash,
        hubspot.origin,
        greatest(hubspot.outcome_at, salesforce.outcome_at) as based_at,
        hubspot.run_id
    from merged_values as hubspot
    inner join mappings
        on hubspot.object = mappings.object and hubspot.field = mappings.hubspot_property
    inner join merged_values as salesforce
        on salesforce.target = 'salesforce'
        and hubspot.link_id = salesforce.link_id
        and hubspot.run_id = salesforce.run_id
        and mappings.salesforce_field = salesforce.field
    where hubspot.target = 'hubspot'
    qualify row_number() over (
            partition by hubspot.link_id, mappings.hubspot_property, mappings.salesforce_field
            order by hubspot.outcome_at desc, salesforce.outcome_at desc
        ) = 1
),

written as (
    select writes.*
    from (
        select * from written_by_one
        union all
        select * from written_by_both
    ) as writes
    qualify row_number() over (partition by link_id, hubspot_property, salesforce_field order by based_at desc) = 1
),

agreed as (
    select
        field_values.link_id,
        field_values.object,
        field_values.hubspot_property,
        field_values.salesforce_field,
        field_values.hubspot_value,
        field_values.salesforce_value,
        mappings.mapping_hash,
        'agreed' as origin,
        current_run.started_at as based_at,
        current_run.run_id
    from {{ ref('int_field_values') }} as field_values
    inner join {{ ref('stg_field_mappings') }} as mappings
        on field_values.object = mappings.object
        and field_values.hubspot_property = mappings.hubspot_property
        and field_values.salesforce_field = mappings.salesforce_field
    cross join current_run
    where field_values.agrees
),

-- what is simply equal has its base in fields_agreed
simply_agreed as (
    select entries.link_id, versions.hubspot_property, versions.salesforce_field
    from (
        select link_id, unnest(agreed).mapping_version as mapping_version
        from {{ ref('int_links_agreeing') }}
        where link_id in (
                select link_id from written
                union all
                select link_id from {{ ref('int_agreements_held') }}
            )
    ) as entries
    inner join {{ ref('mapping_versions') }} as versions on entries.mapping_version = versions.mapping_version
),

moved as (
    select * from agreed
    union all
    select written.* from written
    anti join agreed
        on written.link_id = agreed.link_id
        and written.hubspot_property = agreed.hubspot_property
        and written.salesforce_field = agreed.salesforce_field
    anti join simply_agreed
        on written.link_id = simply_agreed.link_id
        and written.hubspot_property = simply_agreed.hubspot_property
        and written.salesforce_field = simply_agreed.salesforce_field
),

taken_over as (
    select
        held.link_id,
        held.object,
        held.hubspot_property,
        held.salesforce_field,
        {{ canonical_value('held.value', "coalesce(mappings.hubspot_type, 'text')") }} as hubspot_value,
        {{ canonical_value('held.value', "coalesce(mappings.salesforce_type, 'text')") }} as salesforce_value,
        held.mapping_hash,
        'agreed' as origin,
        held.based_at,
        held.run_id
    from {{ ref('int_agreements_held') }} as held
    left join mappings
        on held.object = mappings.object
        and held.hubspot_property = mappings.hubspot_property
        and held.salesforce_field = mappings.salesforce_field
    anti join simply_agreed
        on held.link_id = simply_agreed.link_id
        and held.hubspot_property = simply_agreed.hubspot_property
        and held.salesforce_field = simply_agreed.salesforce_field
    anti join moved
        on held.link_id = moved.link_id
        and held.hubspot_property = moved.hubspot_property
        and held.salesforce_field = moved.salesforce_field
),

hashed as (
    select
        moved.* replace (
            case
                when moved.mapping_hash = 'changed since' then moved.mapping_hash
                else {{ pair_mapping_hash('moved.mapping_hash') }}
            end as mapping_hash
        )
    from moved
    inner join mappings
        on moved.object = mappings.object
        and moved.hubspot_property = mappings.hubspot_property
        and moved.salesforce_field = mappings.salesforce_field
    {{ pair_translations('moved') }}
    union all
    select * from taken_over
)

select moved.* from hashed as moved
{% if is_incremental() %}
anti join {{ this }} as before
    on moved.link_id = before.link_id
    and moved.hubspot_property = before.hubspot_property
    and moved.salesforce_field = before.salesforce_field
    and moved.hubspot_value is not distinct from before.hubspot_value
    and moved.salesforce_value is not distinct from before.salesforce_value
    and moved.mapping_hash = before.mapping_hash
{% endif %}
