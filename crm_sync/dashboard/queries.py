"""What the health page asks of the published file: one query per part of the page, each with the tables it needs.

Owns the SQL and nothing else. Every list that grows with the number of records takes `$cap`, since all rows travel
inside the page; the whole numbers are always counted beside it. Where a list has kinds, the newest of each come first,
so that a rare kind is never crowded out. Texts are cut to what a person reads in a table.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Query:
    """A query and the published tables without which it has no rows."""

    sql: str
    tables: tuple[str, ...]


_DIRECTION = "case {} when 'salesforce' then 'hubspot_to_salesforce' when 'hubspot' then 'salesforce_to_hubspot' end"
_OF_TARGET = _DIRECTION.format("target")

STATUS = Query("select * from sync_health.sync_status", ("sync_health.sync_status",))

TARGET_NAME = Query(
    "select target_name from sync_health.sync_runs order by started_at desc limit 1", ("sync_health.sync_runs",)
)

# of the last run that counts for the status; plans are no syncs
LAST_RUN = Query(
    "select run_id, status, exit_code, message, started_at, finished_at from sync_health.sync_runs"
    " where command in ('sync', 'watch') and status not in ('running', 'decided') order by started_at desc limit 1",
    ("sync_health.sync_runs",),
)

RUNS = Query(
    "select run_id, command, started_at, seconds, status, exit_code, left(message, 400) as message,"
    " created, updated, rejected, postponed"
    " from sync_health.sync_runs order by started_at desc limit $cap",
    ("sync_health.sync_runs",),
)
RUNS_COUNT = Query("select count(*) as total from sync_health.sync_runs", ("sync_health.sync_runs",))

TOTALS = Query(
    "select object, direction, operation, records, records_in_newest_run, last_seen_at"
    " from sync_health.records_synced order by object, direction, operation",
    ("sync_health.records_synced",),
)

# the stretch of time that the charts cover: the last thirty days with anything in them
SPAN = Query(
    "select epoch(min(started_at)) as first, epoch(max(coalesce(finished_at, started_at))) as last"
    " from sync_health.sync_runs"
    " where started_at >= (select max(started_at) from sync_health.sync_runs) - interval 30 day",
    ("sync_health.sync_runs",),
)

WRITES = Query(
    f"""
select
    cast(floor(epoch(outcome_at) / $width) * $width as bigint) as bucket,
    object,
    {_OF_TARGET} as direction,
    count(*) filter (where outcome = 'succeeded' and operation = 'create') as created,
    count(*) filter (where outcome = 'succeeded' and operation <> 'create') as updated,
    count(*) filter (where outcome = 'rejected') as rejected
from journal.push_attempts
where outcome in ('succeeded', 'rejected') and epoch(outcome_at) >= $first
group by all
order by all
""",
    ("journal.push_attempts",),
)

ERROR_GROUPS = Query(
    f"""
select
    target, error_code, object, {_OF_TARGET} as direction,
    any_value(error_class) as error_class, any_value(retry_policy) as retry_policy,
    any_value(cause) as cause, any_value(fix) as fix,
    left(max_by(message, last_seen_at), 400) as message,
    count(*) as records, min(first_seen_at) as first_seen_at, max(last_seen_at) as last_seen_at
from sync_health.sync_errors
where status = 'open'
group by target, error_code, object
order by records desc, target, error_code, object
""",
    ("sync_health.sync_errors",),
)
ERRORS = Query(
    f"""
select
    target, error_code, object, {_OF_TARGET} as direction, operation, hubspot_id, salesforce_id,
    left(coalesce(
        payload ->> '$.Name', payload ->> '$.name', payload ->> '$.dealname',
        nullif(concat_ws(' ', payload ->> '$.FirstName', payload ->> '$.LastName'), ''),
        nullif(concat_ws(' ', payload ->> '$.firstname', payload ->> '$.lastname'), ''),
        payload ->> '$.Email', payload ->> '$.email'
    ), 120) as name,
    left(message, 400) as message, attempts, first_seen_at, last_seen_at, next_retry_at
from sync_health.sync_errors
where status = 'open'
order by
    row_number() over (partition by target, error_code order by last_seen_at desc, object, link_id), target, error_code
