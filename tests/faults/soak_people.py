"""People at work in both CRMs while syncs run, fail and die: a random but repeatable office.

Owns what is edited and remembers it, for the checker to ask after. Every edit writes a value that was never there
before, so that it can be followed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any

from world import World

from sandbox import control

#: Mapped fields that people edit, by mapping: (HubSpot property, Salesforce field).
FIELDS = {
    "contact": (("jobtitle", "Title"), ("phone", "Phone"), ("city", "MailingCity"), ("zip", "MailingPostalCode")),
    "company": (("phone", "Phone"), ("city", "BillingCity"), ("numberofemployees", "NumberOfEmployees")),
    "deal": (("amount", "Amount"),),
}
#: The value by which a thing is known on both sides, and which nobody edits.
KEYS = {"contact": ("email", "Email"), "company": ("name", "Name"), "deal": ("dealname", "Name")}
NUMBERS = {"numberofemployees", "NumberOfEmployees", "amount", "Amount"}
CRMS = ("hubspot", "salesforce")


@dataclass(frozen=True)
class Edit:
    """A person has set a field of a thing on one side."""

    number: int
    crm: str
    object: str
    key: str
    field: int
    value: str


@dataclass
class Office:
    """The people, and what they have done so far."""

    world: World
    random: Random
    edits: list[Edit] = field(default_factory=list)
    things: list[tuple[str, str]] = field(default_factory=list)
    deleted: set[tuple[str, str]] = field(default_factory=set)
    _number: int = 0
    _owner: str = ""

    def name(self, object_: str, crm: str) -> str:
        return self.world.api_name(object_, crm)

    def open(self, contacts: int = 6, companies: int = 3, deals: int = 3) -> None:
        """Things to begin with."""
        self._owner = self.world.active_owner()
        for object_, number in (("company", companies), ("contact", contacts), ("deal", deals)):
            for _ in range(number):
                self.create(object_)

    def work(self, edits: int, creates: float = 0.3, deletes: float = 0.05) -> None:
        """Some edits on either side, now and then a new thing, seldom a deletion."""
        for _ in range(edits):
            self.edit()
        if self.random.random() < creates:
            self.create(self.random.choice(["contact", "contact", "company", "deal"]))
        if self.random.random() < deletes:
            self.delete()

    def create(self, object_: str) -> None:
        """A thing in one CRM: the sync is to copy it to the other."""
        self._number += 1
        crm = self.random.choice(CRMS)
        key = f"thing{self._number}"
        values = self._new(object_, crm, key)
        for index, names in enumerate(FIELDS[object_]):
            value = self._value(names[0])
            values[names[crm == "salesforce"]] = value
            self.edits.append(Edit(self._number, crm, object_, self._key(object_, key), index, value))
        control.create(self.world.state_dir, crm, self.name(object_, crm), values, at=datetime.now(UTC))
        self.things.append((object_, self._key(object_, key)))

    def edit(self) -> None:
        """A field of a thing that is on that side already."""
        crm = self.random.choice(CRMS)
        object_, key = self.random.choice(self.things)
        index = self.random.randrange(len(FIELDS[object_]))
        records = self.find(crm, object_, key)
        if len(records) != 1:
            return
        name = FIELDS[object_][index][crm == "salesforce"]
        value = self._value(name)
        self._number += 1
        scope = self._in_scope(object_, fields_of(records[0])) if crm == "hubspot" else {}
        control.edit(self.world.state_dir, crm, self.name(object_, crm), _id(records[0]), {name: value, **scope})
        self.edits.append(Edit(self._number, crm, object_, key, index, value))

    def _in_scope(self, object_: str, fields: dict[str, Any]) -> dict[str, Any]:
        """What brings a HubSpot record into the scope of the default inclusion rules, where it is not yet."""
        if object_ == "contact" and fields.get("lifecyclestage") != "customer":
            return {"lifecyclestage": "customer"}
        if object_ == "company" and not fields.get("hubspot_owner_id"):
            return {"hubspot_owner_id": self._owner}
        return {}

    def delete(self) -> None:
        """A thing goes to the recycle bin on one side; its other copy stays, and it is not created again."""
        object_, key = self.random.choice([thing for thing in self.things if thing[0] != "company"] or self.things)
        crm = self.random.choice(CRMS)
        records = self.find(crm, object_, key)
        if len(records) == 1 and len(self.find(_other(crm), object_, key)) == 1:
            control.delete(self.world.state_dir, crm, self.name(object_, crm), _id(records[0]))
            self.deleted.add((object_, key))

    def find(self, crm: str, object_: str, key: str) -> list[dict[str, Any]]:
        """The living records of a thing on one side."""
        name = KEYS[object_][crm == "salesforce"]
        records = control.records(self.world.state_dir, crm, self.name(object_, crm))
        return [record for record in records if (fields_of(record).get(name) or "").lower() == key.lower()]

    def _value(self, name: str) -> str:
        self._number += 1
        if name in NUMBERS:
            return str(1000 + self._number)
        return f"{self.random.choice(['Ärger', 'plain', '=1+1', 'a;b', 'x, y'])} {self._number}"

    def _key(self, object_: str, key: str) -> str:
        return f"{key}@northwind-traders.io" if object_ == "contact" else key

    def _new(self, object_: str, crm: str, key: str) -> dict[str, Any]:
        if object_ == "contact":
            email = self._key(object_, key)
            if crm == "hubspot":
                return {"firstname": "Ada", "lastname": key, "email": email, "lifecyclestage": "customer"}
            return {"FirstName": "Ada", "LastName": key, "Email": email}
        if object_ == "company":
            if crm == "hubspot":
                return {"name": key, "domain": f"{key}.io", "hubspot_owner_id": self._owner}
            return {"Name": key, "Website": f"{key}.io"}
        if crm == "hubspot":
            return {"dealname": key, "dealstage": "qualifiedtobuy", "pipeline": "default",
                    "closedate": "2026-12-01T00:00:00Z"}  # fmt: skip
        return {"Name": key, "StageName": "Qualification", "CloseDate": "2026-12-01"}


def fields_of(record: dict[str, Any]) -> dict[str, Any]:
    """A record's values, of either CRM."""
    fields: dict[str, Any] = record.get("properties", record)
    return fields


def _id(record: dict[str, Any]) -> str:
    return str(record.get("id") or record["Id"])


def _other(crm: str) -> str:
    return "salesforce" if crm == "hubspot" else "hubspot"
