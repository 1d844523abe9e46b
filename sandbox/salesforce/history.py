"""Field history: who changed a tracked field from what to what.

Owns: rows of AccountHistory, ContactHistory, LeadHistory and OpportunityFieldHistory.
Refuses: to decide which fields are tracked (the schema says).
[Salesforce docs: ContactHistory, OpportunityFieldHistory: a row `created` to begin with; long text has no values]
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from sandbox.salesforce.schema.fields import Field, SObject
from sandbox.salesforce.schema.setup_objects import HISTORIES
from sandbox.salesforce.store import Store

DATA_TYPES = {
    "reference": "EntityId", "boolean": "Boolean", "int": "Integer", "double": "Double", "currency": "Currency",
    "percent": "Percent", "date": "DateOnly", "datetime": "DateTime", "picklist": "DynamicEnum", "phone": "PhoneNumber",
    "url": "Url", "email": "Email", "textarea": "TextArea", "multipicklist": "MultiEnum",
}  # fmt: skip


class History:
    """Writes history rows; call inside the savepoint of the change itself."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def created(self, sobject: SObject, record_id: str, user_id: str, stamp: str) -> None:
        self.event(sobject, record_id, "created", user_id, stamp)

    def event(self, sobject: SObject, record_id: str, event: str, user_id: str, stamp: str) -> None:
        """A row that tells of an event (`created`, `leadConverted`, `contactMerged`) and no values."""
        if sobject.name in HISTORIES:
            self._add(sobject, record_id, event, "Text", (None, None), user_id, stamp)

    def changed(
        self,
        sobject: SObject,
        record_id: str,
        changes: Mapping[str, tuple[Any, Any]],
        user_id: str,
        stamp: str,
    ) -> None:
        if sobject.name not in HISTORIES:
            return
        for name, values in changes.items():
            field = sobject.fields[name]
            if field.is_tracked:
                self._field(sobject, record_id, field, values, user_id, stamp)

    def _field(
        self,
        sobject: SObject,
        record_id: str,
        field: Field,
        values: tuple[Any, Any],
        user_id: str,
        stamp: str,
    ) -> None:
        data_type = DATA_TYPES.get(field.type, "Text")
        name = field.name if field.custom else field.name.removesuffix("Id") if field.reference_to else field.name
        if field.reference_to:
            labels = (self._label(values[0]), self._label(values[1]))
            self._add(sobject, record_id, name, "Text", labels, user_id, stamp)
        if field.is_long_text or field.type == "multipicklist":
            values = (None, None)
        self._add(sobject, record_id, name, data_type, values, user_id, stamp)

    def _label(self, record_id: str | None) -> str | None:
        target = self.store.schema.object_of_id(record_id) if record_id else None
        row = self.store.row(target, record_id) if target is not None and record_id is not None else None
        return None if row is None or target is None else row.get(target.name_field)

    def _add(
        self,
        sobject: SObject,
        record_id: str,
        field: str,
        data_type: str,
        values: tuple[Any, Any],
        user_id: str,
        stamp: str,
    ) -> None:
        name, parent_field, _ = HISTORIES[sobject.name]
        table = self.store.schema.objects[name.lower()]
        old, new = (None if value is None else orjson.dumps(value).decode() for value in values)
        row = {
            "Id": self.store.next_id(table),
            "IsDeleted": False,
            parent_field: record_id,
            "CreatedById": user_id,
            "CreatedDate": stamp,
            "Field": field,
            "DataType": data_type,
            "OldValue": old,
            "NewValue": new,
        }
        self.store.insert(table, row)
