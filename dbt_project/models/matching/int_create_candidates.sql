-- One row per living record that has never been linked, is in scope and unambiguous, and whose mapping lets it be
-- created in the other CRM. Whether its values allow it is int_creates_checked's question.
{{ config(materialized='by_record', recomputed_for='int_records_affected') }}

with candidates as (
    select
        records.object,
        coalesce(records.hubspot_object, records.object) as key_space,
        records.side,
        records.crm_object,
        records.record_id,
        case when records.side = 'hubspot' then 'salesforce' else 'hubspot' end as target,
        md5(records.object || '|' || records.side || '|' || records.record_id) as link_id
    from {{ ref('int_mapped_records') }} as records
    {{ only_recomputed('records', 'int_records_affected') }}
    inner join {{ ref('stg_object_mappings') }} as objects on records.object = objects.object
    inner join {{ ref('records_included') }} as included
        on records.object = included.object
        and records.side = included.side
        and records.record_id = included.record_id
    where not records.is_deleted
        and included.is_included
        and case when records.side = 'hubspot' then objects.creates_in_salesforce else objects.creates_in_hubspot end
),

-- mappings that share a HubSpot object (contact and lead) share its links and issues; a record whose link gave way to
-- another one in a merge is not created again
linked as (
    select
        links.object,
        coalesce(objects.hubspot_object, links.object) as key_space,
        links.hubspot_id,
        links.salesforce_id,
        objects.salesforce_object
    from {{ ref('links') }} as links
    left join {{ ref('stg_object_mappings') }} as objects on links.object = objects.object
    {{ where_affected('links.hubspot_id') }}
)

select candidates.* exclude (key_space) from candidates
anti join linked as hubspot_links
    on candidates.side = 'hubspot'
    and candidates.key_space = hubspot_links.key_space
    and candidates.record_id = hubspot_links.hubspot_id
anti join linked as salesforce_links
    on candidates.side = 'salesforce'
    and (candidates.object = salesforce_links.object or candidates.crm_object = salesforce_links.salesforce_object)
    and candidates.record_id = salesforce_links.salesforce_id
anti join {{ ref('match_issues') }} as issues
    on candidates.side = issues.side
    and candidates.record_id = issues.record_id
    and (
        candidates.object = issues.object
        or (candidates.side = 'hubspot' and candidates.key_space = issues.key_space)
    )
