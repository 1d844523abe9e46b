"""Writes to HubSpot: batch updates, batch upserts for creates, associations, and what HubSpot made of them.

Owns HubSpot's side of the push protocol. Each input carries its own trace id, so that one bad record fails alone;
creates are upserts on the unique property `salesforce_record_id`, so that repeating one makes no second record.
Holds no state between batches and never touches the warehouse. [HubSpot docs: crm/objects batch, error handling]
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from crm_sync.clients import ApiError, HubSpotClient
from crm_sync.clients.hubspot import BATCH_SIZE
from reverse_etl.batches import Written, note_trouble, parts_of, send_isolating, unanswered
from reverse_etl.hubspot_associations import HubSpotAssociations
from reverse_etl.hubspot_clearing import clear_then_set
from reverse_etl.hubspot_replies import (
    Answer,
    Sorted,
    answer_of,
    judge_error,
    judge_refusal,
    results_of,
    sort_reply,
)
from reverse_etl.operations import (
    ARCHIVE,
    ASSOCIATE,
    ASSOCIATION_PREFIX,
    CREATE,
    HUBSPOT_ID_PROPERTY,
    REJECTED,
    STALE,
    SUCCEEDED,
    UNKNOWN,
    Attempt,
    Current,
    Operation,
    Outcome,
)
from reverse_etl.values import hubspot_text, instant
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

#: Associations go in calls of their own, which take more. [HubSpot docs: crm/associations v4 batch limits]
ASSOCIATE_SIZE = 500
#: So many are checked and journalled together: five batches, since the journal's commits cost more than their rows.
UNIT_SIZE = 500
#: The rolling limit allows 11 to 19 calls a second, which take a few tenths of a second each.
AT_ONCE = 8
#: The calls of two units, which is what may follow a stale check.
ROOM = 20
#: How soon after an attempt HubSpot has stored it, if it has: later changes are somebody else's.
_STORED_WITHIN = timedelta(minutes=2)
_CLOCKS_APART = timedelta(seconds=5)
#: How soon after a record's creation HubSpot has filled in what it fills in itself.
_FILLED_IN_WITHIN = timedelta(seconds=2)


#: Sends operations and keeps HubSpot's answers by operation id.
_SendInto = Callable[[Sequence[Operation], dict[str, Answer]], list[Outcome]]


class HubSpotWriter:
    """Implements `Writer` for HubSpot. A write completes itself: most answers tell all that is stored."""

    name = "HubSpot"
    at_once = AT_ONCE

    def __init__(self, client: HubSpotClient) -> None:
        self._client = client
        self._clients = {purpose: client.counted() for purpose in PURPOSES}

    @property
    def calls(self) -> int:
        return self._client.calls

    @property
    def calls_by_purpose(self) -> dict[str, int]:
        return {purpose: client.calls for purpose, client in self._clients.items()}

    def batch_size(self, operation: str) -> int:
        return ASSOCIATE_SIZE if operation == ASSOCIATE else BATCH_SIZE

    def check_size(self, operation: str) -> int:
        return self.batch_size(operation)

    def unit_size(self, operation: str) -> int:
        return UNIT_SIZE

    # ------------------------------------------------------------ reading

    def current(self, operations: Sequence[Operation]) -> dict[str, Current]:
        # a pause belongs before the check, not between it and the writes, where people's edits would be overwritten
        self._clients[STALE_CHECKS].api.await_room(ROOM)
        ids = list(dict.fromkeys(operation.record_id for operation in operations if operation.record_id))
        crm_object = operations[0].crm_object
        checked = {name for operation in operations for name in operation.checked}
        names = {name for name in checked if not name.startswith(ASSOCIATION_PREFIX)}
        read = self._read(STALE_CHECKS, crm_object, ids, names)
        living = [record_id for record_id in ids if record_id in read]
        associated = self._read_associations(STALE_CHECKS, operations, living)
        return {
            record_id: Current(
                {**read[record_id].properties, **associated.get(record_id, {})}, _modified_at(read[record_id])
            )
            for record_id in ids
            if record_id in read
        }

    def _read(
        self, purpose: str, crm_object: str, keys: Sequence[str], names: Iterable[str], id_property: str | None = None
    ) -> dict[str, Answer]:
        """Records by key; a merged-away id is answered with its survivor's id, and so is not found under its own."""
        wanted = sorted({*names, _cursor(crm_object), *([id_property] if id_property else [])})
        body: dict[str, Any] = {"properties": wanted, **({"idProperty": id_property} if id_property else {})}
        found: dict[str, Answer] = {}
        for part in parts_of(list(dict.fromkeys(keys)), BATCH_SIZE):
            inputs = [{"id": key} for key in part]
            for result in results_of(self._clients[purpose].batch(crm_object, "read", inputs, **body).body):
                answer = answer_of(result)
                key = answer.properties.get(id_property) if id_property else answer.record_id
                found[key or answer.record_id] = answer
        return found

    def _read_associations(
        self, purpose: str, operations: Sequence[Operation], ids: Sequence[str]
    ) -> dict[str, dict[str, str | None]]:
        associations = HubSpotAssociations(self._clients[purpose])
        found: dict[str, dict[str, str | None]] = {}
        for to_object in sorted({name for operation in operations for name in operation.associations}):
            associated = associations.read(operations[0].crm_object, to_object, ids) if ids else {}
            for record_id, value in associated.items():
                found.setdefault(record_id, {})[ASSOCIATION_PREFIX + to_object] = value
        return found

    # ------------------------------------------------------------ writing

    def write(self, operations: Sequence[Operation]) -> Written:
        if operations[0].operation == ASSOCIATE:
            return self._associate(operations)
        if operations[0].operation == ARCHIVE:
            return send_isolating(operations, self._send_archives, judge_refusal)
        return clear_then_set(operations, self._write_records(operations), self._write_records)

    def _write_records(self, operations: Sequence[Operation]) -> Written:
        answers: dict[str, Answer] = {}
        send = self._send_creates if operations[0].operation == CREATE else self._send_updates
        written = send_isolating(operations, lambda part: send(part, answers), judge_refusal)
        made = {outcome.operation_id for outcome in written.outcomes if outcome.outcome == SUCCEEDED}
        try:
            told = self._completed([one for one in operations if one.operation_id in made], answers) if made else []
        except ApiError as error:
            note_trouble(written, error)
            told = unread([outcome for outcome in written.outcomes if outcome.operation_id in made], error).outcomes
        written.outcomes = [outcome for outcome in written.outcomes if outcome.operation_id not in made] + told
        return written

    def complete(self, made: Sequence[tuple[Operation, Outcome]]) -> Written:
        return Written([outcome for _, outcome in made])

    def _send_creates(self, operations: Sequence[Operation], answers: dict[str, Answer]) -> list[Outcome]:
        traces = {str(number): operation for number, operation in enumerate(operations)}
        inputs = [
            {
                "id": operation.key,
                "idProperty": HUBSPOT_ID_PROPERTY,
                "properties": _outgoing({**operation.changes, HUBSPOT_ID_PROPERTY: operation.key}),
                "objectWriteTraceId": trace,
            }
            for trace, operation in traces.items()
        ]
        reply = self._clients[WRITES].batch(operations[0].crm_object, "upsert", inputs)
        return self._judged(sort_reply(reply.body, traces, HUBSPOT_ID_PROPERTY), answers, self._send_creates)

    def _send_updates(self, operations: Sequence[Operation], answers: dict[str, Answer]) -> list[Outcome]:
        traces = {str(number): operation for number, operation in enumerate(operations)}
        inputs = [
            {"id": one.record_id, "properties": _outgoing(one.changes), "objectWriteTraceId": trace}
            for trace, one in traces.items()
        ]
        reply = self._clients[WRITES].batch(operations[0].crm_object, "update", inputs)
        return self._judged(sort_reply(reply.body, traces, None), answers, self._send_updates)

    def _send_archives(self, operations: Sequence[Operation]) -> list[Outcome]:
        """To the recycle bin, restorable for 90 days. The answer is empty: all are archived, or none."""
        inputs = [{"id": one.record_id} for one in operations]
        self._clients[WRITES].batch(operations[0].crm_object, "archive", inputs)
        return [Outcome(one.operation_id, SUCCEEDED, record_id=one.record_id) for one in operations]

    def _judged(self, found: Sorted, answers: dict[str, Answer], send_again: _SendInto) -> list[Outcome]:
        """Outcomes of a sorted reply. Where an error does not say whose it is, what is left is sent again, singly."""
        outcomes = list(found.failures.values())
        for operation_id, answer in found.answers.items():
            answers[operation_id] = answer
            outcomes.append(Outcome(operation_id, SUCCEEDED, record_id=answer.record_id))
        is_alone = len(found.left) + len(found.answers) + len(found.failures) == 1
        for operation in found.left:
            if found.stray_errors and not is_alone:
                outcomes += send_isolating([operation], lambda part: send_again(part, answers), judge_refusal).outcomes
            else:
                outcomes.append(_left_alone(operation, found))
        return outcomes

    # ------------------------------------------------------------ after the write

    def _completed(self, operations: Sequence[Operation], answers: Mapping[str, Answer]) -> list[Outcome]:
        """The outcomes of writes that HubSpot has accepted. Where its answer lacks a value that the base needs, the
        record is read."""
        lacking, names = [], set()
        for operation in operations:
            answer = answers[operation.operation_id]
            missing = _own_names(operation) - answer.properties.keys()
            if missing:
                lacking.append(answer.record_id)
                names |= _own_names(operation)
        read = self._read(READ_BACKS, operations[0].crm_object, lacking, names) if lacking else {}
        return [self._outcome(operation, answers[operation.operation_id], read) for operation in operations]

    def _outcome(self, operation: Operation, answer: Answer, read: Mapping[str, Answer]) -> Outcome:
        again = read.get(answer.record_id)
        is_other = again is not None and _is_later(again, answer)
        held = answer.properties if again is None or is_other else {**answer.properties, **again.properties}
        return Outcome(
            operation.operation_id,
            SUCCEEDED,
            message=note(self.name, operation, held),
            record_id=answer.record_id,
            stored=own_values(operation, held) if is_other else merged_values(operation, held),
            target_modified_at=_modified_at(answer if again is None or is_other else again),
            is_modified_by_other=is_other,
        )

    def bulk(self, operation: str, operations: int) -> None:
        """HubSpot has no API for more than a batch that would tell each record's outcome."""

    def end_job(self, job_id: str) -> None:
        """HubSpot has no jobs."""

    # ------------------------------------------------------------ associations

    def _associate(self, operations: Sequence[Operation]) -> Written:
        written = Written()
        try:
            failures = HubSpotAssociations(self._clients[WRITES]).write(operations).by_operation
            modified = self._times([one for one in operations if one.snapshot_modified_at is not None])
        except ApiError as error:
            note_trouble(written, error)
            written.outcomes = [unanswered(operation, error) for operation in operations]
            return written
        for operation in operations:
            failure = failures.get(operation.operation_id)
            if failure is not None:
                written.outcomes.append(Outcome(operation.operation_id, REJECTED, failure[0], failure[1]))
                continue
            record_id = operation.record_id or ""
            written.outcomes.append(
                Outcome(
                    operation.operation_id,
                    SUCCEEDED,
                    record_id=record_id,
                    stored=dict(operation.changes),
                    target_modified_at=modified.get(record_id),
                )
            )
        return written

    def _times(self, operations: Sequence[Operation]) -> dict[str, datetime | None]:
        """When the records were last changed: an association may move it, and that is nobody's edit."""
        ids = [operation.record_id or "" for operation in operations]
        read = self._read(READ_BACKS, operations[0].crm_object, ids, ()) if ids else {}
        return {record_id: _modified_at(answer) for record_id, answer in read.items()}

    # ------------------------------------------------------------ unknown outcomes

    def settle(self, attempts: Sequence[Attempt]) -> list[Outcome]:
        operations = [attempt.operation for attempt in attempts]
        is_create = operations[0].operation == CREATE
        names = {name for operation in operations for name in _own_names(operation)}
        keys = [(operation.key if is_create else operation.record_id) or "" for operation in operations]
        id_property = HUBSPOT_ID_PROPERTY if is_create else None
        read = self._read(RESOLUTIONS, operations[0].crm_object, keys, names, id_property)
        associated = self._read_associations(RESOLUTIONS, operations, [answer.record_id for answer in read.values()])
        outcomes = []
        for key, attempt in zip(keys, attempts, strict=True):
            answer = read.get(key)
            if answer is None:
                outcomes.append(settled(self.name, attempt.operation, None, None, is_ours=False))
                continue
            current = Current({**answer.properties, **associated.get(answer.record_id, {})}, _modified_at(answer))
            is_ours = (
                _is_untouched(current.modified_at, answer.created_at)
                if is_create
                else _may_be_own(current.modified_at, attempt.attempted_at)
            )
            outcomes.append(settled(self.name, attempt.operation, current, answer.record_id, is_ours=is_ours))
        return outcomes


