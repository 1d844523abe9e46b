-- One row per property or field that either CRM has ever shown us: its canonical type and what may be written.
-- A field that the newest read did not show keeps its row with is_present = false: it is suspended, not cleared.
with hubspot_fields as (
    select
        'hubspot' as side,
        object as crm_object,
        name as field,
        label,
        case
            when name in ('email', 'hs_additional_emails') then 'email'
            when referenced_object = 'OWNER' then 'owner'
            when type = 'bool' or field_type = 'booleancheckbox' then 'boolean'
            when type = 'enumeration' and field_type = 'checkbox' then 'multi'
            when type in ('number', 'date', 'datetime', 'enumeration') then type
            else 'text'
        end as data_type,
        case when type = 'string' then 65536 end as max_length,
        cast(null as bigint) as scale,
        cast(null as bigint) as integer_digits,
        is_writable and not is_calculated as is_createable,
        is_writable and not is_calculated as is_updateable,
        (object = 'deals' and name in ('dealname', 'dealstage'))
        or (object in ('tasks', 'notes', 'calls', 'meetings', 'emails') and name = 'hs_timestamp')
        -- custom objects: their schemas say it
        or coalesce(is_required, false) as is_required,
        -- a new record needs one of these
        (object = 'contacts' and name in ('email', 'firstname', 'lastname'))
        or (object = 'companies' and name in ('name', 'domain')) as is_required_in_part,
        -- what a record must have can be changed and never cleared; a deal is always in a pipeline
        case
            when object = 'deals' then name not in ('dealname', 'dealstage', 'pipeline')
            when object in ('tasks', 'notes', 'calls', 'meetings', 'emails') then name <> 'hs_timestamp'
            else not coalesce(is_required, false)
        end as is_nillable,
        -- what nobody may write HubSpot keeps itself, whether it calls that calculated or not
        coalesce(is_calculated or not is_writable, false) as is_computed,
        type = 'enumeration' and referenced_object is null and name not in ('dealstage', 'pipeline') as has_options,
        loaded_at = max(loaded_at) over (partition by object) as is_present,
        false as is_currency,
        cast(null as varchar) as refers_to
    from {{ source('raw_hubspot', 'properties') }}
),

salesforce_fields as (
    select
        'salesforce' as side,
        object as crm_object,
        name as field,
        label,
        case
            when type = 'reference' and cast(reference_to as varchar) like '%"User"%' then 'owner'
            when type in ('int', 'double', 'currency', 'percent', 'long') then 'number'
            when type = 'picklist' then 'enumeration'
            when type = 'multipicklist' then 'multi'
            when type in ('boolean', 'date', 'datetime', 'email', 'reference') then type
            else 'text'
        end as data_type,
        case
            when type in ('string', 'textarea', 'phone', 'url', 'email', 'encryptedstring', 'combobox')
                then nullif(length, 0)
        end as max_length,
        case
            when type in ('int', 'long') then 0
            when type in ('double', 'currency', 'percent') then scale
        end as scale,
        case
            when type in ('int', 'long') then nullif(digits, 0)
            when type in ('double', 'currency', 'percent') then nullif(precision, 0) - scale
        end as integer_digits,
        coalesce(is_createable, false) as is_createable,
        coalesce(is_updateable, false) as is_updateable,
        coalesce(is_createable and not is_nillable and not is_defaulted_on_create, false) as is_required,
        false as is_required_in_part,
        coalesce(is_nillable, true) as is_nillable,
        coalesce(is_calculated, false) as is_computed,
        type in ('picklist', 'multipicklist') and name not in ('StageName') as has_options,
        loaded_at = max(loaded_at) over (partition by object) as is_present,
        coalesce(type = 'currency', false) as is_currency,
        case when type = 'reference' then cast(reference_to as varchar) end as refers_to
    from {{ source('raw_salesforce', 'fields') }}
)

select * from hubspot_fields
union all
select * from salesforce_fields
