"""What an administrator or a test does behind the API: `POST /metadata` and `POST /act/{action}`.

Owns: the vocabulary of both. Refuses: records' values (`saving`, `removal`).

Metadata, one JSON object per change (`"field"` may also be called `"property"`):
`{"action": "hide" | "show" | "lock_field" | "unlock_field" | "delete" | "restore", "object", "field"}` (the first four:
field-level security; a locked field is read and not edited),
`{"action": "rename", "object", "field", "name"}`,
`{"action": "add_option" | "remove_option", "object", "field", "value", "label"?}`,
`{"action": "restrict", "object", "field", "on"}` (a picklist accepts its active values only),
`{"action": "require", "object", "field", "on"}`, `{"action": "add_field", "object", "name", "metadata", "granted"?}`
(Tooling's metadata; with `formula`, or of type Summary, the field is computed: `schema/formulas.py`),
`{"action": "add_object", "name", "label"?, "fields": {name: metadata}}` (a custom object, its fields granted),
`{"action": "add_stage", "label", "probability"?, "forecast_category"?, "is_closed"?, "is_won"?}`,
`{"action": "use_currencies", "rates": {"USD": 1, "EUR": 0.9}}` (the first is the corporate currency),
`{"trigger": "format_phone", "on"}`, `{"trigger": "set_field", "object", "field", "template": "{LastName} x", "on"}`,
`{"validation_rule": name, "object", "when": SOQL filter, "message", "error_field"?, "code"?, "on"}` (with the code
CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY it imitates a failing trigger),
`{"duplicate_rule": object, "fields"?, "block"?, "on"}`,
`{"read_only_record": id, "on"}` (INSUFFICIENT_ACCESS_OR_READONLY), `{"invisible_record": id, "on"}` (not shared with
the API user), `{"lock": id, "times"?}` (UNABLE_TO_LOCK_ROW),
`{"jwt_public_key": PEM}`.

Acts: `merge` (object, master, losers, values?), `restore` (object, id), `convert` (id, account_id?, contact_id?,
opportunity_name?, stage?), `touch` (object, id: SystemModstamp alone moves), `expire_sessions`, `purge` (object, id:
out of the recycle bin for good). Each takes `user?` and `at?`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sandbox.organisation import ControlError, Record
from sandbox.salesforce.ids import make_id, to_18
from sandbox.salesforce.rules import DUPLICATE_FIELDS, DuplicateRule, ValidationRule
from sandbox.salesforce.schema.catalog import CURRENCY_OBJECTS, Schema, field_from_metadata
from sandbox.salesforce.schema.formulas import check
from sandbox.salesforce.schema.picklists import FORECAST_CODES
from sandbox.salesforce.soql.parser import parse
from sandbox.salesforce.store import quoted
from sandbox.salesforce.triggers import TRIGGERS
from sandbox.salesforce.values import format_datetime

if TYPE_CHECKING:
    from sandbox.salesforce.organisation import SalesforceOrganisation

SCHEMA_ACTIONS: dict[str, dict[str, Any]] = {
    "hide": {"change": "hide", "on": True},
    "show": {"change": "hide", "on": False},
    "lock_field": {"change": "lock", "on": True},
    "unlock_field": {"change": "lock", "on": False},
    "delete": {"change": "delete"},
    "restore": {"change": "restore"},
    "add_option": {"change": "option", "on": True},
    "remove_option": {"change": "option", "on": False},
    "restrict": {"change": "restrict"},
    "require": {"change": "require"},
    "rename": {"change": "rename"},
}


def change_metadata(organisation: SalesforceOrganisation, change: Mapping[str, Any]) -> Record:
    """Make one change; returns what was changed."""
    for key, make in _RULES.items():
        if key in change:
            make(organisation, change)
            organisation.rules.keep()
            return dict(change)
    action = str(change.get("action", ""))
    if action == "add_stage":
        return _add_stage(organisation, change)
    if action == "use_currencies":
        return _use_currencies(organisation, change)
    if action == "add_object":
        return _add_object(organisation, change)
    if action == "add_field":
        sobject = organisation.object(str(change.get("object")))
        entry = {
            "change": "add",
            "object": sobject.name,
            "field": str(change.get("name")),
            "metadata": dict(change.get("metadata") or {}),
            "granted": bool(change.get("granted", True)),
        }
        change_schema(organisation, entry)
        return entry
    if action not in SCHEMA_ACTIONS:
        raise ControlError(f'Unknown change of metadata: "{action or sorted(change)}".')
    sobject = organisation.object(str(change.get("object")))
    name = str(change.get("field") or change.get("property"))
    field = sobject.find(name)
    if field is None and action != "restore":
        raise ControlError(f'{sobject.name} has no field "{name}".', 404)
    more = {key: change[key] for key in ("name", "value", "label", "on") if key in change}
    entry = {"object": sobject.name, "field": field.name if field else name, **more, **SCHEMA_ACTIONS[action]}
    change_schema(organisation, entry)
    return entry


# --- the schema


def change_schema(organisation: SalesforceOrganisation, change: Mapping[str, Any]) -> None:
    """Apply a change to schema and tables and remember it."""
    store, schema = organisation.store, organisation.schema
    before = schema.find(str(change["object"]))
    old = before.find(str(change["field"])) if before is not None else None
    if change["change"] == "delete" and old is not None:
        change = {**change, "change": "drop" if old.custom else "remove"}
    try:
        apply_schema_change(schema, change)
    except (KeyError, ValueError) as error:
        raise ControlError(f"This change cannot be made: {error}") from error
    sobject = schema.objects[str(change["object"]).lower()]
    with store.savepoint():
        if change["change"] == "drop" and old is not None:
            store.drop_column(sobject, old)
        elif change["change"] == "rename":
            store.rename_column(sobject, str(change["field"]), str(change["name"]))
        store.build()
        store.put_document("schema_changes", [*(store.document("schema_changes") or []), dict(change)])
        store.put_document("schema_changed_at", organisation.now().isoformat(timespec="seconds"))
    organisation.permissions.forget()


def apply_schema_change(schema: Schema, change: Mapping[str, Any]) -> None:
    """One remembered change, applied to the schema alone."""
    object_name, name, is_on = str(change["object"]), str(change["field"]), bool(change.get("on", True))
    match change["change"]:
        case "object":
            schema.add_object(object_name, str(change["label"]))
        case "add":
            field = field_from_metadata(name, change["metadata"])
            check(schema, schema.objects[object_name.lower()], field)
            schema.add_field(object_name, replace(field, is_granted=bool(change.get("granted", False))))
        case "alter":
            old = schema.objects[object_name.lower()].fields[name]
            schema.add_field(
                object_name, replace(field_from_metadata(name, change["metadata"]), is_granted=old.is_granted)
            )
        case "drop" | "remove":
            schema.remove_field(object_name, name)
        case "restore":
            original = Schema().objects[object_name.lower()].find(name)
            if original is None:
                raise KeyError(f"{object_name}.{name} is no standard field")
            schema.add_field(object_name, original)
        case "currencies":
            schema.use_currencies([str(code) for code in change["codes"]])
        case "hide":
            schema.hide(object_name, name, is_on)
        case "lock":
            schema.lock(object_name, name, is_on)
        case "rename":
            schema.replace_field(object_name, name, name=str(change["name"]))
        case "option":
            label = change.get("label")
            schema.set_picklist_value(object_name, name, str(change["value"]), label and str(label), is_on)
        case "restrict":
            schema.replace_field(object_name, name, restricted=is_on)
        case "require":
            schema.replace_field(object_name, name, nillable=not is_on)
        case other:
            raise ValueError(f"unknown change {other}")


def _add_object(organisation: SalesforceOrganisation, change: Mapping[str, Any]) -> Record:
    name = str(change.get("name"))
    if not name.endswith("__c") or organisation.schema.find(name) is not None:
        raise ControlError(f'A custom object needs a new name that ends in "__c", not "{name}".')
    label = str(change.get("label") or name.removesuffix("__c").replace("_", " "))
    change_schema(organisation, {"change": "object", "object": name, "field": "Name", "label": label})
    for field, metadata in (change.get("fields") or {}).items():
        entry = {"change": "add", "object": name, "field": str(field), "metadata": dict(metadata), "granted": True}
        change_schema(organisation, entry)
    return {"name": name, "label": label}


def _use_currencies(organisation: SalesforceOrganisation, change: Mapping[str, Any]) -> Record:
    """Make the organisation one of several currencies; what exists gets the corporate one."""
    rates = {str(code): float(rate) for code, rate in (change.get("rates") or {}).items()}
    if not rates:
        raise ControlError('Several currencies need "rates": {"USD": 1, "EUR": 0.9}, the corporate one first.')
    corporate = next(iter(rates))
    entry = {"change": "currencies", "object": "Account", "field": "CurrencyIsoCode", "codes": list(rates)}
    change_schema(organisation, entry)
    records = [
        {
            "Id": make_id("01L", number),
            "IsoCode": code,
            "ConversionRate": rate,
            "DecimalPlaces": 2,
            "IsActive": True,
            "IsCorporate": code == corporate,
        }
        for number, (code, rate) in enumerate(rates.items(), start=1)
    ]
    organisation.load("CurrencyType", records)
    with organisation.store.savepoint():
        for name in CURRENCY_OBJECTS:
            table = quoted(organisation.schema.objects[name].name)
            sql = f'update {table} set "CurrencyIsoCode" = ? where "CurrencyIsoCode" is null'
            organisation.store.connection.execute(sql, (corporate,))
    return {"corporate": corporate, "rates": rates}


def _add_stage(organisation: SalesforceOrganisation, change: Mapping[str, Any]) -> Record:
    label = str(change.get("label") or change.get("id"))
    category = str(change.get("forecast_category", "Pipeline"))
    stages = list(organisation.records("OpportunityStage"))
    record = {
        "Id": organisation.store.next_id(organisation.schema.objects["opportunitystage"]),
        "MasterLabel": label,
        "ApiName": label,
        "IsActive": True,
        "SortOrder": len(stages) + 1,
        "IsClosed": bool(change.get("is_closed", False)),
        "IsWon": bool(change.get("is_won", False)),
        "ForecastCategoryName": category,
        "ForecastCategory": FORECAST_CODES.get(category, "Pipeline"),
        "DefaultProbability": float(change.get("probability", 50)),
    }
    organisation.load("OpportunityStage", [record])
    option = {"change": "option", "object": "Opportunity", "field": "StageName", "value": label, "on": True}
    change_schema(organisation, option)
    return record


# --- rules


def _set_trigger(organisation: SalesforceOrganisation, change: Mapping[str, Any]) -> None:
    name, state = str(change["trigger"]), organisation.rules.state
    if name == "set_field":
        sobject = organisation.object(str(change.get("object")))
        field = sobject.find(str(change.get("field")))
        if field is None or not field.is_text:
            raise ControlError(f'{sobject.name} has no text field "{change.get("field")}".')
        state.set_fields = [each for each in state.set_fields if each[:2] != [sobject.name, field.name]]
        if change.get("on", True):
            state.set_fields.append([sobject.name, field.name, str(change.get("template", ""))])
        return
    if name not in TRIGGERS:
        raise ControlError(f'Unknown trigger "{name}": there is {", ".join((*TRIGGERS, "set_field"))}.')
    _toggle(organisation.rules.state.triggers, name, change)


def _set_validation_rule(organisation: SalesforceOrganisation, change: Mapping[str, Any]) -> None:
    name, rules = str(change["validation_rule"]), organisation.rules.state.validation
    if not change.get("on", True):
        rules.pop(name, None)
        return
    sobject = organisation.object(str(change.get("object")))
    when = str(change.get("when", ""))
    parse(f"SELECT Id FROM {sobject.name} WHERE {when}")
    error_field = change.get("error_field")
    message, code = str(change.get("message", name)), str(change.get("code") or ValidationRule.code)
    rules[name] = ValidationRule(sobject.name, name, when, message, error_field, code)


def _set_duplicate_rule(organisation: SalesforceOrganisation, change: Mapping[str, Any]) -> None:
    sobject, rules = organisation.object(str(change["duplicate_rule"])), organisation.rules.state.duplicate
    if not change.get("on", True):
        rules.pop(sobject.name, None)
        return
    fields = list(change.get("fields") or DUPLICATE_FIELDS.get(sobject.name, ["Name"]))
    rules[sobject.name] = DuplicateRule(sobject.name, fields, "block" if change.get("block") else "alert")


def _set_read_only(organisation: SalesforceOrganisation, change: Mapping[str, Any]) -> None:
    _toggle(organisation.rules.state.read_only_records, to_18(str(change["read_only_record"])), change)


def _set_invisible(organisation: SalesforceOrganisation, change: Mapping[str, Any]) -> None:
    _toggle(organisation.rules.state.invisible_records, to_18(str(change["invisible_record"])), change)
    organisation.hide_records()


def _set_lock(organisation: SalesforceOrganisation, change: Mapping[str, Any]) -> None:
    organisation.rules.lock(str(change["lock"]), int(change.get("times", 1)))


def _set_jwt_key(organisation: SalesforceOrganisation, change: Mapping[str, Any]) -> None:
    with organisation.store.savepoint():
        organisation.store.put_document("jwt_public_key", str(change["jwt_public_key"]))


def _toggle(names: list[str], name: str, change: Mapping[str, Any]) -> None:
    if change.get("on", True):
        if name not in names:
            names.append(name)
    elif name in names:
        names.remove(name)


_RULES = {
    "trigger": _set_trigger,
    "validation_rule": _set_validation_rule,
    "duplicate_rule": _set_duplicate_rule,
    "read_only_record": _set_read_only,
    "invisible_record": _set_invisible,
    "lock": _set_lock,
    "jwt_public_key": _set_jwt_key,
}


# --- acts


def act(organisation: SalesforceOrganisation, action: str, body: Mapping[str, Any]) -> Record:
    """One act by a human or the system; returns what came of it."""
    if action == "expire_sessions":
        organisation.auth.expire_all()
        return {"ok": True}
    at = datetime.fromisoformat(str(body["at"])) if body.get("at") else None
    at = at.replace(tzinfo=UTC) if at is not None and at.tzinfo is None else at
    actor = organisation.human(body.get("user"), at)
    removal, store = organisation.removal, organisation.store
    with store.savepoint():
        if action == "convert":
            return dict(removal.convert(actor, to_18(str(body.get("id"))), body))
        sobject = organisation.object(str(body.get("object")))
        record_id = to_18(str(body.get("master") or body.get("id")))
        if store.row(sobject, record_id) is None:
            raise ControlError(f"There is no {sobject.name} {record_id}.", 404)
        match action:
            case "merge":
                losers = [to_18(str(each)) for each in body.get("losers") or ()]
                removal.merge(actor, sobject, record_id, losers, body.get("values") or {})
            case "restore":
                removal.restore(actor, sobject, record_id)
            case "touch":
                store.update(sobject, record_id, {"SystemModstamp": format_datetime(at or organisation.now())})
            case "purge":
                removal.purge(sobject, record_id)
                return {"ok": True}
            case _:
                raise ControlError(f'Unknown act "{action}".', 404)
    return store.row(sobject, record_id) or {}
