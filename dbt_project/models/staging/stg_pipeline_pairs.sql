-- One row per deal pipeline or record type and direction that has a counterpart, by the rows of stage_mappings.csv that
-- name both. Where several fit, the specific direction wins, then the earlier pipeline, then the lesser name.
with pairs as (
    select distinct
        lower(trim(hubspot_pipeline)) as pipeline_label,
        lower(trim(salesforce_record_type)) as record_type_name,
        {{ given('direction', "'both'") }} as direction
    from {{ ref('stage_mappings') }}
    where {{ given('hubspot_pipeline', "''") }} <> '' and {{ given('salesforce_record_type', "''") }} <> ''
),

pipelines as (
    select distinct pipeline_id, lower(pipeline_label) as pipeline_label, pipeline_display_order
    from {{ source('raw_hubspot', 'pipelines') }}
    where object = 'deals'
    qualify loaded_at = max(loaded_at) over (partition by object)
),

fitting as (
    select
        pipelines.pipeline_id,
        pipelines.pipeline_display_order,
        record_types.id as record_type_id,
        record_types.name as record_type_name,
        pairs.direction
    from pairs
    inner join pipelines on pairs.pipeline_label = pipelines.pipeline_label
    inner join {{ source('raw_salesforce', 'record_types') }} as record_types
        on record_types.object = 'Opportunity'
        and pairs.record_type_name in (lower(record_types.name), lower(record_types.developer_name))
)

(
    select 'salesforce' as toward, pipeline_id as from_value, record_type_id as to_value
    from fitting
    where direction in ('both', 'to_salesforce')
    qualify row_number() over (
            partition by pipeline_id order by direction = 'both', record_type_name, record_type_id
        ) = 1
)
union all
(
    select 'hubspot' as toward, record_type_id as from_value, pipeline_id as to_value
    from fitting
    where direction in ('both', 'to_hubspot')
    qualify row_number() over (
            partition by record_type_id order by direction = 'both', pipeline_display_order, pipeline_id
        ) = 1
)
