"""An independent judge of what syncs have done: it reads the CRMs' own write logs and records, and the journal.

Owns the promises: no duplicates, no lost edit, no undecided write, nothing overwritten unseen, agreement at the end.
Knows nothing of how the sync comes to its decisions.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

import duckdb
import orjson
from soak_people import CRMS, FIELDS, KEYS, Edit, Office, fields_of

from sandbox import control

_ATTEMPTS = """
select attempt_id, target, object, operation, record_id, hubspot_id, salesforce_id, changes, previous, outcome
from journal.push_attempts
"""
_CONFLICTS = "select object, hubspot_property, hubspot_value, salesforce_value from sync_health.field_conflicts"
_UNCOUNTED = """
select runs.run_id from journal.runs semi join journal.push_attempts as attempts on runs.run_id = attempts.run_id
where runs.api_calls is null
"""
_ID_FIELDS = {"hubspot": "salesforce_record_id", "salesforce": "HubSpot_Record_ID__c"}


def read_warehouse(office: Office) -> dict[str, Any]:
    """What the journal and the list of conflicts say. Call it in a process of its own."""
    with duckdb.connect(str(office.world.settings.warehouse_path), read_only=True) as connection:
        attempts = [
            {**dict(zip(("id", "target", "object", "operation", "record_id", "hubspot_id", "salesforce_id"), row[:7],
                        strict=True)),
             "changes": orjson.loads(row[7] or "{}"), "previous": orjson.loads(row[8] or "{}"), "outcome": row[9]}
            for row in connection.execute(_ATTEMPTS).fetchall()
        ]  # fmt: skip
        return {
            "attempts": attempts,
            "conflicts": connection.execute(_CONFLICTS).fetchall(),
            "uncounted": connection.execute(_UNCOUNTED).fetchall(),
        }


class Checker:
    """The judge of one office."""

    def __init__(self, office: Office, warehouse: dict[str, Any]) -> None:
        self._office = office
        self._attempts = warehouse["attempts"]
        self._conflicts = warehouse["conflicts"]
        self._uncounted = warehouse.get("uncounted", [])
        state_dir = office.world.state_dir
        self._log = {crm: control.write_log(state_dir, crm) for crm in CRMS}
        self._own = {crm: [one for one in self._log[crm] if str(one["actor"]).startswith("api:")] for crm in CRMS}
        self._records = {
            (crm, object_): control.records(state_dir, crm, office.name(object_, crm))
            for crm in CRMS
            for object_ in FIELDS
        }

    def faults(self) -> list[str]:
        """Every broken promise, in words."""
        return [
            *self._duplicates(), *self._disagreements(), *self._lost_edits(), *self._undecided_writes(),
            *self._unknown_attempts(), *self._uncounted_runs(),
        ]  # fmt: skip

    # ------------------------------------------------------------ records

    def _living(self, crm: str, object_: str, key: str) -> list[dict[str, Any]]:
        name = KEYS[object_][crm == "salesforce"]
        return [one for one in self._records[crm, object_] if _text(fields_of(one).get(name)).lower() == key.lower()]

    def _duplicates(self) -> Iterator[str]:
        for object_, key in self._office.things:
            counts = {crm: len(self._living(crm, object_, key)) for crm in CRMS}
            wanted = [1, 1] if (object_, key) not in self._office.deleted else [0, 1]
            if sorted(counts.values()) != wanted:
                yield f"{object_} {key}: {counts} living records"
        for crm in CRMS:
            for object_ in FIELDS:
                ids = [fields_of(one).get(_ID_FIELDS[crm]) for one in self._records[crm, object_]]
                present = [one for one in ids if one]
                if len(present) != len(set(present)):
                    yield f"{crm} {object_}: two records carry the same id of a counterpart"
            created = [one for one in self._own[crm] if one["operation"] == "create"]
            keys = [
                (one["object"], key)
                for one in created
                if (key := _text((one["changes"].get(_ID_FIELDS[crm]) or [None, None])[1]))
            ]
            if len(keys) != len(set(keys)):
                yield f"{crm}: a record was created twice: {sorted(key for key in set(keys) if keys.count(key) > 1)}"

    def _disagreements(self) -> Iterator[str]:
        for object_, key in self._office.things:
            if (object_, key) in self._office.deleted:
                continue
            sides = [self._living(crm, object_, key) for crm in CRMS]
            if [len(side) for side in sides] != [1, 1]:
                continue
            for names in FIELDS[object_]:
                values = [fields_of(sides[0][0]).get(names[0]), fields_of(sides[1][0]).get(names[1])]
                if not _same(*values):
                    yield f"{object_} {key} {names[0]}: HubSpot has {values[0]!r}, Salesforce {values[1]!r}"

    # ------------------------------------------------------------ edits

    def _lost_edits(self) -> Iterator[str]:
        by_field: dict[tuple[str, str, int], list[Edit]] = {}
        for edit in self._office.edits:
            by_field.setdefault((edit.object, edit.key, edit.field), []).append(edit)
        for (object_, key, index), edits in by_field.items():
            if (object_, key) in self._office.deleted:
                continue
            holding = [one for crm in CRMS for one in self._living(crm, object_, key)]
            final = [
                fields_of(one).get(name) for one in holding for name in FIELDS[object_][index] if name in fields_of(one)
            ]
            for position, edit in enumerate(edits):
                if any(_same(value, edit.value) for value in final):
                    continue
                if any(later.crm == edit.crm for later in edits[position + 1 :]):
                    continue
                is_seen = self._was_delivered(edit) and any(later.crm != edit.crm for later in edits[position + 1 :])
                if not is_seen and not self._is_told(edit):
                    yield f"lost: {edit.crm} {object_} {key} {FIELDS[object_][index][0]} = {edit.value!r} (now {final})"

    def _was_delivered(self, edit: Edit) -> bool:
        """Whether the sync has written the value to the other side."""
        other = "salesforce" if edit.crm == "hubspot" else "hubspot"
        name = FIELDS[edit.object][edit.field][other == "salesforce"]
        return any(name in one["changes"] and _same(one["changes"][name][1], edit.value) for one in self._own[other])

    def _is_told(self, edit: Edit) -> bool:
        """Whether a conflict row shows the value."""
        name = FIELDS[edit.object][edit.field][0]
        return any(
            object_ == edit.object and field == name and any(_same(value, edit.value) for value in values)
            for object_, field, *values in self._conflicts
        )

    # ------------------------------------------------------------ writes

    def _undecided_writes(self) -> Iterator[str]:
        """Every change that the sync made must have been in the journal first, with the value that was there."""
        by_value: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for attempt in self._attempts:
            for name, value in attempt["changes"].items():
                by_value.setdefault((attempt["target"], name), []).append({**attempt, "value": value})
        mapped = {
            crm: {names[crm == "salesforce"] for fields in FIELDS.values() for names in fields} | {_ID_FIELDS[crm]}
            for crm in CRMS
        }
        for crm in CRMS:
            for one in self._own[crm]:
                for name in mapped[crm] & one["changes"].keys():
                    old, new = one["changes"][name]
                    decided = [
                        attempt
                        for attempt in by_value.get((crm, name), ())
                        if _same(attempt["value"], new)
                        and (one["operation"] == "create" or one["id"] in (attempt["record_id"], attempt[f"{crm}_id"]))
                    ]
                    if one["operation"] == "create" and name == _ID_FIELDS[crm]:
                        continue
                    if not decided:
                        yield f"undecided: {crm} {one['object']} {one['id']} {name}: {old!r} -> {new!r}"
                    elif one["operation"] != "create" and not any(
                        _same(attempt["previous"].get(name), old) for attempt in decided
                    ):
                        yield f"overwritten unseen: {crm} {one['object']} {one['id']} {name}: {old!r} -> {new!r}"

    def _unknown_attempts(self) -> Iterator[str]:
        open_ones = [one["id"] for one in self._attempts if one["outcome"] in (None, "unknown")]
        if open_ones:
            yield f"{len(open_ones)} attempts have no outcome"

    def _uncounted_runs(self) -> Iterator[str]:
        """The budget must know of every run's calls, of those that were killed too."""
        if self._uncounted:
            yield f"the calls of these runs are not counted: {sorted(run for (run,) in self._uncounted)}"


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _same(left: Any, right: Any) -> bool:
    first, second = _text(left).strip(), _text(right).strip()
    if first == second:
        return True
    try:
        return Decimal(first) == Decimal(second)
    except InvalidOperation:
        return False
