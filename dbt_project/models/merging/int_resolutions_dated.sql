-- One row per row of conflict_resolutions.csv: what an analyst decided, and since when the row has stood there. It
-- counts for the conflict of that time only: once it is carried out the base is younger than the row. A row that was
-- removed and is added again, or whose comment changes, counts anew. Reads its own previous version for the time.
{% set previous = adapter.get_relation(database=this.database, schema=this.schema, identifier=this.identifier) %}

with given as (
    select
        object,
        {{ given('hubspot_id', 'null') }} as hubspot_id,
        {{ given('salesforce_id', 'null') }} as salesforce_id,
        hubspot_property,
        winner,
        {{ text_hash(['object', 'hubspot_id', 'salesforce_id', 'hubspot_property', 'winner', 'comment']) }}
            as resolution_id
    from {{ ref('conflict_resolutions') }}
),

seen_before as (
    {% if previous %}
    select resolution_id, first_seen_at from {{ previous }}
    {% else %}
    select cast(null as varchar) as resolution_id, cast(null as timestamptz) as first_seen_at where false
    {% endif %}
)

select
    given.*,
    coalesce(seen_before.first_seen_at, current_run.started_at) as first_seen_at
from given
left join seen_before on given.resolution_id = seen_before.resolution_id
cross join {{ ref('stg_current_run') }} as current_run
where given.hubspot_id is not null or given.salesforce_id is not null
