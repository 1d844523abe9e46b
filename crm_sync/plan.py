"""The plan: what the next push writes, read from the diff tables.

Owns the shape of a plan and the choice of parts of it; `plan_rendering.py` prints it. Decides nothing: every line is
a row of diff_hubspot or diff_salesforce.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, overload

import duckdb
import pyarrow as pa

#: The order in which a target is written is that of the push: Salesforce first within a push order.
TARGETS = ("salesforce", "hubspot")
#: Fields that name a record to people, by how well they do.
_NAMING = ("email", "dealname", "name", "domain", "hs_task_subject", "lastname", "Email", "Name", "Subject", "LastName")

_ROWS = """
with operations as (
    {operations}
),

names as (
    select
        link_id,
        arg_min(
            coalesce(hubspot_value, salesforce_value), list_position(string_split($naming, ','), hubspot_property)
        ) as name
    from merging.field_decisions
    where hubspot_property in ('email', 'dealname', 'name', 'domain', 'hs_task_subject')
        and coalesce(hubspot_value, salesforce_value) is not null
        and link_id in (select link_id from operations)
    group by link_id
)

select
    operations.target, operations.object, operations.operation, operations.crm_object, operations.record_id,
    operations.hubspot_id, operations.salesforce_id, operations.link_id, operations.changes::text as changes,
    operations.previous::text as previous, operations."references"::text as "references",
    operations.reasons::text as reasons, names.name
from operations
left join names on operations.link_id = names.link_id
order by
    operations.target = 'hubspot', operations.push_order, operations.object, operations.operation,
    coalesce(operations.hubspot_id, ''), coalesce(operations.salesforce_id, ''), operations.operation_id
"""
_OF_TARGET = "select '{target}' as target, * from reverse_etl.diff_{target}"
_FETCH_ROWS = 1_000


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


class StoredOperations(Sequence[PlannedOperation]):
    """The operations of a decision, kept as the columns of the diff tables; each is made when it is looked at."""

    def __init__(self, rows: pa.Table) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return int(self._rows.num_rows)

    @overload
    def __getitem__(self, place: int) -> PlannedOperation: ...

    @overload
    def __getitem__(self, place: slice) -> StoredOperations: ...

    def __getitem__(self, place: int | slice) -> PlannedOperation | StoredOperations:
        if isinstance(place, slice):
            return self.taken(range(len(self))[place])
        return _operation(self._rows.slice(range(len(self))[place], 1).to_pylist()[0])

    def __iter__(self) -> Iterator[PlannedOperation]:
        for batch in self._rows.to_batches(_FETCH_ROWS):
            for row in batch.to_pylist():
                yield _operation(row)

    def taken(self, places: Sequence[int]) -> StoredOperations:
        """Some of them."""
        return StoredOperations(self._rows.take(pa.array(places, pa.int64())))

    def counts(self) -> Counter[tuple[str, str, str]]:
        keys = ["target", "object", "operation"]
        grouped = self._rows.select(keys).group_by(keys).aggregate([([], "count_all")]).to_pylist()
        return Counter({(row["target"], row["object"], row["operation"]): row["count_all"] for row in grouped})


@dataclass(frozen=True)
class Plan:
    """Everything that the next push would write, or a chosen part of it."""

    operations: Sequence[PlannedOperation]

    @property
    def counts(self) -> dict[tuple[str, str, str], int]:
        """Records by (target, object, operation)."""
        if isinstance(self.operations, StoredOperations):
            found = self.operations.counts()
        else:
            found = Counter((one.target, one.object, one.operation) for one in self.operations)
        return dict(sorted(found.items()))

    @property
    def is_empty(self) -> bool:
        return not self.operations

    def only(self, objects: Collection[str] = (), targets: Collection[str] = (), records: Collection[str] = ()) -> Plan:
        """The operations on these objects, targets and records; an empty choice means all."""
        if not objects and not targets and not records:
            return self
        places = [
            place
            for place, operation in enumerate(self.operations)
            if (not objects or operation.object in objects)
            and (not targets or operation.target in targets)
            and (not records or any(operation.is_about(record) for record in records))
        ]
        if isinstance(self.operations, StoredOperations):
            return Plan(self.operations.taken(places))
        return Plan(tuple(self.operations[place] for place in places))


def read_plan(connection: duckdb.DuckDBPyConnection) -> Plan:
    """The plan as the last decision left it."""
    operations = " union all by name ".join(_OF_TARGET.format(target=target) for target in TARGETS)
    rows = connection.sql(_ROWS.format(operations=operations), params={"naming": ",".join(_NAMING)})
    return Plan(StoredOperations(rows.to_arrow_table()))


def _operation(row: Mapping[str, Any]) -> PlannedOperation:
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
        name=row["name"] or new_name,
        changes=tuple(
            FieldChange(name, previous.get(name), values[name], reasons.get(name, "")) for name in sorted(values)
        ),
    )


def _to_come(row: Mapping[str, Any], reference: Mapping[str, str]) -> str:
    own = reference.get("link_id") == row["link_id"]
    return "(id of the record created in this run)" if own else "(id of the parent created in this run)"
