-- One row per field mapping of an enabled object, with what both CRMs say about its two fields, and the built-in
-- mapping that keeps the Salesforce id on the HubSpot record of every link. A many-valued reference names a junction
-- object and its field on the Salesforce side (OpportunityContactRole.ContactId); the junction's field that leads back
-- to the mapping's own object is found by what it refers to. A row that names one field only is a constant: what a new
-- record gets.
-- `clear_first` among the steps to HubSpot changes no value: here it becomes the column `clears_first`, and no step.
-- A field that a CRM computes is never written: the direction becomes the one in which the other side follows.
-- `mapping_hash` changes with the rows and variables that an analyst edits (what single values become is added by
-- pair_mapping_hash), `state_hash` also with what the CRMs say, `hubspot_state` and `salesforce_state` with what one of
-- them says about what the field takes.
with given_rows as (
    select
        object,
        {{ given('hubspot_property', "''") }} as hubspot_property,
        {{ given('salesforce_field', "''") }} as salesforce_field,
        {{ given('direction', "'prefer_salesforce'") }} as direction,
        {{ given('conflict_rule', "'most_recent'") }} as conflict_rule,
        {{ given('to_salesforce', "''") }} as to_salesforce,
        {{ steps_but_marker(given('to_hubspot', "''")) }} as to_hubspot,
        {{ has_marker(given('to_hubspot', "''")) }} as clears_first,
        replace({{ given('references_object', "''") }}, ' ', '') as references_object,
        {{ given('default_in_hubspot', 'null') }} as default_in_hubspot,
        {{ given('default_in_salesforce', 'null') }} as default_in_salesforce
    from {{ ref('field_mappings') }}
    where {{ given('direction', "'prefer_salesforce'") }} <> 'none'
),

declared as (
    select given_rows.* replace ({{ following_direction() }} as direction)
    from given_rows
    inner join {{ ref('stg_object_mappings') }} as objects on given_rows.object = objects.object
    union all
    select
        object,
        'salesforce_record_id' as hubspot_property,
        'Id' as salesforce_field,
        'always_salesforce' as direction,
        'most_recent' as conflict_rule,
        '' as to_salesforce,
        '' as to_hubspot,
        false as clears_first,
        '' as references_object,
        null as default_in_hubspot,
        null as default_in_salesforce
    from {{ ref('stg_object_mappings') }}
),

junctions as (
    select
        declared.object,
        declared.salesforce_field,
        split_part(declared.salesforce_field, '.', 1) as junction_object,
        split_part(declared.salesforce_field, '.', 2) as member_field,
        min(parents.field) as parent_field
    from declared
    inner join {{ ref('stg_object_mappings') }} as objects on declared.object = objects.object
    left join {{ ref('stg_fields') }} as parents
        on parents.side = 'salesforce'
        and split_part(declared.salesforce_field, '.', 1) = parents.crm_object
        and split_part(declared.salesforce_field, '.', 2) <> parents.field
        and contains(parents.refers_to, '"' || objects.salesforce_object || '"')
    where contains(declared.salesforce_field, '.')
    group by declared.object, declared.salesforce_field
),

