"""Pages of HubSpot records: listed, searched by modification time, and their associations.

Owns the ways around the API's limits:
- A list or search that cannot carry all property names (URL of 8,000 characters, search body of 3,000) reads ids
  only and fetches the properties by batch read.
- A search is never paged by offset: each page starts at the last modification time of the one before (>=). So the
  cap of 10,000 results is never reached, and a record that changes meanwhile cannot push others over a page's
  edge. Where one millisecond fills a page, that millisecond is paged by hs_object_id.

Refuses to decide what to read; that is hubspot.py. Sources: HubSpot docs: crm/search (cap, body size, one sort,
lag), crm/objects (limit 100), crm/associations (1,000 ids a read); facts on 414.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any
from urllib.parse import urlencode

from crm_sync.clients import HubSpotClient, UnreadableAnswer
from crm_sync.clients.decoding import encode
from crm_sync.clients.hubspot import (
    ASSOCIATIONS_READ_BATCH,
    BATCH_SIZE,
    SEARCH_BODY_BYTES,
    SEARCH_PAGE,
    next_after,
)
from pipelines.columns import milliseconds, parse_time

LONGEST_URL = 8_000
PRIMARY_TYPE_IDS = frozenset({1, 2, 5, 6})  # contact-company and deal-company, both ways [HubSpot docs: associations]
Records = list[dict[str, Any]]


def cursor_property(object_: str) -> str:
    """The property that holds the modification time [HubSpot docs: crm/search]."""
    return "lastmodifieddate" if object_ == "contacts" else "hs_lastmodifieddate"


def listed(client: HubSpotClient, object_: str, properties: Sequence[str], *, archived: bool) -> Iterator[Records]:
    """All records, live or archived, in pages of 100 ordered by id."""
    is_wide = _list_url_length(client, object_, properties) > LONGEST_URL
    after: str | None = None
    while True:
        asked = ("hs_object_id",) if is_wide else properties
        page = client.list_page(object_, properties=asked, after=after, archived=archived)
        records: Records = page["results"]
        if is_wide:
            records = _with_properties(client, object_, records, properties, archived=archived)
        yield records
        previous, after = after, next_after(page)
        if after is None:
            return
        if after == previous:
            raise UnreadableAnswer(
                "the list's cursor does not move", crm="HubSpot", request=f"GET /crm/v3/objects/{object_}"
            )


def changed(client: HubSpotClient, object_: str, properties: Sequence[str], since_ms: int) -> Iterator[Records]:
    """Live records modified at or after a time, oldest first; a record may come twice."""
    cursor = cursor_property(object_)
    low = max(since_ms, 1)  # 0 has been answered with 500 [estuary/connectors]
    known: set[tuple[str, str]] = set()
    while True:
        found = _search(client, object_, properties, [_filter(cursor, "GTE", str(low))], sort=cursor)
        yield [record for record in found.records if _version(record, cursor) not in known]
        if found.is_last:
            return
        known = {_version(record, cursor) for record in found.records}
        last = parse_time(_text(found.hits[-1], cursor))
        if last is None:
            raise UnreadableAnswer(f"a search result lacks {cursor}", crm="HubSpot", request=_search_label(object_))
        if milliseconds(last) > low:
            low = milliseconds(last)
        else:
            yield from _one_millisecond(client, object_, properties, cursor, low)
            low += 1


def newest(
    client: HubSpotClient, object_: str, properties: Sequence[str], since_ms: int
) -> tuple[Records, int | None, bool]:
    """The page of live records modified last, none before a time; how many there are in all, as far as the answer
    tells; and whether these are all."""
    cursor = cursor_property(object_)
    filters = [_filter(cursor, "GTE", str(max(since_ms, 1)))]
    found = _search(client, object_, properties, filters, sort=cursor, direction="DESCENDING")
    return found.records, found.total, found.is_last


def count_between(client: HubSpotClient, object_: str, since_ms: int, before_ms: int) -> int | None:
    """How many live records were modified in a span of time."""
    cursor = cursor_property(object_)
    filters = [_filter(cursor, "GTE", str(max(since_ms, 1))), _filter(cursor, "LT", str(before_ms))]
    body = {**_search_body((), filters, cursor), "limit": 1}
    return _total(client.search(object_, body))


def _one_millisecond(
    client: HubSpotClient, object_: str, properties: Sequence[str], cursor: str, moment_ms: int
) -> Iterator[Records]:
    """All records modified in one millisecond, however many: paged by id."""
    last_id = 0
    while True:
        filters = [_filter(cursor, "EQ", str(moment_ms)), _filter("hs_object_id", "GT", str(last_id))]
        found = _search(client, object_, properties, filters, sort="hs_object_id")
        yield found.records
        highest = max((int(identity(record)) for record in found.hits), default=0)
        if found.is_last or highest <= last_id:
            return
        last_id = highest


def fits_search(object_: str, properties: Sequence[str]) -> bool:
    """Whether a search can carry all property names."""
    return len(encode(_search_body(properties, [_filter("hs_object_id", "LT", "0" * 18)], "hs_object_id"))) <= (
        SEARCH_BODY_BYTES
    )


def found_below(
    client: HubSpotClient, object_: str, properties: Sequence[str], below: int | None
) -> tuple[Records, int | None, bool]:
    """The live records of the highest ids (below one), from the highest down; how many there are in all, as far as the
    answer tells; and whether these are all."""
    filters = [] if below is None else [_filter("hs_object_id", "LT", str(below))]
    found = _search(client, object_, properties, filters, sort="hs_object_id", direction="DESCENDING")
    return found.records, found.total, found.is_last


def associations(
    client: HubSpotClient, from_object: str, to_object: str, ids: Sequence[str]
) -> Iterator[dict[str, Any]]:
    """Rows of `associations` for up to 1,000 records, every type of every association."""
    inputs: Sequence[str | Mapping[str, str]] = ids
    while inputs:
        body = _associations_page(client, from_object, to_object, inputs)
        further: list[Mapping[str, str]] = []
        for result in body["results"]:
            from_id = identity(result.get("from") or {})
            for target in result.get("to") or ():
                yield from _association_rows(from_object, from_id, to_object, target)
            if (after := next_after(result)) is not None:
                further.append({"id": from_id, "after": after})
        if further and further == inputs:
            raise UnreadableAnswer("the associations' pages lead nowhere", crm="HubSpot", request=from_object)
        inputs = further


def association_chunks(ids: Iterable[str]) -> Iterator[Sequence[str]]:
    """Ids in pieces of what one associations read may hold."""
    remaining = iter(ids)
    while chunk := list(islice(remaining, ASSOCIATIONS_READ_BATCH)):
        yield chunk


def _associations_page(
    client: HubSpotClient, from_object: str, to_object: str, inputs: Sequence[str | Mapping[str, str]]
) -> dict[str, Any]:
    response = client.associations_batch_read(from_object, to_object, inputs)
    body = response.body
    request = f"POST /crm/v4/associations/{from_object}/{to_object}/batch/read"
    if not isinstance(body, dict) or not all(map(_is_association, _dicts(body.get("results"), request))):
        raise UnreadableAnswer("the answer is not a list of associations", crm="HubSpot", request=request)
    for error in _dicts(body.get("errors") or [], request):
        subcategory = str(error.get("subCategory", ""))
        if "NO_ASSOCIATIONS_FOUND" not in subcategory and error.get("category") != "OBJECT_NOT_FOUND":
            raise UnreadableAnswer(
                f"some associations could not be read: {error.get('message', 'no reason given')}",
                crm="HubSpot",
                request=request,
            )
    return body


def _is_association(result: Mapping[str, Any]) -> bool:
    targets = result.get("to") or []
    return (
        isinstance(result.get("from"), dict)
        and isinstance(targets, list)
        and all(isinstance(one, dict) and isinstance(one.get("associationTypes") or [], list) for one in targets)
        and all(isinstance(kind, dict) for one in targets for kind in one.get("associationTypes") or [])
    )


def _dicts(value: Any, request: str) -> list[dict[str, Any]]:
    """A list of JSON objects, as documented, or UnreadableAnswer."""
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise UnreadableAnswer("the answer is no list of objects", crm="HubSpot", request=request)
    return value


def _association_rows(
    from_object: str, from_id: str, to_object: str, target: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    for kind in target.get("associationTypes") or ():
        type_id = kind.get("typeId")
        yield {
            "from_object": from_object,
            "from_id": from_id,
            "to_object": to_object,
            "to_id": identity({"id": target.get("toObjectId")}),
            "type_id": type_id,
            "category": kind.get("category"),
            "label": kind.get("label"),
            "is_primary": type_id in PRIMARY_TYPE_IDS and kind.get("category") == "HUBSPOT_DEFINED",
            "is_present": True,
        }


@dataclass(frozen=True)
class _Found:
    """One search page: the hits as the search gave them, and the same records with all properties."""

    hits: Records
    records: Records
    is_last: bool
    total: int | None


def _search(
    client: HubSpotClient,
    object_: str,
    properties: Sequence[str],
    filters: Sequence[Mapping[str, str]],
    *,
    sort: str,
    direction: str = "ASCENDING",
) -> _Found:
    body = _search_body(properties, filters, sort, direction)
    is_wide = len(encode(body)) > SEARCH_BODY_BYTES
    if is_wide:
        body["properties"] = ["hs_object_id", cursor_property(object_)]
    page = client.search(object_, body)
    hits: Records = page["results"]
    is_last = next_after(page) is None
    if not hits and not is_last:
        raise UnreadableAnswer("an empty page that is not the last", crm="HubSpot", request=_search_label(object_))
    records = _with_properties(client, object_, hits, properties) if is_wide else hits
    return _Found(hits, records, is_last, _total(page))


def _total(page: Mapping[str, Any]) -> int | None:
    total = page.get("total")
    return total if isinstance(total, int) else None


def _search_body(
    properties: Sequence[str], filters: Sequence[Mapping[str, str]], sort: str, direction: str = "ASCENDING"
) -> dict[str, Any]:
    return {
        "filterGroups": [{"filters": list(filters)}] if filters else [],
        "sorts": [{"propertyName": sort, "direction": direction}],
        "properties": list(properties),
        "limit": SEARCH_PAGE,
    }


def _search_label(object_: str) -> str:
    return f"POST /crm/v3/objects/{object_}/search"


def by_id(
    client: HubSpotClient, object_: str, properties: Sequence[str], ids: Sequence[str], *, archived: bool = False
) -> tuple[Records, list[str]]:
    """Records by batch read, and the ids that HubSpot says it does not have. A merged id gives its survivor, under
    the survivor's id, and without an error [HubSpot docs: crm/contacts, merge].
    """
    found: Records = []
    unknown: list[str] = []
    for start in range(0, len(ids), BATCH_SIZE):
        inputs = [{"id": record_id} for record_id in ids[start : start + BATCH_SIZE]]
        response = client.batch(object_, "read", inputs, archived=archived, properties=list(properties))
        if not isinstance(response.body, dict) or not isinstance(response.body.get("results"), list):
            raise UnreadableAnswer(
                "the answer has no list of results",
                crm="HubSpot",
                request=f"POST /crm/v3/objects/{object_}/batch/read",
            )
        found.extend(response.body["results"])
        for error in response.body.get("errors") or ():
            if error.get("category") == "OBJECT_NOT_FOUND":
                unknown += [str(record_id) for record_id in (error.get("context") or {}).get("ids") or ()]
    return found, unknown


def _with_properties(
    client: HubSpotClient,
    object_: str,
    records: Records,
    properties: Sequence[str],
    *,
    archived: bool = False,
) -> Records:
    """The same records by batch read, with all properties. A merged id comes back as its survivor."""
    ids = [identity(record) for record in records]
    return by_id(client, object_, properties, ids, archived=archived)[0]


def _list_url_length(client: HubSpotClient, object_: str, properties: Sequence[str]) -> int:
    params = {"limit": "100", "archived": "false", "after": "0" * 20, "properties": ",".join(properties)}
    return len(f"{client.api.base_url}/crm/v3/objects/{object_}?") + len(urlencode(params))


def identity(record: Mapping[str, Any]) -> str:
    """The record's id; an answer without one cannot be used."""
    record_id = record.get("id")
    if record_id is None:
        raise UnreadableAnswer("a record without id", crm="HubSpot")
    return str(record_id)


def properties_of(record: Mapping[str, Any]) -> Mapping[str, Any]:
    properties = record.get("properties")
    return properties if isinstance(properties, dict) else {}


def modification(record: Mapping[str, Any], cursor: str) -> Any:
    """When the record was last modified, as the search counts it where the answer tells."""
    return properties_of(record).get(cursor) or record.get("updatedAt")


def _version(record: Mapping[str, Any], cursor: str) -> tuple[str, str]:
    return identity(record), _text(record, cursor)


def _filter(name: str, operator: str, value: str) -> dict[str, str]:
    return {"propertyName": name, "operator": operator, "value": value}


def _text(record: Mapping[str, Any], name: str) -> str:
    return str(properties_of(record).get(name) or "")
