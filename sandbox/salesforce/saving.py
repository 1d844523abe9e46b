"""The one way in which a record comes to be or changes.

Owns: `Saving.create` and `Saving.update`: resolving names, defaults, triggers, checks against other records,
stamps, the write log and field history. Refuses: HTTP, deletes and merges (`removal` does those).
[Salesforce docs: REST API, sObject rows; order of execution; captured replies]
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sandbox.salesforce.errors import RowError, entity_is_deleted, no_such_column, read_only_fields
from sandbox.salesforce.history import History
from sandbox.salesforce.permissions import OBJECTS as SETUP_OBJECTS
from sandbox.salesforce.permissions import Permissions
from sandbox.salesforce.rules import Rules
from sandbox.salesforce.schema.catalog import View
from sandbox.salesforce.schema.fields import Field, SObject
from sandbox.salesforce.store import Row, Store
from sandbox.salesforce.triggers import derive
from sandbox.salesforce.validation import WrongType, normalise, wrong_json
from sandbox.salesforce.values import format_datetime

STAMPS = frozenset({"CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "SystemModstamp"})


@dataclass(frozen=True)
class Actor:
    """Who acts, through what, and when. A human (by the control app) may write fields hidden from the API."""

    user_id: str
    log_name: str
    method: str
    view: View
    now: datetime
    is_human: bool = False
    allow_duplicates: bool = False
    url_base: str = "/services/data/v60.0"
    wrong_type: WrongType = wrong_json

    @property
    def stamp(self) -> str:
        return format_datetime(self.now)


class Saving:
    """Creates and updates records of one organisation; call inside a savepoint."""

    def __init__(self, store: Store, rules: Rules, permissions: Permissions) -> None:
        self.store = store
        self.rules = rules
        self.permissions = permissions
        self.history = History(store)

    def create(self, actor: Actor, sobject: SObject, values: Mapping[str, Any]) -> str:
        """A new record; its id. RowError (or ParserError) when it is refused, and then nothing is written."""
        if not sobject.createable:
            message = f"entity type cannot be inserted: {sobject.label}"
            raise RowError("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", message)
        sent = self._resolve(actor, sobject, values, creating=True)
        row = self._with_defaults(actor, sobject, sent)
        row["Id"] = self.store.next_id(sobject)
        if not actor.is_human:
            self.rules.check_fault(row.get("AccountId") or row["Id"])
        self._complete(actor, sobject, row, None, sent)
        self._stamp(actor, sobject, row, creating=True)
        with self.store.savepoint():
            self.store.insert(sobject, row)
            self.rules.check_validation(sobject, row["Id"], actor.view, actor.now.date())
            changes = {name: (None, value) for name, value in row.items() if _is_told(name, value)}
            self._log(actor, sobject, row["Id"], "create", changes)
            self.history.created(sobject, row["Id"], actor.user_id, actor.stamp)
            self._follow_up(actor, sobject, row, sent)
        return str(row["Id"])

    def update(self, actor: Actor, sobject: SObject, record_id: str, values: Mapping[str, Any]) -> None:
        """Change a record. Its stamps move even when every value stays as it was."""
        old = self.store.row(sobject, record_id)
        if old is None or old.get("IsDeleted"):
            raise entity_is_deleted()
        if not sobject.updateable:
            message = f"entity type cannot be updated: {sobject.label}"
            raise RowError("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", message)
        self.rules.check_access(record_id, actor.is_human)
        if old.get("IsConverted") and not actor.is_human:
            raise RowError("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")
        sent = self._resolve(actor, sobject, values, creating=False)
        row = old | sent
        self._complete(actor, sobject, row, old, sent)
        changes = {name: (old[name], row[name]) for name in row if row[name] != old[name]}
        self._stamp(actor, sobject, row, creating=False)
        with self.store.savepoint():
            written = {name: row[name] for name in row if row[name] != old[name]}
            if written:
                self.store.update(sobject, record_id, written)
            self.rules.check_validation(sobject, record_id, actor.view, actor.now.date())
            if changes:
                self._log(actor, sobject, record_id, "update", changes)
                self.history.changed(sobject, record_id, changes, actor.user_id, actor.stamp)
            self._follow_up(actor, sobject, row, sent)

    # --- from what was sent to a row

    def _resolve(self, actor: Actor, sobject: SObject, values: Mapping[str, Any], creating: bool) -> Row:
        """What was sent, by canonical field name and as it will be stored."""
        found: list[tuple[Field, Any]] = []
        refused: list[str] = []
        for name, value in values.items():
            if name == "attributes":
                continue
            field = actor.view.find(sobject, name)
            if field is None:
                field, value = self._by_external_id(actor, sobject, name, value)
            allowed = field.createable if creating else field.updateable
            if not allowed or not actor.view.can_edit(sobject, field):
                refused.append(field.name)
            else:
                found.append((field, value))
        if refused:
            raise read_only_fields(refused)
        return {field.name: normalise(field, value, actor.wrong_type) for field, value in found}

    def _by_external_id(self, actor: Actor, sobject: SObject, name: str, value: Any) -> tuple[Field, str | None]:
        """A reference given as `{"Account": {"Ext__c": "x"}}`."""
        field = next(
            (
                each
                for each in actor.view.fields(sobject)
                if each.relationship and each.relationship.lower() == name.lower()
            ),
            None,
        )
        if field is None or not isinstance(value, Mapping):
            if field is not None and value is None:
                return field, None
            raise no_such_column(name, sobject.name)
        keys = {key: each for key, each in value.items() if key not in ("attributes", "type")}
        attributes = value.get("attributes")
        named = str(attributes.get("type")) if isinstance(attributes, Mapping) else field.reference_to[0]
        target = self.store.schema.find(named) if named in field.reference_to else None
        if len(keys) != 1 or target is None:
            raise no_such_column(name, sobject.name)
        ((key_name, key_value),) = keys.items()
        key = actor.view.find(target, key_name)
        if key is None or not (key.external_id or key.id_lookup):
            raise no_such_column(key_name, target.name)
        ids = self.store.ids_with(target, key.name, normalise(key, key_value, actor.wrong_type), 2)
        if len(ids) != 1:
            message = f"Foreign key external ID: {key_value} not found for field {key.name} in entity {target.name}"
            raise RowError("INVALID_FIELD", message)
        return field, ids[0]

    def _with_defaults(self, actor: Actor, sobject: SObject, sent: Row) -> Row:
        row: Row = {}
        for field in sobject.fields.values():
            if not field.is_stored:
                continue
            value = field.default_value
            if value is None and field.type == "boolean":
                value = False
            row[field.name] = value
        if "OwnerId" in row:
            row["OwnerId"] = actor.user_id
        if "RecordTypeId" in row and sobject.fields["RecordTypeId"].defaulted_on_create:
            row["RecordTypeId"] = self._default_record_type(sobject)
        for name, value in sent.items():
            if value is not None or sobject.fields[name].nillable:
                row[name] = value
        return row

    def _default_record_type(self, sobject: SObject) -> str | None:
        record_type = self.store.schema.objects["recordtype"]
        condition = '"SobjectType" = ? and "IsActive" = 1'
        return next((row["Id"] for row in self.store.rows_where(record_type, condition, (sobject.name,))), None)

    # --- triggers and checks

    def _complete(self, actor: Actor, sobject: SObject, row: Row, old: Row | None, sent: Row) -> None:
        self.rules.run_triggers(sobject, row)
        derive(sobject, row, old, sent, self._stage, actor.stamp)
        missing = [
            field.name
            for field in sobject.fields.values()
            if not field.nillable
            and row.get(field.name) is None
            and (field.is_required if old is None else field.name in sent)
        ]
        if missing:
            message = f"Required fields are missing: [{', '.join(missing)}]"
            raise RowError("REQUIRED_FIELD_MISSING", message, missing)
        self._check_references(actor, sobject, row, sent)
        if sobject.name == "Task":
            row["AccountId"] = self._account_of_task(row)
        self.permissions.check(sobject, row)

        def is_changed(name: str) -> bool:
            return old is None or old.get(name) != row.get(name)

        self._check_unique(sobject, row, is_changed)
        self.rules.check_duplicates(sobject, row, actor.allow_duplicates or actor.is_human, actor.url_base, is_changed)

    def _stage(self, name: str) -> Row | None:
        stage = self.store.schema.objects["opportunitystage"]
        return next(self.store.rows_where(stage, '"ApiName" = ?', (name,)), None)

    def _check_references(self, actor: Actor, sobject: SObject, row: Row, sent: Iterable[str]) -> None:
        for name in sent:
            field, value = sobject.fields[name], row[name]
            if field.type != "reference" or value is None or not field.reference_to:
                continue
            target = self.store.schema.object_of_id(value)
            if target is None or target.name not in field.reference_to:
                message = f"{field.label}: id value of incorrect type: {value}"
                raise RowError("FIELD_INTEGRITY_EXCEPTION", message, [name])
            if not actor.is_human:
                self.rules.check_visible(value)
            is_alive = self.store.exists(target, value)
            if is_alive is None:
                raise RowError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [])
            if not is_alive:
                raise entity_is_deleted()
            self._check_target(sobject, target, name, value)

    def _check_target(self, sobject: SObject, target: SObject, name: str, value: str) -> None:
        if target.name not in ("User", "Lead", "RecordType"):
            return
        row = self.store.row(target, value) or {}
        if target.name == "User" and name == "OwnerId" and not row.get("IsActive"):
            message = f"operation performed with inactive user [{value}] as owner of {sobject.name.lower()}"
            raise RowError("INACTIVE_OWNER_OR_USER", message)
        if target.name == "Lead" and row.get("IsConverted"):
            raise RowError("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")
        if target.name == "RecordType" and row.get("SobjectType") != sobject.name:
            raise RowError("INVALID_CROSS_REFERENCE_KEY", "Record Type ID: this ID value isn't valid for the user:"
                           f" {value}", [name])  # fmt: skip

    def _check_unique(self, sobject: SObject, row: Row, is_changed: Any) -> None:
        for field in sobject.fields.values():
            value = row.get(field.name)
            if not field.unique or value is None or not is_changed(field.name):
                continue
            others = [each for each in self.store.ids_with(sobject, field.name, value, 2) if each != row["Id"]]
            if others:
                message = f"duplicate value found: {field.name} duplicates value on record with id: {others[0][:15]}"
                raise RowError("DUPLICATE_VALUE", message)

    def _account_of_task(self, row: Row) -> str | None:
        for name in ("WhatId", "WhoId"):
            target = self.store.schema.object_of_id(row[name]) if row.get(name) else None
            if target is None:
                continue
            if target.name == "Account":
                return str(row[name])
            found = self.store.row(target, row[name]) or {}
            if found.get("AccountId"):
                return str(found["AccountId"])
        return None

    # --- stamps and traces

    def _stamp(self, actor: Actor, sobject: SObject, row: Row, creating: bool) -> None:
        stamps = {
            "LastModifiedDate": actor.stamp,
            "LastModifiedById": actor.user_id,
            "SystemModstamp": actor.stamp,
        }
        if creating:
            stamps |= {"CreatedDate": actor.stamp, "CreatedById": actor.user_id}
        row.update({name: value for name, value in stamps.items() if name in sobject.fields})

    def _log(
        self,
        actor: Actor,
        sobject: SObject,
        record_id: str,
        operation: str,
        changes: Mapping[str, tuple[Any, Any]],
    ) -> None:
        if sobject.name in SETUP_OBJECTS:  # permissions are set-up, not data
            return
        self.store.writes.append(actor.log_name, actor.method, sobject.name, record_id, operation, changes, actor.now)

    def _follow_up(self, actor: Actor, sobject: SObject, row: Row, sent: Row) -> None:
        """What a save does to other records."""
        self.permissions.saved(sobject)
        roles = self.store.schema.objects["opportunitycontactrole"]
        if sobject.name == "Opportunity" and sent.get("ContactId"):
            self.create(actor, roles, {"OpportunityId": row["Id"], "ContactId": sent["ContactId"], "IsPrimary": True})
        if sobject is roles and row.get("IsPrimary"):
            condition = '"OpportunityId" = ? and "IsPrimary" = 1 and "IsDeleted" = 0 and "Id" <> ?'
            for other in self.store.rows_where(roles, condition, (row["OpportunityId"], row["Id"])):
                self.update(actor, roles, other["Id"], {"IsPrimary": False})


def _is_told(name: str, value: Any) -> bool:
    """Whether a created row's value belongs in the write log."""
    return value is not None and value is not False and name not in STAMPS and name != "Id"
