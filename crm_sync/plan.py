"""The plan: what the next push writes, read from the diff tables and shown to people.

Owns the shape in which a plan is read and printed. Decides nothing: every line is a row of diff_hubspot or
diff_salesforce.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import duckdb

_ROWS = """
select '{target}' as target, object, operation, crm_object, record_id, hubspot_id, salesforce_id, link_id,
    changes, previous, "references", reasons
from reverse_etl.diff_{target}
order by push_order, object, operation, coalesce(hubspot_id, ''), coalesce(salesforce_id, '')
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
    changes: tuple[FieldChange, ...]


@dataclass(frozen=True)
class Plan:
    """Everything that the next push would write."""

    operations: tuple[PlannedOperation, ...]

    @property
    def counts(self) -> dict[tuple[str, str, str], int]:
        """Records by (target, object, operation)."""
        return dict(sorted(Counter((o.target, o.object, o.operation) for o in self.operations).items()))

    @property
    def is_empty(self) -> bool:
        return not self.operations


def read_plan(connection: duckdb.DuckDBPyConnection) -> Plan:
    """The plan as the last decision left it."""
    operations = []
    for target in ("salesforce", "hubspot"):
        cursor = connection.execute(_ROWS.format(target=target))
        columns = [column[0] for column in cursor.description or ()]
        operations += [_operation(dict(zip(columns, row, strict=True))) for row in cursor.fetchall()]
    return Plan(tuple(operations))


def render_plan(plan: Plan, most: int | None = None) -> Iterator[str]:
    """The plan as plain lines: counts first, then record by record. `most` limits the records shown."""
    if plan.is_empty:
        yield "Nothing to write: both CRMs agree."
        return
    yield "Would write:"
    for (target, object_, kind), records in plan.counts.items():
        yield f"  {target:<10} {object_:<10} {kind:<10} {records:>8,}"
    shown = plan.operations if most is None else plan.operations[:most]
    for operation in shown:
        yield ""
        yield _headline(operation)
        width = max((len(change.field) for change in operation.changes), default=0)
        for change in operation.changes:
            if operation.operation == "create":
                yield f"    {change.field:<{width}}  {_shown(change.new)}"
            else:
                yield f"    {change.field:<{width}}  {_shown(change.old)} -> {_shown(change.new)}  ({change.reason})"
    if len(shown) < len(plan.operations):
        yield ""
        yield f"... and {len(plan.operations) - len(shown):,} more records (--limit 0 shows all)."


def plan_document(plan: Plan) -> dict[str, Any]:
    """The plan as a JSON document."""
    return {
        "counts": [
            {"target": target, "object": object_, "operation": operation, "records": records}
            for (target, object_, operation), records in plan.counts.items()
        ],
        "operations": [
            {
                "target": operation.target,
                "object": operation.object,
                "operation": operation.operation,
                "hubspot_id": operation.hubspot_id,
                "salesforce_id": operation.salesforce_id,
                "changes": [vars(change) for change in operation.changes],
            }
            for operation in plan.operations
        ],
    }


def _operation(row: Mapping[str, Any]) -> PlannedOperation:
    changes, previous = json.loads(row["changes"]), json.loads(row["previous"])
    reasons, references = json.loads(row["reasons"]), json.loads(row["references"])
    values = {**changes, **{name: _to_come(row, reference) for name, reference in references.items()}}
    return PlannedOperation(
        target=row["target"],
        object=row["object"],
        operation=row["operation"],
        crm_object=row["crm_object"],
        record_id=row["record_id"],
        hubspot_id=row["hubspot_id"],
        salesforce_id=row["salesforce_id"],
        changes=tuple(
            FieldChange(name, previous.get(name), values[name], reasons.get(name, "")) for name in sorted(values)
        ),
    )


def _to_come(row: Mapping[str, Any], reference: Mapping[str, str]) -> str:
    own = reference.get("link_id") == row["link_id"]
    return "(id of the record created in this run)" if own else "(id of the parent created in this run)"


def _headline(operation: PlannedOperation) -> str:
    sign = {"create": "+", "archive": "-"}.get(operation.operation, "~")
    if operation.operation == "create":
        source = operation.hubspot_id or operation.salesforce_id
        other = "HubSpot" if operation.target == "salesforce" else "Salesforce"
        return f"{sign} {operation.target} {operation.crm_object}: create from {other} {source}"
    if operation.operation == "archive":
        return f"{sign} {operation.target} {operation.crm_object} {operation.record_id}: to the recycle bin"
    return f"{sign} {operation.target} {operation.crm_object} {operation.record_id}: {operation.operation}"


def _shown(value: str | None) -> str:
    if value is None:
        return "(blank)"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else f'{text[:77]}..."'
