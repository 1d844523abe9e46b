"""The read of one Salesforce object in one run, and how a Salesforce record becomes a row of `records`.

Records come from queryAll, so that deleted and merged ones are seen, by SystemModstamp (it moves on every save;
LastModifiedDate does not), in its order. Values are landed as they came, numbers as the text that stood in the reply.
What Salesforce computes moves no stamp, so it is compared on a schedule of its own; a reconcile compares everything
with a list of all ids.

Sources: Salesforce REST API guide (queryAll); Salesforce help 000387261 (what moves SystemModstamp).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from crm_sync.clients import SalesforceClient, UnreadableAnswer
from crm_sync.clients.salesforce import QUERY_PAGE, QueryPage, fits_url, id_queries
from pipelines.ahead import Ahead
from pipelines.columns import RecordRows, parse_time
from pipelines.reads import since
from pipelines.source import Found, ObjectTally, ReadJob, computed_name
from pipelines.stored import StoredRecords
from pipelines.tables import Batch

ALWAYS_FIRST = ("Id", "SystemModstamp")
LISTED_SHARE = 0.25
PAGES_AHEAD = 2
WHOLE_WINDOW_EVERY = timedelta(minutes=30)
CRM = "salesforce"


class SalesforceObject:
    """One object's read: `batches`, once. What came of it is put into `found`."""

    def __init__(
        self,
        client: SalesforceClient,
        job: ReadJob,
        object_: str,
        requested: tuple[str, ...],
        computed: Collection[str],
        lookback: timedelta,
        found: Found,
    ) -> None:
        self.client = client.counted()
        self._job = job
        self._object = object_
        self._requested = requested
        self._computed = frozenset(computed)
        self._lookback = lookback
        self._found = found
        self._start = since(job.previous.get(object_), requested, lookback, full=job.full)
        self._tally = ObjectTally(CRM, object_, requested, job, self.is_full, self.client.calls)
        self._rows = RecordRows(object_, job.loaded_at)
        self._ids: set[str] = set()  # of the records that an incremental read brought
        self._first_fields, *self._other_fields = field_chunks(object_, requested, self._start)
        #: The pages of `query`, where somebody has begun to read them.
        self.pages: Iterator[QueryPage] | None = None

    @property
    def is_full(self) -> bool:
        return self._start is None

    @property
    def is_short(self) -> bool:
        """Whether few records are to be expected: an incremental read, or one of an object that had none at all."""
        previous = self._job.previous.get(self._object)
        return not self.is_full or (previous is not None and previous.watermark is None)

    @property
    def query(self) -> str:
        return record_query(self._object, self._first_fields, self._start)

    def batches(self) -> Iterator[Batch]:
        with self._job.stored(CRM) as stored:
            self._tally.comparison = self._job.comparison(self._object, stored, is_full=self.is_full)
            with Ahead([self._pages], PAGES_AHEAD) as pages:
                for page in self._job.pages(pages):
                    for record in page:
                        add_record(self._rows, record)
                        if not self.is_full:
                            self._ids.add(str(record["Id"]))
                    if self._rows.is_full:
                        yield stored.changed(self._tally.passing(self._rows.flush()))
            yield stored.changed(self._tally.passing(self._rows.flush()))
            yield from self._reconcile(stored)
            yield from self._computed_fields(stored)
        self._found.reads.append(self._tally.finish(self.client.calls))

    def _reconcile(self, stored: StoredRecords) -> Iterator[Batch]:
        """Where it is its turn: the list of all records against the stored ones, and what is amiss read by id.

        A record that is neither shown nor in the recycle bin may have been erased, or hidden from the integration
        user: Salesforce does not tell. Such a record is reported and stays.
        """
        tally, comparison, rows = self._tally, self._tally.comparison, self._rows
        if comparison is None:
            if self.is_full:
                self._found.drifts += self._job.told(self._object)
            return
        if not self.is_full:
            for page in self._job.pages(self.client.query(f"SELECT Id, SystemModstamp FROM {self._object}")):
                for record in page:
                    comparison.listing(str(record["Id"]), record["SystemModstamp"])
        for missed in comparison.missed(tally.drift_before(self._lookback)):
            if not self.is_full:
                for record in self._by_id(self._requested, missed).values():
                    add_record(rows, record)
                yield stored.changed(tally.passing_by_id(rows.flush()))
        for vanished in comparison.vanished():
            found = self._by_id(self._requested, vanished)
            for record_id in vanished:
                if record_id not in found:
                    comparison.drift.count("untraceable", record_id)
                elif found[record_id].get("IsDeleted") is True:
                    comparison.drift.count("deleted", record_id)
                    add_record(rows, found[record_id])
            yield stored.changed(tally.passing_by_id(rows.flush()))
        self._found.drifts += self._job.told(self._object, comparison.drift)

    def _computed_fields(self, stored: StoredRecords) -> Iterator[Batch]:
        """What Salesforce computes moves no time: such fields of the linked records, or of all where an inclusion rule
        asks for one, are compared when it is their turn, and a record of which one differs is landed again."""
        names, tally, rows = self._computed.intersection(self._requested), self._tally, self._rows
        if not names or not (self.is_full or self._job.is_computed_due(self._object)):
            return
        calls_before, compared = self.client.calls, 0
        if not self.is_full:
            for page in self._job.pages(self._computed_values(names, stored)):
                found = {record_id: record for record_id, record in page.items() if record_id not in self._ids}
                compared += len(found)
                differing = stored.differing(self._object, found, names)
                for record in self._by_id(self._requested, differing).values():
                    add_record(rows, record)
                if rows.is_full:
                    yield stored.changed(tally.passing_by_id(rows.flush()))
            yield stored.changed(tally.passing_by_id(rows.flush()))
        self._found.also_read(CRM, computed_name(self._object), self.client.calls - calls_before, compared)

    def _computed_values(self, names: frozenset[str], stored: StoredRecords) -> Iterator[dict[str, dict[str, Any]]]:
        """The computed fields of the records that matter, by id. A page of a list holds four times as many records as a
        URL holds ids, so where a quarter of all records matter, all are listed."""
        is_asked_of_all = not names.isdisjoint(self._job.mappings.inclusion_properties(CRM, self._object))
        soql = f"SELECT {', '.join(('Id', *sorted(names)))} FROM {self._object}"
        if fits_url(soql) and (is_asked_of_all or stored.linked_share(self._object) >= LISTED_SHARE):
            for page in self.client.query(soql):
                yield {str(record["Id"]): record for record in page}
            return
        for chunk in stored.ids(self._object, QUERY_PAGE, linked=not is_asked_of_all):
            yield self._by_id(sorted(names), chunk)

    def _pages(self) -> Iterator[QueryPage]:
        """Pages of records; fields that do not fit in the URL are read by id and put to their records."""
        with self._job.stored(CRM) as stored:
            for number, page in enumerate(self.pages or self.client.query(self.query, all_rows=True)):
                if self._other_fields:
                    by_id = {str(record.get("Id")): record for record in page}
                    self._complete(by_id, self._other_fields)
                yield page
                if number == 0 and self._is_enough(stored, page):
                    return
        self._found.also_read(CRM, f"{self._object}.window", 0)

    def _is_enough(self, stored: StoredRecords, page: QueryPage) -> bool:
        """Whether the first page of an incremental read, the newest one, brings nothing, and the warehouse holds as
        many records of that time as Salesforce counts: then all further pages are known. A long transaction that has
        changed a known record with an older stamp changes no count: for those all pages are read now and then."""
        if self._start is None or page.total is None or page.total <= len(page):
            return False
        if self._job.is_due(f"{self._object}.window", WHOLE_WINDOW_EVERY):
            return False
        versions = {str(record["Id"]): parse_time(record.get("SystemModstamp")) for record in page}
        held = stored.count(self._object, self._start, versions.keys(), alive=False) + len(versions)
        return page.total <= held and stored.unseen(self._object, versions) == 0

    def _by_id(self, fields: Sequence[str], ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Records by their ids, deleted ones included. An id that Salesforce does not show is absent."""
        found: dict[str, dict[str, Any]] = {}
        first, *others = field_chunks(self._object, fields, None, leaves_room=True)
        for soql in id_queries(self._object, ids, first):
            for page in self.client.query(soql, all_rows=True):
                found.update((str(record["Id"]), record) for record in page)
        self._complete(found, others)
        return found

    def _complete(self, by_id: dict[str, dict[str, Any]], chunks: Sequence[Sequence[str]]) -> None:
        """Read further fields of records by their ids."""
        for chunk in chunks:
            for soql in id_queries(self._object, list(by_id), chunk):
                for page in self.client.query(soql, all_rows=True):
                    for record in page:
                        by_id[str(record["Id"])].update(record)


def record_query(object_: str, fields: Sequence[str], start: datetime | None) -> str:
    """All records, or those saved at or after a time, the newest first; `>=`, since equal stamps are common."""
    moment = "" if start is None else start.astimezone(UTC).isoformat(timespec="milliseconds")
    where = f" WHERE SystemModstamp >= {moment.replace('+00:00', 'Z')}" if moment else ""
    order = "SystemModstamp DESC, Id" if where else "SystemModstamp, Id"
    return f"SELECT {', '.join(fields)} FROM {object_}{where} ORDER BY {order}"


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


def add_record(rows: RecordRows, record: dict[str, Any]) -> None:
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
