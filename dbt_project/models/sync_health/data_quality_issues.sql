-- One row per thing that keeps a value or a record from being synced today, with its remedy; it disappears when
-- remedied. Reads its own previous version only to remember since when an issue has stood.
{% set previous = adapter.get_relation(database=this.database, schema=this.schema, identifier=this.identifier) %}

with found as (
    select distinct
        {{ text_hash(['issue_type', 'object', 'field', 'hubspot_id', 'salesforce_id']) }} as issue_id,
        *
    from {{ ref('int_issues_found') }}
),

seen_before as (
    {% if previous %}
    select issue_id, first_seen_at from {{ previous }}
    {% else %}
    select cast(null as varchar) as issue_id, cast(null as timestamptz) as first_seen_at where false
    {% endif %}
)

select
    found.issue_type,
    found.object,
    found.field,
    found.hubspot_id,
    found.salesforce_id,
    found.detail,
    catalog.cause,
    catalog.fix,
    coalesce(seen_before.first_seen_at, current_run.started_at) as first_seen_at,
    current_run.started_at as last_seen_at,
    current_run.run_id,
    found.issue_id
from found
left join {{ ref('issue_catalog') }} as catalog on found.issue_type = catalog.issue_type
left join seen_before on found.issue_id = seen_before.issue_id
cross join {{ ref('stg_current_run') }} as current_run
qualify row_number() over (partition by found.issue_id order by found.detail) = 1
