-- One row per link to decide: the fields whose values are simply equal on both sides, with the value (`agreed`, by
-- mapping version), and the names of all other active mappings (`others`). Most fields of most links are equal, and all
-- that there is to know about them is here; only the others are looked at one by one.
-- A field is compared here where equal text means agreement whatever else holds (`is_plain`): a plain value of one
-- type, without transform or translation. A field that a person can ask about, since a side has once won it, is not;
-- nor is one that a write of ours may have changed since the record was read.
-- The names of the mapped fields come from the variable `mapped_fields`, since a list of known names is read from a
-- document at once; a field that is not named there is looked at like the others.
{% set named = var('mapped_fields') %}

with links as (
    select * from {{ ref('int_links_changed') }}
),

mappings as (
    select
        mappings.object,
        {{ pair_key('mappings') }} as pair,
        versions.mapping_version,
        list_position({{ text_list(named.hubspot) }}, mappings.hubspot_property) as hubspot_at,
        list_position({{ text_list(named.salesforce) }}, mappings.salesforce_field) as salesforce_at,
        mappings.kind = 'value'
        and not mappings.has_translations
        and coalesce(mappings.to_salesforce, '') = ''
        and coalesce(mappings.to_hubspot, '') = ''
        and (
            mappings.hubspot_type = mappings.salesforce_type
            or (
                mappings.hubspot_type in ('text', 'email', 'enumeration')
                and mappings.salesforce_type in ('text', 'email', 'enumeration')
            )
        ) as is_plain
    from {{ ref('stg_field_mappings') }} as mappings
    left join {{ ref('mapping_versions') }} as versions
        on mappings.object = versions.object
        and mappings.hubspot_property = versions.hubspot_property
        and mappings.salesforce_field = versions.salesforce_field
        and mappings.mapping_hash = versions.mapping_hash
    where mappings.is_active
),

compared_here as (
    select
        *,
        coalesce(is_plain and hubspot_at > 0 and salesforce_at > 0 and mapping_version > 0, false) as is_compared
    from mappings
),

mapping_lists as (
    select
        object,
        {{ list_of_plain_mappings() }} as plain,
        coalesce(list(pair order by pair) filter (where not is_compared), []) as others
    from compared_here
    group by object
),

decided as (
    select held.link_id, list({{ pair_key('held') }}) as pairs
    from {{ ref('int_decisions_held') }} as held
    semi join links on held.link_id = links.link_id
    group by held.link_id
),

wanted as (
    select object, 'hubspot' as side, hubspot_id as record_id from links
    union all
    select object, 'salesforce' as side, salesforce_id as record_id from links
),

records as (
    select
        records.object,
        records.side,
        records.crm_object,
        records.record_id,
        records.properties,
        records.modified_at
    from {{ ref('int_mapped_records') }} as records
    semi join wanted
        on records.object = wanted.object
        and records.side = wanted.side
        and records.record_id = wanted.record_id
    where records.is_read
),

-- what writes may have left in a record that no read shows yet
written as (
    select
        records.object,
        records.side,
        records.record_id,
        flatten(list(json_keys(attempts.stored))) as fields
    from records
    inner join {{ source('journal', 'push_attempts') }} as attempts
        on records.side = attempts.target
        and records.crm_object = attempts.crm_object
        and records.record_id
        = case attempts.target when 'hubspot' then attempts.hubspot_id else attempts.salesforce_id end
        and attempts.target_modified_at >= records.modified_at
    where attempts.outcome = 'succeeded' and attempts.stored is not null
    group by records.object, records.side, records.record_id
),

members as (
    select
        records.object,
        records.side,
        records.record_id,
        case records.side
            when 'hubspot' then {{ json_texts('records.properties', named.hubspot) }}
            else {{ json_texts('records.properties', named.salesforce) }}
        end as texts,
        case records.side
            when 'hubspot' then {{ json_presence('records.properties', named.hubspot) }}
            else {{ json_presence('records.properties', named.salesforce) }}
        end as presence,
        written.fields as written_fields
    from records
    left join written
        on records.object = written.object
        and records.side = written.side
        and records.record_id = written.record_id
),

compared as (
    select
        links.link_id,
        links.object,
        links.hubspot_id,
        links.salesforce_id,
        hubspot.texts,
        mapping_lists.plain,
        mapping_lists.others,
        {{ equal_fields() }} as equal,
        list_concat(decided.pairs, hubspot.written_fields, salesforce.written_fields) as excepted
    from links
    inner join mapping_lists on links.object = mapping_lists.object
    left join members as hubspot
        on hubspot.side = 'hubspot' and links.object = hubspot.object and links.hubspot_id = hubspot.record_id
    left join members as salesforce
        on salesforce.side = 'salesforce'
        and links.object = salesforce.object
        and links.salesforce_id = salesforce.record_id
    left join decided on links.link_id = decided.link_id
),

narrowed as (
    select * exclude (excepted) replace ({{ equal_fields_not_excepted() }} as equal)
    from compared
)

select
    link_id,
    object,
    hubspot_id,
    salesforce_id,
    {{ agreed_values() }} as agreed,
    {{ names_of_other_fields() }} as others
from narrowed
