"""All sObjects of an organisation, and what an administrator changed about them.

Owns: looking objects and fields up, applying changes of metadata, who may see which field.
Refuses: to touch the database; `sandbox.salesforce.store` keeps the columns and the list of changes.
[Salesforce docs: Tooling CustomField: a new custom field is invisible until field-level security grants it]
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sandbox.salesforce.schema.fields import (
    Field,
    PicklistValue,
    SObject,
    audit,
    boolean,
    double,
    identity,
    integer,
    owner,
    picklist,
    text,
)
from sandbox.salesforce.schema.sales_objects import sales_objects
from sandbox.salesforce.schema.setup_objects import SETUP, setup_objects

FieldKey = tuple[str, str]
CURRENCY_OBJECTS = ("account", "contact", "lead", "opportunity", "campaign")


@dataclass(frozen=True)
class Grants:
    """What a user's permission sets open to him, as (object, field), beside what everybody may see."""

    readable: frozenset[FieldKey] = frozenset()
    editable: frozenset[FieldKey] = frozenset()


class Schema:
    """The objects by name, whatever its case; `revision` grows with each change."""

    def __init__(self) -> None:
        self.revision = 0
        self.reset()

    def reset(self) -> None:
        """Forget what administrators changed."""
        self.objects: dict[str, SObject] = {}
        self.hidden: set[FieldKey] = set()
        self.locked: set[FieldKey] = set()
        self.revision += 1
        for each in (*sales_objects(), *setup_objects()):
            self.objects[each.name.lower()] = each
        self._by_prefix: dict[str, SObject] = {}
        for each in self.objects.values():
            if each.key_prefix:
                self._by_prefix.setdefault(each.key_prefix, each)

    def __iter__(self) -> Iterator[SObject]:
        return iter(self.objects.values())

    def find(self, name: str) -> SObject | None:
        return self.objects.get(name.lower())

    def object_of_id(self, record_id: str) -> SObject | None:
        """The object whose key prefix an id carries."""
        return self._by_prefix.get(record_id[:3])

    def add_object(self, name: str, label: str) -> SObject:
        """A new custom object with the fields that every one has."""
        number = sum(each.custom for each in self.objects.values())
        prefix = "a0" + "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[number]
        sobject = SObject(name, label, f"{label}s", prefix, custom=True)
        name_field = text("Name", f"{label} Name", 80, defaulted_on_create=True, name_field=True)
        sobject.add(*identity("Record"), owner(), name_field, *audit())
        self.objects[name.lower()] = sobject
        self._by_prefix[prefix] = sobject
        self.revision += 1
        return sobject

    def use_currencies(self, codes: Sequence[str]) -> None:
        """Several currencies: the first is the corporate one, and that of a record unless it says otherwise.
        [Salesforce docs: CurrencyType; multiple currencies add CurrencyIsoCode to most objects]"""
        currency = SObject("CurrencyType", "Currency Type", "Currency Types", "01L", **SETUP)
        currency.add(
            *(each for each in identity("Currency Type") if each.name == "Id"),
            text("IsoCode", "Currency ISO Code", 3),
            double("ConversionRate", "Conversion Rate", 18, 6),
            integer("DecimalPlaces", "Decimal Places"),
            boolean("IsActive", "Active"),
            boolean("IsCorporate", "Corporate Currency"),
            *audit(),
        )
        self.objects["currencytype"] = currency
        self._by_prefix["01L"] = currency
        options = [PicklistValue(code, code, is_default=code == codes[0]) for code in codes]
        for name in CURRENCY_OBJECTS:
            self.objects[name].add(picklist("CurrencyIsoCode", "Currency ISO Code", options, 3, restricted=True))
        self.revision += 1

    def add_field(self, object_name: str, new: Field) -> None:
        self._object(object_name).add(new)
        self.revision += 1

    def remove_field(self, object_name: str, field_name: str) -> None:
        self._object(object_name).remove(field_name)
        self.revision += 1

    def replace_field(self, object_name: str, field_name: str, **changes: Any) -> Field:
        """Change attributes of a field, keeping its place (a change of `name` moves it to the end)."""
        sobject = self._object(object_name)
        old = sobject.fields[field_name]
        new = replace(old, **changes)
        if new.name != old.name:
            sobject.remove(old.name)
        sobject.add(new)
        self.revision += 1
        return new

    def hide(self, object_name: str, field_name: str, hidden: bool) -> None:
        key = (object_name, field_name)
        if hidden:
            self.hidden.add(key)
        else:
            self.hidden.discard(key)
        self.revision += 1

    def lock(self, object_name: str, field_name: str, locked: bool) -> None:
        """Let the field be read and not edited, whatever else grants it."""
        key = (object_name, field_name)
        if locked:
            self.locked.add(key)
        else:
            self.locked.discard(key)
        self.revision += 1

    def set_picklist_value(
        self, object_name: str, field_name: str, value: str, label: str | None, is_active: bool
    ) -> None:
        """Add a picklist value, or change the label and activity of one."""
        old = self._object(object_name).fields[field_name].picklist
        new = PicklistValue(value, label or value, is_active)
        known = [each.value for each in old]
        values = [replace(new, is_default=each.is_default) if each.value == value else each for each in old]
        self.replace_field(object_name, field_name, picklist=tuple(values if value in known else [*old, new]))

    def _object(self, name: str) -> SObject:
        return self.objects[name.lower()]


