-- One row per living record that has never been linked, is in scope and unambiguous, and whose mapping lets it be
-- created in the other CRM. Whether its values allow it is int_creates_checked's question.
with candidates as (
    select
        records.object,
        records.side,
        records.crm_object,
        records.record_id,
        case when records.side = 'hubspot' then 'salesforce' else 'hubspot' end as target,
        md5(records.object || '|' || records.side || '|' || records.record_id) as link_id
    from {{ ref('int_mapped_records') }} as records
    inner join {{ ref('stg_object_mappings') }} as objects on records.object = objects.object
    inner join {{ ref('records_included') }} as included
        on records.object = included.object
        and records.side = included.side
        and records.record_id = included.record_id
    where not records.is_deleted
        and included.is_included
        and case when records.side = 'hubspot' then objects.creates_in_salesforce else objects.creates_in_hubspot end
)

select candidates.* from candidates
anti join (
    select object, 'hubspot' as side, hubspot_id as record_id from {{ ref('links') }} where status <> 'superseded'
    union all
    select object, 'salesforce' as side, salesforce_id as record_id from {{ ref('links') }} where status <> 'superseded'
) as linked
    on candidates.object = linked.object
    and candidates.side = linked.side
    and candidates.record_id = linked.record_id
anti join {{ ref('match_issues') }} as issues
    on candidates.object = issues.object
    and candidates.side = issues.side
    and candidates.record_id = issues.record_id
