-- One row per living record and match key. Rank 1 is the mapping's own key; rank 2 is what also identifies a record:
-- HubSpot's additional e-mails, and under the rule `domain` the folded name, valid where either side has no domain.
with living as (
    select
        records.object,
        records.hubspot_object as key_space,
        records.priority,
        records.side,
        records.record_id,
        objects.match_rule,
        case
            when records.side = 'hubspot'
                then records.properties ->> ('$."' || objects.match_hubspot_property || '"')
            else records.properties ->> ('$."' || objects.match_salesforce_field || '"')
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
    inner join {{ ref('stg_object_mappings') }} as objects on records.object = objects.object
    where not records.is_deleted and objects.match_rule <> ''
),

keys as (
    select
        object,
        key_space,
        priority,
        side,
        record_id,
        1 as key_rank,
        match_rule as key_kind,
        case match_rule
            when 'email' then {{ canonical_value('match_value', "'email'") }}
            when 'domain' then {{ transform_url_host('match_value') }}
            when 'name' then {{ fold_name('match_value') }}
            else {{ clean_text('match_value') }}
        end as match_key
    from living
),

additional_keys as (
    select
        living.object,
        living.key_space,
        living.priority,
        living.side,
        living.record_id,
        2 as key_rank,
        'email' as key_kind,
        lower(trim(additional.address)) as match_key
    from living
    cross join unnest(string_split(living.additional_emails, ';')) as additional (address)
    where living.additional_emails is not null
),

name_keys as (
    select
        object,
        key_space,
        priority,
        side,
        record_id,
        2 as key_rank,
        'name' as key_kind,
        {{ fold_name('name_value') }} as match_key
    from living
    where match_rule = 'domain'
),

all_keys as (
    select * from keys
    union all
    select * from additional_keys
    union all
    select * from name_keys
)

select
    object,
    any_value(key_space) as key_space,
    any_value(priority) as priority,
    side,
    record_id,
    key_kind,
    match_key,
    min(key_rank) as key_rank,
    -- a name identifies a company only where one of the two has no domain
    bool_or(key_kind = 'domain') over (partition by object, side, record_id) as has_domain
from all_keys
where match_key is not null and match_key <> ''
group by object, side, record_id, key_kind, match_key
