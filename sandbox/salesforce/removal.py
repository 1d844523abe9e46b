"""Records leaving and coming back: delete with its cascade, restore, merge, lead conversion.

Owns: the recycle bin. Refuses: HTTP; merge, restore and conversion have no REST call and come from the control
app. [Salesforce docs: merge, undelete, convertLead calls]
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sandbox.salesforce.errors import RowError, entity_is_deleted
from sandbox.salesforce.saving import Actor, Saving
from sandbox.salesforce.schema.fields import Field, SObject
from sandbox.salesforce.store import Row, Store, quoted

MAX_MERGED = 3


class Removal:
    """Deletes, restores, merges and converts; call inside a savepoint."""

    def __init__(self, store: Store, saving: Saving) -> None:
        self.store = store
        self.saving = saving

    def delete(self, actor: Actor, sobject: SObject, record_id: str) -> None:
        """To the recycle bin, with what hangs on it; objects without a bin lose the row for good."""
        row = self._living(sobject, record_id)
        if not sobject.deletable:
            message = f"entity type cannot be deleted: {sobject.label}"
            raise RowError("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", message)
        self.saving.rules.check_access(record_id, actor.is_human)
        if not sobject.has_recycle_bin:
            self.store.remove(sobject, record_id)
            self.saving.permissions.saved(sobject)
            self._log(actor, sobject, record_id, "archive")
            return
        self._bin(actor, sobject, row, record_id)

    def restore(self, actor: Actor, sobject: SObject, record_id: str) -> None:
        """Out of the recycle bin, with what was deleted along."""
        connection = self.store.connection
        found = connection.execute("select 1 from recycle_bin where record_id = ?", (record_id,)).fetchone()
        row = self.store.row(sobject, record_id)
        if found is None or row is None:
            raise RowError("UNDELETE_FAILED", f"entity is not in the recycle bin: {record_id}")
        if row.get("MasterRecordId"):
            raise RowError("UNDELETE_FAILED", "merged records cannot be undeleted")
        along = connection.execute(
            "select object, record_id from recycle_bin where root_id = ?", (record_id,)
        ).fetchall()
        for object_name, each in [(sobject.name, record_id), *along]:
            target = self.store.schema.objects[object_name.lower()]
            self.store.update(target, each, self._stamps(actor, target) | {"IsDeleted": False})
            connection.execute("delete from recycle_bin where record_id = ?", (each,))
            self._log(actor, target, each, "restore")

    def merge(
        self, actor: Actor, sobject: SObject, master_id: str, loser_ids: Sequence[str], values: Mapping[str, Any]
    ) -> None:
        """Losers go to the recycle bin pointing at the master; what referred to them refers to the master."""
        if not sobject.mergeable or not 1 <= len(loser_ids) < MAX_MERGED or master_id in loser_ids:
            raise RowError("INVALID_OPERATION", f"A merge takes 2 or 3 records of one object: {sobject.name}")
        self._living(sobject, master_id)
        for loser_id in loser_ids:
            loser = self._living(sobject, loser_id)
            for child, field in self._referrers(sobject):
                self._redirect(actor, child, field, loser_id, master_id)
            self._bin(actor, sobject, loser, loser_id, cascade=False, extra={"MasterRecordId": master_id})
        self.saving.update(actor, sobject, master_id, values)
        self.store.writes.append(
            actor.log_name, actor.method, sobject.name, master_id, "merge",
            {"MasterRecordId": (list(loser_ids), master_id)}, actor.now,
        )  # fmt: skip
        event = f"{sobject.name.lower()}Merged"
        self.saving.history.event(sobject, master_id, event, actor.user_id, actor.stamp)

    def convert(self, actor: Actor, lead_id: str, options: Mapping[str, Any]) -> dict[str, str | None]:
        """A lead becomes a contact of an account (new, or `account_id`, `contact_id`), perhaps an opportunity."""
        objects = self.store.schema.objects
        lead_object, account, contact = objects["lead"], objects["account"], objects["contact"]
        lead = self._living(lead_object, lead_id)
        if lead["IsConverted"]:
            raise RowError("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")
        account_id = options.get("account_id") or self.saving.create(actor, account, _account_of(lead))
        contact_id = options.get("contact_id") or self.saving.create(
            actor, contact, _contact_of(lead) | {"AccountId": account_id}
        )
        opportunity_id = None
        if options.get("opportunity_name"):
            values = {
                "Name": options["opportunity_name"],
                "AccountId": account_id,
                "ContactId": contact_id,
                "OwnerId": lead["OwnerId"],
                "StageName": options.get("stage") or "Prospecting",
                "CloseDate": actor.now.date().isoformat(),
                "LeadSource": lead["LeadSource"],
            }
            opportunity_id = self.saving.create(actor, objects["opportunity"], values)
        status = next(self.store.rows_where(objects["leadstatus"], '"IsConverted" = 1'), {"ApiName": lead["Status"]})
        after = {
            "IsConverted": True,
            "ConvertedDate": actor.now.date().isoformat(),
            "ConvertedAccountId": account_id,
            "ConvertedContactId": contact_id,
            "ConvertedOpportunityId": opportunity_id,
            "Status": status["ApiName"],
        }
        self.store.update(lead_object, lead_id, after | self._stamps(actor, lead_object))
        changes = {name: (lead[name], value) for name, value in after.items() if lead[name] != value}
        self.store.writes.append(actor.log_name, actor.method, "Lead", lead_id, "update", changes, actor.now)
        self.saving.history.event(lead_object, lead_id, "leadConverted", actor.user_id, actor.stamp)
        return {"accountId": account_id, "contactId": contact_id, "leadId": lead_id, "opportunityId": opportunity_id}

    def purge(self, sobject: SObject, record_id: str) -> None:
        """Out of the recycle bin for good."""
        self.store.remove(sobject, record_id)
        self.store.connection.execute("delete from recycle_bin where record_id = ?", (record_id,))

    # --- parts

    def _living(self, sobject: SObject, record_id: str) -> Row:
        row = self.store.row(sobject, record_id)
        if row is None or row.get("IsDeleted"):
            raise entity_is_deleted()
        return row

    def _bin(
        self,
        actor: Actor,
        sobject: SObject,
        row: Row,
        root_id: str,
        cascade: bool = True,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        record_id = row["Id"]
        self.store.update(sobject, record_id, {"IsDeleted": True, **(extra or {}), **self._stamps(actor, sobject)})
        self.store.connection.execute(
            "insert or replace into recycle_bin values (?, ?, ?, ?)", (record_id, sobject.name, root_id, actor.stamp)
        )
        self._log(actor, sobject, record_id, "archive")
        if not cascade:
            return
        for child, field in self._referrers(sobject):
            if not field.cascade_delete:
                continue
            condition = f'{quoted(field.name)} = ? and "IsDeleted" = 0'
            for each in list(self.store.rows_where(child, condition, (record_id,))):
                self._bin(actor, child, each, root_id)

    def _referrers(self, sobject: SObject) -> Iterator[tuple[SObject, Field]]:
        """The child relationships of an object (the indexed ones: those that have a name)."""
        for child in self.store.schema:
            if child.history_of:
                continue
            for field in child.fields.values():
                if sobject.name in field.reference_to and field.child_relationship:
                    yield child, field

    def _redirect(self, actor: Actor, child: SObject, field: Field, old: str, new: str) -> None:
        for row in list(self.store.rows_where(child, f"{quoted(field.name)} = ?", (old,))):
            self.store.update(child, row["Id"], {field.name: new, **self._stamps(actor, child)})
            if not row.get("IsDeleted"):
                changes = {field.name: (old, new)}
                self.store.writes.append(
                    actor.log_name, actor.method, child.name, row["Id"], "update", changes, actor.now
                )

    def _stamps(self, actor: Actor, sobject: SObject) -> dict[str, str]:
        stamps = {
            "LastModifiedDate": actor.stamp,
            "LastModifiedById": actor.user_id,
            "SystemModstamp": actor.stamp,
        }
        return {name: value for name, value in stamps.items() if name in sobject.fields}

    def _log(self, actor: Actor, sobject: SObject, record_id: str, operation: str) -> None:
        self.store.writes.append(actor.log_name, actor.method, sobject.name, record_id, operation, {}, actor.now)


_LEAD_ADDRESS = ("Street", "City", "State", "PostalCode", "Country")


def _account_of(lead: Row) -> dict[str, Any]:
    same = ("Website", "Phone", "Fax", "Industry", "Rating", "AnnualRevenue", "NumberOfEmployees", "OwnerId")
    values = {"Name": lead["Company"], "AccountSource": lead["LeadSource"]}
    values |= {name: lead[name] for name in same}
    return values | {f"Billing{name}": lead[name] for name in _LEAD_ADDRESS}


def _contact_of(lead: Row) -> dict[str, Any]:
    same = (
        "LastName", "FirstName", "Salutation", "Email", "Phone", "MobilePhone", "Fax", "Title", "LeadSource",
        "Description", "OwnerId", "HasOptedOutOfEmail", "DoNotCall",
    )  # fmt: skip
    return {name: lead[name] for name in same} | {f"Mailing{name}": lead[name] for name in _LEAD_ADDRESS}
