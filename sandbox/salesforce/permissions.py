"""Field-level security: permission sets, what they open, and to whom.

Owns: the grants of a user, and the checks special to the permission objects. Refuses: profiles.
[Salesforce docs: FieldPermissions, PermissionSetAssignment]
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from sandbox.salesforce.errors import RowError
from sandbox.salesforce.schema.catalog import Grants, Schema, View
from sandbox.salesforce.schema.fields import Field, SObject
from sandbox.salesforce.store import Row, Store

OBJECTS = frozenset({"PermissionSet", "PermissionSetAssignment", "FieldPermissions"})


class FullView(View):
    """The schema without any field-level security: what a human administrator sees."""

    def __init__(self, schema: Schema) -> None:
        super().__init__(schema, Grants())

    def can_read(self, sobject: SObject, field: Field) -> bool:
        return True

    def can_edit(self, sobject: SObject, field: Field) -> bool:
        return True


class Permissions:
    """Who may read and edit which custom field."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.full_view = FullView(store.schema)
        self._views: dict[str, View] = {}
        self.hidden_records: frozenset[str] = frozenset()

    def view(self, user_id: str) -> View:
        """The schema as a user sees it now."""
        if user_id not in self._views:
            self._views[user_id] = View(self.store.schema, self._grants(user_id), self.hidden_records)
        return self._views[user_id]

    def forget(self) -> None:
        """Read the grants again, after a change that did not come through `saved`."""
        self._views.clear()

    def saved(self, sobject: SObject) -> None:
        if sobject.name in OBJECTS:
            self.forget()

    def check(self, sobject: SObject, row: Row) -> None:
        """What must hold of a permission row before it is written."""
        if sobject.name == "FieldPermissions":
            self._check_field(sobject, row)
        elif sobject.name == "PermissionSetAssignment":
            condition = '"PermissionSetId" = ? and "AssigneeId" = ?'
            values = (row["PermissionSetId"], row["AssigneeId"])
            if any(self.store.rows_where(sobject, condition, values)):
                message = (
                    f"Duplicate PermissionSetAssignment. Assignee: {row['AssigneeId']}; Permission Set:"
                    f" {row['PermissionSetId']}"
                )
                raise RowError("DUPLICATE_VALUE", message, ["AssigneeId", "PermissionSetId"])

    def _check_field(self, sobject: SObject, row: Row) -> None:
        object_name, _, field_name = str(row["Field"]).partition(".")
        target = self.store.schema.find(object_name)
        field = target.find(field_name) if target is not None else None
        if target is None or field is None or target.name.lower() != str(row["SobjectType"]).lower():
            message = f"Field Name: bad value for restricted picklist field: {row['Field']}"
            raise RowError("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, ["Field"])
        if row["PermissionsEdit"] and not row["PermissionsRead"]:
            raise RowError("FIELD_INTEGRITY_EXCEPTION", "Edit permission requires read permission", ["PermissionsRead"])
        row["SobjectType"], row["Field"] = target.name, f"{target.name}.{field.name}"
        condition = '"ParentId" = ? and "Field" = ? and "Id" <> ?'
        others = self.store.rows_where(sobject, condition, (row["ParentId"], row["Field"], row["Id"]))
        for other in others:
            message = f"duplicate value found: <unknown> duplicates value on record with id: {other['Id'][:15]}"
            raise RowError("DUPLICATE_VALUE", message)

    def _grants(self, user_id: str) -> Grants:
        rows = list(self._granted(user_id))
        return Grants(
            frozenset((object_name, field) for object_name, field, can_read, _ in rows if can_read),
            frozenset((object_name, field) for object_name, field, _, can_edit in rows if can_edit),
        )

    def _granted(self, user_id: str) -> Iterator[tuple[str, str, bool, bool]]:
        query = (
            'select f."Field", f."PermissionsRead", f."PermissionsEdit" from "FieldPermissions" as f'
            ' join "PermissionSetAssignment" as a on a."PermissionSetId" = f."ParentId" where a."AssigneeId" = ?'
        )
        for path, can_read, can_edit in self.store.connection.execute(query, (user_id,)):
            with suppress(ValueError):
                object_name, field = path.split(".", 1)
                yield object_name, field, bool(can_read), bool(can_edit)
