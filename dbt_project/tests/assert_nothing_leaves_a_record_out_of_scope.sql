-- Guards the inclusion rules: a record that is out of scope changes nothing in the other CRM. Only the id of its
-- counterpart is written on every HubSpot record that is linked.
select decisions.link_id, decisions.hubspot_property, decisions.salesforce_field, decisions.winner
from {{ ref('int_field_winners') }} as winners
inner join {{ ref('field_decisions') }} as decisions
    on winners.link_id = decisions.link_id
    and winners.hubspot_property = decisions.hubspot_property
    and winners.salesforce_field = decisions.salesforce_field
left join {{ ref('int_links_included') }} as included
    on decisions.object = included.object
    and (decisions.winner = included.side or decisions.winner = 'both')
    and included.record_id
    = case included.side when 'hubspot' then decisions.hubspot_id else decisions.salesforce_id end
where decisions.target is not null
    and decisions.held_reason is null
    and decisions.salesforce_field <> 'Id'
    and not coalesce(included.is_included, false)
union all
select creates.link_id, null as hubspot_property, null as salesforce_field, creates.side as winner
from {{ ref('int_creates_checked') }} as creates
left join {{ ref('records_included') }} as included
    on creates.object = included.object
    and creates.side = included.side
    and creates.record_id = included.record_id
where not coalesce(included.is_included, false)
