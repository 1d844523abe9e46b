"""Salesforce's source: describe and other metadata, then every mapped object, in full or what changed.

Owns what is read and how a Salesforce record becomes a row of `records`. Records come from queryAll, so that
deleted and merged ones are seen, by SystemModstamp (it moves on every save; LastModifiedDate does not), in its
order. Only fields that describe shows are asked for: one that is missing or hidden is unknown, not cleared. Values
are landed as they came, numbers as the text that stood in the reply. Junction objects, which many-valued references
name, are read alike, with the fields that refer to records. What Salesforce computes moves no stamp, so it is compared
on a schedule of its own; a reconcile compares everything with a list of all ids.

Sources: Salesforce REST API guide (queryAll, describe); Salesforce help 000387261 (what moves SystemModstamp).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from crm_sync.clients import Refused, SalesforceClient, UnreadableAnswer
from crm_sync.clients.salesforce import QUERY_PAGE, fits_url, id_queries, soql_text
from crm_sync.errors import ConfigError
from pipelines.columns import RecordRows, batch_of, json_text
from pipelines.reads import ObjectRead, since
from pipelines.reconcile import Drift
from pipelines.source import ObjectTally, ReadJob, computed_name
from pipelines.stored import StoredRecords
from pipelines.tables import FIELDS, ORG, PICKLIST_VALUES, RECORD_TYPES, SALESFORCE, USERS, Batch

LOOKBACK = timedelta(minutes=5)  # a long transaction commits with an older stamp [estuary/connectors]
ALWAYS_FIRST = ("Id", "SystemModstamp")
#: Behave like formulas without being described as such [Salesforce object reference: LastActivityDate].
UNFLAGGED = frozenset({"LastActivityDate"})
LISTED_SHARE = 0.25
PICKLIST_TYPES = frozenset({"picklist", "multipicklist", "combobox"})
_CHECKSUM = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


class SalesforceSource:
    """One run's read of Salesforce. `reads` is complete once `records` is exhausted."""

    crm = "salesforce"
    schema = SALESFORCE

    def __init__(self, client: SalesforceClient, job: ReadJob, lookback: timedelta = LOOKBACK) -> None:
        self._client = client
        self._job = job
        self._lookback = lookback
        self._existing: dict[str, frozenset[str]] = {}
        self._references: dict[str, tuple[str, ...]] = {}
        self.reads: list[ObjectRead] = []
        self.further_reads: list[ObjectRead] = []
        self.list_ids: list[str] = []
        self.drifts: list[Drift] = []
        self._computed: dict[str, frozenset[str]] = {}

    @property
    def calls(self) -> int:
        return self._client.calls

    def metadata(self) -> list[Batch]:
        loaded_at = self._job.loaded_at
        objects = self._objects
        fields: list[dict[str, Any]] = []
        values: list[dict[str, Any]] = []
        for object_ in objects:
            described = self._describe(object_)
            self._existing[object_] = frozenset(str(item.get("name")) for item in described)
            computed = (str(item.get("name")) for item in described if item.get("calculated") is True)
            self._computed[object_] = frozenset(computed) | UNFLAGGED
            references = [str(item.get("name")) for item in described if item.get("type") == "reference"]
            self._references[object_] = tuple(references)
            fields += [_field_row(object_, item) for item in described]
            values += [row for item in described for row in _picklist_rows(object_, item)]
        users = [_user_row(record) for record in self._all(_USERS_QUERY)]
        return [
            batch_of(FIELDS, fields, loaded_at),
            batch_of(PICKLIST_VALUES, _first_of_each(values), loaded_at),
            batch_of(RECORD_TYPES, self._record_types(objects), loaded_at),
            batch_of(USERS, users, loaded_at),
            batch_of(ORG, [self._org_row(users)], loaded_at),
        ]

    def records(self) -> Iterator[Batch]:
        for object_ in self._objects:
            yield from self._object(object_)

    @property
    def _objects(self) -> list[str]:
        mappings = self._job.mappings
        return list(dict.fromkeys((*mappings.salesforce_objects, *mappings.salesforce_junctions)))

    def _object(self, object_: str) -> Iterator[Batch]:
        wanted = self._job.mappings.salesforce_fields(object_)
        if object_ in self._job.mappings.salesforce_junctions:
            wanted = sorted({*wanted, *self._references[object_]})
        requested = tuple(name for name in wanted if name in self._existing[object_])
        start = since(self._job.previous.get(object_), requested, self._lookback, full=self._job.full)
        tally = ObjectTally(self.crm, object_, requested, self._job, start is None, self._client.calls)
        tally.comparison = self._job.comparison(object_, is_full=start is None)
        rows = RecordRows(object_, self._job.loaded_at)
        ids: set[str] = set()
        for page in self._job.pages(self._pages(object_, requested, start)):
            for record in page:
                _add(rows, record)
                if start is not None:
                    ids.add(str(record["Id"]))
            if rows.is_full:
                yield tally.passing(rows.flush())
        yield tally.passing(rows.flush())
        yield from self._reconcile(tally, rows)
        yield from self._computed_fields(tally, rows, ids)
        self.reads.append(tally.finish(self._client.calls))

    def _reconcile(self, tally: ObjectTally, rows: RecordRows) -> Iterator[Batch]:
        """Where it is its turn: the list of all records against the stored ones, and what is amiss read by id.

        A record that is neither shown nor in the recycle bin may have been erased, or hidden from the integration
        user: Salesforce does not tell. Such a record is reported and stays.
        """
        comparison, object_ = tally.comparison, tally.object
        if comparison is None:
            if tally.is_full:
                self.drifts += self._job.told(Drift(object_))
            return
        if not tally.is_full:
            for page in self._job.pages(self._client.query(f"SELECT Id, SystemModstamp FROM {object_}")):
                for record in page:
                    comparison.listing(str(record["Id"]), record["SystemModstamp"])
        for missed in comparison.missed(tally.drift_before(self._lookback)):
            if not tally.is_full:
                for record in self._by_id(object_, tally.requested, missed).values():
                    _add(rows, record)
                yield tally.passing_by_id(rows.flush())
        for vanished in comparison.vanished():
            found = self._by_id(object_, tally.requested, vanished)
            for record_id in vanished:
                if record_id not in found:
                    comparison.drift.count("untraceable", record_id)
                elif found[record_id].get("IsDeleted") is True:
                    comparison.drift.count("deleted", record_id)
                    _add(rows, found[record_id])
            yield tally.passing_by_id(rows.flush())
        self.drifts += self._job.told(comparison.drift)

    def _computed_fields(self, tally: ObjectTally, rows: RecordRows, ids: Collection[str]) -> Iterator[Batch]:
        """What Salesforce computes moves no time: such fields of the linked records, or of all where an inclusion rule
        asks for one, are compared when it is their turn, and a record of which one differs is landed again."""
        object_, names = tally.object, self._computed[tally.object].intersection(tally.requested)
        if not names or not (tally.is_full or self._job.is_computed_due(object_)):
            return
        calls_before, stored, compared = self._client.calls, self._job.stored, 0
        if stored is not None and not tally.is_full:
            for page in self._job.pages(self._computed_values(object_, names, stored)):
                found = {record_id: record for record_id, record in page.items() if record_id not in ids}
                compared += len(found)
                differing = stored.differing(object_, found, names)
                for record in self._by_id(object_, tally.requested, differing).values():
                    _add(rows, record)
                if rows.is_full:
                    yield tally.passing_by_id(rows.flush())
            yield tally.passing_by_id(rows.flush())
        calls = self._client.calls - calls_before
        name = computed_name(object_)
        self.further_reads.append(ObjectRead(self.crm, name, (), None, compared, True, calls, 0.0))

    def _computed_values(
        self, object_: str, names: frozenset[str], stored: StoredRecords
    ) -> Iterator[dict[str, dict[str, Any]]]:
        """The computed fields of the records that matter, by id. A page of a list holds four times as many records as a
        URL holds ids, so where a quarter of all records matter, all are listed."""
        is_asked_of_all = not names.isdisjoint(self._job.mappings.inclusion_properties("salesforce", object_))
        soql = f"SELECT {', '.join(('Id', *sorted(names)))} FROM {object_}"
        if fits_url(soql) and (is_asked_of_all or stored.linked_share(object_) >= LISTED_SHARE):
            for page in self._client.query(soql):
                yield {str(record["Id"]): record for record in page}
            return
        for chunk in stored.ids(object_, QUERY_PAGE, linked=not is_asked_of_all):
            yield self._by_id(object_, sorted(names), chunk)

    def _pages(self, object_: str, fields: Sequence[str], start: datetime | None) -> Iterator[list[dict[str, Any]]]:
        """Pages of records; fields that do not fit in the URL are read by id and put to their records."""
        first, *others = field_chunks(object_, fields, start)
        for page in self._client.query(record_query(object_, first, start), all_rows=True):
            if others:
                by_id = {str(record.get("Id")): record for record in page}
                self._complete(object_, by_id, others)
            yield page

    def _by_id(self, object_: str, fields: Sequence[str], ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Records by their ids, deleted ones included. An id that Salesforce does not show is absent."""
        found: dict[str, dict[str, Any]] = {}
        first, *others = field_chunks(object_, fields, None, leaves_room=True)
        for soql in id_queries(object_, ids, first):
            for page in self._client.query(soql, all_rows=True):
                found.update((str(record["Id"]), record) for record in page)
        self._complete(object_, found, others)
        return found

    def _complete(self, object_: str, by_id: dict[str, dict[str, Any]], chunks: Sequence[Sequence[str]]) -> None:
        """Read further fields of records by their ids."""
        for chunk in chunks:
            for soql in id_queries(object_, list(by_id), chunk):
                for page in self._client.query(soql, all_rows=True):
                    for record in page:
                        by_id[str(record["Id"])].update(record)

    def _describe(self, object_: str) -> list[dict[str, Any]]:
        try:
            fields = self._client.describe(object_).get("fields")
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

    def _record_types(self, objects: Sequence[str]) -> list[dict[str, Any]]:
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
            for record in self._all(soql)
        ]

    def _org_row(self, users: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        identity = self._client.identity()
        user_id = long_id(identity.user_id)
        names = {str(user["id"]): user["username"] for user in users}
        return {
            "organization_id": long_id(identity.organization_id),
            "user_id": user_id,
            "username": names.get(user_id),
            "instance_url": identity.instance_url,
        }

    def _all(self, soql: str) -> Iterator[dict[str, Any]]:
        for page in self._client.query(soql):
            yield from page


_USERS_QUERY = "SELECT Id, Username, Email, Name, IsActive, UserType FROM User"


def record_query(object_: str, fields: Sequence[str], start: datetime | None) -> str:
    """All records, or those saved at or after a time; `>=`, since equal stamps are common."""
    moment = "" if start is None else start.astimezone(UTC).isoformat(timespec="milliseconds")
    where = f" WHERE SystemModstamp >= {moment.replace('+00:00', 'Z')}" if moment else ""
    return f"SELECT {', '.join(fields)} FROM {object_}{where} ORDER BY SystemModstamp, Id"


def field_chunks(
    object_: str, fields: Sequence[str], start: datetime | None, *, leaves_room: bool = False
) -> list[list[str]]:
    """The fields in as few lists as the URL's length allows; the first has Id and SystemModstamp.

    Lists after the first (`leaves_room`: all) leave half of the URL for the ids they are asked for.
    """
    rest = [name for name in fields if name not in ALWAYS_FIRST]
    chunks = [list(ALWAYS_FIRST)]
    for name in rest:
        grown = [*chunks[-1], name]
        is_first = len(chunks) == 1 and not leaves_room
        query = record_query(object_, grown if is_first else grown * 2, start)
        if fits_url(query) or len(grown) == 1:
            chunks[-1] = grown
        else:
            chunks.append([name])
    return chunks


def long_id(record_id: str) -> str:
    """The 18-character form of a 15-character id: three characters that tell which letters are upper case."""
    if len(record_id) != 15:
        return record_id
    blocks = (record_id[start : start + 5] for start in (0, 5, 10))
    return record_id + "".join(
        _CHECKSUM[sum(1 << place for place, letter in enumerate(block) if letter.isupper())] for block in blocks
    )


def _add(rows: RecordRows, record: dict[str, Any]) -> None:
    record.pop("attributes", None)
    if record.get("Id") is None:
        raise UnreadableAnswer("a record without Id", crm="Salesforce")
    rows.add(
        str(record["Id"]),
        record,
        record.get("CreatedDate"),
        record.get("SystemModstamp"),
        record.get("LastModifiedDate"),
        record.get("LastModifiedById"),
        record.get("IsDeleted") is True,
        record.get("MasterRecordId"),
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
