-- One row per value that a picklist takes today.
select distinct
    'hubspot' as side,
    properties.object as crm_object,
    properties.name as field,
    option.value ->> '$.value' as value
from {{ source('raw_hubspot', 'properties') }} as properties
inner join {{ ref('stg_fields') }} as fields
    on fields.side = 'hubspot'
    and properties.object = fields.crm_object
    and properties.name = fields.field
cross join json_each(coalesce(properties.options, '[]')) as option
where fields.has_options and fields.is_present
union all
select
    'salesforce' as side,
    picklist_values.object as crm_object,
    picklist_values.field,
    picklist_values.value
from {{ source('raw_salesforce', 'picklist_values') }} as picklist_values
inner join {{ ref('stg_fields') }} as fields
    on fields.side = 'salesforce'
    and picklist_values.object = fields.crm_object
    and picklist_values.field = fields.field
where fields.has_options
    and fields.is_present
    and picklist_values.is_active
qualify picklist_values.loaded_at = max(picklist_values.loaded_at) over (partition by picklist_values.object)
