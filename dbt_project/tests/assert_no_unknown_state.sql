-- Guards that every case was thought of: no comparison falls through, and no field of which a side cannot be read wins
-- or is overwritten.
select link_id, hubspot_property, salesforce_field, change_state, winner
from {{ ref('int_field_winners') }}
where change_state = 'unknown'
    or (winner is not null and not (hubspot_is_known and salesforce_is_known))
