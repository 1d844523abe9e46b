"""Fills in the ids that an operation refers to: of records created in this run, or noted in the journal.

Owns what is known about created records during one push. Refuses to guess: an id that is not known leaves the
operation waiting (its parent is still to be made) or blocked (its parent failed). A record that exists already goes
without a reference that cannot be made, and a set without such a member: only that part is blocked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from reverse_etl.journal import Journal
from reverse_etl.operations import (
    CREATE,
    HUBSPOT,
    HUBSPOT_ID_PROPERTY,
    SALESFORCE,
    SALESFORCE_ID_FIELD,
    Operation,
    Reference,
    is_set,
    members_of,
    without_fields,
)

#: The links among the given ones that this push still has to create on the target.
PendingLinks = Callable[[str, set[str]], set[str]]


@dataclass(frozen=True, slots=True)
class _Need:
    """A record that an operation refers to, on one side of its link."""

    side: str
    link_id: str
    object: str
    is_optional: bool = False

    @property
    def crm(self) -> str:
        return "HubSpot" if self.side == HUBSPOT else "Salesforce"


@dataclass
class Resolved:
    """Operations by what their references allow; `blocked` and `waiting` name the missing parents."""

    ready: list[Operation] = field(default_factory=list)
    waiting: list[Operation] = field(default_factory=list)
    blocked: list[tuple[Operation, str]] = field(default_factory=list)


class References:
    """The ids of the records that this push has created, and of those that earlier ones have."""

    def __init__(self, journal: Journal, pending: PendingLinks) -> None:
        self._journal = journal
        self._pending = pending
        self._created: dict[str, dict[str, str]] = {HUBSPOT: {}, SALESFORCE: {}}
        self._failed: dict[str, set[str]] = {HUBSPOT: set(), SALESFORCE: set()}

    def created(self, target: str, link_id: str, record_id: str) -> None:
        """Note a record that now exists."""
        self._created[target][link_id] = record_id
        self._failed[target].discard(link_id)

    def failed(self, target: str, link_id: str) -> None:
        """Note a create that will not happen in this push."""
        self._failed[target].add(link_id)

    def resolve(self, operations: Sequence[Operation]) -> Resolved:
        """Sort operations into those whose references are all known, filled in, and the others."""
        result = Resolved()
        missing = {operation.operation_id: self._missing(operation) for operation in operations}
        pending = self._still_to_come(one for needs in missing.values() for one in needs)
        self._look_up(one for needs in missing.values() for one in needs if one not in pending)
        for operation in operations:
            if not missing[operation.operation_id] and _refers_to_nothing(operation):
                result.ready.append(operation)
                continue
            needs = self._missing(operation)
            lost = [need for need in needs if need not in pending]
            if any(not need.is_optional for need in lost):
                result.blocked.append((operation, _reason(next(need for need in lost if not need.is_optional))))
            elif len(lost) < len(needs):
                result.waiting.append(operation)
            else:
                self._part(operation, lost, result)
        return result

    def _part(self, operation: Operation, lost: Sequence[_Need], result: Resolved) -> None:
        """What can be written goes on; a reference that cannot be made is blocked alone."""
        missing = {
            name for name, reference in operation.references.items() if self._id(operation, name, reference) is None
        }
        filled = self._filled(without_fields(operation, missing)) if missing else self._filled(operation)
        idle = {name for name in filled.changes if is_set(name) and self._is_idle(operation, filled, name)}
        filled = without_fields(filled, idle) if idle else filled
        if filled.changes or not lost:
            result.ready.append(filled)
        if lost:
            suffix = "-references" if filled.changes else ""
            part = replace(operation, operation_id=operation.operation_id + suffix)
            result.blocked.append((part, _reason(lost[0])))

    @staticmethod
    def _is_idle(operation: Operation, filled: Operation, name: str) -> bool:
        """Whether all that a set was to gain is missing."""
        had_some_to_come = "@" in (operation.changes.get(name) or "")
        return had_some_to_come and members_of(filled.changes[name]) == members_of(operation.previous.get(name))

    def _missing(self, operation: Operation) -> list[_Need]:
        """The records whose ids are not known yet."""
        is_optional = operation.operation != CREATE
        needs = [
            _Need(_side(operation, name), reference.link_id, reference.object, is_optional)
            for name, reference in operation.references.items()
            if self._id(operation, name, reference) is None
        ]
        needs += [
            _Need(operation.target, link_id, "", True)
            for name, value in operation.changes.items()
            for link_id in _members_to_come(name, value)
            if link_id not in self._created[operation.target]
        ]
        if operation.operation != CREATE and self._record_id(operation) is None:
            needs.append(_Need(operation.target, operation.link_id, operation.object))
        return needs

    def _still_to_come(self, needs: Iterable[_Need]) -> set[_Need]:
        by_side: dict[str, set[_Need]] = {}
        for need in needs:
            if need.link_id not in self._failed[need.side]:
                by_side.setdefault(need.side, set()).add(need)
        coming: set[_Need] = set()
        for side, wanted in by_side.items():
            links = self._pending(side, {need.link_id for need in wanted})
            coming |= {need for need in wanted if need.link_id in links}
        return coming

    def _look_up(self, needs: Iterable[_Need]) -> None:
        """Ask the journal for records that earlier pushes have created."""
        wanted = {need.link_id for need in needs if need.link_id not in self._failed[need.side]}
        if wanted:
            for (target, link_id), record_id in self._journal.ids_created(wanted).items():
                self._created[target].setdefault(link_id, record_id)

    def _filled(self, operation: Operation) -> Operation:
        values = {name: self._id(operation, name, reference) for name, reference in operation.references.items()}
        record_id = operation.record_id if operation.operation == CREATE else self._record_id(operation)
        sets = {
            name: self._joined(operation.target, value)
            for name, value in operation.changes.items()
            if any(_members_to_come(name, value))
        }
        if not values and not sets and record_id == operation.record_id:
            return operation
        return replace(operation, changes={**operation.changes, **values, **sets}, record_id=record_id)

    def _joined(self, target: str, value: str | None) -> str | None:
        """A set with the ids of the members that were created; those that were not are left out."""
        created = self._created[target]
        ids = {created.get(one[1:], "") if one.startswith("@") else one for one in members_of(value)}
        return ";".join(sorted(ids - {""})) or None

    def _record_id(self, operation: Operation) -> str | None:
        return operation.record_id or self._created[operation.target].get(operation.link_id)

    def _id(self, operation: Operation, name: str, reference: Reference) -> str | None:
        side = _side(operation, name)
        created = self._created[side].get(reference.link_id)
        return created or (reference.hubspot_id if side == HUBSPOT else reference.salesforce_id)


def _refers_to_nothing(operation: Operation) -> bool:
    """Whether there is nothing to fill in, as in most operations."""
    if operation.references or (operation.operation != CREATE and operation.record_id is None):
        return False
    return not any(is_set(name) for name in operation.changes)


def _reason(need: _Need) -> str:
    return f"The {need.object or 'record'} it refers to is not in {need.crm}."


def _members_to_come(name: str, value: str | None) -> list[str]:
    """The links whose records a set is waiting for: members written `@` and link id."""
    return sorted(one[1:] for one in members_of(value) if one.startswith("@")) if is_set(name) else []


def _side(operation: Operation, name: str) -> str:
    """Whose id a reference stands for: the target's own, except where a record keeps its counterpart's id."""
    if name == HUBSPOT_ID_PROPERTY:
        return SALESFORCE
    return HUBSPOT if name == SALESFORCE_ID_FIELD else operation.target
