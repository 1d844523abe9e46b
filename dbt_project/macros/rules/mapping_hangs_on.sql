{#
    What all values of a mapping row hang on besides the row itself: variables of the project, by its transforms and
    types, and the stages or owners where values are not translated one by one.
    Reads `described` and `table_hashes` of stg_field_mappings.
#}
{% macro mapping_hangs_on() -%}
    {%- set steps = "'|' || replace(described.to_salesforce || '|' || described.to_hubspot, ' ', '') || '|'" -%}
    {%- set days = "in ('date', 'datetime')" -%}
    nullif(concat_ws(
        '|',
        case
            when contains({{ steps }}, '|date|')
                or contains({{ steps }}, '|datetime|')
                or (
                    described.hubspot_type {{ days }}
                    and described.salesforce_type {{ days }}
                    and described.hubspot_type <> described.salesforce_type
                )
                then '{{ var("timezone") }}'
        end,
        case when contains({{ steps }}, '|phone_e164|') then '{{ var("phone_calling_code") }}' end,
        case
            when described.translates_singly then null
            when described.kind in ('stage', 'pipeline') then table_hashes.stage_hash
            when described.kind = 'owner' then table_hashes.owner_hash
        end
    ), '')
{%- endmacro %}

{# A row of stage_mappings.csv without its comment. #}
{% macro stage_row_text() -%}
    concat_ws(
        '|', coalesce(hubspot_pipeline, ''), hubspot_stage, coalesce(salesforce_record_type, ''), salesforce_stage,
        {{ given('direction', "'both'") }}
    )
{%- endmacro %}

{# A row of owner_mappings.csv without its comment. #}
{% macro owner_row_text() -%}
    concat_ws('|', hubspot_owner_email, salesforce_username)
{%- endmacro %}
