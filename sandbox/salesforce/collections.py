"""sObject collections: up to 200 records in one call, each with an outcome of its own.

Owns: `/composite/sobjects` in all its forms. Refuses: saving itself.
The reply is 200 even when every row failed. [Salesforce docs: REST API, sObject collections]
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from sandbox.salesforce.errors import ApiError, ParserError, RowError
from sandbox.salesforce.ids import is_id, to_18
from sandbox.salesforce.records import check_id, key_field, matches, select
from sandbox.salesforce.saving import Actor
from sandbox.salesforce.schema.fields import Field, SObject
from sandbox.salesforce.validation import normalise
from sandbox.salesforce.web import Call, Endpoint, Reply

if TYPE_CHECKING:
    from sandbox.salesforce.organisation import SalesforceOrganisation

MAX_RECORDS, MAX_CHUNKS, MAX_RETRIEVED = 200, 10, 2000
Result = dict[str, Any]
Work = Callable[[], Result]


def endpoints() -> list[Endpoint]:
    path = "/composite/sobjects"
    return [
        Endpoint("POST", path, _create),
        Endpoint("PATCH", path, _update),
        Endpoint("DELETE", path, _delete),
        Endpoint("POST", path + "/", _create),
        Endpoint("PATCH", path + "/", _update),
        Endpoint("DELETE", path + "/", _delete),
        Endpoint("GET", path + "/{object}", _retrieve),
        Endpoint("POST", path + "/{object}", _retrieve_by_body),
        Endpoint("PATCH", path + "/{object}/{field}", _upsert),
    ]


# --- requests


def _records(call: Call) -> tuple[list[dict[str, Any]], bool]:
    """The records of a request and its allOrNone; 400 for an empty, too long or too mixed list."""
    body = call.json_object()
    records = body.get("records")
    if records is not None and not isinstance(records, list):
        raise ParserError("Cannot deserialize instance of list from VALUE_STRING value")
    if not records:
        raise ApiError("REQUIRED_FIELD_MISSING", "At least 1 record is required")
    if len(records) > MAX_RECORDS:
        message = f"The maximum number of records allowed is {MAX_RECORDS}, but {len(records)} were specified."
        raise ApiError("LIMIT_EXCEEDED", message)
    for record in records:
        if not isinstance(record, dict):
            raise ParserError("Cannot deserialize instance of sobject from VALUE_STRING value")
    return records, bool(body.get("allOrNone", False))


def _type_of(record: dict[str, Any]) -> str:
    attributes = record.get("attributes")
    type_name = attributes.get("type") if isinstance(attributes, dict) else None
    if not isinstance(type_name, str) or not type_name:
        raise ApiError("INVALID_INPUT", "Include an entity type for each record in the request: attributes.type")
    return type_name


def _objects(call: Call, records: Sequence[dict[str, Any]]) -> list[SObject]:
    """The object of each record; 400 for an unknown one or for more than ten runs of the same type."""
    objects = []
    for record in records:
        name = _type_of(record)
        sobject = call.organisation.schema.find(name)
        if sobject is None:
            raise ApiError("INVALID_TYPE", f"sObject type '{name}' is not supported.")
        objects.append(sobject)
    chunks = 1 + sum(a is not b for a, b in pairwise(objects))
    if chunks > MAX_CHUNKS:
        message = f"The request has {chunks} chunks of records of one type; at most {MAX_CHUNKS} are allowed."
        raise ApiError("LIMIT_EXCEEDED", message)
    return objects


def _values(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name.lower() not in ("attributes", "id")}


def _id_in(record: dict[str, Any]) -> Any:
    return next((value for name, value in record.items() if name.lower() == "id"), None)


# --- running rows


def run_rows(call: Call, rows: Sequence[Work], all_or_none: bool) -> list[Result]:
    """Each row's outcome, in order; with allOrNone one failure undoes and marks all the others."""
    store = call.organisation.store
    results: list[Result] = []
    with store.savepoint():
        store.connection.execute("savepoint all_rows")
        for row in rows:
            try:
                with store.savepoint():
                    results.append(row())
            except RowError as error:
                results.append({"success": False, "errors": [error.row()]})
        if all_or_none and not all(result["success"] for result in results):
            store.connection.execute("rollback to all_rows")
            rolled_back = RowError(
                "ALL_OR_NONE_OPERATION_ROLLED_BACK",
                "Record rolled back because not all records were valid and the request was using AllOrNone header",
            )
            results = [
                {"success": False, "errors": [rolled_back.row()]} if result["success"] else result for result in results
            ]
        store.connection.execute("release all_rows")
    return results


def _succeeded(record_id: str, **more: Any) -> Result:
    return {"id": record_id, "success": True, "errors": [], **more}


def _create(call: Call) -> Reply:
    records, all_or_none = _records(call)
    objects = _objects(call, records)

    def work(record: dict[str, Any], sobject: SObject) -> Work:
        def create() -> Result:
            if _id_in(record) is not None:
                message = "cannot specify Id in an insert call"
                raise RowError("INVALID_FIELD_FOR_INSERT_UPDATE", message, ["Id"])
            return _succeeded(call.organisation.saving.create(call.actor, sobject, _values(record)))

        return create

    return Reply(run_rows(call, [work(*each) for each in zip(records, objects, strict=True)], all_or_none))


