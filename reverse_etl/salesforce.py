"""Writes to Salesforce: sObject Collections of 200, upserts for creates, and what Salesforce made of them. Above a
threshold, salesforce_bulk.py takes the place of collections.

Owns Salesforce's side of the push protocol. A bad row fails alone (`allOrNone` false); creates are upserts on the
external id `HubSpot_Record_ID__c`, so that repeating one makes no second record. Duplicate rules stay in force:
no header asks to pass them. Holds no state between batches and never touches the warehouse.
[Salesforce docs: sObject Collections]
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from crm_sync.clients import ApiError, Refused, SalesforceClient
from crm_sync.clients.salesforce import COLLECTION_SIZE, RETRIEVE_SIZE, fits_url, soql_text
from reverse_etl.batches import Written, parts_of, send_isolating
from reverse_etl.operations import (
    ARCHIVE,
    ASSOCIATE,
    CREATE,
    SALESFORCE_ID_FIELD,
    SUCCEEDED,
    Attempt,
    Current,
    Operation,
    Outcome,
    is_set,
)
from reverse_etl.salesforce_bulk import KINDS, SalesforceBulk
from reverse_etl.salesforce_junctions import SalesforceJunctions
from reverse_etl.salesforce_replies import LOCK_CODES, judge_refusal, judge_row
from reverse_etl.values import instant, salesforce_id_18, salesforce_json, text
from reverse_etl.writers import (
    PURPOSES,
    READ_BACKS,
    RESOLUTIONS,
    STALE_CHECKS,
    WRITES,
    merged_values,
    note,
    own_values,
    settled,
    unread,
)

BATCH_SIZE = COLLECTION_SIZE
#: How many records one call reads.
CHECK_SIZE = RETRIEVE_SIZE
#: Salesforce allows 25 calls of 20 seconds and more at once, a developer organisation 5: writes of 200 are shorter.
AT_ONCE = 8
#: More operations of one object and kind than this go through the Bulk API.
BULK_THRESHOLD = 10_000
#: Read with every record: who changed it last, and when.
_STAMPS = ("LastModifiedById", "LastModifiedDate", "SystemModstamp")
_LOCK_WAITS_SECONDS = (0.5, 2.0)
_CLOCKS_APART = timedelta(seconds=60)


class SalesforceWriter:
    """Implements `Writer` for Salesforce."""

    name = "Salesforce"
    at_once = AT_ONCE

    def __init__(
        self,
        client: SalesforceClient,
        sleep: Callable[[float], None] = time.sleep,
        bulk_threshold: int = BULK_THRESHOLD,
    ) -> None:
        self._client = client
        self._sleep = sleep
        self._bulk_threshold = bulk_threshold
        self._clients = {purpose: client.counted() for purpose in PURPOSES}
        self._junctions = {purpose: SalesforceJunctions(one) for purpose, one in self._clients.items()}

    @property
    def calls(self) -> int:
        return self._client.calls

    @property
    def calls_by_purpose(self) -> dict[str, int]:
        return {purpose: client.calls for purpose, client in self._clients.items()}

    def batch_size(self, operation: str) -> int:
        return BATCH_SIZE

    def check_size(self, operation: str) -> int:
        return CHECK_SIZE

    def unit_size(self, operation: str) -> int:
        return CHECK_SIZE

    def bulk(self, operation: str, operations: int) -> SalesforceBulk | None:
        if operation not in KINDS or not 0 < self._bulk_threshold < operations:
            return None
        return SalesforceBulk(self._clients[WRITES].ingest_jobs())

    def end_job(self, job_id: str) -> None:
        SalesforceBulk(self._clients[RESOLUTIONS].ingest_jobs()).end(job_id)

    # ------------------------------------------------------------ reading

    def current(self, operations: Sequence[Operation]) -> dict[str, Current]:
        names = {name for operation in operations for name in operation.checked}
        ids = [one.record_id for one in operations if one.record_id]
        return self._read(STALE_CHECKS, operations[0].crm_object, ids, names)

    def _read(self, purpose: str, crm_object: str, ids: Sequence[str], names: Iterable[str]) -> dict[str, Current]:
        """Living records by the id asked for, which may have 15 characters."""
        wanted = {*names}
        fields = {name for name in wanted if not is_set(name)}
        found: dict[str, dict[str, Any]] = {}
        for part in parts_of(ids, CHECK_SIZE):
            columns = ["Id", *sorted(fields - {*_STAMPS}), *_STAMPS]
            found |= self._clients[purpose].collections_retrieve(crm_object, part, columns)
        living = [record_id for record_id in ids if salesforce_id_18(record_id) in found]
        junctions = self._junctions[purpose]
        sets = {name: junctions.read(crm_object, name, living) for name in sorted(wanted - fields) if living}
        return {
            record_id: _current(
                found[salesforce_id_18(record_id)] | {name: values[record_id] for name, values in sets.items()}
            )
            for record_id in living
        }

    # ------------------------------------------------------------ writing

    def write(self, operations: Sequence[Operation]) -> Written:
        if operations[0].operation == ASSOCIATE:
            return self._junctions[WRITES].write(operations)
        by_id = {operation.operation_id: operation for operation in operations}
        written = send_isolating(operations, self._send, judge_refusal)
        for seconds in _LOCK_WAITS_SECONDS:
            locked = [by_id[one.operation_id] for one in written.outcomes if one.error_code in LOCK_CODES]
            if not locked or written.failure or written.trouble:
                break
            self._sleep(seconds)
            again = send_isolating(locked, self._send, judge_refusal)
            answered = [one for one in written.outcomes if one.error_code not in LOCK_CODES]
            written = Written(answered + again.outcomes, again.failure, again.trouble)
        return written

    def _send(self, operations: Sequence[Operation]) -> list[Outcome]:
        client = self._clients[WRITES]
        crm_object = operations[0].crm_object
        if operations[0].operation == ARCHIVE:
            deleted = client.collections_delete([operation.record_id or "" for operation in operations])
            return [_row_outcome(operation, row) for operation, row in zip(operations, deleted.body, strict=True)]
        records = [_record(operation) for operation in operations]
        if operations[0].operation == CREATE:
            reply = client.collections_upsert(crm_object, SALESFORCE_ID_FIELD, records)
        else:
            reply = client.collections_update(records)
        return [_row_outcome(operation, row) for operation, row in zip(operations, reply.body, strict=True)]

    # ------------------------------------------------------------ after the write

    def complete(self, made: Sequence[tuple[Operation, Outcome]]) -> Written:
        """Defaults, triggers and formatting make what is stored differ from what was sent, and no answer tells it."""
        operations, outcomes = [operation for operation, _ in made], [outcome for _, outcome in made]
        try:
            read = self._read_made(operations, [outcome.record_id or "" for outcome in outcomes])
            me = self._client.identity().user_id
        except ApiError as error:
            return unread(outcomes, error)
        return Written(
            [_completed(self.name, operation, one, read.get(one.record_id or ""), me) for operation, one in made]
        )

    def _read_made(self, operations: Sequence[Operation], ids: Sequence[str]) -> dict[str, Current]:
        names = {name for operation in operations for name in merged_values(operation, {})}
        try:
            return self._read(READ_BACKS, operations[0].crm_object, ids, names)
        except Refused as refusal:
            if type(refusal) is not Refused:
                raise
            sent = {name for operation in operations for name in operation.changes}
            return self._read(READ_BACKS, operations[0].crm_object, ids, sent)

    # ------------------------------------------------------------ unknown outcomes

    def settle(self, attempts: Sequence[Attempt]) -> list[Outcome]:
        operations = [attempt.operation for attempt in attempts]
        crm_object = operations[0].crm_object
        names = {name for operation in operations for name in merged_values(operation, {})}
        me = self._client.identity().user_id
        if operations[0].operation == CREATE:
            found = self._find(crm_object, [operation.key for operation in operations], names)
        else:
            ids = [one.record_id for one in operations if one.record_id]
            read = self._read(RESOLUTIONS, crm_object, ids, names)
            found = {record_id: (record_id, current) for record_id, current in read.items()}
        outcomes = []
        for attempt in attempts:
            operation = attempt.operation
            key = operation.batch_key if operation.operation == CREATE else operation.record_id or ""
            record_id, current = found.get(key, (None, None))
            is_ours = current is not None and _is_since(current, me, attempt.attempted_at)
            outcomes.append(settled(self.name, operation, current, record_id, is_ours=is_ours, is_proven=is_ours))
        return outcomes

    def _find(self, crm_object: str, keys: Sequence[str], names: Iterable[str]) -> dict[str, tuple[str, Current]]:
        """Records by their external id, folded as Salesforce compares it."""
        fields = ", ".join(dict.fromkeys(("Id", SALESFORCE_ID_FIELD, *sorted({*names}), *_STAMPS)))
        found: dict[str, tuple[str, Current]] = {}
        for soql in _key_queries(f"SELECT {fields} FROM {crm_object}", keys):
            for page in self._clients[RESOLUTIONS].query(soql):
                for record in page:
                    key = (text(record.get(SALESFORCE_ID_FIELD)) or "").casefold()
                    found[key] = (str(record["Id"]), _current(record))
        return found


def _record(operation: Operation) -> dict[str, Any]:
    types = operation.field_types
    values = {name: salesforce_json(value, types.get(name)) for name, value in operation.changes.items()}
    head: dict[str, Any] = {"attributes": {"type": operation.crm_object}}
    if operation.operation == CREATE:
        return {**head, **values, SALESFORCE_ID_FIELD: operation.key}
    return {**head, "id": operation.record_id, **values}


def _row_outcome(operation: Operation, row: Any) -> Outcome:
    if isinstance(row, dict) and row.get("success") is True:
        record_id = salesforce_id_18(text(row.get("id")) or operation.record_id or "")
        return Outcome(operation.operation_id, SUCCEEDED, record_id=record_id)
    return judge_row(operation, row if isinstance(row, dict) else {})


def _completed(crm: str, operation: Operation, outcome: Outcome, current: Current | None, me: str) -> Outcome:
    if current is None:
        return replace(
            outcome,
            message=f"{crm} no longer shows the record.",
            stored=own_values(operation, {}),
            is_modified_by_other=True,
        )
    if not _is_same_user(current.modified_by, me):
        return replace(outcome, stored=own_values(operation, {}), is_modified_by_other=True)
    return replace(
        outcome,
        message=note(crm, operation, current.values),
        stored=merged_values(operation, current.values),
        target_modified_at=current.modified_at,
    )


def _current(record: Mapping[str, Any]) -> Current:
    values = {name: text(value) for name, value in record.items() if not isinstance(value, dict | list)}
    return Current(values, instant(text(record.get("SystemModstamp"))), text(record.get("LastModifiedById")))


def _is_same_user(user: str | None, me: str) -> bool:
    return user is not None and salesforce_id_18(user) == salesforce_id_18(me)


def _is_since(current: Current, me: str, attempted_at: datetime) -> bool:
    """Whether the last change is ours and not older than the attempt. Salesforce's times are whole seconds."""
    changed_at = instant(current.values.get("LastModifiedDate"))
    is_late = changed_at is not None and changed_at >= attempted_at - _CLOCKS_APART
    return is_late and _is_same_user(current.modified_by, me)


def _key_queries(select: str, keys: Sequence[str]) -> Iterable[str]:
    """Queries for records by external id, each short enough for a URL."""
    part: list[str] = []
    for key in dict.fromkeys(keys):
        if part and not fits_url(_key_query(select, [*part, key])):
            yield _key_query(select, part)
            part = []
        part.append(key)
    if part:
        yield _key_query(select, part)


def _key_query(select: str, keys: Sequence[str]) -> str:
    values = ",".join(f"'{soql_text(key)}'" for key in keys)
    return f"{select} WHERE {SALESFORCE_ID_FIELD} IN ({values})"
