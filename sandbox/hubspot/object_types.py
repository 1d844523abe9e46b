"""The kinds of records that every HubSpot account has, by name and objectTypeId, and how they associate.

Owns: definitions only; custom objects and custom associations are the account's own (catalog.py).
Sources: object type ids [HubSpot docs: crm/understanding-the-crm]; default properties and the minimum on
create [HubSpot docs: crm/contacts, crm/companies, crm/deals, crm/tasks, crm/notes, crm/calls, crm/meetings,
crm/email]; association type ids [HubSpot docs: crm/associations].
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ObjectType:
    """One kind of record. `created` and `modified` are the properties that carry its times."""

    name: str
    type_id: str
    singular: str
    modified: str
    defaults: tuple[str, ...]
    required: tuple[str, ...] = ()
    required_any: tuple[str, ...] = ()
    searchable: tuple[str, ...] = ()
    display: str = "hs_object_id"
    created: str = "createdate"
    is_activity: bool = False
    is_custom: bool = False

    @property
    def legacy_name(self) -> str:
        """The name in upper case, as error messages have it."""
        return self.singular.upper()

    @property
    def system(self) -> tuple[str, ...]:
        """The properties that every reply carries, whichever were asked for."""
        return (self.created, self.modified, "hs_object_id")


def _activity(name: str, type_id: str, singular: str, *searchable: str) -> ObjectType:
    """An activity: its time is required, and nothing else [HubSpot docs: crm/tasks, crm/notes, ...]."""
    return ObjectType(
        name,
        type_id,
        singular,
        "hs_lastmodifieddate",
        ("hs_createdate", "hs_lastmodifieddate", "hs_object_id"),
        required=("hs_timestamp",),
        searchable=searchable,
        created="hs_createdate",
        is_activity=True,
    )


OBJECT_TYPES: dict[str, ObjectType] = {
    object_type.name: object_type
    for object_type in (
        ObjectType(
            "contacts",
            "0-1",
            "contact",
            "lastmodifieddate",
            ("createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname"),
            required_any=("email", "firstname", "lastname"),
            searchable=("firstname", "lastname", "email", "phone", "company", "hs_additional_emails"),
            display="email",
        ),
        ObjectType(
            "companies",
            "0-2",
            "company",
            "hs_lastmodifieddate",
            ("name", "domain", "createdate", "hs_lastmodifieddate", "hs_object_id"),
            required_any=("name", "domain"),
            searchable=("name", "domain", "website", "phone"),
            display="name",
        ),
        ObjectType(
            "deals",
            "0-3",
            "deal",
            "hs_lastmodifieddate",
            (
                "dealname",
                "amount",
                "closedate",
                "pipeline",
                "dealstage",
                "createdate",
                "hs_lastmodifieddate",
                "hs_object_id",
            ),
            required=("dealname", "dealstage"),
            searchable=("dealname", "pipeline", "dealstage", "description", "dealtype"),
            display="dealname",
        ),
        _activity("tasks", "0-27", "task", "hs_task_subject", "hs_task_body"),
        _activity("notes", "0-46", "note", "hs_note_body"),
        _activity("meetings", "0-47", "meeting", "hs_meeting_title", "hs_meeting_body"),
        _activity("calls", "0-48", "call", "hs_call_title", "hs_call_body"),
        _activity("emails", "0-49", "email", "hs_email_subject", "hs_email_text"),
    )
}


@dataclass(frozen=True)
class AssociationType:
    """One direction of a kind of association; `inverse` is the type id seen from the other record.

    `v3_name` is how the `associations` of an object read call it.
    """

    from_type: str
    to_type: str
    type_id: int
    inverse: int
    label: str | None
    v3_name: str
    name: str = ""
    category: str = "HUBSPOT_DEFINED"


def _pair(
    from_type: str, to_type: str, type_id: int, inverse: int, label: str | None, suffix: str = ""
) -> list[AssociationType]:
    one, other = OBJECT_TYPES[from_type].singular, OBJECT_TYPES[to_type].singular
    there = AssociationType(from_type, to_type, type_id, inverse, label, f"{one}_to_{other}{suffix}")
    if type_id == inverse:
        return [there]
    back = AssociationType(to_type, from_type, inverse, type_id, label, f"{other}_to_{one}{suffix}")
    return [there, back]


ASSOCIATION_TYPES: dict[int, AssociationType] = {
    kind.type_id: kind
    for kind in (
        *_pair("contacts", "companies", 1, 2, "Primary"),
        *_pair("contacts", "companies", 279, 280, None, "_unlabeled"),
        *_pair("deals", "companies", 5, 6, "Primary"),
        *_pair("deals", "companies", 341, 342, None, "_unlabeled"),
        *_pair("deals", "contacts", 3, 4, None),
        *_pair("contacts", "contacts", 449, 449, None),
        *_pair("deals", "deals", 451, 451, None),
        *_pair("companies", "companies", 450, 450, None),
        AssociationType("companies", "companies", 13, 14, "Parent to Child Company", "parent_to_child_company"),
        AssociationType("companies", "companies", 14, 13, "Child to Parent Company", "child_to_parent_company"),
        *_pair("calls", "contacts", 194, 193, None),
        *_pair("calls", "companies", 182, 181, None),
        *_pair("calls", "deals", 206, 205, None),
        *_pair("emails", "contacts", 198, 197, None),
        *_pair("emails", "companies", 186, 185, None),
        *_pair("emails", "deals", 210, 209, None),
        *_pair("meetings", "contacts", 200, 199, None),
        *_pair("meetings", "companies", 188, 187, None),
        *_pair("meetings", "deals", 212, 211, None),
        *_pair("notes", "contacts", 202, 201, None),
        *_pair("notes", "companies", 190, 189, None),
        *_pair("notes", "deals", 214, 213, None),
        *_pair("tasks", "contacts", 204, 203, None),
        *_pair("tasks", "companies", 192, 191, None),
        *_pair("tasks", "deals", 216, 215, None),
    )
}

PRIMARY_TYPES = frozenset(
    kind.type_id for kind in ASSOCIATION_TYPES.values() if kind.label == "Primary" and kind.to_type == "companies"
)
"""Type ids of which a record has at most one: its primary company."""

PRIMARY_COMPANY_PROPERTY = {"contacts": "associatedcompanyid", "deals": "hs_primary_associated_company"}