def _update(call: Call) -> Reply:
    records, all_or_none = _records(call)
    objects = _objects(call, records)
    ids = Counter(str(_id_in(record))[:15] for record in records if _id_in(record))

    def work(record: dict[str, Any], sobject: SObject) -> Work:
        def update() -> Result:
            given = _id_in(record)
            if not given:
                raise RowError("MISSING_ARGUMENT", "Id not specified in an update call", [])
            record_id = check_id(sobject, str(given))
            if ids[record_id[:15]] > 1:
                raise RowError("DUPLICATE_VALUE", "Duplicate id specified")
            if call.organisation.store.exists(sobject, record_id) is None:
                raise RowError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
            call.organisation.saving.update(call.actor, sobject, record_id, _values(record))
            return _succeeded(record_id)

        return update

    return Reply(run_rows(call, [work(*each) for each in zip(records, objects, strict=True)], all_or_none))


def _upsert(call: Call) -> Reply:
    records, all_or_none = _records(call)
    sobject = call.sobject()
    key = key_field(sobject, call.view, call.path["field"])
    for other in _objects(call, records):
        if other is not sobject:
            message = f"Record types must match the type in the URI: {sobject.name}"
            raise ApiError("INVALID_TYPE", message)
    given = [_key_value(record, key) for record in records]
    counts = Counter(_comparable(key, value) for value in given if value not in (None, ""))

    def work(record: dict[str, Any], value: Any) -> Work:
        def upsert() -> Result:
            if value in (None, ""):
                raise RowError("MISSING_ARGUMENT", f"{key.name} not specified")
            if counts[_comparable(key, value)] > 1:
                raise RowError("DUPLICATE_VALUE", f"Duplicate external id specified: {value}", [key.name])
            return upsert_row(call.organisation, call.actor, sobject, key, value, _values(record))

        return upsert

    return Reply(run_rows(call, [work(*each) for each in zip(records, given, strict=True)], all_or_none))


def upsert_row(
    organisation: SalesforceOrganisation, actor: Actor, sobject: SObject, key: Field, value: Any, values: Result
) -> Result:
    """Update the one record that a key names, or create it."""
    ids = matches(organisation.store, sobject, key, value, actor)
    if len(ids) > 1:
        message = f"{key.name}: more than one record found for external id field: {ids}"
        raise RowError("DUPLICATE_EXTERNAL_ID", message, [key.name])
    rest = {name: each for name, each in values.items() if name.lower() != key.name.lower()}
    if ids:
        organisation.saving.update(actor, sobject, ids[0], rest)
        return _succeeded(ids[0], created=False)
    record_id = organisation.saving.create(actor, sobject, {**rest, key.name: value})
    return _succeeded(record_id, created=True)


def _key_value(record: dict[str, Any], key: Field) -> Any:
    return next((value for name, value in record.items() if name.lower() == key.name.lower()), None)


def _comparable(key: Field, value: Any) -> Any:
    """A key as Salesforce sees it: trimmed, and without case unless the field is case-sensitive."""
    if key.type == "id":
        return str(value)[:15]
    stored = normalise(key, value)
    return stored.casefold() if isinstance(stored, str) and not key.case_sensitive else stored


def _delete(call: Call) -> Reply:
    ids = [each.strip() for each in call.query.get("ids", "").split(",") if each.strip()]
    if not ids:
        raise ApiError("REQUIRED_FIELD_MISSING", "At least 1 record is required")
    if len(ids) > MAX_RECORDS:
        message = f"The maximum number of records allowed is {MAX_RECORDS}, but {len(ids)} were specified."
        raise ApiError("LIMIT_EXCEEDED", message)

    def work(record_id: str) -> Work:
        def delete() -> Result:
            if not is_id(record_id):
                raise RowError("MALFORMED_ID", f"malformed id {record_id}", [])
            sobject = call.organisation.schema.object_of_id(record_id)
            if sobject is None:
                raise RowError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
            call.organisation.removal.delete(call.actor, sobject, to_18(record_id[:15]))
            return _succeeded(to_18(record_id[:15]))

        return delete

    return Reply(run_rows(call, [work(record_id) for record_id in ids], call.flag("allOrNone")))


def _retrieve(call: Call) -> Reply:
    return _select(call, call.query.get("ids", "").split(","), call.query.get("fields", "").split(","), 800)


def _retrieve_by_body(call: Call) -> Reply:
    body = call.json_object()
    return _select(call, _texts(body.get("ids")), _texts(body.get("fields")), MAX_RETRIEVED)


def _texts(value: Any) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ParserError("Cannot deserialize instance of list from VALUE_STRING value")
    return value


def _select(call: Call, ids: list[str], names: list[str], most: int) -> Reply:
    """Records in the order of the ids, null for what is deleted or unknown."""
    sobject = call.sobject()
    ids = [each.strip() for each in ids if each.strip()]
    names = [each.strip() for each in names if each.strip()]
    if not ids or not names:
        raise ApiError("REQUIRED_FIELD_MISSING", "The ids and fields parameters are required")
    if len(ids) > most:
        raise ApiError("LIMIT_EXCEEDED", f"The maximum number of records allowed is {most}.")
    long_ids = [check_id(sobject, record_id) for record_id in ids]
    return Reply(select(call.organisation.store, sobject, call.view, long_ids, names, call.base))