def _own_names(operation: Operation) -> set[str]:
    """The properties whose values the base needs."""
    return {name for name in merged_values(operation, {}) if not name.startswith(ASSOCIATION_PREFIX)}


def _outgoing(properties: Mapping[str, str | None]) -> dict[str, str]:
    return {name: hubspot_text(value) for name, value in properties.items()}


def _left_alone(operation: Operation, found: Sorted) -> Outcome:
    """A record that neither result nor error names. After a merge, the survivor answers. [HubSpot community]"""
    if found.stray_errors:
        return judge_error(operation, found.stray_errors[0])
    if operation.operation != CREATE and len(found.left) == len(found.stray_answers) == 1:
        survivor = found.stray_answers[0].record_id
        message = f"HubSpot merged the record into {survivor}."
        return Outcome(operation.operation_id, STALE, "MERGED", message, existing_id=survivor)
    return Outcome(operation.operation_id, UNKNOWN, "NO_RESULT", "HubSpot's answer does not name the record.")


def _is_later(again: Answer, answer: Answer) -> bool:
    """Whether somebody changed the record between the answer to our write and the reading of it."""
    return None not in (answer.updated_at, again.updated_at) and again.updated_at > answer.updated_at  # type: ignore[operator]


def _may_be_own(modified_at: datetime | None, attempted_at: datetime) -> bool:
    """Whether the record's time can be that of an attempt: HubSpot does not say who changed a record last."""
    if modified_at is None:
        return False
    return attempted_at - _CLOCKS_APART <= modified_at <= attempted_at + _STORED_WITHIN


def _is_untouched(modified_at: datetime | None, created_at: datetime | None) -> bool:
    """Whether nobody can have edited a record since it was created: what it holds is then what HubSpot made of ours."""
    return None not in (modified_at, created_at) and modified_at <= created_at + _FILLED_IN_WITHIN  # type: ignore[operator]


def _cursor(crm_object: str) -> str:
    """The property that says when a record was last changed. [HubSpot docs: crm/search]"""
    return "lastmodifieddate" if crm_object == "contacts" else "hs_lastmodifieddate"


def _modified_at(answer: Answer) -> datetime | None:
    stamps = (instant(answer.properties.get(name)) for name in ("lastmodifieddate", "hs_lastmodifieddate"))
    return next((stamp for stamp in stamps if stamp is not None), None) or answer.updated_at
