-- One row per link to decide or record to create, many-valued reference, and record that is a member of it on either
-- side: the member's ids in both CRMs, and where it is a member now. A counterpart that is created in this run is '@'
-- and its link id; one that does not exist is null.
with exploded as (
    {% for side in ['hubspot', 'salesforce'] %}
    select
        paired.link_id,
        paired.object,
        paired.purpose,
        paired.hubspot_property,
        paired.salesforce_field,
        mappings.references_object,
        '{{ side }}' as side,
        unnest(string_split(paired.{{ side }}_value, ';')) as member_id
    from {{ ref('int_values_paired') }} as paired
    inner join {{ ref('stg_field_mappings') }} as mappings
        on paired.object = mappings.object
        and paired.hubspot_property = mappings.hubspot_property
        and paired.salesforce_field = mappings.salesforce_field
    where mappings.kind = 'reference_set' and paired.{{ side }}_value is not null
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

identified as (
    select
        exploded.*,
        coalesce(links.link_id, creates.link_id, exploded.side || ' ' || exploded.member_id) as member_key,
        case
            when exploded.side = 'hubspot' then exploded.member_id
            when links.link_id is not null then links.counterpart_id
            when creates.link_id is not null then '@' || creates.link_id
        end as hubspot_id,
        case
            when exploded.side = 'salesforce' then exploded.member_id
            when links.link_id is not null then links.counterpart_id
            when creates.link_id is not null then '@' || creates.link_id
        end as salesforce_id
    from exploded
    left join {{ link_ends() }} as links
        on links.status = 'linked'
        and list_contains(string_split(exploded.references_object, ';'), links.object)
        and exploded.side = links.side
        and exploded.member_id = links.record_id
    left join {{ ref('int_creates_checked') }} as creates
        on creates.held_reason is null
        and list_contains(string_split(exploded.references_object, ';'), creates.object)
        and exploded.side = creates.side
        and exploded.member_id = creates.record_id
)

select
    link_id,
    object,
    purpose,
    hubspot_property,
    salesforce_field,
    member_key,
    max(hubspot_id) as hubspot_id,
    max(salesforce_id) as salesforce_id,
    bool_or(side = 'hubspot') as is_in_hubspot,
    bool_or(side = 'salesforce') as is_in_salesforce
from identified
group by link_id, object, purpose, hubspot_property, salesforce_field, member_key
