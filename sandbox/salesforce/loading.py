"""Putting records in as they are: demo data, generated data, and what every organisation has from the start.

Owns: fast, unlogged inserts with defaults, ids and stamps where a record has none. Refuses: checks and triggers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Any

from sandbox.demo.people import INTEGRATION_USER_ID, SALESFORCE_USERS
from sandbox.organisation import ControlError
from sandbox.salesforce.ids import ORGANISATION_ID, make_id, to_18
from sandbox.salesforce.schema.fields import NUMBER_TYPES, Field, SObject
from sandbox.salesforce.schema.picklists import FORECAST_CODES, LEAD_STATUSES, STAGES
from sandbox.salesforce.store import Row, Store
from sandbox.salesforce.triggers import derive
from sandbox.salesforce.validation import TRIMMED
from sandbox.salesforce.values import format_datetime, parse_datetime

CHUNK = 5000
DERIVED_OBJECTS = frozenset({"Contact", "Lead", "User", "Opportunity", "Task", "CampaignMember"})
PROFILE_ID = make_id("00e", 1)
RECORD_TYPES = (("Opportunity", "New Business", "New_Business"), ("Opportunity", "Renewal", "Renewal"))


def load_records(
    store: Store, sobject: SObject, records: Iterable[Mapping[str, Any]], now: datetime, user_id: str
) -> int:
    """Insert or replace records by id; how many. Values are trimmed and derived as on save, nothing is checked."""
    names, _ = store.columns(sobject)
    loader = _Loader(store, sobject, format_datetime(now), user_id)
    count = 0
    with store.fast_loading(sobject):
        rows = ([row[name] for name in names] for row in loader.rows(records))
        while chunk := list(islice(rows, CHUNK)):
            store.replace_many(sobject, names, chunk)
            count += len(chunk)
    return count


class _Loader:
    """Turns given records into complete rows of one object."""

    def __init__(self, store: Store, sobject: SObject, stamp: str, user_id: str) -> None:
        self.sobject = sobject
        self.stamp = stamp
        self.store = store
        self.stages = {row["ApiName"]: row for row in store.rows_where(store.schema.objects["opportunitystage"], "1")}
        self.defaults = self._defaults(user_id)
        self.cleaners = {name: _cleaner(sobject.fields[name]) for name in self.defaults}

    def _defaults(self, user_id: str) -> Row:
        defaults: Row = {}
        for field in self.sobject.fields.values():
            if field.is_stored:
                is_flag = field.type == "boolean"
                defaults[field.name] = field.default_value or False if is_flag else field.default_value
        people = {"OwnerId": user_id, "CreatedById": user_id, "LastModifiedById": user_id}
        defaults.update({name: value for name, value in people.items() if name in defaults})
        return defaults

    def rows(self, records: Iterable[Mapping[str, Any]]) -> Iterator[Row]:
        for record in records:
            row = self.defaults.copy()
            for given, value in record.items():
                name = given if given in row else self._canonical(given)
                if name is not None:
                    row[name] = self.cleaners[name](value)
            if row["Id"] is None:
                row["Id"] = self.store.next_id(self.sobject)
            self._stamp(row)
            if self.sobject.name in DERIVED_OBJECTS:
                derive(self.sobject, row, None, record, self.stages.get, row.get("CreatedDate") or self.stamp)
            yield row

    def _canonical(self, given: str) -> str | None:
        if given == "attributes":
            return None
        field = self.sobject.find(given)
        if field is None or not field.is_stored:
            raise ControlError(f'{self.sobject.name} has no field "{given}".')
        return field.name

    def _stamp(self, row: Row) -> None:
        """Times that were not given follow from those that were."""
        if "SystemModstamp" not in row:
            return
        created = row.get("CreatedDate") or row.get("LastModifiedDate") or row["SystemModstamp"] or self.stamp
        if "CreatedDate" in row:
            row["CreatedDate"] = created
        if "LastModifiedDate" in row:
            row["LastModifiedDate"] = row["LastModifiedDate"] or row["SystemModstamp"] or created
        row["SystemModstamp"] = row["SystemModstamp"] or row.get("LastModifiedDate") or created


def _cleaner(field: Field) -> Any:
    """How a loaded value is brought into its stored form."""
    if field.type in ("id", "reference"):
        return lambda value: to_18(value) if value else None
    if field.type == "email":
        return lambda value: (value.strip(TRIMMED).lower() or None) if value else None
    if field.is_text:
        return lambda value: (str(value).strip(TRIMMED) or None) if value is not None else None
    if field.type == "boolean":
        return lambda value: str(value).lower() == "true" if isinstance(value, str) else bool(value)
    if field.type == "datetime":
        return _clean_datetime
    if field.type == "int":
        return lambda value: int(value) if value not in (None, "") else None
    if field.type in NUMBER_TYPES:
        return lambda value: float(value) if value not in (None, "") else None
    return lambda value: value or None


def _clean_datetime(value: Any) -> str | None:
    if not value:
        return None
    if isinstance(value, str) and len(value) == 28 and value.endswith(".000+0000"):
        return value
    moment = value if isinstance(value, datetime) else parse_datetime(str(value))
    if moment is None:
        raise ControlError(f"Not a date and time: {value}")
    return format_datetime(moment)


def load_standard_data(store: Store, now: datetime) -> None:
    """What every organisation has: users, a profile, stages, lead statuses, record types, itself."""
    objects = store.schema.objects
    for name, records in _standard_data().items():
        load_records(store, objects[name.lower()], records, now, INTEGRATION_USER_ID)


def _standard_data() -> dict[str, list[dict[str, Any]]]:
    stages = [
        {
            "Id": make_id("01J", index),
            "MasterLabel": stage.label,
            "ApiName": stage.label,
            "IsActive": True,
            "SortOrder": index,
            "IsClosed": stage.is_closed,
            "IsWon": stage.is_won,
            "ForecastCategoryName": stage.forecast_category,
            "ForecastCategory": FORECAST_CODES[stage.forecast_category],
            "DefaultProbability": stage.probability,
        }
        for index, stage in enumerate(STAGES, start=1)
    ]
    statuses = [
        {
            "Id": make_id("01J", 100 + index),
            "MasterLabel": status.label,
            "ApiName": status.label,
            "SortOrder": index,
            "IsDefault": status.is_default,
            "IsConverted": status.is_converted,
        }
        for index, status in enumerate(LEAD_STATUSES, start=1)
    ]
    record_types = [
        {
            "Id": make_id("012", index),
            "Name": name,
            "DeveloperName": developer_name,
            "SobjectType": object_name,
            "IsActive": True,
        }
        for index, (object_name, name, developer_name) in enumerate(RECORD_TYPES, start=1)
    ]
    organisation = {
        "Id": ORGANISATION_ID,
        "Name": "Demo Organisation",
        "InstanceName": "SBX1",
        "OrganizationType": "Enterprise Edition",
        "TimeZoneSidKey": "UTC",
        "DefaultLocaleSidKey": "en_US",
        "LanguageLocaleKey": "en_US",
        "FiscalYearStartMonth": 1,
    }
    return {
        "Profile": [{"Id": PROFILE_ID, "Name": "Standard User", "UserType": "Standard"}],
        "User": [{"ProfileId": PROFILE_ID, **user} for user in SALESFORCE_USERS],
        "Organization": [organisation],
        "OpportunityStage": stages,
        "LeadStatus": statuses,
        "RecordType": record_types,
    }