class View:
    """The schema as one user sees it: fields and records that he may not read do not exist for him."""

    def __init__(self, schema: Schema, grants: Grants, hidden_records: frozenset[str] = frozenset()) -> None:
        self.schema = schema
        self.grants = grants
        self.hidden_records = hidden_records

    def visible_sql(self, alias: str) -> str:
        """An SQL condition that leaves out the records that are not shared with the user; "" for none."""
        if not self.hidden_records:
            return ""
        listed = ", ".join(f"'{record_id}'" for record_id in sorted(self.hidden_records))
        return f'{alias}."Id" not in ({listed})'

    def can_read(self, sobject: SObject, field: Field) -> bool:
        key = (sobject.name, field.name)
        return key not in self.schema.hidden and (field.is_granted or key in self.grants.readable)

    def can_edit(self, sobject: SObject, field: Field) -> bool:
        key = (sobject.name, field.name)
        return key not in self.schema.locked and (field.is_granted or key in self.grants.editable)

    def find(self, sobject: SObject, name: str) -> Field | None:
        field = sobject.find(name)
        return field if field is not None and self.can_read(sobject, field) else None

    def fields(self, sobject: SObject) -> list[Field]:
        return [field for field in sobject.fields.values() if self.can_read(sobject, field)]


def field_from_metadata(name: str, metadata: Mapping[str, Any]) -> Field:
    """A custom field from the `Metadata` of a Tooling CustomField. KeyError, ValueError on what is wrong."""
    kind = str(metadata["type"])
    label = str(metadata.get("label") or name)
    common: dict[str, Any] = {
        "custom": True,
        "is_granted": False,
        "external_id": bool(metadata.get("externalId")),
        "unique": bool(metadata.get("unique")),
        "case_sensitive": bool(metadata.get("caseSensitive")),
        "nillable": not metadata.get("required"),
    }
    common["id_lookup"] = common["external_id"]
    if metadata.get("formula") is not None:
        common |= {"formula": str(metadata["formula"]), **_COMPUTED}
    length = int(metadata.get("length") or 0)
    precision, scale = int(metadata.get("precision") or 18), int(metadata.get("scale") or 0)
    if kind == "Summary":
        summary = tuple(
            str(metadata.get(key) or "") for key in ("summaryForeignKey", "summaryOperation", "summarizedField")
        )
        common |= {"summary": summary, **_COMPUTED}
        return Field(name, label, "double", precision=18, scale=int(metadata.get("scale") or 2), **common)
    if kind in _SIMPLE_TYPES:
        return Field(name, label, _SIMPLE_TYPES[kind], length or _LENGTHS.get(kind, 0), **common)
    if kind in ("LongTextArea", "Html"):
        return Field(name, label, "textarea", length or 32768, filterable=False, sortable=False, **common)
    if kind in ("Number", "Currency", "Percent"):
        number = {"Number": "double", "Currency": "currency", "Percent": "percent"}[kind]
        return Field(name, label, number, precision=precision, scale=scale, **common)
    if kind == "Checkbox":
        if "formula" in common:
            return Field(name, label, "boolean", **common | {"nillable": False})
        default = str(metadata.get("defaultValue", "false")).lower() == "true"
        common |= {"nillable": False, "defaulted_on_create": True, "default_value": default}
        return Field(name, label, "boolean", **common)
    if kind in ("Picklist", "MultiselectPicklist"):
        value_set = metadata.get("valueSet") or {}
        values = (value_set.get("valueSetDefinition") or {}).get("value") or []
        options = tuple(
            PicklistValue(
                str(each.get("fullName") or each.get("valueName")),
                str(each.get("label") or each.get("fullName") or each.get("valueName")),
                each.get("isActive") is not False,
                bool(each.get("default")),
            )
            for each in values
        )
        kind = "picklist" if kind == "Picklist" else "multipicklist"
        length = 255 if kind == "picklist" else 4099
        return Field(
            name,
            label,
            kind,
            length,
            picklist=options,
            restricted=bool(value_set.get("restricted")),
            **common,
        )
    if kind == "Lookup":
        relationship = name[:-3] + "__r"
        return Field(
            name, label, "reference", 18, reference_to=(str(metadata["referenceTo"]),), relationship=relationship,
            child_relationship=metadata.get("relationshipName") and f"{metadata['relationshipName']}__r", **common,
        )  # fmt: skip
    raise ValueError(f"Invalid field type: {kind}")


_COMPUTED = {"calculated": True, "createable": False, "updateable": False, "nillable": True}
_SIMPLE_TYPES = {
    "Text": "string",
    "TextArea": "textarea",
    "Phone": "phone",
    "Url": "url",
    "Email": "email",
    "Date": "date",
    "DateTime": "datetime",
}
_LENGTHS = {"TextArea": 255, "Phone": 40, "Url": 255, "Email": 80}