limit $cap
""",
    ("sync_health.sync_errors",),
)
ERRORS_CLOSED = Query(
    "select count(*) as total from sync_health.sync_errors where status = 'closed'", ("sync_health.sync_errors",)
)

# an issue of a record that exists on one side only keeps it from the other side; of a pair, the decision knows
_ISSUES = f"""
select
    issues.issue_id, issues.issue_type, issues.object, issues.field, issues.hubspot_id, issues.salesforce_id,
    issues.detail, issues.cause, issues.fix, issues.first_seen_at,
    case
        when issues.salesforce_id is null and issues.hubspot_id is not null then 'hubspot_to_salesforce'
        when issues.hubspot_id is null and issues.salesforce_id is not null then 'salesforce_to_hubspot'
        else {_DIRECTION.format("decisions.target")}
    end as direction
from sync_health.data_quality_issues as issues
left join merging.field_decisions as decisions
    on issues.issue_type = decisions.held_reason
    and issues.object = decisions.object
    and issues.hubspot_id = decisions.hubspot_id
    and issues.salesforce_id = decisions.salesforce_id
    and issues.field = case decisions.target
        when 'hubspot' then decisions.hubspot_property when 'salesforce' then decisions.salesforce_field
    end
qualify row_number() over (partition by issues.issue_id order by decisions.target) = 1
"""
_ISSUE_TABLES = ("sync_health.data_quality_issues", "merging.field_decisions")
ISSUE_GROUPS = Query(
    f"""
select
    issue_type, object, direction, any_value(cause) as cause, any_value(fix) as fix,
    count(*) as records, min(first_seen_at) as first_seen_at
from ({_ISSUES})
group by issue_type, object, direction
order by records desc, issue_type, object, direction
""",
    _ISSUE_TABLES,
)
ISSUES = Query(
    f"""
select
    issue_type, object, direction, field, hubspot_id, salesforce_id, left(detail, 400) as detail, first_seen_at
from ({_ISSUES})
order by
    row_number() over (
        partition by issue_type order by first_seen_at desc, object, coalesce(hubspot_id, salesforce_id), field
    ),
    issue_type
limit $cap
""",
    _ISSUE_TABLES,
)

# a conflict left to a person is open for as long as the decision about the pair says so
_CONFLICTS = f"""
select
    conflicts.*,
    {_DIRECTION.format("case conflicts.winner when 'hubspot' then 'salesforce' when 'salesforce' then 'hubspot' end")}
        as goes,
    coalesce(decisions.held_reason = 'held_for_review', false) as is_held
from sync_health.field_conflicts as conflicts
left join merging.field_decisions as decisions
    on conflicts.link_id = decisions.link_id
    and conflicts.hubspot_property = decisions.hubspot_property
    and conflicts.salesforce_field = decisions.salesforce_field
    and decisions.change_state = 'conflict'
    and conflicts.hubspot_value is not distinct from decisions.hubspot_value
    and conflicts.salesforce_value is not distinct from decisions.salesforce_value
"""
_CONFLICT_TABLES = ("sync_health.field_conflicts", "merging.field_decisions")
CONFLICTS = Query(
    f"""
select
    object, hubspot_id, salesforce_id, hubspot_property, salesforce_field,
    left(hubspot_value, 300) as hubspot_value, left(salesforce_value, 300) as salesforce_value,
    left(base_hubspot_value, 300) as base_hubspot_value, left(base_salesforce_value, 300) as base_salesforce_value,
    conflict_rule, winner, reason, evidence, hubspot_edited_at, salesforce_edited_at, first_seen_at,
    goes as direction, is_held
from ({_CONFLICTS})
order by is_held desc, first_seen_at desc, object, hubspot_id, hubspot_property
limit $cap
""",
    _CONFLICT_TABLES,
)
CONFLICTS_COUNT = Query(
    f"select count(*) as total, count(*) filter (where is_held) as held from ({_CONFLICTS})", _CONFLICT_TABLES
)

# A HubSpot record that falls under several mappings (a contact may be a lead) is counted once: where it is linked or
# listed, else under the mapping that comes first.
COVERAGE = Query(
    """
