-- One row per link to decide and active field mapping: both values, what each becomes on the other side, whether the
-- two sides agree, and when people last edited the two records: the field itself where its history was read.
with images as (
    select * from {{ ref('int_value_images') }} where purpose = 'link'
    union all
    select * from {{ ref('int_reference_images') }} where purpose = 'link'
),

paired as (
    select * from {{ ref('int_values_paired') }} where purpose = 'link'
)

select
    paired.link_id,
    paired.object,
    paired.hubspot_id,
    paired.salesforce_id,
    paired.hubspot_property,
    paired.salesforce_field,
    paired.hubspot_is_known,
    paired.salesforce_is_known,
    paired.hubspot_raw,
    paired.salesforce_raw,
    paired.hubspot_value,
    paired.salesforce_value,
    toward_salesforce.image as image_in_salesforce,
    toward_hubspot.image as image_in_hubspot,
    toward_salesforce.problem as problem_in_salesforce,
    toward_hubspot.problem as problem_in_hubspot,
    coalesce(toward_salesforce.is_truncated, false) as is_truncated_in_salesforce,
    coalesce(toward_hubspot.is_truncated, false) as is_truncated_in_hubspot,
    paired.hubspot_is_known
    and paired.salesforce_is_known
    and (
        (toward_salesforce.is_known and toward_salesforce.image is not distinct from paired.salesforce_value)
        or (toward_hubspot.is_known and toward_hubspot.image is not distinct from paired.hubspot_value)
        or (
            paired.hubspot_value is null and coalesce(paired.salesforce_value, 'false') = 'false'
            and (paired.salesforce_value is null or mappings.salesforce_type = 'boolean')
        )
    ) as agrees,
    coalesce(hubspot_times.edited_at, hubspot_records.human_modified_at) as hubspot_edited_at,
    coalesce(salesforce_times.edited_at, salesforce_records.human_modified_at) as salesforce_edited_at,
    case
        when hubspot_times.edited_at is not null and salesforce_times.edited_at is not null then 'field'
        when hubspot_times.edited_at is not null or salesforce_times.edited_at is not null then 'mixed'
        else 'record'
    end as evidence
from paired
inner join {{ ref('stg_field_mappings') }} as mappings
    on paired.object = mappings.object
    and paired.hubspot_property = mappings.hubspot_property
    and paired.salesforce_field = mappings.salesforce_field
left join images as toward_salesforce
    on toward_salesforce.toward = 'salesforce'
    and paired.link_id = toward_salesforce.link_id
    and paired.hubspot_property = toward_salesforce.hubspot_property
    and paired.salesforce_field = toward_salesforce.salesforce_field
left join images as toward_hubspot
    on toward_hubspot.toward = 'hubspot'
    and paired.link_id = toward_hubspot.link_id
    and paired.hubspot_property = toward_hubspot.hubspot_property
    and paired.salesforce_field = toward_hubspot.salesforce_field
left join {{ ref('int_mapped_records') }} as hubspot_records
    on hubspot_records.side = 'hubspot'
    and paired.object = hubspot_records.object
    and paired.hubspot_id = hubspot_records.record_id
left join {{ ref('int_mapped_records') }} as salesforce_records
    on salesforce_records.side = 'salesforce'
    and paired.object = salesforce_records.object
    and paired.salesforce_id = salesforce_records.record_id
left join {{ ref('int_field_times') }} as hubspot_times
    on hubspot_times.side = 'hubspot'
    and mappings.hubspot_object = hubspot_times.crm_object
    and paired.hubspot_id = hubspot_times.record_id
    and paired.hubspot_property = hubspot_times.field
    and {{ canonical_value('hubspot_times.value', 'mappings.hubspot_type') }} is not distinct from paired.hubspot_value
left join {{ ref('int_field_times') }} as salesforce_times
    on salesforce_times.side = 'salesforce'
    and mappings.salesforce_object = salesforce_times.crm_object
    and paired.salesforce_id = salesforce_times.record_id
    and paired.salesforce_field = salesforce_times.field
    and (
        not salesforce_times.has_value
        or {{ canonical_value('salesforce_times.value', 'mappings.salesforce_type') }}
        is not distinct from paired.salesforce_value
    )
