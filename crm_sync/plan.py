"""The plan: what the next push writes, read from the diff tables.

Owns the shape of a plan and the choice of parts of it; `plan_rendering.py` prints it. Decides nothing: every line is
a row of diff_hubspot or diff_salesforce.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import duckdb

from crm_sync.warehouse import rows_of

#: The order in which a target is written is that of the push: Salesforce first within a push order.
TARGETS = ("salesforce", "hubspot")
#: Fields that name a record to people, by how well they do.
_NAMING = ("email", "dealname", "name", "domain", "hs_task_subject", "lastname", "Email", "Name", "Subject", "LastName")

_ROWS = """
select '{target}' as target, object, operation, crm_object, record_id, hubspot_id, salesforce_id, link_id,
    changes, previous, "references", reasons
from reverse_etl.diff_{target}
order by push_order, object, operation, coalesce(hubspot_id, ''), coalesce(salesforce_id, '')
"""
_NAMES = """
select link_id, hubspot_property, coalesce(hubspot_value, salesforce_value) as value
from merging.field_decisions
where hubspot_property in ('email', 'dealname', 'name', 'domain', 'hs_task_subject')
    and coalesce(hubspot_value, salesforce_value) is not null
    and link_id in (select link_id from reverse_etl.diff_hubspot union select link_id from reverse_etl.diff_salesforce)
"""


@dataclass(frozen=True)
class FieldChange:
    """One field: what it holds, what it will hold (None is blank), and why."""

    field: str
    old: str | None
    new: str | None
    reason: str


@dataclass(frozen=True)
class PlannedOperation:
    """One record that will be written."""

    target: str
    object: str
    operation: str
    crm_object: str
    record_id: str | None
    hubspot_id: str | None
    salesforce_id: str | None
    name: str | None
    changes: tuple[FieldChange, ...]

    def document(self) -> dict[str, Any]:
        """The operation as programs read it."""
        return {
            "target": self.target,
            "object": self.object,
            "operation": self.operation,
            "crm_object": self.crm_object,
            "hubspot_id": self.hubspot_id,
            "salesforce_id": self.salesforce_id,
            "name": self.name,
            "changes": [vars(change) for change in self.changes],
        }

    def is_about(self, record: str) -> bool:
        """Whether an id (a Salesforce id in either length) or the record's name is that of this operation."""
        wanted = record.strip().casefold()
        salesforce_ids = {self.salesforce_id, (self.salesforce_id or "")[:15]}
        if record.strip() in {self.record_id, self.hubspot_id, *salesforce_ids}:
            return True
        named = {change.new for change in self.changes if change.field in _NAMING} | {self.name}
        return wanted in {name.casefold() for name in named if name}


@dataclass(frozen=True)
class Plan:
    """Everything that the next push would write, or a chosen part of it."""

    operations: tuple[PlannedOperation, ...]

    @property
    def counts(self) -> dict[tuple[str, str, str], int]:
        """Records by (target, object, operation)."""
        return dict(sorted(Counter((o.target, o.object, o.operation) for o in self.operations).items()))

    @property
    def is_empty(self) -> bool:
        return not self.operations

    def only(self, objects: Collection[str] = (), targets: Collection[str] = (), records: Collection[str] = ()) -> Plan:
        """The operations on these objects, targets and records; an empty choice means all."""
        return Plan(
            tuple(
                operation
                for operation in self.operations
                if (not objects or operation.object in objects)
                and (not targets or operation.target in targets)
                and (not records or any(operation.is_about(record) for record in records))
            )
        )


def read_plan(connection: duckdb.DuckDBPyConnection) -> Plan:
    """The plan as the last decision left it."""
    names = _names(connection)
    operations = []
    for target in TARGETS:
        operations += [_operation(row, names) for row in rows_of(connection, _ROWS.format(target=target))]
    return Plan(tuple(operations))


def _names(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """What people call the linked records that the plan touches."""
    found: dict[str, tuple[int, str]] = {}
    for link_id, field, value in connection.execute(_NAMES).fetchall():
        rank = _NAMING.index(field)
        if link_id not in found or rank < found[link_id][0]:
            found[link_id] = (rank, value)
    return {link_id: value for link_id, (_, value) in found.items()}


def _operation(row: Mapping[str, Any], names: Mapping[str, str]) -> PlannedOperation:
    changes, previous = json.loads(row["changes"]), json.loads(row["previous"])
    reasons, references = json.loads(row["reasons"]), json.loads(row["references"])
    values = {**changes, **{name: _to_come(row, reference) for name, reference in references.items()}}
    new_name = next((values[field] for field in _NAMING if values.get(field)), None)
    return PlannedOperation(
        target=row["target"],
        object=row["object"],
        operation=row["operation"],
        crm_object=row["crm_object"],
        record_id=row["record_id"],
        hubspot_id=row["hubspot_id"],
        salesforce_id=row["salesforce_id"],
        name=names.get(row["link_id"]) or new_name,
        changes=tuple(
            FieldChange(name, previous.get(name), values[name], reasons.get(name, "")) for name in sorted(values)
        ),
    )


def _to_come(row: Mapping[str, Any], reference: Mapping[str, str]) -> str:
    own = reference.get("link_id") == row["link_id"]
    return "(id of the record created in this run)" if own else "(id of the parent created in this run)"