with records as (
    select
        included.object, included.side, included.record_id, included.is_included,
        case included.side when 'hubspot' then mappings.hubspot_object else included.object end as key_space,
        mappings.priority
    from inclusion.records_included as included
    inner join staging.stg_object_mappings as mappings on included.object = mappings.object
),
sides_linked as (
    select object, 'hubspot' as side, hubspot_id as record_id, status from matching.links where status <> 'superseded'
    union all
    select object, 'salesforce', salesforce_id, status from matching.links where status <> 'superseded'
),
placed as (
    select
        records.*, linked.status,
        case when linked.status is null then issues.issue_type end as issue_type
    from records
    left join sides_linked as linked
        on records.object = linked.object and records.side = linked.side and records.record_id = linked.record_id
    left join matching.match_issues as issues
        on records.object = issues.object and records.side = issues.side and records.record_id = issues.record_id
    qualify row_number() over (
        partition by records.side, records.key_space, records.record_id
        order by linked.status is null, issues.issue_type is null, records.priority, records.object
    ) = 1
)
select
    mappings.object, mappings.hubspot_object, mappings.salesforce_object,
    (select count(*) from matching.links where links.object = mappings.object and links.status = 'linked') as pairs,
    count(*) filter (where side = 'hubspot' and is_only) as only_hubspot,
    count(*) filter (where side = 'salesforce' and is_only) as only_salesforce,
    count(*) filter (where issue_type in ('ambiguous_match', 'duplicate_person')) as ambiguous,
    count(*) filter (where issue_type = 'missing_match_key') as without_key,
    count(*) filter (where side = 'hubspot' and is_only and not is_included) as out_of_scope_hubspot,
    count(*) filter (where side = 'salesforce' and is_only and not is_included) as out_of_scope_salesforce,
    count(*) filter (where is_only and status is not null) as counterpart_deleted
from staging.stg_object_mappings as mappings
left join (
    select *, status is distinct from 'linked' and issue_type is null as is_only from placed
) as placed on mappings.object = placed.object
group by mappings.object, mappings.hubspot_object, mappings.salesforce_object, mappings.push_order, mappings.priority
order by mappings.push_order, mappings.priority, mappings.object
""",
    ("staging.stg_object_mappings", "inclusion.records_included", "matching.links", "matching.match_issues"),
)

API_LATEST = Query(
    "select crm, calls, records, calls_per_record, daily_limit, daily_used, share_used, started_at"
    " from sync_health.api_usage qualify row_number() over (partition by crm order by started_at desc) = 1"
    " order by crm",
    ("sync_health.api_usage",),
)
# where people look at records, as the newest run that knew it has noted
ADDRESSES = Query(
    "select crm.key as crm, arg_max(crm.value ->> '$.address', runs.started_at) as address"
    " from journal.runs as runs cross join lateral json_each(runs.api_calls) as crm"
    " where runs.api_calls is not null and crm.value ->> '$.address' is not null group by crm.key",
    ("journal.runs",),
)
HUBSPOT_OBJECTS = Query(
    "select object, hubspot_object from staging.stg_object_mappings order by object", ("staging.stg_object_mappings",)
)

API_HISTORY = Query(
    "select cast(floor(epoch(started_at) / $width) * $width as bigint) as bucket, crm, sum(calls) as calls,"
    " sum(records) as records, max(share_used) as share_used"
    " from sync_health.api_usage where epoch(started_at) >= $first group by all order by all",
    ("sync_health.api_usage",),
)

LAG = Query(
    "select direction, day, records, p50_seconds, p95_seconds from sync_health.sync_lag"
    " where day > (select max(day) from sync_health.sync_lag) - 30 order by day, direction",
    ("sync_health.sync_lag",),
)

# of each object, the newest time that all its records were compared
DRIFT = Query(
    """
select
    crm, crm_object, max(compared) as compared,
    coalesce(sum(records) filter (where kind = 'new'), 0) as added,
    coalesce(sum(records) filter (where kind = 'changed'), 0) as changed,
    coalesce(sum(records) filter (where kind = 'deleted'), 0) as deleted,
    coalesce(sum(records) filter (where kind = 'restored'), 0) as restored,
    max(reconciled_at) as reconciled_at
from (
    from sync_health.drift qualify reconciled_at = max(reconciled_at) over (partition by crm, crm_object)
)
group by crm, crm_object
order by crm, crm_object
""",
    ("sync_health.drift",),
)

NAMES = Query(
    """
with named as (
    select object, hubspot_id, salesforce_id, salesforce_field, coalesce(hubspot_value, salesforce_value) as value
    from merging.field_decisions
    where salesforce_field in ('Name', 'FirstName', 'LastName', 'Email', 'Subject')
),
wanted as (
    select * from named semi join (select unnest($hubspot_ids) as hubspot_id) as ids using (hubspot_id)
    union
    select * from named semi join (select unnest($salesforce_ids) as salesforce_id) as ids using (salesforce_id)
)
select
    object, hubspot_id, salesforce_id,
    left(coalesce(
        max(value) filter (where salesforce_field in ('Name', 'Subject')),
        nullif(trim(concat_ws(
            ' ',
            max(value) filter (where salesforce_field = 'FirstName'),
            max(value) filter (where salesforce_field = 'LastName')
        )), ''),
        max(value) filter (where salesforce_field = 'Email')
    ), 120) as name
from wanted
group by object, hubspot_id, salesforce_id
having name is not null
""",
    ("merging.field_decisions",),
)
