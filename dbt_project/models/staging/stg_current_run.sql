-- The run this pass belongs to, and the moment up to which the last complete decision has seen everything.
-- `is_whole` says that all records are looked at again: the rules have changed by which records are read, matched and
-- included, or something has come about most of them. A pass that did not come to its end is repeated as it was. Reads
-- its own previous version to know.
{% set previous = adapter.get_relation(database=target.database, schema='staging', identifier='stg_current_run') %}
{% if previous and 'rules_version' not in (adapter.get_columns_in_relation(previous) | map(attribute='name')) %}
    {% set previous = none %}
{% endif %}

with rules as (
    select
        md5(concat_ws(
            '|',
            '{{ var("code_hash", "") }}',
            (
                select string_agg(to_json(objects), '|' order by objects.object)
                from {{ ref('stg_object_mappings') }} as objects
            ),
            (
                select
                    string_agg(
                        to_json(inclusion_rules), '|'
                        order by
                            inclusion_rules.object,
                            inclusion_rules.side,
                            inclusion_rules.rule_group,
                            inclusion_rules.property,
                            inclusion_rules.operator,
                            inclusion_rules.value
                    )
                from {{ ref('stg_inclusion_rules') }} as inclusion_rules
            ),
            (select max(org.user_id) from {{ source('raw_salesforce', 'org') }} as org)
        )) as rules_version
),

before as (
    {% if previous %}
    select decided_at, rules_version, is_whole from {{ previous }}
    {% else %}
    select
        cast(null as timestamptz) as decided_at,
        cast(null as varchar) as rules_version,
        cast(null as boolean) as is_whole
    where false
    {% endif %}
),

current_run as (
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
),

-- what has come since, of how many records: one look at all costs less than a look at most
news as (
    select count(*) filter (where records.moment > current_run.decided_at) * 2 > count(records.record_id) as is_most
    from current_run
    cross join (
        select loaded_at as moment, id as record_id from {{ source('raw_hubspot', 'records') }}
        union all
        select loaded_at as moment, id as record_id from {{ source('raw_salesforce', 'records') }}
        union all
        select outcome_at as moment, null as record_id from {{ source('journal', 'push_attempts') }}
    ) as records
)

select
    current_run.run_id,
    current_run.started_at,
    current_run.decided_at,
    rules.rules_version,
    (before.rules_version is distinct from rules.rules_version)
    or '{{ var("code_hash", "") }}' = ''
    or news.is_most
    or (before.is_whole and before.decided_at = current_run.decided_at) as is_whole
from current_run
cross join rules
cross join news
left join before on true
