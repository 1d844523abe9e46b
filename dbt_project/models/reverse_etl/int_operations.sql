-- One row per operation that is wanted: fields gathered into the documents that the push sends, whether or not an
-- earlier rejection holds it back. `operation_id` is the same as long as nothing that matters has changed: what is
-- written, who edited when, and what the target's mapped fields take (a longer field, a new picklist value).
with fields as (
    select
        fields.*,
        -- one id to come; in a set, which is joined by `;`, the push finds it by its `@`
        left(fields.value, 1) = '@' and not contains(fields.value, ';') as is_reference
    from {{ ref('int_operation_fields') }} as fields
    -- a field that may refer to several objects (Task.WhatId) takes the one that is furthest from the root: a deal's
    -- company goes without saying
    left join {{ ref('stg_field_mappings') }} as mappings
        on mappings.kind = 'reference'
        and fields.object = mappings.object
        and fields.field
        = case fields.target when 'hubspot' then mappings.hubspot_property else mappings.salesforce_field end
        and fields.source_field
        = case fields.target when 'hubspot' then mappings.salesforce_field else mappings.hubspot_property end
    left join {{ ref('stg_object_mappings') }} as parents on mappings.references_object = parents.object
    qualify row_number() over (
            partition by fields.target, fields.object, fields.operation, fields.link_id, fields.field
            order by fields.is_sent desc, parents.push_order desc nulls last, fields.source_field
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
        {{ json_object_agg('field', 'value', "is_sent and not coalesce(is_reference, false)") }} as changes,
        {{ json_object_agg('field', 'previous_value', 'is_sent') }} as previous,
        {{ json_object_agg(
            'field', '{source_field: source_field, value: source_value}', 'source_field is not null'
        ) }} as source_values,
        {{ json_object_agg('field', '{link_id: substr(value, 2)}', "is_sent and is_reference") }}
            as pending_references,
        {{ json_object_agg('field', 'reason', "is_sent or field = '(record)'") }} as reasons
    from fields
    group by target, object, operation, link_id, hubspot_id, salesforce_id
),

field_lists as (
    select
        object,
        target,
        list(field order by field) as all_fields,
        {{ json_object_agg('field', 'data_type') }} as field_types,
        coalesce(list(field order by field) filter (where clears_first), []) as clear_first,
        string_agg(state, '' order by field) as state
    from (
        select
            object, 'hubspot' as target, hubspot_property as field, hubspot_type as data_type, hubspot_state as state,
            bool_or(clears_first) as clears_first
        from {{ ref('stg_field_mappings') }} where is_active and hubspot_property <> ''
        group by all
        union all
        -- members of a set are records of their own
        select distinct
            object, 'salesforce' as target, salesforce_field as field, salesforce_type as data_type,
            salesforce_state as state, false as clears_first
        from {{ ref('stg_field_mappings') }}
        where is_active and salesforce_field <> '' and (kind is distinct from 'reference_set')
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
        coalesce(salesforce_records.human_modified_at::varchar, ''),
        md5(field_lists.state)
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
    to_json(field_lists.clear_first) as clear_first,
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
