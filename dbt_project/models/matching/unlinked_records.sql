-- One row per living record that no link holds and object mapping that it falls under, with what a person calls it.
{{ config(materialized='by_record', recomputed_for='int_records_affected') }}

with known_links as (
    select object, hubspot_id, salesforce_id from {{ ref('links') }}
    {{ where_affected('hubspot_id') }}
),

unlinked as (
    select records.object, records.side, records.record_id, records.properties
    from {{ ref('int_mapped_records') }} as records
    {{ only_recomputed('records', 'int_records_affected') }}
    anti join known_links as hubspot_links
        on records.side = 'hubspot'
        and records.object = hubspot_links.object
        and records.record_id = hubspot_links.hubspot_id
    anti join known_links as salesforce_links
        on records.side = 'salesforce'
        and records.object = salesforce_links.object
        and records.record_id = salesforce_links.salesforce_id
    where not records.is_deleted
)

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
from unlinked
