"""The kinds of records this stand-in HubSpot knows, by name and objectTypeId, and how they associate.

Sources: object type ids [HubSpot docs: crm/understanding-the-crm]; default properties and the minimum on
create [HubSpot docs: crm/contacts, crm/companies, crm/deals]; association type ids [HubSpot docs:
crm/associations].
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ObjectType:
    """One kind of record. `modified` is the property that carries the modification time."""

    name: str
    type_id: str
    singular: str
    modified: str
    defaults: tuple[str, ...]
    required: tuple[str, ...] = ()
    required_any: tuple[str, ...] = ()
    searchable: tuple[str, ...] = ()
    display: str = "hs_object_id"

    @property
    def legacy_name(self) -> str:
        """The name in upper case, as error messages have it."""
        return self.singular.upper()

    @property
    def system(self) -> tuple[str, ...]:
        """The properties that every reply carries, whichever were asked for."""
        return ("createdate", self.modified, "hs_object_id")


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
    )
}

_BY_ANY_NAME = {
    alias: object_type
    for object_type in OBJECT_TYPES.values()
    for alias in (object_type.name, object_type.singular, object_type.type_id)
}


def find_object_type(text: str) -> ObjectType | None:
    """The object type of a path segment: plural or singular name, or objectTypeId."""
    return _BY_ANY_NAME.get(text)


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
    )
}

PRIMARY_TYPES = frozenset(
    kind.type_id for kind in ASSOCIATION_TYPES.values() if kind.label == "Primary" and kind.to_type == "companies"
)
"""Type ids of which a record has at most one: its primary company."""

PRIMARY_COMPANY_PROPERTY = {"contacts": "associatedcompanyid", "deals": "hs_primary_associated_company"}


def unlabelled_type(from_type: str, to_type: str) -> int | None:
    """The type id of the plain association between two kinds of records."""
    for kind in ASSOCIATION_TYPES.values():
        if kind.label is None and kind.from_type == from_type and kind.to_type == to_type:
            return kind.type_id
    return None


def types_between(from_type: str, to_type: str) -> list[AssociationType]:
    """Every association type from one kind of record to another."""
    return [kind for kind in ASSOCIATION_TYPES.values() if (kind.from_type, kind.to_type) == (from_type, to_type)]