typed as (
    select
        declared.* replace (
            case
                when hubspot_fields.is_computed and not coalesce(salesforce_fields.is_computed, false)
                    then 'always_hubspot'
                when salesforce_fields.is_computed and not coalesce(hubspot_fields.is_computed, false)
                    then 'always_salesforce'
                else declared.direction
            end as direction
        ),
        declared.direction as declared_direction,
        coalesce(hubspot_fields.is_computed, false) as hubspot_is_computed,
        coalesce(salesforce_fields.is_computed, false) as salesforce_is_computed,
        objects.hubspot_object,
        objects.salesforce_object,
        objects.push_order,
        junctions.junction_object,
        junctions.member_field,
        junctions.parent_field,
        declared.hubspot_property like 'associations.%' as is_association,
        -- contacts and deals have one primary company; of any other association there may be several
        objects.hubspot_object in ('contacts', 'deals') and declared.hubspot_property = 'associations.companies'
            as has_primary,
        case
            when declared.hubspot_property = 'salesforce_record_id' and declared.salesforce_field = 'Id' then 'id'
            when '' in (declared.hubspot_property, declared.salesforce_field) then 'constant'
            when junctions.junction_object is not null then 'reference_set'
            when declared.references_object <> '' then 'reference'
            when declared.hubspot_property = 'dealstage' and declared.salesforce_field = 'StageName' then 'stage'
            when declared.hubspot_property = 'pipeline' and declared.salesforce_field = 'RecordTypeId' then 'pipeline'
            when hubspot_fields.data_type = 'owner' and salesforce_fields.data_type = 'owner' then 'owner'
            else 'value'
        end as kind,
        case
            when junctions.junction_object is not null then 'multi'
            when declared.hubspot_property like 'associations.%' then 'reference'
            else coalesce(hubspot_fields.data_type, 'text')
        end as hubspot_type,
        case
            when junctions.junction_object is not null then 'multi'
            else coalesce(salesforce_fields.data_type, 'text')
        end as salesforce_type,
        hubspot_fields.max_length as hubspot_length,
        salesforce_fields.max_length as salesforce_length,
        salesforce_fields.scale as salesforce_scale,
        salesforce_fields.integer_digits as salesforce_integer_digits,
        declared.hubspot_property like 'associations.%' or coalesce(hubspot_fields.is_updateable, false)
            as hubspot_is_updateable,
        declared.hubspot_property like 'associations.%' or coalesce(hubspot_fields.is_createable, false)
            as hubspot_is_createable,
        coalesce(hubspot_fields.is_required, false) as hubspot_is_required,
        coalesce(hubspot_fields.is_nillable, true) as hubspot_is_nillable,
        coalesce(hubspot_fields.has_options, false) as hubspot_has_options,
        case
            when junctions.junction_object is not null then coalesce(salesforce_fields.is_createable, false)
            else coalesce(salesforce_fields.is_updateable, false)
        end as salesforce_is_updateable,
        coalesce(salesforce_fields.is_createable, false) as salesforce_is_createable,
        junctions.junction_object is null and coalesce(salesforce_fields.is_required, false) as salesforce_is_required,
        coalesce(salesforce_fields.is_nillable, true) as salesforce_is_nillable,
        coalesce(salesforce_fields.has_options, false) as salesforce_has_options,
        declared.hubspot_property like 'associations.%'
        or declared.hubspot_property = ''
        or hubspot_fields.field is not null as hubspot_is_known,
        declared.salesforce_field = '' or salesforce_fields.field is not null as salesforce_is_known,
        declared.hubspot_property like 'associations.%'
        or declared.hubspot_property = ''
        or coalesce(hubspot_fields.is_present, false) as hubspot_is_present,
        declared.salesforce_field = '' or coalesce(salesforce_fields.is_present, false) as salesforce_is_present,
        -- a field that may hold ids of several kinds of records (Task.WhatId)
        coalesce(
            salesforce_fields.data_type = 'reference' and contains(salesforce_fields.refers_to, ','), false
        ) as salesforce_is_polymorphic,
        coalesce(salesforce_fields.is_currency, false) as is_currency,
        -- an amount is worth nothing without its currency: where Salesforce has several, the code must be mapped too
        coalesce(salesforce_fields.is_currency and currency_codes.field is not null, false)
        and not bool_or(declared.salesforce_field = 'CurrencyIsoCode') over (partition by declared.object)
            as lacks_currency
    from declared
    inner join {{ ref('stg_object_mappings') }} as objects on declared.object = objects.object
    left join junctions
        on declared.object = junctions.object
        and declared.salesforce_field = junctions.salesforce_field
    left join {{ ref('stg_fields') }} as currency_codes
        on currency_codes.side = 'salesforce'
        and currency_codes.field = 'CurrencyIsoCode'
        and currency_codes.is_present
        and objects.salesforce_object = currency_codes.crm_object
    left join {{ ref('stg_fields') }} as hubspot_fields
        on hubspot_fields.side = 'hubspot'
        and objects.hubspot_object = hubspot_fields.crm_object
        and declared.hubspot_property = hubspot_fields.field
    left join {{ ref('stg_fields') }} as salesforce_fields
        on salesforce_fields.side = 'salesforce'
        and coalesce(junctions.junction_object, objects.salesforce_object) = salesforce_fields.crm_object
        and coalesce(junctions.member_field, declared.salesforce_field) = salesforce_fields.field
),

