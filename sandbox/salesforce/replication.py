"""The updated and deleted feeds.

Owns: `/sobjects/X/updated` and `/deleted`. Refuses: anything beyond their windows.
[Salesforce docs: getUpdated, getDeleted: 30 and 15 days, seconds dropped]
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sandbox.salesforce.errors import ApiError
from sandbox.salesforce.store import quoted
from sandbox.salesforce.values import format_datetime, parse_datetime
from sandbox.salesforce.web import Call, Endpoint, Reply

MAX_IDS = 600_000
UPDATED_DAYS, DELETED_DAYS = 30, 15


def endpoints() -> list[Endpoint]:
    return [
        Endpoint("GET", "/sobjects/{object}/updated", _updated),
        Endpoint("GET", "/sobjects/{object}/updated/", _updated),
        Endpoint("GET", "/sobjects/{object}/deleted", _deleted),
        Endpoint("GET", "/sobjects/{object}/deleted/", _deleted),
    ]


def _window(call: Call, days: int) -> tuple[str, str]:
    now = call.organisation.now()
    moments: list[datetime] = []
    for name in ("start", "end"):
        moment = parse_datetime(call.query.get(name, "").replace(" ", "+"))
        if moment is None:
            raise ApiError("INVALID_VALUE", f"Invalid or missing value for {name}")
        moments.append(moment.replace(second=0, microsecond=0))
    start, end = moments
    if end <= start:
        raise ApiError("INVALID_REPLICATION_DATE", "endDate must be at least one minute greater than startDate")
    if start < now - timedelta(days=days):
        raise ApiError("INVALID_REPLICATION_DATE", f"startDate cannot be more than {days} days ago")
    return format_datetime(start), format_datetime(min(end, now))


def _updated(call: Call) -> Reply:
    sobject = call.sobject()
    start, end = _window(call, UPDATED_DAYS)
    alive = 'and "IsDeleted" = 0' if sobject.has_recycle_bin else ""
    sql = (
        f'select "Id" from {quoted(sobject.name)} where "SystemModstamp" >= ? and "SystemModstamp" <= ? {alive}'
        f' order by "SystemModstamp", "Id" limit {MAX_IDS + 1}'
    )
    found = call.organisation.store.connection.execute(sql, (start, end))
    ids = [row[0] for row in found if row[0] not in call.view.hidden_records]
    if len(ids) > MAX_IDS:
        raise ApiError("EXCEEDED_ID_LIMIT", "too many updated records in the given window")
    return Reply({"ids": ids, "latestDateCovered": end})


def _deleted(call: Call) -> Reply:
    sobject = call.sobject()
    start, end = _window(call, DELETED_DAYS)
    rows = call.organisation.store.connection.execute(
        "select record_id, deleted_at from recycle_bin where object = ? and deleted_at >= ? and deleted_at <= ?"
        " order by deleted_at, record_id",
        (sobject.name, start, end),
    )
    oldest = call.organisation.now() - timedelta(days=DELETED_DAYS)
    return Reply(
        {
            "deletedRecords": [{"deletedDate": deleted_at, "id": record_id} for record_id, deleted_at in rows],
            "earliestDateAvailable": format_datetime(oldest),
            "latestDateCovered": end,
        }
    )
