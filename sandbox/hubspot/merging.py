"""Merging two records into one.

Owns: what the survivor keeps and what becomes of the loser. Sources: [HubSpot docs: crm/objects merge],
reports about reading merged ids; whether the survivor gets a new id is a setting (`merge_new_id`), as
HubSpot's behaviour differs by object and time.
"""

from __future__ import annotations

from sandbox.hubspot.errors import bad_request
from sandbox.hubspot.store import MERGED, Stored
from sandbox.hubspot.writing import FIRST_ID, Author, Writer, addresses

IDENTITY_LIMIT = 250
_NOT_INHERITED = ("email", "hs_additional_emails", "hs_merged_object_ids", "hs_all_contact_vids")


def merge(writer: Writer, primary: Stored, loser: Stored, author: Author) -> Stored:
    """Merge `loser` into `primary`; returns the survivor. Blank values are filled from the loser, its e-mail
    becomes an additional one, its associations move. Both records must be live and of one type."""
    if primary.id == loser.id:
        raise bad_request("Cannot merge an object with itself.")
    emails = list(dict.fromkeys([*addresses(primary), *addresses(loser)]))
    if len(emails) > IDENTITY_LIMIT:
        raise bad_request(f"Cannot have more than {IDENTITY_LIMIT} identities on a profile")
    store, now = writer.store, writer.settings.now_ms()
    survivor, gone = primary, [loser]
    if writer.settings.extra.get("merge_new_id"):
        survivor = Stored(primary.type, store.next_id(FIRST_ID), dict(primary.properties), primary.created, now)
        gone = [primary, loser]
    _inherit(survivor, loser, emails, [record.id for record in gone], [*_merged_ids(primary), *_merged_ids(loser)])
    survivor.modified = now
    for record in gone:
        record.state, record.merged_into = MERGED, survivor.id
        store.set_unique(record.type, record.id, ())
        store.save(record)
    writer.save_silently(survivor)
    for record in gone:
        writer.links.move_all((record.type, record.id), (survivor.type, survivor.id))
    changes = {"hs_merged_object_ids": (None, survivor.properties["hs_merged_object_ids"])}
    writer.log_changes(survivor, author, "merge", changes)
    return store.get(survivor.type, survivor.id) or survivor


def _merged_ids(record: Stored) -> list[str]:
    return [item for item in record.properties.get("hs_merged_object_ids", "").split(";") if item]


def _inherit(survivor: Stored, loser: Stored, emails: list[str], gone: list[int], earlier: list[str]) -> None:
    values = survivor.properties
    for name, value in loser.properties.items():
        if name not in _NOT_INHERITED and value and not values.get(name):
            values[name] = value
    merged = list(dict.fromkeys([*earlier, *(str(record_id) for record_id in gone)]))
    values["hs_merged_object_ids"] = ";".join(merged)
    if survivor.type == "contacts":
        values["hs_all_contact_vids"] = ";".join([str(survivor.id), *merged])
        values["hs_calculated_merged_vids"] = ";".join(f"{item}:{survivor.modified}" for item in merged)
        if emails:
            values["email"] = emails[0]
            values["hs_additional_emails"] = ";".join(emails[1:])