described as (
    select
        *,
        -- each value has its own translation: what a row says of one value is no news for the others
        kind in ('value', 'owner', 'stage', 'pipeline')
        and to_salesforce = ''
        and to_hubspot = ''
        and 'multi' not in (hubspot_type, salesforce_type) as translates_singly
    from typed
),

-- what an analyst has written about a field's values, and what the CRMs make of it
value_row_hashes as (
    select
        object,
        hubspot_property,
        md5(string_agg(
            concat_ws('|', hubspot_value, salesforce_value, direction),
            ';' order by hubspot_value, salesforce_value
        )) as row_hash
    from {{ ref('value_mappings') }}
    group by object, hubspot_property
),

table_hashes as (
    select
        (
            select md5(string_agg({{ stage_row_text() }}, ';' order by {{ stage_row_text() }}))
            from {{ ref('stage_mappings') }}
        ) as stage_hash,
        (
            select md5(string_agg({{ owner_row_text() }}, ';' order by {{ owner_row_text() }}))
            from {{ ref('owner_mappings') }}
        ) as owner_hash
),

option_hashes as (
    select side, crm_object, field, md5(string_agg(value, ';' order by value)) as option_hash
    from {{ ref('stg_options') }}
    group by side, crm_object, field
),

translation_hashes as (
    select
        object,
        hubspot_property,
        md5(string_agg(
            concat_ws('|', toward, scope, from_value, to_value),
            ';' order by toward, scope, from_value, to_value
        )) as translation_hash
    from {{ ref('stg_translations') }}
    where kind <> 'reference'
    group by object, hubspot_property
)

select
    described.*,
    described.hubspot_is_present
    and described.salesforce_is_present
    and not described.lacks_currency
    -- a row that could only write what a CRM computes does nothing
    and not (described.hubspot_is_computed and described.salesforce_is_computed)
    and not (described.hubspot_is_computed and described.declared_direction = 'always_salesforce')
    and not (described.salesforce_is_computed and described.declared_direction = 'always_hubspot')
    and (described.junction_object is null or described.parent_field is not null) as is_active,
    {{ text_hash([
        'described.direction', 'described.conflict_rule', 'described.to_salesforce', described_to_hubspot(),
        'described.references_object', 'case when not described.translates_singly then value_row_hashes.row_hash end',
        mapping_hangs_on(),
    ]) }} as mapping_hash,
    {{ text_hash([
        'described.direction', 'described.conflict_rule', 'described.to_salesforce', described_to_hubspot(),
        'described.references_object', 'translation_hashes.translation_hash', 'described.hubspot_type',
        'described.salesforce_type', 'described.hubspot_is_updateable', 'described.salesforce_is_updateable',
        'described.hubspot_is_present', 'described.salesforce_is_present', 'described.salesforce_length',
        'described.salesforce_scale', 'described.default_in_hubspot', 'described.default_in_salesforce',
        mapping_hangs_on(),
    ]) }} as state_hash,
    {% for side in ['hubspot', 'salesforce'] %}
    {{ text_hash([
        'described.' ~ side ~ '_type', 'described.' ~ side ~ '_length', 'described.' ~ side ~ '_is_updateable',
        'described.' ~ side ~ '_is_createable', 'described.' ~ side ~ '_is_required',
        'described.' ~ side ~ '_is_nillable', side ~ '_options.option_hash',
    ] + (['described.salesforce_scale', 'described.salesforce_integer_digits'] if side == 'salesforce' else [])) }}
        as {{ side }}_state,
    {% endfor %}
    translation_hashes.translation_hash is not null as has_translations
from described
cross join table_hashes
left join value_row_hashes
    on described.object = value_row_hashes.object
    and described.hubspot_property = value_row_hashes.hubspot_property
left join translation_hashes
    on described.object = translation_hashes.object
    and described.hubspot_property = translation_hashes.hubspot_property
left join option_hashes as hubspot_options
    on hubspot_options.side = 'hubspot'
    and described.hubspot_object = hubspot_options.crm_object
    and described.hubspot_property = hubspot_options.field
left join option_hashes as salesforce_options
    on salesforce_options.side = 'salesforce'
    and described.salesforce_object = salesforce_options.crm_object
    and described.salesforce_field = salesforce_options.field
