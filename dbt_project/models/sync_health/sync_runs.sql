-- One row per run: when, how it ended, how long each step took, how many records it wrote.
{{ config(materialized='view') }}

with pushed as (
    select
        run_id,
        count(*) filter (where outcome = 'succeeded' and operation = 'create') as created,
        count(*) filter (where outcome = 'succeeded' and operation <> 'create') as updated,
        count(*) filter (where outcome = 'rejected') as rejected,
        count(*) filter (where outcome is null or outcome in ('retryable', 'stale', 'blocked', 'unknown')) as postponed
    from {{ source('journal', 'push_attempts') }}
    group by run_id
)

select
    runs.run_id,
    runs.command,
    runs.target_name,
    runs.started_at,
    runs.finished_at,
    date_diff('millisecond', runs.started_at, runs.finished_at) / 1000.0 as seconds,
    runs.status,
    runs.exit_code,
    runs.message,
    coalesce(pushed.created, 0) as created,
    coalesce(pushed.updated, 0) as updated,
    coalesce(pushed.rejected, 0) as rejected,
    coalesce(pushed.postponed, 0) as postponed,
    runs.steps,
    runs.git_sha,
    runs.mapping_hash
from {{ source('journal', 'runs') }} as runs
left join pushed on runs.run_id = pushed.run_id
