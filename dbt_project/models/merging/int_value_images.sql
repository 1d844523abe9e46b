-- One row per pair of values and direction: what the value of one side becomes on the other, by transforms, value
-- mappings, owners, stages, type conversion, rounding and truncation, and what is wrong with it, if anything.
-- References are not here: they need to know which records can be created.
with directed as (
    {% for toward, source in [('salesforce', 'hubspot'), ('hubspot', 'salesforce')] %}
    select
        paired.link_id,
        paired.object,
        paired.purpose,
        paired.hubspot_property,
        paired.salesforce_field,
        '{{ toward }}' as toward,
        paired.{{ source }}_value as source_value,
        mappings.kind,
        mappings.has_translations,
        mappings.to_{{ toward }} as chain,
        mappings.{{ source }}_type as from_type,
        mappings.{{ toward }}_type as to_type,
        mappings.{{ toward }}_object as to_object,
        {{ 'paired.salesforce_field' if toward == 'salesforce' else 'paired.hubspot_property' }} as to_field,
        mappings.{{ toward }}_length as to_length,
        {{ 'mappings.salesforce_scale' if toward == 'salesforce' else 'null' }} as to_scale,
        {{ 'mappings.salesforce_integer_digits' if toward == 'salesforce' else 'null' }} as to_integer_digits,
        mappings.{{ toward }}_has_options as to_has_options,
        paired.{{ toward }}_scope as scope
    from {{ ref('int_values_paired') }} as paired
    inner join {{ ref('stg_field_mappings') }} as mappings
        on paired.object = mappings.object
        and paired.hubspot_property = mappings.hubspot_property
        and paired.salesforce_field = mappings.salesforce_field
    where mappings.kind not in ('reference', 'reference_set', 'constant') and paired.{{ source }}_is_known
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

-- transforms, one step after the other; most fields have none
transformed_0 as (
    select *, source_value as transformed from directed where chain <> ''
),
{% for step in range(1, 6) %}
stepping_{{ step }} as (
    select
        *,
        trim(split_part(chain, '|', {{ step }})) as step
    from transformed_{{ step - 1 }}
),

transformed_{{ step }} as (
    select
        stepping.* exclude (step)
        replace (case
            when stepping.transformed is not null
                then coalesce(places.place, {{ apply_transform('stepping.transformed', 'stepping.step') }})
        end as transformed)
    from stepping_{{ step }} as stepping
    left join {{ ref('stg_place_names') }} as places
        on stepping.step = places.transform
        and {{ fold_place('stepping.transformed') }} = places.place_key
),
{% endfor %}

transformed as (
    select * from transformed_5
    union all
    select *, source_value as transformed from directed where chain = ''
),

-- the choices of a multi-select are translated one by one; one without a row stays as it is
choices as (
    select
        transformed.link_id,
        transformed.object,
        transformed.purpose,
        transformed.hubspot_property,
        transformed.salesforce_field,
        transformed.toward,
        unnest(string_split(transformed.transformed, ';')) as choice
    from transformed
    where transformed.from_type = 'multi' and transformed.has_translations and transformed.transformed is not null
),

translated_choices as (
    select
        choices.link_id,
        choices.purpose,
        choices.hubspot_property,
        choices.salesforce_field,
        choices.toward,
        string_agg(coalesce(translations.to_value, choices.choice), ';') as translation
    from choices
    left join {{ ref('stg_translations') }} as translations
        on choices.object = translations.object
        and choices.hubspot_property = translations.hubspot_property
        and choices.toward = translations.toward
        and translations.scope = ''
        and choices.choice = translations.from_value
    group by choices.link_id, choices.purpose, choices.hubspot_property, choices.salesforce_field, choices.toward
),

translated as (
    select
        transformed.*,
        coalesce(translations.to_value, translated_choices.translation) as translation
    from transformed
    left join translated_choices
        on transformed.link_id = translated_choices.link_id
        and transformed.purpose = translated_choices.purpose
        and transformed.hubspot_property = translated_choices.hubspot_property
        and transformed.salesforce_field = translated_choices.salesforce_field
        and transformed.toward = translated_choices.toward
    left join {{ ref('stg_translations') }} as translations
        on transformed.has_translations
        and transformed.object = translations.object
        and transformed.hubspot_property = translations.hubspot_property
        and transformed.toward = translations.toward
        and transformed.scope = translations.scope
        and transformed.transformed = translations.from_value
),

converted as (
    select
        *,
        case
            -- Salesforce's checkboxes are never blank
            when transformed is null and to_type = 'boolean' and toward = 'salesforce' then 'false'
            when transformed is null or kind in ('stage', 'pipeline', 'owner') then translation
            when translation is not null then translation
            else {{ convert_value('transformed', 'from_type', 'to_type') }}
        end as unshaped
    from translated
),

canonical as (
    select
        *,
        {{ canonical_value('unshaped', 'to_type') }} as unlimited
    from converted
),

shaped as (
    select
        *,
        case
            when to_type = 'number' and to_scale is not null then {{ round_number('unlimited', 'to_scale') }}
            when '|' || replace(chain, ' ', '') || '|' like '%|truncate|%' and to_length is not null
                then {{ clean_text('left(unlimited, to_length)') }}
            else unlimited
        end as image
    from canonical
),

option_lists as (
    select side, crm_object, field, list(value) as options from {{ ref('stg_options') }} group by all
)

select
    shaped.link_id,
    shaped.object,
    shaped.purpose,
    shaped.hubspot_property,
    shaped.salesforce_field,
    shaped.toward,
    shaped.image,
    not (shaped.image is null and shaped.transformed is not null) or shaped.kind = 'value' as is_known,
    case
        when shaped.transformed is null then null
        when shaped.image is null and shaped.kind = 'stage' then 'unmapped_stage'
        when shaped.image is null and shaped.kind = 'owner' then 'unmapped_owner'
        when shaped.image is null and shaped.kind <> 'value' then 'unmapped_value'
        when shaped.image is null then null
        when shaped.to_type = 'number' and try_cast(shaped.image as double) is null then 'type_mismatch'
        when shaped.to_type = 'number'
            and abs(try_cast(shaped.image as double)) >= pow(10, shaped.to_integer_digits)
            then 'type_mismatch'
        when shaped.to_type = 'date' and try_cast(shaped.image as date) is null then 'type_mismatch'
        when shaped.to_type = 'datetime' and {{ to_timestamp('shaped.image') }} is null then 'type_mismatch'
        -- the years that Salesforce knows
        when shaped.toward = 'salesforce'
            and shaped.to_type in ('date', 'datetime')
            and not left(shaped.image, 4) between '1700' and '4000'
            then 'type_mismatch'
        when shaped.to_type = 'boolean' and shaped.image not in ('true', 'false') then 'type_mismatch'
        when shaped.to_length is not null and length(shaped.image) > shaped.to_length then 'value_too_long'
        when shaped.to_has_options
            and option_lists.options is not null
            and not list_has_all(
                option_lists.options,
                case when shaped.to_type = 'multi' then string_split(shaped.image, ';') else [shaped.image] end
            )
            then case when shaped.has_translations then 'unmapped_value' else 'invalid_picklist_value' end
    end as problem,
    '|' || replace(shaped.chain, ' ', '') || '|' like '%|truncate|%'
    and length(shaped.unlimited) > shaped.to_length as is_truncated
from shaped
left join option_lists
    on shaped.to_has_options
    and shaped.toward = option_lists.side
    and shaped.to_object = option_lists.crm_object
    and shaped.to_field = option_lists.field
