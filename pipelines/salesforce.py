"""Salesforce's source: describe and other metadata, then every mapped object, each in a thread of its own.

Owns what is asked of Salesforce in a run; how one object is read is salesforce_object.py. Only fields that describe
shows are asked for: one that is missing or hidden is unknown, not cleared. Junction objects, which many-valued
references name, are read alike, with the fields that refer to records. The first pages of what is read incrementally
come with one call.

Sources: Salesforce REST API guide (describe, composite).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from crm_sync.clients import Refused, SalesforceClient, UnreadableAnswer
from crm_sync.clients.salesforce import soql_text
from crm_sync.errors import ConfigError
from pipelines.ahead import together
from pipelines.columns import batch_of, json_text
from pipelines.recalled import METADATA_READ, Known, known, known_fields
from pipelines.salesforce_object import SalesforceObject
from pipelines.source import Found, ReadJob
from pipelines.tables import FIELDS, ORG, PICKLIST_VALUES, RECORD_TYPES, SALESFORCE, USERS, Batch

LOOKBACK = timedelta(minutes=5)  # a long transaction commits with an older stamp [estuary/connectors]
#: Behave like formulas without being described as such [Salesforce object reference: LastActivityDate].
UNFLAGGED = frozenset({"LastActivityDate"})
PICKLIST_TYPES = frozenset({"picklist", "multipicklist", "combobox"})
_CHECKSUM = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
Row = dict[str, Any]


class SalesforceSource:
    """One pass over Salesforce."""

    crm = "salesforce"
    schema = SALESFORCE

    def __init__(self, client: SalesforceClient, job: ReadJob, lookback: timedelta = LOOKBACK) -> None:
        self._client = client
        self._job = job
        self._lookback = lookback
        self._known: dict[str, Known] = {}
        self.found = Found()

    @property
    def calls(self) -> int:
        return self._client.calls

    def metadata(self) -> list[Batch]:
        objects, loaded_at = self._objects, self._job.loaded_at
        client = self._client.counted()
        parts: list[Callable[[], list[Row]]] = [
            *(partial(_described, client, object_) for object_ in objects),
            partial(_record_types, client, objects),
            partial(_users, client),
        ]
        *described, record_types, users = together(parts)
        fields = [_field_row(name, item) for name, items in zip(objects, described, strict=True) for item in items]
        values = [
            row
            for name, items in zip(objects, described, strict=True)
            for item in items
            for row in _picklist_rows(name, item)
        ]
        self._known = known(
            (str(row["object"]), str(row["name"]), row["is_calculated"] is True, row["type"] == "reference")
            for row in fields
        )
        self.found.also_read(self.crm, METADATA_READ, client.calls)
        return [
            batch_of(FIELDS, fields, loaded_at),
            batch_of(PICKLIST_VALUES, _first_of_each(values), loaded_at),
            batch_of(RECORD_TYPES, record_types, loaded_at),
            batch_of(USERS, users, loaded_at),
            batch_of(ORG, [self._org_row(users)], loaded_at),
        ]

    def recall(self) -> bool:
        with self._job.connect() as connection:
            stored = known_fields(connection, self._objects)
        self._known = stored or {}
        return stored is not None

    def tasks(self) -> list[Callable[[], Iterator[Batch]]]:
        reads = [self._read(object_, requested) for object_, requested in self._requested()]
        short = [read for read in reads if read.is_short]
        if short:
            pages = short[0].client.queries([read.query for read in short], all_rows=True)
            for read, its_pages in zip(short, pages, strict=True):
                read.pages = its_pages
        return [read.batches for read in reads]

    @property
    def _objects(self) -> list[str]:
        mappings = self._job.mappings
        return list(dict.fromkeys((*mappings.salesforce_objects, *mappings.salesforce_junctions)))

    def _requested(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Each object to be read, with the fields to ask for."""
        for object_ in self._objects:
            known_ = self._known[object_]
            wanted = self._job.mappings.salesforce_fields(object_)
            if object_ in self._job.mappings.salesforce_junctions:
                wanted = sorted({*wanted, *known_.references})
            requested = tuple(name for name in wanted if name in known_.names)
            if self._job.already.get(object_) != frozenset(requested):
                yield object_, requested

    def _read(self, object_: str, requested: tuple[str, ...]) -> SalesforceObject:
        computed = self._known[object_].computed | UNFLAGGED
        return SalesforceObject(self._client, self._job, object_, requested, computed, self._lookback, self.found)

    def _org_row(self, users: Sequence[Mapping[str, Any]]) -> Row:
        identity = self._client.identity()
        user_id = long_id(identity.user_id)
        names = {str(user["id"]): user["username"] for user in users}
        return {
            "organization_id": long_id(identity.organization_id),
            "user_id": user_id,
            "username": names.get(user_id),
            "instance_url": identity.instance_url,
        }


