-- One row per thing that keeps a value or a record from being synced today and that a person can remedy.
with label as (
    select distinct stage_id, '''' || stage_label || ''' of pipeline ''' || pipeline_label || '''' as stage_name
    from {{ source('raw_hubspot', 'pipelines') }}
),

from_decisions as (
    select
        decisions.held_reason as issue_type,
        decisions.object,
        case
            when decisions.target = 'hubspot' then decisions.hubspot_property
            when decisions.target = 'salesforce' then decisions.salesforce_field
            when decisions.held_reason = 'ignored_write' and decisions.winner = 'salesforce'
                then decisions.hubspot_property
            when decisions.held_reason = 'ignored_write' and decisions.winner = 'hubspot'
                then decisions.salesforce_field
            else decisions.hubspot_property || ' / ' || decisions.salesforce_field
        end as field,
        decisions.hubspot_id,
        decisions.salesforce_id,
        case
            when decisions.held_reason = 'ignored_write'
                then 'HubSpot has ' || coalesce('''' || left(decisions.hubspot_value, 200) || '''', 'blank')
                    || ' and Salesforce has '
                    || coalesce('''' || left(decisions.salesforce_value, 200) || '''', 'blank')
                    || ': the value of one was sent to the other, which kept its own'
            when decisions.winner = 'hubspot'
                then decisions.hubspot_property || ' ' || coalesce(
                        label.stage_name, '''' || left(decisions.hubspot_value, 200) || '''', 'blank'
                    ) || ' cannot be written to ' || decisions.salesforce_field
            when decisions.winner = 'salesforce'
                then decisions.salesforce_field || ' ' || coalesce(
                        '''' || left(decisions.salesforce_value, 200) || '''', 'blank'
                    ) || ' cannot be written to ' || decisions.hubspot_property
            else 'HubSpot has ' || coalesce('''' || left(decisions.hubspot_value, 200) || '''', 'blank')
                || ', Salesforce has ' || coalesce('''' || left(decisions.salesforce_value, 200) || '''', 'blank')
        end as detail
    from {{ ref('fields_decided') }} as decisions
    semi join (select * from {{ ref('links') }} where status = 'linked') as links
        on decisions.link_id = links.link_id
    left join label on decisions.hubspot_property = 'dealstage' and decisions.hubspot_value = label.stage_id
    where decisions.held_reason is not null
        -- what may not be written is listed once, with its mapping
        and decisions.held_reason not in ('excluded', 'blocked', 'out_of_scope', 'read_only_field')
),

truncated as (
    select
        'truncated_value' as issue_type,
        object,
        case when is_truncated_in_salesforce then salesforce_field else hubspot_property end as field,
        hubspot_id,
        salesforce_id,
        'the text was cut to the length of the field' as detail
    from {{ ref('fields_decided') }}
    where is_truncated_in_salesforce or is_truncated_in_hubspot
),

from_creates as (
    select
        create_values.problem as issue_type,
        create_values.object,
        create_values.field,
        case when create_values.target = 'salesforce' then checked.record_id end as hubspot_id,
        case when create_values.target = 'hubspot' then checked.record_id end as salesforce_id,
        case
            when create_values.problem = 'required_field_missing'
                then 'a new ' || create_values.target || ' record needs a value'
            else coalesce(
                    label.stage_name,
                    '''' || left(case create_values.target
                        when 'salesforce' then paired.hubspot_value else paired.salesforce_value
                    end, 200) || '''',
                    'the value'
                ) || ' cannot be written to ' || create_values.field
        end || case
            when checked.held_reason is not null then '; the new record waits'
            else '; the new record goes without it'
        end as detail
    from {{ ref('int_create_values') }} as create_values
    inner join {{ ref('int_creates_checked') }} as checked on create_values.link_id = checked.link_id
    inner join {{ ref('int_values_paired') }} as paired
        on create_values.link_id = paired.link_id
        and create_values.hubspot_property = paired.hubspot_property
        and create_values.salesforce_field = paired.salesforce_field
    left join label
        on create_values.hubspot_property = 'dealstage'
        and create_values.target = 'salesforce'
        and paired.hubspot_value = label.stage_id
    where create_values.problem <> 'read_only_field'
),

unmapped_required as (
    select
        checked.held_reason as issue_type,
        checked.object,
        checked.held_field as field,
        case when checked.side = 'hubspot' then checked.record_id end as hubspot_id,
        case when checked.side = 'salesforce' then checked.record_id end as salesforce_id,
        'a new ' || checked.target || ' record needs ' || case
            when contains(checked.held_field, ' / ') then 'one of these, and the other record has none'
            else 'a value and no row maps the field'
        end as detail
    from {{ ref('int_creates_checked') }} as checked
    anti join {{ ref('int_create_values') }} as create_values
        on checked.link_id = create_values.link_id
        and create_values.problem is not null
        and checked.held_field = create_values.field
    where checked.held_reason is not null
),

from_matching as (
    select
        issues.issue_type,
        issues.object,
        case issues.side when 'hubspot' then objects.match_hubspot_property else objects.match_salesforce_field end
            as field,
        case when issues.side = 'hubspot' then issues.record_id end as hubspot_id,
        case when issues.side = 'salesforce' then issues.record_id end as salesforce_id,
        concat_ws(' ', issues.match_key, issues.detail) as detail
    from {{ ref('match_issues') }} as issues
    inner join {{ ref('stg_object_mappings') }} as objects on issues.object = objects.object
    semi join (select * from {{ ref('records_included') }} where is_included) as included
        on issues.object = included.object
        and issues.side = included.side
        and issues.record_id = included.record_id
),

from_mappings as (
    select
        issue_type,
        object,
        field,
        cast(null as varchar) as hubspot_id,
        cast(null as varchar) as salesforce_id,
        detail
    from {{ ref('mapping_problems') }}
    where severity in ('suspended', 'notice')
),

flapping as (
    select
        'flapping_field' as issue_type,
        object,
        hubspot_property || ' / ' || salesforce_field as field,
        hubspot_id,
        salesforce_id,
        'written ' || writes_to_hubspot || ' times to HubSpot and ' || writes_to_salesforce
        || ' times to Salesforce within the last ten runs' as detail
    from {{ ref('int_fields_flapping') }}
)

select * from from_decisions
union all
select * from truncated
union all
select * from from_creates
union all
select * from unmapped_required
union all
select * from from_matching
union all
select * from from_mappings
union all
select * from flapping
