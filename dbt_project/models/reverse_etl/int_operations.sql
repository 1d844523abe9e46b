-- One row per operation that is wanted: fields gathered into the documents that the push sends, whether or not an
-- earlier rejection holds it back. `operation_id` is the same as long as nothing that matters has changed.
with fields as (
    select * from {{ ref('int_operation_fields') }}
    qualify row_number() over (
            partition by target, object, operation, link_id, field order by is_sent desc, source_field
        ) = 1
),

gathered as (
    select
        target,
        object,
        operation,
        link_id,
        hubspot_id,
        salesforce_id,
        {{ json_object_agg('field', 'value', "is_sent and coalesce(left(value, 1), '') <> '@'") }} as changes,
        {{ json_object_agg('field', 'previous_value', 'is_sent') }} as previous,
        {{ json_object_agg(
            'field', '{source_field: source_field, value: source_value}', 'source_field is not null'
        ) }} as source_values,
        {{ json_object_agg('field', '{link_id: substr(value, 2)}', "is_sent and left(value, 1) = '@'") }}
            as pending_references,
        {{ json_object_agg('field', 'reason', 'is_sent') }} as reasons
    from fields
    group by target, object, operation, link_id, hubspot_id, salesforce_id
),

field_lists as (
    select
        object,
        target,
        list(field order by field) as all_fields,
        {{ json_object_agg('field', 'data_type') }} as field_types
    from (
        select distinct object, 'hubspot' as target, hubspot_property as field, hubspot_type as data_type
        from {{ ref('stg_field_mappings') }} where is_active
        union all
        select distinct object, 'salesforce' as target, salesforce_field as field, salesforce_type as data_type
        from {{ ref('stg_field_mappings') }} where is_active
    )
    group by object, target
),

placed as (
    select
        gathered.*,
        objects.push_order,
        case gathered.target when 'hubspot' then objects.hubspot_object else objects.salesforce_object end
            as crm_object,
        case
            when gathered.operation = 'create' then null
            when gathered.target = 'hubspot' then gathered.hubspot_id
            else gathered.salesforce_id
        end as record_id
    from gathered
    inner join {{ ref('stg_object_mappings') }} as objects on gathered.object = objects.object
)

select
    md5(concat_ws(
        '|',
        placed.target,
        placed.object,
        placed.operation,
        placed.link_id,
        placed.changes::varchar,
        placed.pending_references::varchar,
        coalesce(hubspot_records.human_modified_at::varchar, ''),
        coalesce(salesforce_records.human_modified_at::varchar, '')
    )) as operation_id,
    placed.target,
    placed.object,
    placed.push_order,
    placed.operation,
    placed.crm_object,
    placed.record_id,
    placed.link_id,
    placed.hubspot_id,
    placed.salesforce_id,
    placed.changes,
    placed.previous,
    placed.source_values,
    placed.pending_references as "references",
    to_json(field_lists.all_fields) as all_fields,
    field_lists.field_types,
    targets.modified_at as snapshot_modified_at,
    targets.human_modified_at,
    case placed.target
        when 'hubspot' then salesforce_records.human_modified_at
        else hubspot_records.human_modified_at
    end as source_modified_at,
    placed.reasons
from placed
inner join field_lists on placed.object = field_lists.object and placed.target = field_lists.target
left join {{ ref('int_mapped_records') }} as hubspot_records
    on hubspot_records.side = 'hubspot'
    and placed.object = hubspot_records.object
    and placed.hubspot_id = hubspot_records.record_id
left join {{ ref('int_mapped_records') }} as salesforce_records
    on salesforce_records.side = 'salesforce'
    and placed.object = salesforce_records.object
    and placed.salesforce_id = salesforce_records.record_id
left join {{ ref('int_mapped_records') }} as targets
    on placed.target = targets.side
    and placed.object = targets.object
    and placed.record_id = targets.record_id
