-- One row: is the sync healthy, since when, and what is open.
{{ config(materialized='view') }}

with newest as (
    select run_id, status, finished_at, message
    from {{ source('journal', 'runs') }}
    where command in ('sync', 'watch') and status not in ('running', 'decided')
    order by started_at desc
    limit 1
),

switched as (
    select command, started_at
    from {{ source('journal', 'runs') }}
    where command in ('pause', 'resume')
    order by started_at desc
    limit 1
),

counts as (
    select
        (select count(*) from {{ ref('sync_errors') }} where status = 'open') as open_errors,
        (select count(*) from {{ ref('data_quality_issues') }}) as data_quality_issues,
        (
            select count(*) from {{ ref('data_quality_issues') }} where issue_type = 'suspended_mapping'
        ) as suspended_mappings,
        (select count(*) from {{ ref('field_conflicts') }}) as conflicts,
        (select count(*) from {{ ref('links') }} where status = 'linked') as linked_records,
        (
            select max(finished_at) from {{ source('journal', 'runs') }}
            where command in ('sync', 'watch') and status in ('succeeded', 'degraded')
        ) as last_success_at
)

select
    case
        when switched.command = 'pause' then 'paused'
        when newest.status in ('failed', 'stopped') then 'failed'
        when counts.open_errors > 0 or counts.suspended_mappings > 0 or newest.status = 'degraded' then 'degraded'
        else 'active'
    end as status,
    counts.last_success_at,
    counts.open_errors,
    counts.data_quality_issues,
    counts.suspended_mappings,
    counts.conflicts,
    counts.linked_records,
    newest.run_id as last_run_id,
    newest.status as last_run_status,
    newest.message as last_run_message,
    case when switched.command = 'pause' then switched.started_at end as paused_since
from counts
left join newest on true
left join switched on true
