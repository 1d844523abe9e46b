"""The Tooling API, as far as custom fields go: creating, changing, deleting and finding them.

Owns: `/tooling/sobjects/CustomField` and `/tooling/query`. Refuses: every other tooling object.
A new field is invisible to the REST API, even to its creator, until field-level security grants it.
[Salesforce docs: Tooling API CustomField]
"""

from __future__ import annotations

import re
from typing import Any

from sandbox.salesforce.errors import ApiError, RowError, SoqlError, not_found
from sandbox.salesforce.ids import is_id, make_id, to_18
from sandbox.salesforce.query import Record
from sandbox.salesforce.schema.catalog import field_from_metadata
from sandbox.salesforce.schema.fields import SObject
from sandbox.salesforce.schema.formulas import check
from sandbox.salesforce.soql.lexer import error_at
from sandbox.salesforce.soql.parser import parse
from sandbox.salesforce.soql.scope import no_column
from sandbox.salesforce.soql.tree import Both, Comparison, Condition, Function, Literal, Not, Path, Query
from sandbox.salesforce.web import Call, Endpoint, Reply

FIELD_PREFIX = "00N"
_FULL_NAME = re.compile(r"(\w+)\.([A-Za-z]\w*__c)")
_COLUMNS = {
    name.lower(): name
    for name in (
        "Id", "DeveloperName", "TableEnumOrId", "EntityDefinitionId", "NamespacePrefix", "FullName", "Length",
        "Description", "InlineHelpText", "ManageableState",
    )
}  # fmt: skip


def endpoints() -> list[Endpoint]:
    path = "/tooling/sobjects/CustomField"
    return [
        Endpoint("GET", "/tooling/query", _query),
        Endpoint("GET", "/tooling/query/", _query),
        Endpoint("POST", path, _create),
        Endpoint("POST", path + "/", _create),
        Endpoint("GET", path + "/{id}", _read),
        Endpoint("PATCH", path + "/{id}", _update),
        Endpoint("DELETE", path + "/{id}", _delete),
    ]


def custom_fields(call: Call) -> list[Record]:
    """All custom fields as Tooling rows; their ids are kept with the schema's changes."""
    ids: dict[str, str] = call.organisation.store.document("custom_field_ids") or {}
    rows = []
    for sobject in call.organisation.schema:
        for field in sobject.fields.values():
            if field.custom:
                full_name = f"{sobject.name}.{field.name}"
                rows.append(
                    {
                        "Id": ids.get(full_name),
                        "DeveloperName": field.name.removesuffix("__c"),
                        "TableEnumOrId": sobject.name,
                        "EntityDefinitionId": sobject.name,
                        "NamespacePrefix": None,
                        "FullName": full_name,
                        "Length": field.length or None,
                        "Description": None,
                        "InlineHelpText": None,
                        "ManageableState": "unmanaged",
                    }
                )
    return rows


def _create(call: Call) -> Reply:
    body = call.json_object()
    full_name, metadata = str(body.get("FullName", "")), body.get("Metadata")
    match = _FULL_NAME.fullmatch(full_name)
    sobject = call.organisation.schema.find(match[1]) if match else None
    if match is None or sobject is None or not isinstance(metadata, dict):
        message = f"The object or the developer name of a custom field is not valid: {full_name}"
        raise RowError("FIELD_INTEGRITY_EXCEPTION", message, ["FullName"])
    if sobject.find(match[2]) is not None:
        message = f"There is already a field named {match[2].removesuffix('__c')} on {sobject.label}."
        raise RowError("DUPLICATE_DEVELOPER_NAME", message, ["DeveloperName"])
    try:
        field = field_from_metadata(match[2], metadata)
        check(call.organisation.schema, sobject, field)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise RowError("FIELD_INTEGRITY_EXCEPTION", f"Invalid field metadata: {error}", ["Metadata"]) from error
    if field.type == "string" and not 1 <= field.length <= 255:
        raise RowError("FIELD_INTEGRITY_EXCEPTION", "Text length must be between 1 and 255", ["Length"])
    call.organisation.add_field(sobject, field, dict(metadata))
    field_id = _keep_id(call, sobject, field.name)
    return Reply({"id": field_id, "success": True, "errors": [], "warnings": [], "infos": []}, 201)


