-- One row per link to decide: the fields whose values are simply equal on both sides, with the value (`agreed`, by
-- mapping version), and the names of all other active mappings (`others`). Most fields of most links are equal, and all
-- that there is to know about them is here; only the others are looked at one by one.
-- A field is compared here where equal text means agreement whatever else holds (`is_plain`): a plain value of one
-- type, without transform or translation. A field that a person can ask about, since a side has once won it, is not;
-- nor is one that a write of ours may have changed since the record was read.
-- The names of the mapped fields come from the variable `mapped_fields`, since a list of known names is read from a
-- document at once: by object, the pairs of fields in the order in which their texts are listed here. A mapping that is
-- not named there is looked at like the others.
{% set named = var('mapped_fields') %}

with links as (
    select * from {{ ref('int_links_changed') }}
),

mappings as (
    select
        mappings.object,
        {{ pair_key('mappings') }} as pair,
        mappings.hubspot_property,
        mappings.salesforce_field,
        versions.mapping_version,
        {{ position_among_named(named, 'mappings') }} as position,
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
    select *, coalesce(is_plain and position > 0 and mapping_version > 0, false) as is_compared from mappings
),

-- three lists of the mappings that are compared here, in one order, and the names of the others
mapping_lists as (
    select
        object,
        coalesce(list(position order by position) filter (where is_compared), []) as positions,
        coalesce(list(mapping_version order by position) filter (where is_compared), []) as versions,
        coalesce(list([pair, hubspot_property, salesforce_field] order by position) filter (where is_compared), [])
            as names,
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
        {{ only_named(named, 'flatten(list(json_keys(attempts.stored)))') }} as fields
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
        {{ named_members('json_texts', named) }} as texts,
        {{ named_members('json_presence', named) }} as presence
    from records
),

compared as (
    select
        links.link_id,
        links.object,
        links.hubspot_id,
        links.salesforce_id,
        hubspot.texts,
        mapping_lists.positions,
        mapping_lists.versions,
        mapping_lists.names,
        mapping_lists.others,
        {{ equal_fields() }} as equal,
        list_concat(decided.pairs, written_in_hubspot.fields, written_in_salesforce.fields) as excepted
    from links
    inner join mapping_lists on links.object = mapping_lists.object
    left join members as hubspot
        on hubspot.side = 'hubspot' and links.object = hubspot.object and links.hubspot_id = hubspot.record_id
    left join members as salesforce
        on salesforce.side = 'salesforce'
        and links.object = salesforce.object
        and links.salesforce_id = salesforce.record_id
    left join written as written_in_hubspot
        on written_in_hubspot.side = 'hubspot'
        and links.object = written_in_hubspot.object
        and links.hubspot_id = written_in_hubspot.record_id
    left join written as written_in_salesforce
        on written_in_salesforce.side = 'salesforce'
        and links.object = written_in_salesforce.object
        and links.salesforce_id = written_in_salesforce.record_id
    left join decided on links.link_id = decided.link_id
),

narrowed as (
    select * exclude (excepted, equal), {{ equal_fields_not_excepted() }} as equal
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
