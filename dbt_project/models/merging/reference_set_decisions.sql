-- One row per link, many-valued reference and CRM: the set that it holds, the set that it is to hold, and whether that
-- has to be written. Sets merge member by member: what either side has added comes, what either has removed goes; only
-- under an always_ direction one side's set stands. At a first sync nothing is removed. Rows stay until their link is
-- decided again.
{{ config(
    materialized='incremental', incremental_strategy='delete+insert', full_refresh=false,
    unique_key=['link_id', 'hubspot_property', 'salesforce_field', 'target'],
) }}

with compared as (
    select
        compared.*,
        mappings.salesforce_is_updateable
    from {{ ref('int_field_values_compared') }} as compared
    inner join {{ ref('stg_field_mappings') }} as mappings
        on mappings.kind = 'reference_set'
        and compared.object = mappings.object
        and compared.hubspot_property = mappings.hubspot_property
        and compared.salesforce_field = mappings.salesforce_field
),

judged as (
    select
        members.*,
        case
            -- who has no counterpart is nobody's business
            when members.hubspot_id is null or members.salesforce_id is null then null
            when members.is_in_hubspot and members.is_in_salesforce then true
            when compared.direction = 'always_hubspot' then members.is_in_hubspot
            when compared.direction = 'always_salesforce' then members.is_in_salesforce
            when compared.change_state in ('first_sync', 'remapped') then true
            -- what was undone stays so until somebody changes either set
            when compared.change_state = 'unchanged' and compared.base_origin = 'undone' then null
            -- a member of the base that one side lacks was removed there; any other was added
            else not coalesce(
                    list_contains(string_split(compared.base_hubspot_value, ';'), members.hubspot_id)
                    and list_contains(string_split(compared.base_salesforce_value, ';'), members.salesforce_id),
                    false
                )
        end as is_wanted
    from {{ ref('int_reference_members') }} as members
    inner join compared
        on members.link_id = compared.link_id
        and members.hubspot_property = compared.hubspot_property
        and members.salesforce_field = compared.salesforce_field
    where members.purpose = 'link'
),

merged as (
    {% for target, source in [('salesforce', 'hubspot'), ('hubspot', 'salesforce')] %}
    select
        compared.link_id,
        compared.object,
        compared.hubspot_id,
        compared.salesforce_id,
        compared.hubspot_property,
        compared.salesforce_field,
        '{{ target }}' as target,
        '{{ source }}' as source,
        string_agg(members.{{ target }}_id, ';' order by members.{{ target }}_id) filter (
            where coalesce(members.is_wanted, members.is_in_{{ target }})
        ) as target_value,
        compared.{{ target }}_value as previous_value,
        compared.{{ source }}_value as source_value,
        compared.change_state,
        {{ 'compared.salesforce_is_updateable' if target == 'salesforce' else 'true' }} as is_writable
    from compared
    left join judged as members
        on compared.link_id = members.link_id
        and compared.hubspot_property = members.hubspot_property
        and compared.salesforce_field = members.salesforce_field
    where compared.hubspot_is_known and compared.salesforce_is_known
    group by all
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
)

select
    merged.link_id,
    merged.object,
    merged.hubspot_id,
    merged.salesforce_id,
    merged.hubspot_property,
    merged.salesforce_field,
    merged.target,
    merged.target_value,
    merged.previous_value,
    merged.source_value,
    (merged.target_value is distinct from merged.previous_value)
    and merged.is_writable
    and coalesce(included.is_included, false) as is_needed,
    case merged.change_state
        when 'hubspot_only' then 'edited_in_hubspot'
        when 'salesforce_only' then 'edited_in_salesforce'
        else merged.change_state || '_union'
    end as reason
from merged
left join {{ ref('int_links_included') }} as included
    on merged.object = included.object
    and merged.source = included.side
    and case merged.source when 'hubspot' then merged.hubspot_id else merged.salesforce_id end = included.record_id
