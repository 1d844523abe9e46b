-- Guards that what has no counterpart is held back and never written as blank: a stage, owner or reference that one
-- side holds is not cleared on the other.
select winners.link_id, winners.hubspot_property, winners.salesforce_field, winners.winner
from {{ ref('int_field_winners') }} as winners
inner join {{ ref('stg_field_mappings') }} as mappings
    on winners.object = mappings.object
    and winners.hubspot_property = mappings.hubspot_property
    and winners.salesforce_field = mappings.salesforce_field
where mappings.kind in ('stage', 'pipeline', 'owner', 'reference')
    and winners.problem is null
    and winners.target_value is null
    and case winners.winner
        when 'hubspot' then winners.hubspot_value
        when 'salesforce' then winners.salesforce_value
    end is not null
