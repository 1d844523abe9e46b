"""Writes to HubSpot: batch updates, batch upserts for creates, associations, and what HubSpot made of them.

Owns HubSpot's side of the push protocol. Each input carries its own trace id, so that one bad record fails alone;
creates are upserts on the unique property `salesforce_record_id`, so that repeating one makes no second record.
Holds no state between batches and never touches the warehouse. [HubSpot docs: crm/objects batch, error handling]
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from crm_sync.clients import HubSpotClient
from reverse_etl.batches import Written, send_isolating
from reverse_etl.hubspot_associations import HubSpotAssociations
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
from reverse_etl.values import hubspot_text, instant, same_value
from reverse_etl.writers import merged_values, note, own_values, read_carefully, settled

BATCH_SIZE = 100
#: How soon after an attempt HubSpot has stored it, if it has: later changes are somebody else's.
_STORED_WITHIN = timedelta(minutes=2)
_CLOCKS_APART = timedelta(seconds=5)


@dataclass
class _Batch:
    """What is learnt while one batch is written, by operation id."""

    answers: dict[str, Answer] = field(default_factory=dict)
    association_failures: dict[str, tuple[str, str]] = field(default_factory=dict)


class HubSpotWriter:
    """Implements `Writer` for HubSpot."""

    name = "HubSpot"

    def __init__(self, client: HubSpotClient) -> None:
        self._client = client
        self._associations = HubSpotAssociations(client)

    @property
    def calls(self) -> int:
        return self._client.calls

    def batch_size(self, operation: str) -> int:
        return BATCH_SIZE

    # ------------------------------------------------------------ reading

    def current(self, operations: Sequence[Operation]) -> dict[str, Current]:
        ids = [operation.record_id for operation in operations if operation.record_id]
        crm_object = operations[0].crm_object
        names = {name for operation in operations for name in operation.properties}
        read = self._read(crm_object, ids, names)
        associated = self._read_associations(operations, [record_id for record_id in ids if record_id in read])
        return {
            record_id: Current({**answer.properties, **associated.get(record_id, {})}, _modified_at(answer))
            for record_id, answer in read.items()
            if record_id in set(ids)
        }

    def _read(
        self, crm_object: str, keys: Sequence[str], names: Iterable[str], id_property: str | None = None
    ) -> dict[str, Answer]:
        """Records by key; a merged-away id is answered with its survivor's id, and so is not found under its own."""
        wanted = sorted({*names, _cursor(crm_object), *([id_property] if id_property else [])})
        body: dict[str, Any] = {"properties": wanted, **({"idProperty": id_property} if id_property else {})}
        found: dict[str, Answer] = {}
        for start in range(0, len(keys), BATCH_SIZE):
            inputs = [{"id": key} for key in dict.fromkeys(keys[start : start + BATCH_SIZE])]
            for result in results_of(self._client.batch(crm_object, "read", inputs, **body).body):
                answer = answer_of(result)
                key = answer.properties.get(id_property) if id_property else answer.record_id
                found[key or answer.record_id] = answer
        return found

    def _read_associations(
        self, operations: Sequence[Operation], ids: Sequence[str]
    ) -> dict[str, dict[str, str | None]]:
        found: dict[str, dict[str, str | None]] = {}
        for to_object in sorted({name for operation in operations for name in operation.associations}):
            associated = self._associations.read(operations[0].crm_object, to_object, ids) if ids else {}
            for record_id, value in associated.items():
                found.setdefault(record_id, {})[ASSOCIATION_PREFIX + to_object] = value
        return found

    # ------------------------------------------------------------ writing

    def write(self, operations: Sequence[Operation]) -> Written:
        batch = _Batch()
        is_create = operations[0].operation == CREATE

        def send(part: Sequence[Operation]) -> list[Outcome]:
            return self._send_creates(part, batch) if is_create else self._send_updates(part, batch)

        written = send_isolating(operations, send, judge_refusal)
        by_id = {operation.operation_id: operation for operation in operations}
        made = [outcome for outcome in written.outcomes if outcome.outcome == SUCCEEDED]
        others = [outcome for outcome in written.outcomes if outcome.outcome != SUCCEEDED]

        def complete(outcomes: Sequence[Outcome]) -> list[Outcome]:
            return self._completed([by_id[outcome.operation_id] for outcome in outcomes], batch)

        written.outcomes = others + read_carefully(written, made, complete)
        return written

    def _send_creates(self, operations: Sequence[Operation], batch: _Batch) -> list[Outcome]:
        traces = {str(number): operation for number, operation in enumerate(operations)}
        inputs = [
            {
                "id": operation.key,
                "idProperty": HUBSPOT_ID_PROPERTY,
                "properties": _outgoing({**operation.properties, HUBSPOT_ID_PROPERTY: operation.key}),
                "objectWriteTraceId": trace,
            }
            for trace, operation in traces.items()
        ]
        reply = self._client.batch(operations[0].crm_object, "upsert", inputs)
        return self._judged(sort_reply(reply.body, traces, HUBSPOT_ID_PROPERTY), batch, self._send_creates)

    def _send_updates(self, operations: Sequence[Operation], batch: _Batch) -> list[Outcome]:
        """Associations first: then the answer to the property write shows the last change that is ours."""
        record_ids = {operation.operation_id: operation.record_id or "" for operation in operations}
        failures = self._associations.write(record_ids, [one for one in operations if one.associations])
        batch.association_failures.update(failures.by_operation)
        changed = [operation for operation in operations if operation.properties]
        outcomes = [_succeeded(operation, operation.record_id) for operation in operations if operation not in changed]
        if not changed:
            return outcomes
        traces = {str(number): operation for number, operation in enumerate(changed)}
        inputs = [
            {"id": one.record_id, "properties": _outgoing(one.properties), "objectWriteTraceId": trace}
            for trace, one in traces.items()
        ]
        reply = self._client.batch(operations[0].crm_object, "update", inputs)
        return outcomes + self._judged(sort_reply(reply.body, traces, None), batch, self._send_updates)

    def _judged(self, found: Sorted, batch: _Batch, send_again: Any) -> list[Outcome]:
        """Outcomes of a sorted reply. Where an error does not say whose it is, what is left is sent again, singly."""
        outcomes = list(found.failures.values())
        for operation_id, answer in found.answers.items():
            batch.answers[operation_id] = answer
            outcomes.append(Outcome(operation_id, SUCCEEDED, record_id=answer.record_id))
        is_alone = len(found.left) + len(found.answers) + len(found.failures) == 1
        for operation in found.left:
            if found.stray_errors and not is_alone:
                outcomes += send_isolating([operation], lambda part: send_again(part, batch), judge_refusal).outcomes
            else:
                outcomes.append(_left_alone(operation, found))
        return outcomes

    # ------------------------------------------------------------ after the write

    def _completed(self, operations: Sequence[Operation], batch: _Batch) -> list[Outcome]:
        """The outcomes of writes that HubSpot has accepted, with what it now holds."""
        if operations[0].operation == CREATE:
            record_ids = {one.operation_id: batch.answers[one.operation_id].record_id for one in operations}
            failures = self._associations.write(record_ids, [one for one in operations if one.associations])
            batch.association_failures.update(failures.by_operation)
        read = self._read_back(operations, batch)
        return [self._outcome(operation, batch, read) for operation in operations]

    def _read_back(self, operations: Sequence[Operation], batch: _Batch) -> dict[str, Answer]:
        """Read the records whose answer lacks a value that the base needs, or whose time an association moved."""
        unread = []
        for operation in operations:
            answer = batch.answers.get(operation.operation_id)
            names = set(merged_values(operation, {})) - {ASSOCIATION_PREFIX + name for name in operation.associations}
            names = {name for name in names if not name.startswith(ASSOCIATION_PREFIX)}
            is_moved = operation.operation == CREATE and operation.associations
            if answer is None or is_moved or not names <= answer.properties.keys():
                unread.append((answer.record_id if answer else operation.record_id or "", names))
        if not unread:
            return {}
        names = {name for _, record_names in unread for name in record_names}
        return self._read(operations[0].crm_object, [record_id for record_id, _ in unread], names)

    def _outcome(self, operation: Operation, batch: _Batch, read: Mapping[str, Answer]) -> Outcome:
        answer = batch.answers.get(operation.operation_id)
        record_id = answer.record_id if answer else operation.record_id or ""
        again = read.get(record_id)
        latest = again or answer
        failure = batch.association_failures.get(operation.operation_id)
        held: dict[str, str | None] = {**(answer.properties if answer else {}), **(again.properties if again else {})}
        for to_object, value in operation.associations.items():
            held[ASSOCIATION_PREFIX + to_object] = value
        is_other = answer is not None and again is not None and _changed_since(operation, answer, again)
        stored = own_values(operation, answer.properties) if is_other and answer else merged_values(operation, held)
        if failure is not None:
            stored = {name: value for name, value in stored.items() if not name.startswith(ASSOCIATION_PREFIX)}
        state = REJECTED if failure is not None and operation.operation != CREATE else SUCCEEDED
        return Outcome(
            operation.operation_id,
            state,
            error_code=failure[0] if failure else None,
            message=failure[1] if failure else note(self.name, operation, held),
            record_id=record_id,
            stored=stored,
            target_modified_at=_modified_at(answer if is_other and answer else latest) if latest else None,
            is_modified_by_other=is_other,
        )

    # ------------------------------------------------------------ unknown outcomes

    def settle(self, attempts: Sequence[Attempt]) -> list[Outcome]:
        operations = [attempt.operation for attempt in attempts]
        is_create = operations[0].operation == CREATE
        names = {name for operation in operations for name in merged_values(operation, {})}
        names = {name for name in names if not name.startswith(ASSOCIATION_PREFIX)}
        keys = [(operation.key if is_create else operation.record_id) or "" for operation in operations]
        read = self._read(operations[0].crm_object, keys, names, HUBSPOT_ID_PROPERTY if is_create else None)
        associated = self._read_associations(operations, [answer.record_id for answer in read.values()])
        outcomes = []
        for key, attempt in zip(keys, attempts, strict=True):
            answer = read.get(key)
            if answer is None:
                outcomes.append(settled(self.name, attempt.operation, None, None, is_ours=False))
                continue
            held = {**answer.properties, **associated.get(answer.record_id, {})}
            current = Current(held, _modified_at(answer))
            is_ours = _may_be_own(current.modified_at, attempt.attempted_at)
            outcome = settled(self.name, attempt.operation, current, answer.record_id, is_ours=is_ours)
            outcomes.append(_without_missing_associations(attempt.operation, held, outcome))
        return outcomes


