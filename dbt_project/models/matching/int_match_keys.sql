-- One row per living record and match key. Rank 1 is the mapping's own key; rank 2 is what also identifies a record:
-- HubSpot's additional e-mails, and under the rule `domain` the folded name, valid where either side has no domain.
{{ config(materialized='by_record', recomputed_for='int_records_touched') }}

with living as not materialized (
    select
        records.object,
        records.hubspot_object as key_space,
        records.priority,
        records.side,
        records.record_id,
        objects.match_rule,
        case
            when records.side = 'hubspot'
                then json_extract_string(records.properties, '$."' || objects.match_hubspot_property || '"')
            else json_extract_string(records.properties, '$."' || objects.match_salesforce_field || '"')
        end as match_value,
        case
            when objects.match_rule = 'domain' and records.side = 'hubspot'
                then {{ json_text('records.properties', 'name') }}
            when objects.match_rule = 'domain' then {{ json_text('records.properties', 'Name') }}
        end as name_value,
        case
            when objects.match_rule = 'email' and records.side = 'hubspot'
                then {{ json_text('records.properties', 'hs_additional_emails') }}
        end as additional_emails
    from {{ ref('int_mapped_records') }} as records
    {{ only_recomputed('records', 'int_records_touched') }}
    inner join {{ ref('stg_object_mappings') }} as objects on records.object = objects.object
    where not records.is_deleted and objects.match_rule <> ''
),

keyed as materialized (
    select
        * exclude (match_value),
        case match_rule
            when 'email' then {{ canonical_value('match_value', "'email'") }}
            when 'domain' then {{ transform_url_host('match_value') }}
            when 'name' then {{ fold_name('match_value') }}
            else {{ clean_text('match_value') }}
        end as match_key
    from living
),

additional_keys as (
    select distinct
        keyed.object,
        keyed.key_space,
        keyed.priority,
        keyed.side,
        keyed.record_id,
        'email' as key_kind,
        lower(trim(additional.address)) as match_key
    from keyed
    cross join unnest(string_split(keyed.additional_emails, ';')) as additional (address)
    where keyed.additional_emails is not null
        and lower(trim(additional.address)) is distinct from keyed.match_key
),

all_keys as (
    select
        object,
        key_space,
        priority,
        side,
        record_id,
        match_rule as key_kind,
        match_key,
        1 as key_rank,
        match_rule = 'domain' as has_domain
    from keyed
    union all
    select
        object,
        key_space,
        priority,
        side,
        record_id,
        key_kind,
        match_key,
        2 as key_rank,
        false as has_domain
    from additional_keys
    union all
    select
        object,
        key_space,
        priority,
        side,
        record_id,
        'name' as key_kind,
        {{ fold_name('name_value') }} as match_key,
        2 as key_rank,
        -- a name identifies a company only where one of the two has no domain
        coalesce(match_key, '') <> '' as has_domain
    from keyed
    where match_rule = 'domain'
)

select * from all_keys
where match_key is not null and match_key <> ''
