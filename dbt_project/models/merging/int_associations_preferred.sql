-- One row per record of a link to decide, single-valued reference without a primary, and association that stands for it
-- first where there are several: the counterpart of what Salesforce holds (1), else what was agreed on last (2).
with single_references as (
    select object, hubspot_property, salesforce_field, references_object
    from {{ ref('stg_field_mappings') }}
    where kind = 'reference' and is_association and not coalesce(has_primary, false)
),

counterparts as (
    select
        changed.object,
        changed.hubspot_id as record_id,
        fields.hubspot_property as field,
        parents.hubspot_id as to_id,
        1 as preference
    from {{ ref('int_links_changed') }} as changed
    inner join single_references as fields on changed.object = fields.object
    inner join {{ ref('int_mapped_records') }} as records
        on records.side = 'salesforce'
        and changed.object = records.object
        and changed.salesforce_id = records.record_id
    inner join {{ ref('links') }} as parents
        on parents.status = 'linked'
        and list_contains(string_split(fields.references_object, ';'), parents.object)
        and records.properties ->> ('$."' || fields.salesforce_field || '"') = parents.salesforce_id
),

agreed as (
    select
        changed.object,
        changed.hubspot_id as record_id,
        fields.hubspot_property as field,
        bases.hubspot_value as to_id,
        2 as preference
    from {{ ref('int_links_changed') }} as changed
    inner join single_references as fields on changed.object = fields.object
    inner join {{ ref('int_bases_held') }} as bases
        on changed.link_id = bases.link_id
        and fields.hubspot_property = bases.hubspot_property
        and fields.salesforce_field = bases.salesforce_field
    where bases.hubspot_value is not null
),

all_preferences as (
    select * from counterparts
    union all
    select * from agreed
)

select object, record_id, field, to_id, min(preference) as preference
from all_preferences
group by object, record_id, field, to_id
