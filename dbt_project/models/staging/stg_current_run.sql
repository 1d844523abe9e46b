-- The run this pass belongs to, and the moment up to which the last complete decision has seen everything.
select
    runs.run_id,
    runs.started_at,
    coalesce(
        (select max(earlier.decided_at) from {{ source('journal', 'runs') }} as earlier),
        timestamptz '1970-01-01 00:00:00+00'
    ) as decided_at
from {{ source('journal', 'runs') }} as runs
order by runs.started_at desc
limit 1
