-- One row per reference value and direction: the id that it becomes on the other side. A parent that is created in
-- this run is written '@' and its link id, which the push replaces by the new id. A parent in scope that cannot be
-- created yet blocks; a parent out of scope is nobody's business: its image is unknown. The image of a many-valued
-- reference is what the other side would hold: its members, and those that are there and have no counterpart.
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
),

-- in scope, never linked, and to be created as soon as what holds it up is remedied (an ambiguous key, say)
awaited as (
    select included.object, included.side, included.record_id
    from {{ ref('records_included') }} as included
    inner join {{ ref('stg_object_mappings') }} as objects on included.object = objects.object
    anti join {{ link_ends() }} as links
        on links.status <> 'superseded'
        and included.object = links.object
        and included.side = links.side
        and included.record_id = links.record_id
    where included.is_included
        and included.record_id in (select directed.parent_id from directed)
        and case included.side when 'hubspot' then objects.creates_in_salesforce else objects.creates_in_hubspot end
),

translated as (
    select
        directed.*,
        links.link_id as parent_link_id,
        links.counterpart_id,
        creates.link_id as create_link_id,
        creates.held_reason is not null or (creates.link_id is null and awaited.record_id is not null) as is_awaited
    from directed
    left join {{ link_ends() }} as links
        on links.status = 'linked'
        and list_contains(string_split(directed.references_object, ';'), links.object)
        and directed.source_side = links.side
        and directed.parent_id = links.record_id
    left join {{ ref('int_creates_checked') }} as creates
        on list_contains(string_split(directed.references_object, ';'), creates.object)
        and directed.source_side = creates.side
        and directed.parent_id = creates.record_id
    left join awaited
        on list_contains(string_split(directed.references_object, ';'), awaited.object)
        and directed.source_side = awaited.side
        and directed.parent_id = awaited.record_id
    -- of several objects that a field may refer to, one that has the record linked comes first
    qualify row_number() over (
            partition by directed.link_id, directed.hubspot_property, directed.salesforce_field, directed.toward
            order by links.link_id is null, creates.link_id is null, awaited.record_id is null, links.object
        ) = 1
),

single_images as (
    select
        link_id,
        object,
        purpose,
        hubspot_property,
        salesforce_field,
        toward,
        case
            when parent_id is null then null
            when parent_link_id is not null then counterpart_id
            when create_link_id is not null and not is_awaited then '@' || create_link_id
        end as image,
        parent_id is null or parent_link_id is not null or create_link_id is not null as is_known,
        case
            when parent_id is null or parent_link_id is not null then null
            when is_awaited then 'blocked'
            when create_link_id is null then 'out_of_scope'
        end as problem,
        false as is_truncated
    from translated
),

set_images as (
    {% for toward, source in [('salesforce', 'hubspot'), ('hubspot', 'salesforce')] %}
    select
        paired.link_id,
        paired.object,
        paired.purpose,
        paired.hubspot_property,
        paired.salesforce_field,
        '{{ toward }}' as toward,
        string_agg(members.{{ toward }}_id, ';' order by members.{{ toward }}_id) filter (
            where members.{{ toward }}_id is not null
            and (members.is_in_{{ source }} or members.{{ source }}_id is null)
        ) as image,
        true as is_known,
        cast(null as varchar) as problem,
        false as is_truncated
    from {{ ref('int_values_paired') }} as paired
    inner join {{ ref('stg_field_mappings') }} as mappings
        on mappings.kind = 'reference_set'
        and paired.object = mappings.object
        and paired.hubspot_property = mappings.hubspot_property
        and paired.salesforce_field = mappings.salesforce_field
    left join {{ ref('int_reference_members') }} as members
        on paired.link_id = members.link_id
        and paired.purpose = members.purpose
        and paired.hubspot_property = members.hubspot_property
        and paired.salesforce_field = members.salesforce_field
    where paired.{{ source }}_is_known and paired.purpose = 'link'
    group by paired.link_id, paired.object, paired.purpose, paired.hubspot_property, paired.salesforce_field
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
)

select * from single_images
union all
select * from set_images