def _outgoing(properties: Mapping[str, str | None]) -> dict[str, str]:
    return {name: hubspot_text(value) for name, value in properties.items()}


def _succeeded(operation: Operation, record_id: str | None) -> Outcome:
    return Outcome(operation.operation_id, SUCCEEDED, record_id=record_id)


def _left_alone(operation: Operation, found: Sorted) -> Outcome:
    """A record that neither result nor error names. After a merge, the survivor answers. [HubSpot community]"""
    if found.stray_errors:
        return judge_error(operation, found.stray_errors[0])
    if operation.operation != CREATE and len(found.left) == len(found.stray_answers) == 1:
        survivor = found.stray_answers[0].record_id
        message = f"HubSpot merged the record into {survivor}."
        return Outcome(operation.operation_id, STALE, "MERGED", message, existing_id=survivor)
    return Outcome(operation.operation_id, UNKNOWN, "NO_RESULT", "HubSpot's answer does not name the record.")


def _changed_since(operation: Operation, answer: Answer, again: Answer) -> bool:
    """Whether somebody else changed the record between the answer to our write and the reading of it.

    An association that we made in between may have moved the time itself: then the values tell.
    """
    if answer.updated_at is None or again.updated_at is None or again.updated_at <= answer.updated_at:
        return False
    if not operation.associations:
        return True
    common = answer.properties.keys() & again.properties.keys() & {*operation.all_fields, *operation.changes}
    return any(not same_value(answer.properties[name], again.properties[name]) for name in common)


