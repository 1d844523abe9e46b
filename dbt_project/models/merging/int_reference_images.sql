-- One row per reference value and direction: the id that it becomes on the other side. A parent that is created in
-- this run is written '@' and its link id, which the push replaces by the new id. A parent in scope that cannot be
-- created yet blocks; a parent out of scope is nobody's business: its image is unknown.
with directed as (
    {% for toward, source in [('salesforce', 'hubspot'), ('hubspot', 'salesforce')] %}
    select
        paired.link_id,
        paired.object,
        paired.purpose,
        paired.hubspot_property,
        paired.salesforce_field,
        '{{ toward }}' as toward,
        '{{ source }}' as source_side,
        paired.{{ source }}_value as parent_id,
        mappings.references_object
    from {{ ref('int_values_paired') }} as paired
    inner join {{ ref('stg_field_mappings') }} as mappings
        on paired.object = mappings.object
        and paired.hubspot_property = mappings.hubspot_property
        and paired.salesforce_field = mappings.salesforce_field
    where mappings.kind = 'reference' and paired.{{ source }}_is_known
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
)

select
    directed.link_id,
    directed.object,
    directed.purpose,
    directed.hubspot_property,
    directed.salesforce_field,
    directed.toward,
    case
        when directed.parent_id is null then null
        when links.link_id is not null
            then case directed.toward when 'salesforce' then links.salesforce_id else links.hubspot_id end
        when creates.link_id is not null and creates.held_reason is null then '@' || creates.link_id
    end as image,
    directed.parent_id is null or links.link_id is not null or creates.link_id is not null as is_known,
    case
        when links.link_id is null and creates.held_reason is not null then 'blocked'
        when directed.parent_id is not null and links.link_id is null and creates.link_id is null then 'out_of_scope'
    end as problem,
    false as is_truncated
from directed
left join {{ ref('links') }} as links
    on links.status = 'linked'
    and directed.references_object = links.object
    and directed.parent_id = case directed.source_side when 'hubspot' then links.hubspot_id else links.salesforce_id end
left join {{ ref('int_creates_checked') }} as creates
    on directed.references_object = creates.object
    and directed.source_side = creates.side
    and directed.parent_id = creates.record_id