def _described(client: SalesforceClient, object_: str) -> list[Row]:
    try:
        fields = client.describe(object_).get("fields")
    except Refused as error:
        if error.status == 404 or error.code in ("NOT_FOUND", "INVALID_TYPE"):
            raise ConfigError(
                f"Salesforce has no object '{object_}' that the integration user may see.",
                "Correct the salesforce_object in dbt_project/seeds/object_mappings.csv, disable the mapping, "
                "or give the integration user read access to the object.",
            ) from error
        raise
    if not isinstance(fields, list) or not fields:
        raise UnreadableAnswer("describe names no fields", crm="Salesforce", request=f"describe {object_}")
    return [item for item in fields if isinstance(item, dict)]


def _record_types(client: SalesforceClient, objects: Sequence[str]) -> list[Row]:
    names = ", ".join(f"'{soql_text(name)}'" for name in objects)
    soql = f"SELECT Id, SobjectType, Name, DeveloperName, IsActive FROM RecordType WHERE SobjectType IN ({names})"
    return [
        {
            "id": record.get("Id"),
            "object": record.get("SobjectType"),
            "name": record.get("Name"),
            "developer_name": record.get("DeveloperName"),
            "is_active": record.get("IsActive"),
        }
        for page in client.query(soql)
        for record in page
    ]


def _users(client: SalesforceClient) -> list[Row]:
    return [_user_row(record) for page in client.query(_USERS_QUERY) for record in page]


_USERS_QUERY = "SELECT Id, Username, Email, Name, IsActive, UserType FROM User"


def long_id(record_id: str) -> str:
    """The 18-character form of a 15-character id: three characters that tell which letters are upper case."""
    if len(record_id) != 15:
        return record_id
    blocks = (record_id[start : start + 5] for start in (0, 5, 10))
    return record_id + "".join(
        _CHECKSUM[sum(1 << place for place, letter in enumerate(block) if letter.isupper())] for block in blocks
    )


def _field_row(object_: str, item: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "object": object_,
        "name": item.get("name"),
        "label": item.get("label"),
        "type": item.get("type"),
        "length": item.get("length"),
        "precision": item.get("precision"),
        "scale": item.get("scale"),
        "digits": item.get("digits"),
        "is_nillable": item.get("nillable"),
        "is_createable": item.get("createable"),
        "is_updateable": item.get("updateable"),
        "is_defaulted_on_create": item.get("defaultedOnCreate"),
        "is_calculated": item.get("calculated"),
        "is_external_id": item.get("externalId"),
        "is_unique": item.get("unique"),
        "is_restricted_picklist": item.get("restrictedPicklist"),
        "reference_to": json_text(item.get("referenceTo") or []),
    }


def _picklist_rows(object_: str, item: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    values = item.get("picklistValues")
    if item.get("type") not in PICKLIST_TYPES or not isinstance(values, list):
        return
    for order, value in enumerate(values):
        yield {
            "object": object_,
            "field": item.get("name"),
            "value": value.get("value"),
            "label": value.get("label"),
            "is_active": value.get("active"),
            "is_default": value.get("defaultValue"),
            "sort_order": order,
        }


def _first_of_each(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without rows that repeat a key: an inactive value may have the same API name as an active one."""
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in sorted(rows, key=lambda row: not row["is_active"]):
        found.setdefault((row["object"], row["field"], row["value"]), row)
    return list(found.values())


def _user_row(record: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": record.get("Id"),
        "username": record.get("Username"),
        "email": record.get("Email"),
        "name": record.get("Name"),
        "is_active": record.get("IsActive"),
        "user_type": record.get("UserType"),
    }