def _without_missing_associations(operation: Operation, held: Mapping[str, str | None], outcome: Outcome) -> Outcome:
    """A create may have been made without its associations: those get no base, and so are decided anew."""
    if outcome.stored is None:
        return outcome
    missing = {
        ASSOCIATION_PREFIX + name
        for name, value in operation.associations.items()
        if not same_value(value, held.get(ASSOCIATION_PREFIX + name))
    }
    return replace(outcome, stored={name: value for name, value in outcome.stored.items() if name not in missing})


def _may_be_own(modified_at: datetime | None, attempted_at: datetime) -> bool:
    """Whether the record's time can be that of an attempt: HubSpot does not say who changed a record last."""
    if modified_at is None:
        return False
    return attempted_at - _CLOCKS_APART <= modified_at <= attempted_at + _STORED_WITHIN


def _cursor(crm_object: str) -> str:
    """The property that says when a record was last changed. [HubSpot docs: crm/search]"""
    return "lastmodifieddate" if crm_object == "contacts" else "hs_lastmodifieddate"


def _modified_at(answer: Answer) -> datetime | None:
    stamps = (instant(answer.properties.get(name)) for name in ("lastmodifieddate", "hs_lastmodifieddate"))
    return next((stamp for stamp in stamps if stamp is not None), None) or answer.updated_at
