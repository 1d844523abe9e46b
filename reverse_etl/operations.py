"""What travels through the push: an operation (one row of a diff table) and what became of it.

Owns the vocabulary of the protocol. Holds no connection and makes no call.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

import orjson

HUBSPOT = "hubspot"
SALESFORCE = "salesforce"
TARGETS = (SALESFORCE, HUBSPOT)

CREATE = "create"
UPDATE = "update"
ASSOCIATE = "associate"
ARCHIVE = "archive"

SUCCEEDED = "succeeded"
REJECTED = "rejected"
RETRYABLE = "retryable"
STALE = "stale"
BLOCKED = "blocked"
UNKNOWN = "unknown"

#: The property of a HubSpot record that holds the id of its Salesforce counterpart, and the reverse.
HUBSPOT_ID_PROPERTY = "salesforce_record_id"
SALESFORCE_ID_FIELD = "HubSpot_Record_ID__c"

ASSOCIATION_PREFIX = "associations."


@dataclass(frozen=True, slots=True)
class Reference:
    """A value that is the id of a linked record, perhaps one that this very run creates."""

    link_id: str
    object: str
    hubspot_id: str | None = None
    salesforce_id: str | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """One row of a diff table: one record of one CRM that has to be created or changed.

    `changes` and `previous` are text by API name (null clears), in the target API's own form.
    """

    operation_id: str
    target: str
    object: str
    push_order: int
    operation: str
    crm_object: str
    record_id: str | None
    link_id: str
    hubspot_id: str | None
    salesforce_id: str | None
    changes: Mapping[str, str | None]
    previous: Mapping[str, str | None] = field(default_factory=dict)
    source_values: str = "{}"
    references: Mapping[str, Reference] = field(default_factory=dict)
    all_fields: tuple[str, ...] = ()
    field_types: Mapping[str, str] = field(default_factory=dict)
    #: Fields that are cleared and then set, where the CRM accepts a value without taking it.
    clear_first: tuple[str, ...] = ()
    snapshot_modified_at: datetime | None = None
    human_modified_at: datetime | None = None
    source_modified_at: datetime | None = None
    #: The record that its CRM locks along with it, if that is known: siblings go in one batch.
    parent: str | None = None

    @property
    def key(self) -> str:
        """The key of a create on its target: the id of the record that it copies."""
        own = self.changes.get(HUBSPOT_ID_PROPERTY if self.target == HUBSPOT else SALESFORCE_ID_FIELD)
        source = self.salesforce_id if self.target == HUBSPOT else self.hubspot_id
        return own or source or ""

    @property
    def batch_key(self) -> str:
        """What may occur only once in a batch: the record's id, or the create's key."""
        return self.key.casefold() if self.operation == CREATE else (self.record_id or "")

    @property
    def checked(self) -> dict[str, str | None]:
        """The fields that must still hold what they held, in which the target is read before the write: those to be
        changed, and of a record to be archived those that it was seen to hold."""
        return dict(self.previous) if self.operation == ARCHIVE else dict(self.changes)

    @property
    def properties(self) -> dict[str, str | None]:
        """The changes that are fields of the record itself."""
        return {name: v for name, v in self.changes.items() if not name.startswith(ASSOCIATION_PREFIX)}

    @property
    def associations(self) -> dict[str, str | None]:
        """The changes that are associations, by the other HubSpot object's name."""
        prefix = ASSOCIATION_PREFIX
        return {name.removeprefix(prefix): v for name, v in self.changes.items() if name.startswith(prefix)}


def members_of(value: str | None) -> set[str]:
    """The ids of a set that is joined by `;`."""
    return {part.strip() for part in (value or "").split(";")} - {""}


def is_set(name: str) -> bool:
    """Whether an API name stands for records that are joined to the record: an association, or a junction's field."""
    return "." in name


def without_fields(operation: Operation, names: set[str]) -> Operation:
    """The operation without some of its fields."""
    return replace(
        operation,
        changes={name: value for name, value in operation.changes.items() if name not in names},
        references={name: value for name, value in operation.references.items() if name not in names},
        source_values=_picked(operation.source_values, dict.fromkeys(names), keep=False),
    )


def split_associations(operation: Operation) -> tuple[Operation | None, Operation | None]:
    """The operation's own fields and its associations as two operations, since they are two calls with two outcomes.

    The associations of a create have no record id yet.
    """
    wanted = {ASSOCIATION_PREFIX + name: value for name, value in operation.associations.items()}
    if not wanted:
        return operation, None
    own = replace(
        operation, changes=operation.properties, source_values=_picked(operation.source_values, wanted, keep=False)
    )
    if operation.operation == CREATE and not any(wanted.values()):
        return own, None
    associate = replace(
        operation,
        operation_id=f"{operation.operation_id}-associations" if own.changes else operation.operation_id,
        operation=ASSOCIATE,
        changes=wanted,
        source_values=_picked(operation.source_values, wanted, keep=True),
        references={},
    )
    return own if own.changes or operation.operation == CREATE else None, associate


def _picked(document: str, names: Mapping[str, object], *, keep: bool) -> str:
    """The members of a JSON object that are, or are not, among `names`."""
    members = orjson.loads(document)
    return orjson.dumps({name: value for name, value in members.items() if (name in names) is keep}).decode()


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at an operation: what the journal holds before the call."""

    run_id: str
    operation: Operation
    attempted_at: datetime
    attempt_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    #: The Bulk API job that carries it, where one does: what became of it is known there.
    bulk_job_id: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one operation.

    `stored` is what the target now holds by API name: every mapped field after a create, the changed ones after
    an update. `record_id` is the target record (new after a create); `existing_id` one that stood in the way.
    """

    operation_id: str
    outcome: str
    error_code: str | None = None
    message: str | None = None
    record_id: str | None = None
    existing_id: str | None = None
    stored: Mapping[str, str | None] | None = None
    target_modified_at: datetime | None = None
    is_modified_by_other: bool = False


@dataclass(frozen=True, slots=True)
class Current:
    """What a living target record holds now, by API name, and when and (Salesforce) by whom it was last changed."""

    values: Mapping[str, str | None]
    modified_at: datetime | None
    modified_by: str | None = None
