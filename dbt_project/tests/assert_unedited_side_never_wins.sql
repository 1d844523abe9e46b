-- Guards that nobody's edit is lost to a value that nobody has edited: a side that still equals its base is never
-- written over the other, unless the direction says always or the mapping has changed since the base was made.
select link_id, hubspot_property, salesforce_field, winner, change_state, direction
from {{ ref('int_field_winners') }}
where has_base
    and direction <> 'always_' || winner
    and change_state <> 'remapped'
    and case winner
        when 'hubspot' then hubspot_value is not distinct from base_hubspot_value
        when 'salesforce' then salesforce_value is not distinct from base_salesforce_value
    end
