"""Rules that an administrator or a test switches: triggers, validation and duplicate rules, locks, access.

Owns: their state (kept in the database, locks only in memory) and the errors they raise.
Refuses: to be called outside a save. [Salesforce docs: duplicate rule header, DuplicateResult; captured replies]

A validation rule's condition is written as a SOQL filter over the record: when it holds, the save fails.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from random import Random
from typing import Any

from sandbox.faults import CURRENT
from sandbox.salesforce.errors import RowError
from sandbox.salesforce.ids import to_18
from sandbox.salesforce.schema.catalog import View
from sandbox.salesforce.schema.fields import SObject
from sandbox.salesforce.soql.compiler import compile_query
from sandbox.salesforce.soql.parser import parse
from sandbox.salesforce.store import Row, Store
from sandbox.salesforce.triggers import TRIGGERS, fill

DUPLICATE_FIELDS = {"Account": ["Name"], "Contact": ["Email"], "Lead": ["Email"]}


@dataclass(frozen=True)
class ValidationRule:
    """`when` is a SOQL filter; `error_field` puts the error on a field."""

    object: str
    name: str
    when: str
    message: str
    error_field: str | None = None
    code: str = "FIELD_CUSTOM_VALIDATION_EXCEPTION"


@dataclass(frozen=True)
class DuplicateRule:
    """Records equal in all `fields` (blank ones never) are duplicates; `alert` can be passed, `block` not."""

    object: str
    fields: list[str]
    action: str = "alert"


@dataclass
class RuleState:
    triggers: list[str] = field(default_factory=list)
    validation: dict[str, ValidationRule] = field(default_factory=dict)
    duplicate: dict[str, DuplicateRule] = field(default_factory=dict)
    read_only_records: list[str] = field(default_factory=list)
    invisible_records: list[str] = field(default_factory=list)
    set_fields: list[list[str]] = field(default_factory=list)
    """[object, field, template] of the triggers that set a field."""


class Rules:
    """The switched rules of one organisation."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.state = RuleState()
        self.locks: dict[str, int] = {}
        self._random = Random(0)

    def restore(self) -> None:
        """Read the state back from the database."""
        saved = self.store.document("rules") or {}
        self.locks.clear()
        self.state = RuleState(
            list(saved.get("triggers", [])),
            {name: ValidationRule(**rule) for name, rule in saved.get("validation", {}).items()},
            {name: DuplicateRule(**rule) for name, rule in saved.get("duplicate", {}).items()},
            list(saved.get("read_only_records", [])),
            list(saved.get("invisible_records", [])),
            list(saved.get("set_fields", [])),
        )

    def keep(self) -> None:
        """Write the state to the database."""
        with self.store.savepoint():
            self.store.put_document("rules", asdict(self.state))

    def lock(self, record_id: str, times: int) -> None:
        """Let the next saves of a record fail with UNABLE_TO_LOCK_ROW."""
        self.locks[to_18(record_id)] = times

    # --- checks, in the order of a save

    def check_access(self, record_id: str, is_human: bool) -> None:
        if is_human:
            return
        self.check_fault(record_id)
        if self.locks.get(record_id, 0) > 0:
            self.locks[record_id] -= 1
            message = f"unable to obtain exclusive access to this record or 1 records: {record_id}"
            raise RowError("UNABLE_TO_LOCK_ROW", message)
        self.check_visible(record_id)
        if record_id in self.state.read_only_records:
            raise RowError("INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id")

    def check_visible(self, record_id: str) -> None:
        """A record that is not shared with the API user can be neither changed nor referred to (the code is one of
        two that integrations report: a guess)."""
        if record_id in self.state.invisible_records:
            message = "insufficient access rights on cross-reference id"
            raise RowError("INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", message)

    def check_fault(self, record_id: str) -> None:
        """UNABLE_TO_LOCK_ROW when the fault plan says so: for a `share` of the rows of the request."""
        fault = CURRENT.get()
        if fault is not None and fault.kind == "row_lock" and self._random.random() < fault.number("share", 1):
            message = f"unable to obtain exclusive access to this record or 1 records: {record_id}"
            raise RowError("UNABLE_TO_LOCK_ROW", message)

    def run_triggers(self, sobject: SObject, row: Row) -> None:
        for name in self.state.triggers:
            TRIGGERS[name](sobject, row)
        for object_name, name, template in self.state.set_fields:
            if object_name == sobject.name:
                row[name] = fill(template, row) or None

    def check_duplicates(
        self, sobject: SObject, row: Row, allow_save: bool, url_base: str, changed: Callable[[str], bool]
    ) -> None:
        """DUPLICATES_DETECTED when another record matches the object's rule."""
        rule = self.state.duplicate.get(sobject.name)
        if rule is None or (allow_save and rule.action == "alert"):
            return
        values = {name: row.get(name) for name in rule.fields}
        if any(value in (None, "") for value in values.values()) or not any(map(changed, values)):
            return
        first, *others = rule.fields
        for record_id in self.store.ids_with(sobject, first, values[first]):
            found = self.store.row(sobject, record_id)
            if record_id == row["Id"] or found is None:
                continue
            if all(str(found.get(name)).casefold() == str(values[name]).casefold() for name in others):
                raise _duplicates_detected(sobject, rule, record_id, url_base)

    def check_validation(self, sobject: SObject, record_id: str, view: View, today: date) -> None:
        """FIELD_CUSTOM_VALIDATION_EXCEPTION (or a failing trigger's code) when a rule holds for the written record."""
        for rule in self.state.validation.values():
            if rule.object != sobject.name:
                continue
            compiled = compile_query(parse(f"SELECT Id FROM {rule.object} WHERE {rule.when}"), view, today)
            sql = f'select 1 {compiled.joins} where t0."Id" = ? and {compiled.condition}'
            if self.store.connection.execute(sql, [record_id, *compiled.parameters]).fetchone():
                fields = [rule.error_field] if rule.error_field else []
                raise RowError(rule.code, rule.message, fields)


def _duplicates_detected(sobject: SObject, rule: DuplicateRule, record_id: str, url_base: str) -> RowError:
    message = "Use one of these records?"
    record: Mapping[str, Any] = {
        "attributes": {"type": sobject.name, "url": f"{url_base}/sobjects/{sobject.name}/{record_id}"},
        "Id": record_id,
    }
    match = {"additionalInformation": [], "fieldDiffs": [], "matchConfidence": 100.0, "record": record}
    result = {
        "allowSave": rule.action == "alert",
        "duplicateRule": f"Standard_{sobject.name}_Duplicate_Rule",
        "duplicateRuleEntityType": sobject.name,
        "errorMessage": message,
        "matchResults": [
            {
                "entityType": sobject.name,
                "errors": [],
                "matchEngine": "FuzzyMatchEngine",
                "matchRecords": [match],
                "rule": f"Standard_{sobject.name}_Match_Rule_v1_1",
                "size": 1,
                "success": True,
            }
        ],
    }
    return RowError("DUPLICATES_DETECTED", message, [], {"duplicateResult": result})
