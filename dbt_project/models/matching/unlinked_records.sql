-- One row per living record that no link holds and object mapping that it falls under, with what a person calls it.
-- It is computed when it is asked for: once in a cycle, when the health file is written.
{{ config(materialized='view') }}

with named as (
    select
        object,
        side,
        record_id,
        coalesce(
            {{ json_text('properties', 'name') }},
            {{ json_text('properties', 'dealname') }},
            {{ json_text('properties', 'Name') }},
            nullif(concat_ws(
                ' ', {{ json_text('properties', 'firstname') }}, {{ json_text('properties', 'lastname') }}
            ), ''),
            nullif(concat_ws(
                ' ', {{ json_text('properties', 'FirstName') }}, {{ json_text('properties', 'LastName') }}
            ), ''),
            {{ json_text('properties', 'hs_task_subject') }},
            {{ json_text('properties', 'Subject') }}
        ) as name,
        coalesce({{ json_text('properties', 'email') }}, {{ json_text('properties', 'Email') }}) as email
    from {{ ref('int_mapped_records') }}
    where not is_deleted
)

select named.* from named
anti join {{ ref('links') }} as hubspot_links
    on named.side = 'hubspot'
    and named.object = hubspot_links.object
    and named.record_id = hubspot_links.hubspot_id
anti join {{ ref('links') }} as salesforce_links
    on named.side = 'salesforce'
    and named.object = salesforce_links.object
    and named.record_id = salesforce_links.salesforce_id
