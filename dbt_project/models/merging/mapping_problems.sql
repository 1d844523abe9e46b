-- One row per mapping that the CRMs' metadata contradicts. `severity` error (a property that never existed, types that
-- do not fit) stops the run before anything is pushed; suspended (it existed and is gone or hidden) lets all else go
-- on; notice (it wants to write what a CRM computes, or what the integration user may not edit) says what the sync does
-- instead.
with mappings as (
    select * from {{ ref('stg_field_mappings') }}
    where kind <> 'id'
),

problems as (
    select
        object, hubspot_property, salesforce_field, 'hubspot' as side, hubspot_property as field,
        case when hubspot_is_known then 'suspended' else 'error' end as severity,
        case when hubspot_is_known then 'suspended_mapping' else 'unknown_property' end as issue_type
    from mappings
    where not hubspot_is_present
    union all
    select
        object, hubspot_property, salesforce_field, 'salesforce' as side, salesforce_field as field,
        case when salesforce_is_known then 'suspended' else 'error' end as severity,
        case when salesforce_is_known then 'suspended_mapping' else 'unknown_property' end as issue_type
    from mappings
    where not salesforce_is_present
    union all
    select
        mappings.object, mappings.hubspot_property, mappings.salesforce_field, 'salesforce' as side,
        mappings.salesforce_field as field,
        'error' as severity,
        'type_mismatch' as issue_type
    from mappings
    anti join {{ ref('type_compatibility') }} as fitting
        on mappings.hubspot_type = fitting.hubspot_type and mappings.salesforce_type = fitting.salesforce_type
    where mappings.is_active
        and mappings.kind not in ('pipeline', 'constant')
        and mappings.to_salesforce = ''
        and mappings.to_hubspot = ''
    union all
    select
        object, hubspot_property, salesforce_field, 'salesforce' as side, salesforce_field as field,
        'error' as severity,
        'no_junction' as issue_type
    from mappings
    where junction_object is not null and parent_field is null and salesforce_is_present
    union all
    select
        object, hubspot_property, salesforce_field, 'salesforce' as side, salesforce_field as field,
        'suspended' as severity,
        'suspended_mapping' as issue_type
    from mappings
    where lacks_currency and hubspot_is_present and salesforce_is_present
    union all
    select
        object, hubspot_property, salesforce_field,
        case when hubspot_is_computed then 'hubspot' else 'salesforce' end as side,
        case when hubspot_is_computed then hubspot_property else salesforce_field end as field,
        'notice' as severity,
        'read_only_field' as issue_type
    from mappings
    where (hubspot_is_computed or salesforce_is_computed)
        and hubspot_is_present
        and salesforce_is_present
        and (not is_active or declared_direction <> direction)
    union all
    select
        object, hubspot_property, salesforce_field, 'salesforce' as side, salesforce_field as field,
        'notice' as severity,
        'read_only_field' as issue_type
    from mappings
    where is_active
        and not salesforce_is_computed
        and salesforce_field <> ''
        and direction <> 'always_salesforce'
        and not case kind when 'constant' then salesforce_is_createable else salesforce_is_updateable end
    union all
    select
        object, hubspot_property, salesforce_field, 'hubspot' as side, hubspot_property as field,
        'error' as severity,
        'no_multi_select' as issue_type
    from mappings
    where is_active
        and kind = 'value'
        and conflict_rule = 'union'
        and hubspot_type <> 'multi'
        and salesforce_type <> 'multi'
)

select
    problems.*,
    case
        when problems.issue_type = 'unknown_property'
            then 'The ' || problems.side || ' field ' || problems.field || ' does not exist or is hidden.'
        when problems.issue_type = 'no_junction'
            then mappings.junction_object || ' has no field that refers to ' || mappings.salesforce_object || '.'
        when problems.issue_type = 'suspended_mapping' and mappings.lacks_currency and mappings.salesforce_is_present
            then problems.field || ' is an amount in the currency of its record, and no row maps CurrencyIsoCode of '
                || mappings.salesforce_object || '; its mapping is suspended.'
        when problems.issue_type = 'suspended_mapping'
            then 'The ' || problems.side || ' field ' || problems.field
                || ' was deleted, renamed or hidden; its mapping is suspended and nothing is read as cleared.'
        when problems.issue_type = 'read_only_field' and not mappings.is_active
            then problems.field || ' is computed in ' || problems.side || ': the row could only write it, so it is off.'
        when problems.issue_type = 'read_only_field'
            and not mappings.hubspot_is_computed
            and not mappings.salesforce_is_computed
            and mappings.salesforce_is_createable
            then problems.field || ' can be set on new Salesforce records only: what is edited in HubSpot later waits.'
        when problems.issue_type = 'read_only_field'
            and not mappings.hubspot_is_computed
            and not mappings.salesforce_is_computed
            then 'The integration user may not edit ' || problems.field
                || ' in Salesforce: the row writes nothing there, and what is edited in HubSpot waits.'
        when problems.issue_type = 'read_only_field'
            then problems.field || ' is computed in ' || problems.side || ' and is never written: the row is taken as '
                || mappings.direction || '.'
        when problems.issue_type = 'no_multi_select'
            then 'The conflict rule union merges multi-selects, and neither field is one.'
        else 'The types ' || mappings.hubspot_type || ' and ' || mappings.salesforce_type || ' do not fit.'
    end as detail,
    case
        when problems.issue_type = 'type_mismatch' then 'Map fields of fitting types, or add a transform.'
        when problems.issue_type = 'no_junction' then 'Name a junction object and its field that holds the member.'
        when problems.issue_type = 'suspended_mapping' and mappings.lacks_currency and mappings.salesforce_is_present
            then 'Map the currency code too (deals: deal_currency_code and CurrencyIsoCode), or remove this row.'
        when problems.issue_type = 'read_only_field' and not mappings.is_active
            then 'Map another field, or turn the direction round in field_mappings.csv.'
        when problems.issue_type = 'read_only_field'
            and not mappings.hubspot_is_computed
            and not mappings.salesforce_is_computed
            then 'Let the integration user edit the field (field-level security), '
                || 'or set the direction to always_salesforce in field_mappings.csv.'
        when problems.issue_type = 'read_only_field'
            then 'Set the direction to ' || mappings.direction || ' in field_mappings.csv.'
        when problems.issue_type = 'no_multi_select'
            then 'Choose another conflict_rule in field_mappings.csv, or leave it blank.'
        else 'Correct the name or remove the row in field_mappings.csv, '
            || 'or make the field visible to the integration user.'
    end as fix
from problems
inner join mappings
    on problems.object = mappings.object
    and problems.hubspot_property = mappings.hubspot_property
    and problems.salesforce_field = mappings.salesforce_field
