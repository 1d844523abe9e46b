-- One row per value that has a counterpart in the other CRM: mapped values, owners, deal stages, deal pipelines.
-- `toward` is the CRM that the value is written to; `scope` narrows a stage to a pipeline ('' = any).
with value_rows as (
    select
        value_mappings.object,
        value_mappings.hubspot_property,
        value_mappings.hubspot_value,
        value_mappings.salesforce_value,
        {{ given('value_mappings.direction', "'both'") }} as direction
    from {{ ref('value_mappings') }} as value_mappings
    inner join {{ ref('stg_object_mappings') }} as objects on value_mappings.object = objects.object
),

-- the specific direction beats both, then the lesser text
values_toward_salesforce as (
    select object, hubspot_property, hubspot_value as from_value, salesforce_value as to_value
    from value_rows
    where direction in ('both', 'to_salesforce')
    qualify row_number() over (
            partition by object, hubspot_property, hubspot_value
            order by direction = 'both', salesforce_value
        ) = 1
),

values_toward_hubspot as (
    select object, hubspot_property, salesforce_value as from_value, hubspot_value as to_value
    from value_rows
    where direction in ('both', 'to_hubspot')
    qualify row_number() over (
            partition by object, hubspot_property, salesforce_value
            order by direction = 'both', hubspot_value
        ) = 1
),

owner_properties as (
    select distinct objects.object, fields.field as hubspot_property
    from {{ ref('stg_object_mappings') }} as objects
    inner join {{ ref('stg_fields') }} as fields
        on fields.side = 'hubspot'
        and objects.hubspot_object = fields.crm_object
        and fields.data_type = 'owner'
)

select object, hubspot_property, 'value' as kind, 'salesforce' as toward, '' as scope, from_value, to_value
from values_toward_salesforce
union all
select object, hubspot_property, 'value' as kind, 'hubspot' as toward, '' as scope, from_value, to_value
from values_toward_hubspot
union all
select
    owner_properties.object,
    owner_properties.hubspot_property,
    'owner' as kind,
    'salesforce' as toward,
    '' as scope,
    owners.hubspot_owner_id as from_value,
    owners.salesforce_user_id as to_value
from {{ ref('stg_owner_pairs') }} as owners
cross join owner_properties
where owners.is_first_for_hubspot and owners.salesforce_is_active
union all
select
    owner_properties.object,
    owner_properties.hubspot_property,
    'owner' as kind,
    'hubspot' as toward,
    '' as scope,
    owners.salesforce_user_id as from_value,
    owners.hubspot_owner_id as to_value
from {{ ref('stg_owner_pairs') }} as owners
cross join owner_properties
where owners.is_first_for_salesforce and owners.hubspot_is_active
union all
select
    objects.object,
    'dealstage' as hubspot_property,
    'stage' as kind,
    stages.toward,
    stages.scope,
    stages.from_value,
    stages.to_value
from {{ ref('stg_stage_pairs') }} as stages
inner join {{ ref('stg_object_mappings') }} as objects on objects.hubspot_object = 'deals'
union all
select
    objects.object,
    'pipeline' as hubspot_property,
    'pipeline' as kind,
    pipelines.toward,
    '' as scope,
    pipelines.from_value,
    pipelines.to_value
from {{ ref('stg_pipeline_pairs') }} as pipelines
inner join {{ ref('stg_object_mappings') }} as objects on objects.hubspot_object = 'deals'
