{# Names a field mapping within its object: what is listed of a link in int_links_agreeing. #}
{% macro pair_key(mappings) -%}
    ({{ mappings }}.hubspot_property || '>' || {{ mappings }}.salesforce_field)
{%- endmacro %}

{#
    One row per link to decide or record to create, and field mapping that has to be looked at: link_id, object,
    hubspot_id, salesforce_id, purpose, and the mapping's two fields. Of a link these are the fields that are not simply
    equal; a link that nobody has compared has all of them.
#}
{% macro fields_to_decide() -%}
    select
        subjects.link_id,
        subjects.object,
        subjects.hubspot_id,
        subjects.salesforce_id,
        subjects.purpose,
        mappings.hubspot_property,
        mappings.salesforce_field
    from (
        select
            links.link_id,
            links.object,
            links.hubspot_id,
            links.salesforce_id,
            'link' as purpose,
            unnest(coalesce(agreeing.others, mapping_lists.pairs)) as pair
        from {{ ref('int_links_changed') }} as links
        inner join (
            select object, list({{ pair_key('mappings') }}) as pairs
            from {{ ref('stg_field_mappings') }} as mappings
            where is_active
            group by object
        ) as mapping_lists on links.object = mapping_lists.object
        left join {{ ref('int_links_agreeing') }} as agreeing on links.link_id = agreeing.link_id
    ) as subjects
    inner join {{ ref('stg_field_mappings') }} as mappings
        on mappings.is_active
        and subjects.object = mappings.object
        and subjects.pair = {{ pair_key('mappings') }}
    union all
    select
        candidates.link_id,
        candidates.object,
        case when candidates.side = 'hubspot' then candidates.record_id end as hubspot_id,
        case when candidates.side = 'salesforce' then candidates.record_id end as salesforce_id,
        'create_in_' || candidates.target as purpose,
        mappings.hubspot_property,
        mappings.salesforce_field
    from {{ ref('int_create_candidates') }} as candidates
    inner join {{ ref('stg_field_mappings') }} as mappings
        on candidates.object = mappings.object and mappings.is_active
{%- endmacro %}
