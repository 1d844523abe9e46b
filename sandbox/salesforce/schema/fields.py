"""What an sObject and a field are, and short constructors for each type of field.

Owns: the attributes of fields and their defaults by type. Refuses: to know particular objects.
[Salesforce docs: describeSObjects result, field types; captured describes]
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

TEXT_TYPES = frozenset(
    {
        "string",
        "textarea",
        "phone",
        "url",
        "email",
        "picklist",
        "multipicklist",
        "combobox",
        "encryptedstring",
    }
)
NUMBER_TYPES = frozenset({"double", "currency", "percent"})
LONG_TEXT_LENGTH = 256  # a textarea this long or longer cannot be filtered, sorted or grouped


@dataclass(frozen=True)
class PicklistValue:
    """One value of a picklist."""

    value: str
    label: str
    is_active: bool = True
    is_default: bool = False


@dataclass(frozen=True)
class Field:
    """One field of an sObject, as describe shows it. `is_granted`: visible without a permission set."""

    name: str
    label: str
    type: str
    length: int = 0
    precision: int = 0
    scale: int = 0
    digits: int = 0
    nillable: bool = True
    createable: bool = True
    updateable: bool = True
    defaulted_on_create: bool = False
    default_value: Any = None
    calculated: bool = False
    auto_number: bool = False
    external_id: bool = False
    id_lookup: bool = False
    unique: bool = False
    case_sensitive: bool = False
    custom: bool = False
    name_field: bool = False
    reference_to: tuple[str, ...] = ()
    relationship: str | None = None
    child_relationship: str | None = None
    cascade_delete: bool = False
    compound: str | None = None
    restricted: bool = False
    picklist: tuple[PicklistValue, ...] = ()
    filterable: bool = True
    sortable: bool = True
    extra_type_info: str | None = None
    is_tracked: bool = False
    is_granted: bool = True
    formula: str | None = None
    summary: tuple[str, str, str] | None = None
    """Of a roll-up: the child's link (`Opportunity.AccountId`), the operation, the summarized field."""

    @property
    def is_text(self) -> bool:
        return self.type in TEXT_TYPES

    @property
    def is_long_text(self) -> bool:
        return self.type == "textarea" and self.length >= LONG_TEXT_LENGTH

    @property
    def is_stored(self) -> bool:
        """Whether a column holds it; addresses, formulas and roll-ups are put together when read."""
        return self.type != "address" and self.formula is None and self.summary is None

    @property
    def is_required(self) -> bool:
        """Required on create: createable, not nillable, not filled in by default."""
        return self.createable and not self.nillable and not self.defaulted_on_create

    def active_values(self) -> frozenset[str]:
        return frozenset(value.value for value in self.picklist if value.is_active)


@dataclass
class SObject:
    """One object: its names, key prefix, what may be done to it, and its fields in order."""

    name: str
    label: str
    label_plural: str
    key_prefix: str | None
    fields: dict[str, Field] = field(default_factory=dict)
    custom: bool = False
    createable: bool = True
    updateable: bool = True
    deletable: bool = True
    mergeable: bool = False
    layoutable: bool = True
    history_of: str | None = None
    _names: dict[str, str] = field(default_factory=dict, repr=False)

    def add(self, *new: Field) -> None:
        for each in new:
            self.fields[each.name] = each
            self._names[each.name.lower()] = each.name

    def remove(self, name: str) -> None:
        del self.fields[name]
        del self._names[name.lower()]

    def find(self, name: str) -> Field | None:
        """The field of this name, whatever its case."""
        canonical = self._names.get(name.lower())
        return None if canonical is None else self.fields[canonical]

    @property
    def has_recycle_bin(self) -> bool:
        return "IsDeleted" in self.fields

    @property
    def name_field(self) -> str:
        return next((each.name for each in self.fields.values() if each.name_field), "Id")


def text(name: str, label: str, length: int, **more: Any) -> Field:
    return Field(name, label, "string", length, **more)


def area(name: str, label: str, length: int = 255, **more: Any) -> Field:
    can_filter = length < LONG_TEXT_LENGTH
    return Field(name, label, "textarea", length, filterable=can_filter, sortable=can_filter, **more)


def phone(name: str, label: str, **more: Any) -> Field:
    return Field(name, label, "phone", 40, **more)


def url(name: str, label: str, **more: Any) -> Field:
    return Field(name, label, "url", 255, **more)


def email(name: str, label: str, **more: Any) -> Field:
    return Field(name, label, "email", 80, **more)


def boolean(name: str, label: str, default: bool = False, **more: Any) -> Field:
    options = {"nillable": False, "defaulted_on_create": True, "default_value": default} | more
    return Field(name, label, "boolean", **options)


