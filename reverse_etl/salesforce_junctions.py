"""Salesforce junction records: the members of a many-valued reference, read and written in batches.

Owns how a set of ids becomes records: one of the junction object for each member, made with its two ids and nothing
else, deleted when the member goes. Other fields of those records are never touched. Every write reads the present
members first, so that repeating it makes nothing twice. [Salesforce docs: object reference, OpportunityContactRole]
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from crm_sync.clients import SalesforceClient
from crm_sync.clients.salesforce import soql_text
from reverse_etl.batches import Written, send_isolating
from reverse_etl.operations import SUCCEEDED, Operation, Outcome, members_of
from reverse_etl.salesforce_replies import judge_refusal, judge_row
from reverse_etl.values import salesforce_id_18, text

CALL_SIZE = 200
Members = dict[str, dict[str, list[str]]]


@dataclass(frozen=True, slots=True)
class _Junction:
    """A junction object with its two references."""

    object: str
    parent_field: str
    member_field: str


@dataclass
class _Rows:
    """Junction records to make and to delete, each with the operation that wants it."""

    made: list[tuple[Operation, dict[str, Any]]] = field(default_factory=list)
    deleted: list[tuple[Operation, str]] = field(default_factory=list)


class SalesforceJunctions:
    """Reads and writes junction records of one organisation."""

    def __init__(self, client: SalesforceClient) -> None:
        self._client = client
        self._known: dict[tuple[str, str], _Junction] = {}

    def read(self, crm_object: str, name: str, ids: Sequence[str]) -> dict[str, str | None]:
        """The members of each record, sorted and joined by `;`. `name` is `JunctionObject.MemberField`."""
        members = self._members(self._junction(crm_object, name), ids)
        return {record_id: ";".join(sorted(members[salesforce_id_18(record_id)])) or None for record_id in ids}

    def write(self, operations: Sequence[Operation]) -> Written:
        """Bring the members of the operations' records about; every operation gets an outcome."""
        return send_isolating(operations, self._send, judge_refusal)

    def _send(self, operations: Sequence[Operation]) -> list[Outcome]:
        rows = _Rows()
        for name in sorted({name for operation in operations for name in operation.changes}):
            self._collect(rows, name, [operation for operation in operations if name in operation.changes])
        failures: dict[str, Outcome] = {}
        for made in _chunks(rows.made):
            reply = self._client.collections_create([row for _, row in made])
            _note(failures, [operation for operation, _ in made], reply.body)
        kept = [(one, row_id) for one, row_id in rows.deleted if one.operation_id not in failures]
        for deleted in _chunks(kept):
            reply = self._client.collections_delete([row_id for _, row_id in deleted])
            _note(failures, [operation for operation, _ in deleted], reply.body)
        return [failures.get(one.operation_id) or _success(one) for one in operations]

    def _collect(self, rows: _Rows, name: str, operations: Sequence[Operation]) -> None:
        """What is missing of the members wanted, and what is left of those that were there and are not wanted."""
        junction = self._junction(operations[0].crm_object, name)
        present = self._members(junction, [operation.record_id or "" for operation in operations])
        for operation in operations:
            held = present[salesforce_id_18(operation.record_id or "")]
            wanted = members_of(operation.changes[name])
            for member in sorted(wanted - held.keys()):
                ids = {junction.parent_field: operation.record_id, junction.member_field: member}
                rows.made.append((operation, {"attributes": {"type": junction.object}, **ids}))
            for member in sorted((members_of(operation.previous.get(name)) - wanted) & held.keys()):
                rows.deleted += [(operation, row_id) for row_id in held[member]]

    def _members(self, junction: _Junction, ids: Sequence[str]) -> Members:
        """Junction record ids by record and member."""
        found: Members = {salesforce_id_18(record_id): {} for record_id in ids}
        wanted = sorted(found)
        for start in range(0, len(wanted), CALL_SIZE):
            values = ",".join(f"'{soql_text(record_id)}'" for record_id in wanted[start : start + CALL_SIZE])
            soql = (
                f"SELECT Id, {junction.parent_field}, {junction.member_field} FROM {junction.object} "
                f"WHERE {junction.parent_field} IN ({values})"
            )
            for page in self._client.query(soql):
                for record in page:
                    parent, member = text(record.get(junction.parent_field)), text(record.get(junction.member_field))
                    if parent in found and member is not None:
                        found[parent].setdefault(member, []).append(str(record["Id"]))
        return found

    def _junction(self, crm_object: str, name: str) -> _Junction:
        """The junction's field that leads back to the object: as stg_field_mappings has it, the first by name."""
        if (crm_object, name) not in self._known:
            object_, _, member_field = name.partition(".")
            fields = self._client.describe(object_).get("fields")
            leading = [
                str(item.get("name"))
                for item in (fields if isinstance(fields, list) else [])
                if crm_object in (item.get("referenceTo") or []) and item.get("name") != member_field
            ]
            self._known[crm_object, name] = _Junction(object_, min(leading, default=""), member_field)
        return self._known[crm_object, name]


def _chunks(rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(rows), CALL_SIZE):
        yield rows[start : start + CALL_SIZE]


def _note(failures: dict[str, Outcome], operations: Sequence[Operation], answers: Sequence[Mapping[str, Any]]) -> None:
    for operation, answer in zip(operations, answers, strict=True):
        if answer.get("success") is not True:
            failures.setdefault(operation.operation_id, judge_row(operation, answer))


def _success(operation: Operation) -> Outcome:
    """No time: junction records do not change the record that they belong to."""
    return Outcome(operation.operation_id, SUCCEEDED, record_id=operation.record_id, stored=dict(operation.changes))
