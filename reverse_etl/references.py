"""Fills in the ids that an operation refers to: of records created in this run, or noted in the journal.

Owns what is known about created records during one push. Refuses to guess: an id that is not known leaves the
operation waiting (its parent is still to be made) or blocked (its parent failed).
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
)

#: The links among the given ones that this push still has to create on the target.
PendingLinks = Callable[[str, set[str]], set[str]]


@dataclass(frozen=True, slots=True)
class _Need:
    """A record that an operation refers to, on one side of its link."""

    side: str
    link_id: str
    object: str

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
            needs = self._missing(operation)
            lost = [need for need in needs if need not in pending]
            if lost:
                what = lost[0].object or "record"
                result.blocked.append((operation, f"The {what} it refers to is not in {lost[0].crm}."))
            elif needs:
                result.waiting.append(operation)
            else:
                result.ready.append(self._filled(operation))
        return result

    def _missing(self, operation: Operation) -> list[_Need]:
        """The records whose ids are not known yet."""
        needs = [
            _Need(_side(operation, name), reference.link_id, reference.object)
            for name, reference in operation.references.items()
            if self._id(operation, name, reference) is None
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
        if not values and record_id == operation.record_id:
            return operation
        return replace(operation, changes={**operation.changes, **values}, record_id=record_id)

    def _record_id(self, operation: Operation) -> str | None:
        return operation.record_id or self._created[operation.target].get(operation.link_id)

    def _id(self, operation: Operation, name: str, reference: Reference) -> str | None:
        side = _side(operation, name)
        created = self._created[side].get(reference.link_id)
        return created or (reference.hubspot_id if side == HUBSPOT else reference.salesforce_id)


def _side(operation: Operation, name: str) -> str:
    """Whose id a reference stands for: the target's own, except where a record keeps its counterpart's id."""
    if name == HUBSPOT_ID_PROPERTY:
        return SALESFORCE
    return HUBSPOT if name == SALESFORCE_ID_FIELD else operation.target