def integer(name: str, label: str, digits: int = 8, **more: Any) -> Field:
    return Field(name, label, "int", digits=digits, **more)


def double(name: str, label: str, precision: int, scale: int, **more: Any) -> Field:
    return Field(name, label, "double", precision=precision, scale=scale, **more)


def currency(name: str, label: str, precision: int = 18, scale: int = 2, **more: Any) -> Field:
    return Field(name, label, "currency", precision=precision, scale=scale, **more)


def percent(name: str, label: str, precision: int = 3, scale: int = 0, **more: Any) -> Field:
    return Field(name, label, "percent", precision=precision, scale=scale, **more)


def day(name: str, label: str, **more: Any) -> Field:
    return Field(name, label, "date", **more)


def moment(name: str, label: str, **more: Any) -> Field:
    return Field(name, label, "datetime", **more)


def reference(name: str, label: str, to: str | tuple[str, ...], relationship: str | None, **more: Any) -> Field:
    targets = (to,) if isinstance(to, str) else to
    return Field(name, label, "reference", 18, reference_to=targets, relationship=relationship, **more)


def picklist(name: str, label: str, values: Iterable[str | PicklistValue], length: int = 255, **more: Any) -> Field:
    options = tuple(each if isinstance(each, PicklistValue) else PicklistValue(each, each) for each in values)
    default = next((each.value for each in options if each.is_default), None)
    if default is not None:
        more = {"defaulted_on_create": True, "default_value": default} | more
    return Field(name, label, "picklist", length, picklist=options, **more)


def read_only(each: Field, **more: Any) -> Field:
    """The same field, filled in by Salesforce only."""
    return replace(each, createable=False, updateable=False, **more)


def address(prefix: str, label: str) -> tuple[Field, ...]:
    """The parts of an address and the compound that reads them together."""
    compound = f"{prefix}Address"
    part: dict[str, Any] = {"compound": compound}
    fields = (
        area(f"{prefix}Street", f"{label} Street", 255, **part),
        text(f"{prefix}City", f"{label} City", 40, **part),
        text(f"{prefix}State", f"{label} State/Province", 80, **part),
        text(f"{prefix}PostalCode", f"{label} Zip/Postal Code", 20, **part),
        text(f"{prefix}Country", f"{label} Country", 80, **part),
        double(f"{prefix}Latitude", f"{label} Latitude", 18, 15, **part),
        double(f"{prefix}Longitude", f"{label} Longitude", 18, 15, **part),
        picklist(
            f"{prefix}GeocodeAccuracy",
            f"{label} Geocode Accuracy",
            GEOCODE_ACCURACY,
            40,
            restricted=True,
            **part,
        ),
        read_only(Field(compound, f"{label} Address", "address", sortable=False)),
    )
    return tuple(replace(each, label=each.label.strip()) for each in fields)


GEOCODE_ACCURACY = (
    "Address", "NearAddress", "Block", "Street", "ExtendedZip", "Zip", "Neighborhood", "City", "County",
    "State", "Unknown",
)  # fmt: skip


def identity(label: str) -> tuple[Field, ...]:
    """The id and the recycle-bin flag that most objects begin with."""
    return (
        read_only(Field("Id", f"{label} ID", "id", 18, nillable=False, defaulted_on_create=True, id_lookup=True)),
        read_only(boolean("IsDeleted", "Deleted")),
    )


def audit() -> tuple[Field, ...]:
    """Who created and last changed a record, and when."""
    required: dict[str, Any] = {"nillable": False, "defaulted_on_create": True}
    return (
        read_only(moment("CreatedDate", "Created Date", **required)),
        read_only(reference("CreatedById", "Created By ID", "User", "CreatedBy", **required)),
        read_only(moment("LastModifiedDate", "Last Modified Date", **required)),
        read_only(reference("LastModifiedById", "Last Modified By ID", "User", "LastModifiedBy", **required)),
        read_only(moment("SystemModstamp", "System Modstamp", **required)),
    )


def viewed() -> tuple[Field, ...]:
    """When the running user last saw a record."""
    return (
        read_only(moment("LastViewedDate", "Last Viewed Date")),
        read_only(moment("LastReferencedDate", "Last Referenced Date")),
    )


def owner(child_relationship: str | None = None, to: str | tuple[str, ...] = "User", **more: Any) -> Field:
    return reference(
        "OwnerId", "Owner ID", to, "Owner", nillable=False, defaulted_on_create=True,
        child_relationship=child_relationship, **more,
    )  # fmt: skip
