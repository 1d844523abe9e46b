-- One row per HubSpot owner and Salesforce user who are the same person: by owner_mappings.csv, else by e-mail.
with owners as (
    select
        id as hubspot_owner_id,
        lower(trim(email)) as email,
        not coalesce(is_archived, false) as is_active
    from {{ source('raw_hubspot', 'owners') }}
    where email is not null
    qualify loaded_at = max(loaded_at) over ()
),

users as (
    select
        id as salesforce_user_id,
        lower(trim(username)) as username,
        lower(trim(email)) as email,
        coalesce(is_active, false) as is_active
    from {{ source('raw_salesforce', 'users') }}
    qualify loaded_at = max(loaded_at) over ()
),

overrides as (
    select
        lower(trim(hubspot_owner_email)) as email,
        lower(trim(salesforce_username)) as username
    from {{ ref('owner_mappings') }}
),

pairs as (
    select
        owners.hubspot_owner_id,
        users.salesforce_user_id,
        owners.is_active as hubspot_is_active,
        users.is_active as salesforce_is_active
    from owners
    left join overrides on owners.email = overrides.email
    inner join users
        on (overrides.username is not null and users.username = overrides.username)
        or (overrides.username is null and users.email = owners.email)
)

select
    *,
    row_number() over (
        partition by hubspot_owner_id order by salesforce_is_active desc, salesforce_user_id
    ) = 1 as is_first_for_hubspot,
    row_number() over (
        partition by salesforce_user_id order by hubspot_is_active desc, hubspot_owner_id
    ) = 1 as is_first_for_salesforce
from pairs