def _keep_id(call: Call, sobject: SObject, name: str) -> str:
    store = call.organisation.store
    ids: dict[str, str] = store.document("custom_field_ids") or {}
    ids[f"{sobject.name}.{name}"] = field_id = make_id(FIELD_PREFIX, len(ids) + 1)
    with store.savepoint():
        store.put_document("custom_field_ids", ids)
    return field_id


def _find(call: Call) -> Record:
    wanted = call.path["id"]
    wanted = to_18(wanted) if is_id(wanted) else wanted
    row = next((row for row in custom_fields(call) if row["Id"] == wanted), None)
    if row is None:
        raise not_found()
    return row


def _read(call: Call) -> Reply:
    row = _find(call)
    metadata = call.organisation.field_metadata(row["TableEnumOrId"], row["DeveloperName"] + "__c")
    url = f"{call.base}/tooling/sobjects/CustomField/{row['Id']}"
    return Reply({"attributes": {"type": "CustomField", "url": url}, **row, "Metadata": metadata})


def _update(call: Call) -> Reply:
    """Change label, length, uniqueness and the like; the type stays."""
    row, body = _find(call), call.json_object()
    if not isinstance(body.get("Metadata"), dict):
        raise ApiError("FIELD_INTEGRITY_EXCEPTION", "Metadata is required")
    object_name, name = row["TableEnumOrId"], row["DeveloperName"] + "__c"
    metadata = (call.organisation.field_metadata(object_name, name) or {}) | body["Metadata"]
    call.organisation.change_field(object_name, name, metadata)
    return Reply(status=204)


def _delete(call: Call) -> Reply:
    row = _find(call)
    call.organisation.delete_field(row["TableEnumOrId"], row["DeveloperName"] + "__c")
    return Reply(status=204)


# --- queries over the list of custom fields; other objects are answered like /query


def _query(call: Call) -> Reply:
    soql = call.query.get("q", "")
    query = parse(soql)
    if query.object_name.lower() != "customfield":
        return Reply(call.organisation.queries.first_page(soql, call.reader, False, 2000))
    rows = [row for row in custom_fields(call) if query.where is None or _holds(query.where, row, query)]
    if query.is_count:
        return Reply({"size": len(rows), "totalSize": len(rows), "done": True, "records": []})
    rows = rows[query.offset :][: query.limit]
    names = [_column(each.item, query) for each in query.select]
    records = [
        {
            "attributes": {"type": "CustomField", "url": f"{call.base}/tooling/sobjects/CustomField/{row['Id']}"},
            **{name: row.get(name) for name in names},
        }
        for row in rows
    ]
    reply = {"size": len(records), "totalSize": len(records), "done": True, "queryLocator": None}
    return Reply({**reply, "entityTypeName": "CustomField", "records": records})


def _column(item: Path | Function | Query, query: Query) -> str:
    if not isinstance(item, Path):
        raise SoqlError("MALFORMED_QUERY", "unexpected token in the SELECT list")
    parts = [part for part in item.parts if part.lower() != "customfield"]
    dotted = ".".join(parts).lower()
    if dotted in ("entitydefinition.qualifiedapiname", "entitydefinition.developername"):
        return "TableEnumOrId"
    if dotted not in _COLUMNS:
        raise error_at(query.text, item.position, no_column(parts[-1], "CustomField"), "INVALID_FIELD")
    return _COLUMNS[dotted]


def _holds(condition: Condition, row: Record, query: Query) -> bool:
    if isinstance(condition, Not):
        return not _holds(condition.condition, row, query)
    if isinstance(condition, Both):
        holds = [_holds(each, row, query) for each in condition.conditions]
        return all(holds) if condition.operator == "AND" else any(holds)
    return _compare(condition, row, query)


def _compare(comparison: Comparison, row: Record, query: Query) -> bool:
    held = _folded(row.get(_column(comparison.left, query)))
    right = comparison.right
    values = [right] if isinstance(right, Literal) else right
    if isinstance(values, Query):
        raise SoqlError("MALFORMED_QUERY", "Semi joins are not supported on CustomField")
    wanted = [_folded(literal.value) for literal in values]
    match comparison.operator:
        case "=" | "IN":
            return held in wanted
        case "!=" | "NOT IN":
            return held not in wanted
        case "LIKE":
            pattern = re.escape(str(wanted[0])).replace("%", ".*").replace("_", ".")
            return re.fullmatch(pattern, str(held or "")) is not None
    raise SoqlError("INVALID_QUERY_FILTER_OPERATOR", f"invalid operator: {comparison.operator}")


def _folded(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value
