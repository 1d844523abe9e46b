-- One row per transform and spelling of a country or state: what it becomes. A spelling that several states share (WA,
-- NT) is the one of the United States, then of Canada; a country's own code and name come before its other spellings.
with spellings as (
    select kind, country, code, name, code as spelling, 1 as rank from {{ ref('places') }}
    union all
    select kind, country, code, name, name as spelling, 2 as rank from {{ ref('places') }}
    union all
    select kind, country, code, name, unnest(string_split(also, ';')) as spelling, 3 as rank
    from {{ ref('places') }}
    where also is not null
),

folded as (
    select
        kind,
        code,
        name,
        {{ fold_place('spelling') }} as place_key
    from spellings
    where {{ fold_place('spelling') }} is not null
    qualify row_number() over (
            partition by kind, {{ fold_place('spelling') }}
            order by rank, case country when 'US' then 1 when 'CA' then 2 else 3 end, code
        ) = 1
)

select kind || '_code' as transform, place_key, code as place
from folded
union all
select kind || '_name' as transform, place_key, name as place
from folded
