-- One row per deal stage and direction that has a counterpart. Toward Salesforce `scope` is the record type ('' = any
-- or none); toward HubSpot it is the pipeline that the deal is in ('' = a new deal, which takes the pipeline of its
-- stage). Where several rows fit, the specific direction wins, then the earlier HubSpot stage, then the lesser text.
with stage_rows as (
    select
        {{ given('hubspot_pipeline', "''") }} as hubspot_pipeline,
        trim(hubspot_stage) as hubspot_stage,
        {{ given('salesforce_record_type', "''") }} as salesforce_record_type,
        trim(salesforce_stage) as salesforce_stage,
        {{ given('direction', "'both'") }} as direction
    from {{ ref('stage_mappings') }}
),

stages as (
    select * from {{ source('raw_hubspot', 'pipelines') }}
    where object = 'deals'
    qualify loaded_at = max(loaded_at) over (partition by object)
),

record_types as (
    select id, name, developer_name from {{ source('raw_salesforce', 'record_types') }}
    where object = 'Opportunity'
    union all
    select '' as id, '' as name, '' as developer_name
),

fitting as (
    select
        stages.pipeline_id,
        stages.pipeline_display_order,
        stages.stage_id,
        stages.stage_display_order,
        record_types.id as record_type_id,
        stage_rows.salesforce_record_type <> '' as names_record_type,
        stage_rows.hubspot_pipeline <> '' as names_pipeline,
        stage_rows.salesforce_stage,
        stage_rows.direction
    from stage_rows
    inner join stages
        on lower(stage_rows.hubspot_stage) = lower(stages.stage_label)
        and (stage_rows.hubspot_pipeline = '' or lower(stage_rows.hubspot_pipeline) = lower(stages.pipeline_label))
    inner join record_types
        on stage_rows.salesforce_record_type = ''
        or lower(stage_rows.salesforce_record_type) in (lower(record_types.name), lower(record_types.developer_name))
),

toward_salesforce as (
    select
        'salesforce' as toward,
        record_type_id as scope,
        stage_id as from_value,
        salesforce_stage as to_value
    from fitting
    where direction in ('both', 'to_salesforce')
    qualify row_number() over (
            partition by record_type_id, stage_id
            order by names_record_type desc, names_pipeline desc, direction = 'both', salesforce_stage
        ) = 1
),

toward_hubspot as (
    select
        'hubspot' as toward,
        pipeline_id as scope,
        salesforce_stage as from_value,
        stage_id as to_value
    from fitting
    where direction in ('both', 'to_hubspot')
    qualify row_number() over (
            partition by pipeline_id, salesforce_stage
            order by direction = 'both', names_pipeline desc, stage_display_order, stage_id
        ) = 1
),

toward_new_deals as (
    select
        'hubspot' as toward,
        '' as scope,
        salesforce_stage as from_value,
        stage_id as to_value
    from fitting
    where direction in ('both', 'to_hubspot')
    qualify row_number() over (
            partition by salesforce_stage
            order by direction = 'both', pipeline_display_order, stage_display_order, stage_id
        ) = 1
)

select * from toward_salesforce
union all
select * from toward_hubspot
union all
select * from toward_new_deals
