"""Single records over REST: create, read, update, delete, upsert by an external id.

Owns: those resources and the upsert that collections share. Refuses: saving itself.
[Salesforce docs: REST API, sObject rows, sObject rows by external id]
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.salesforce.conditional import account_headers, check_unmodified, is_not_modified
from sandbox.salesforce.errors import ApiError, RowError, entity_is_deleted, not_found
from sandbox.salesforce.ids import is_id, to_18
from sandbox.salesforce.query import builder
from sandbox.salesforce.saving import Actor
from sandbox.salesforce.schema.catalog import View
from sandbox.salesforce.schema.describe import describe_global_entry
from sandbox.salesforce.schema.fields import Field, SObject
from sandbox.salesforce.schema.formulas import column_sql
from sandbox.salesforce.soql.compiler import Node, converter
from sandbox.salesforce.soql.scope import address_sql
from sandbox.salesforce.store import Store
from sandbox.salesforce.validation import normalise
from sandbox.salesforce.web import Call, Endpoint, Reply

ID_IN_BODY = "The Id field should not be specified in the sobject data."


def endpoints() -> list[Endpoint]:
    record, external = "/sobjects/{object}/{id}", "/sobjects/{object}/{field}/{value:path}"
    return [
        Endpoint("GET", "/sobjects/{object}", _about),
        Endpoint("POST", "/sobjects/{object}", _create),
        Endpoint("GET", "/sobjects/{object}/", _about),
        Endpoint("POST", "/sobjects/{object}/", _create),
        Endpoint("GET", record, _read),
        Endpoint("PATCH", record, _update),
        Endpoint("DELETE", record, _delete),
        Endpoint("GET", external, _read_external),
        Endpoint("PATCH", external, _upsert_external),
        Endpoint("DELETE", external, _delete_external),
    ]


# --- what collections and Bulk share


def check_id(sobject: SObject, record_id: str) -> str:
    """The 18-character form of an id of this object; MALFORMED_ID for anything else."""
    if not is_id(record_id):
        raise RowError("MALFORMED_ID", f"malformed id {record_id}", ["Id"])
    if sobject.key_prefix and not record_id.startswith(sobject.key_prefix):
        message = f"{sobject.label} ID: id value of incorrect type: {record_id}"
        raise RowError("MALFORMED_ID", message, ["Id"])
    return to_18(record_id[:15])


def key_field(sobject: SObject, view: View, name: str) -> Field:
    """The field by which records may be named; 404 when it is none or the user may not see it."""
    field = view.find(sobject, name)
    if field is None or not (field.external_id or field.id_lookup):
        raise not_found(f"Provided external ID field does not exist or is not accessible: {name}")
    return field


def matches(store: Store, sobject: SObject, key: Field, value: Any, actor: Actor) -> list[str]:
    """The living records that a key names."""
    if key.type == "id":
        record_id = check_id(sobject, str(value))
        if not store.exists(sobject, record_id):
            raise entity_is_deleted()
        return [record_id]
    return store.ids_with(sobject, key.name, normalise(key, value, actor.wrong_type))


def select(store: Store, sobject: SObject, view: View, ids: list[str], names: list[str], base: str) -> list[Any]:
    """Records by id with the named fields, in the given order; None where there is none."""
    fields = []
    for name in names:
        field = view.find(sobject, name)
        if field is None:
            raise RowError("INVALID_FIELD", f"No such column '{name}' on sobject of type {sobject.name}")
        fields.append(field)
    node = Node(sobject.name, 0)
    columns = ['t0."Id"']
    for field in fields:
        is_address = field.type == "address"
        columns.append(address_sql(field, "t0") if is_address else column_sql(view.schema, sobject, field, "t0"))
        node.fields.append((field.name, len(columns) - 1, converter(field)))
    build = builder(node, f"{base}/sobjects/")
    marks = ", ".join("?" * len(ids))
    alive = 'and t0."IsDeleted" = 0' if sobject.has_recycle_bin else ""
    alive += f" and {visible}" if (visible := view.visible_sql("t0")) else ""
    sql = f'select {", ".join(columns)} from "{sobject.name}" as t0 where t0."Id" in ({marks}) {alive}'
    found = {row[0]: build(row) for row in store.connection.execute(sql, ids)}
    return [found.get(record_id) for record_id in ids]


# --- the resources


def _about(call: Call) -> Reply:
    entry = describe_global_entry(call.sobject(), call.base)
    return Reply({"objectDescribe": entry, "recentItems": []})


def _body(call: Call) -> dict[str, Any]:
    values = call.json_object()
    if any(name.lower() == "id" for name in values):
        raise ApiError("INVALID_FIELD", ID_IN_BODY)
    return values


def _created(record_id: str, **more: Any) -> dict[str, Any]:
    return {"id": record_id, "success": True, "errors": [], **more}


def _create(call: Call) -> Reply:
    sobject, values = call.sobject(), _body(call)
    with call.organisation.store.savepoint():
        record_id = call.organisation.saving.create(call.actor, sobject, values)
    return Reply(_created(record_id), 201, {"Location": f"{call.base}/sobjects/{sobject.name}/{record_id}"})


def _read_one(call: Call, sobject: SObject, record_id: str) -> Reply:
    store = call.organisation.store
    row = store.row(sobject, record_id)
    if row is None or row.get("IsDeleted") or record_id in call.view.hidden_records:
        raise not_found()
    headers = account_headers(sobject, row)
    if is_not_modified(call, row, headers):
        return Reply(status=304, headers=headers)
    names = [name.strip() for name in call.query.get("fields", "").split(",") if name.strip()]
    names = names or [field.name for field in call.view.fields(sobject)]
    record = select(store, sobject, call.view, [record_id], names, call.base)[0]
    if "Id" not in record:
        record["Id"] = record_id
    return Reply(record, headers=headers)


def _read(call: Call) -> Reply:
    sobject = call.sobject()
    if not is_id(call.path["id"]):
        raise not_found()
    return _read_one(call, sobject, to_18(call.path["id"][:15]))


def _update(call: Call) -> Reply:
    sobject = call.sobject()
    record_id, values = check_id(sobject, call.path["id"]), _body(call)
    row = call.organisation.store.row(sobject, record_id)
    if row is None:
        raise not_found()
    check_unmodified(call, sobject, row)
    with call.organisation.store.savepoint():
        call.organisation.saving.update(call.actor, sobject, record_id, values)
    return Reply(status=204)


def _delete(call: Call) -> Reply:
    sobject = call.sobject()
    record_id = check_id(sobject, call.path["id"])
    with call.organisation.store.savepoint():
        call.organisation.removal.delete(call.actor, sobject, record_id)
    return Reply(status=204)


def _by_key(call: Call) -> tuple[SObject, Field, list[str]]:
    sobject = call.sobject()
    key, value = key_field(sobject, call.view, call.path["field"]), call.path["value"]
    if "@" in value and value.lower().endswith(".inc"):  # taken for a file name [Salesforce docs: upsert, note]
        raise not_found()
    return sobject, key, matches(call.organisation.store, sobject, key, value, call.actor)


def _choices(call: Call, sobject: SObject, ids: list[str]) -> Reply:
    """300: several records match, nothing was done."""
    return Reply([f"{call.base}/sobjects/{sobject.name}/{record_id}" for record_id in ids], 300)


def _read_external(call: Call) -> Reply:
    sobject, _, ids = _by_key(call)
    if not ids:
        raise not_found()
    return _choices(call, sobject, ids) if len(ids) > 1 else _read_one(call, sobject, ids[0])


def _delete_external(call: Call) -> Reply:
    sobject, _, ids = _by_key(call)
    if not ids:
        raise not_found()
    if len(ids) > 1:
        return _choices(call, sobject, ids)
    with call.organisation.store.savepoint():
        call.organisation.removal.delete(call.actor, sobject, ids[0])
    return Reply(status=204)


def _upsert_external(call: Call) -> Reply:
    """Create (201) or update (200, before v46 204) by key; `updateOnly=true` never creates."""
    values: Mapping[str, Any] = _body(call)
    sobject, key, ids = _by_key(call)
    if any(name.lower() == key.name.lower() for name in values):
        message = f"The {key.name} field should not be specified in the sobject data."
        raise ApiError("INVALID_FIELD", message)
    if len(ids) > 1:
        return _choices(call, sobject, ids)
    saving = call.organisation.saving
    with call.organisation.store.savepoint():
        if ids:
            row = call.organisation.store.row(sobject, ids[0]) or {}
            check_unmodified(call, sobject, row)
            saving.update(call.actor, sobject, ids[0], values)
            is_old = int(call.base[-4:-2]) < 46
            return Reply(status=204) if is_old else Reply(_created(ids[0], created=False))
        if call.flag("updateOnly"):
            raise not_found()
        record_id = saving.create(call.actor, sobject, {**values, key.name: call.path["value"]})
    return Reply(_created(record_id, created=True), 201)
