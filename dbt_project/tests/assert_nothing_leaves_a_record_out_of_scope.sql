-- Guards the inclusion rules: a record that is out of scope changes nothing in the other CRM. Only the id of its
-- counterpart is written on every HubSpot record that is linked.
select decisions.link_id, decisions.hubspot_property, decisions.salesforce_field, decisions.winner
from {{ ref('int_field_winners') }} as winners
inner join {{ ref('fields_decided') }} as decisions
    on winners.link_id = decisions.link_id
    and winners.hubspot_property = decisions.hubspot_property
    and winners.salesforce_field = decisions.salesforce_field
left join {{ ref('int_links_included') }} as hubspot
    on hubspot.side = 'hubspot' and decisions.object = hubspot.object and decisions.hubspot_id = hubspot.record_id
left join {{ ref('int_links_included') }} as salesforce
    on salesforce.side = 'salesforce'
    and decisions.object = salesforce.object
    and decisions.salesforce_id = salesforce.record_id
where decisions.target is not null
    and decisions.held_reason is null
    and decisions.salesforce_field <> 'Id'
    and not coalesce(
        case decisions.winner
            when 'hubspot' then hubspot.is_included
            when 'salesforce' then salesforce.is_included
            else hubspot.is_included and salesforce.is_included
        end,
        false
    )
union all
select creates.link_id, null as hubspot_property, null as salesforce_field, creates.side as winner
from {{ ref('int_creates_checked') }} as creates
left join {{ ref('records_included') }} as included
    on creates.object = included.object
    and creates.side = included.side
    and creates.record_id = included.record_id
where not coalesce(included.is_included, false)
