"""What has to exist in the CRMs before the first cycle: the two id fields, and the right to use one of them.

Owns `salesforce_record_id` on each mapped HubSpot object (unique, so that creates can be upserts) and
`HubSpot_Record_ID__c` on each mapped Salesforce object (external id, unique), together with the permission set
that makes the latter visible to the integration user. `inspect_setup` only reads; `apply_setup` makes what is
missing and may be repeated. It never changes or deletes a field that is there already: one that does not fit is
reported with what a person has to do.

Sources: HubSpot docs: crm/properties (hasUniqueValue only at creation); Salesforce Tooling API guide (CustomField),
object reference (FieldPermissions); a new field is invisible until field permissions are granted
[salesforce.stackexchange 208307].
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from crm_sync.clients import ApiError, Clients, HubSpotClient, Refused, SalesforceClient, explain
from crm_sync.clients.salesforce import soql_text
from crm_sync.errors import ConfigError, CrmSyncError
from crm_sync.mappings import HUBSPOT_ID_PROPERTY, SALESFORCE_ID_FIELD, Mappings

PERMISSION_SET = "HubSpot_Sync"
FIELD_LENGTH = 32  # HubSpot's ids are numbers of up to 19 digits
GROUPS = {"contacts": "contactinformation", "companies": "companyinformation", "deals": "dealinformation"}
DUPLICATE_CODES = frozenset({"DUPLICATE_VALUE", "DUPLICATE_DEVELOPER_NAME"})

Kind = Literal["property", "field", "permission", "by_hand"]


@dataclass(frozen=True)
class SetupItem:
    """One thing that is missing. `by_hand` items cannot be applied: their description says what to do."""

    crm: str
    object: str
    kind: Kind
    name: str
    description: str

    @property
    def is_appliable(self) -> bool:
        return self.kind != "by_hand"


def inspect_setup(clients: Clients, mappings: Mappings) -> list[SetupItem]:
    """Everything that is missing, in the order in which it has to be made; empty when the set-up is complete."""
    try:
        return [
            *(item for name in mappings.hubspot_objects for item in _inspect_hubspot(clients.hubspot, name)),
            *(item for name in mappings.salesforce_objects for item in _inspect_salesforce(clients.salesforce, name)),
        ]
    except ApiError as error:
        raise explain(error) from error


def apply_setup(clients: Clients, items: Sequence[SetupItem]) -> list[SetupItem]:
    """Make what is missing; returns what was made. Items that are there by now are no error."""
    applied = []
    for item in items:
        if not item.is_appliable:
            continue
        try:
            if item.kind == "property":
                _create_property(clients.hubspot, item.object)
            elif item.kind == "field":
                _create_field(clients.salesforce, item.object)
            else:
                _grant(clients.salesforce, item.object)
        except ApiError as error:
            raise _refused(item, error) from error
        applied.append(item)
    return applied


def _inspect_hubspot(client: HubSpotClient, object_: str) -> Iterator[SetupItem]:
    found = {str(item.get("name")): item for item in client.properties(object_)}
    existing = found.get(HUBSPOT_ID_PROPERTY)
    if existing is None:
        text = f"Create the property {HUBSPOT_ID_PROPERTY} (text, unique values) on HubSpot {object_}."
        yield SetupItem("hubspot", object_, "property", HUBSPOT_ID_PROPERTY, text)
        return
    modification = existing.get("modificationMetadata")
    is_read_only = isinstance(modification, dict) and bool(modification.get("readOnlyValue"))
    if existing.get("type") != "string" or not existing.get("hasUniqueValue") or is_read_only:
        text = (
            f"HubSpot {object_} has a property {HUBSPOT_ID_PROPERTY} that is not a writable text with unique values, "
            "and HubSpot sets uniqueness only at creation: delete or rename that property, then run "
            "`crm-sync setup` again."
        )
        yield SetupItem("hubspot", object_, "by_hand", HUBSPOT_ID_PROPERTY, text)


def _inspect_salesforce(client: SalesforceClient, object_: str) -> Iterator[SetupItem]:
    full_name = f"{object_}.{SALESFORCE_ID_FIELD}"
    field = _visible_field(client, object_)
    grant_text = (
        f"Let the integration user read and edit {full_name} (permission set {PERMISSION_SET}, assigned to the user)."
    )
    grant = SetupItem("salesforce", object_, "permission", full_name, grant_text)
    if field is None:
        if not _field_exists(client, object_):
            text = f"Create the field {full_name} (text of {FIELD_LENGTH}, external id, unique) in Salesforce."
            yield SetupItem("salesforce", object_, "field", full_name, text)
        yield grant
    elif field.get("type") != "string" or not field.get("externalId") or not field.get("unique"):
        text = (
            f"Salesforce has a field {full_name} that is not a text marked as External ID and Unique: mark it so in "
            "Setup > Object Manager, or rename it, then run `crm-sync setup` again."
        )
        yield SetupItem("salesforce", object_, "by_hand", full_name, text)
    elif not field.get("createable") or not field.get("updateable"):
        yield grant


def _visible_field(client: SalesforceClient, object_: str) -> Mapping[str, Any] | None:
    try:
        fields = client.describe(object_).get("fields")
    except Refused as error:
        if error.status == 404:
            raise ConfigError(
                f"Salesforce has no object '{object_}' that the integration user may see.",
                "Correct dbt_project/seeds/object_mappings.csv, or give the user read access to the object.",
            ) from error
        raise
    for field in fields if isinstance(fields, list) else ():
        if field.get("name") == SALESFORCE_ID_FIELD:
            return dict(field)
    return None


def _field_exists(client: SalesforceClient, object_: str) -> bool:
    """Whether the field exists though it is invisible. Without the right to ask, creating it will tell."""
    name = SALESFORCE_ID_FIELD.removesuffix("__c")
    soql = (
        f"SELECT Id FROM CustomField WHERE TableEnumOrId = '{soql_text(object_)}' "
        f"AND DeveloperName = '{soql_text(name)}'"
    )
    try:
        return bool(client.tooling_query(soql))
    except Refused as error:
        if error.status in (400, 403, 404):
            return False
        raise


def _create_property(client: HubSpotClient, object_: str) -> None:
    body = {
        "name": HUBSPOT_ID_PROPERTY,
        "label": "Salesforce record ID",
        "description": "The id of the Salesforce record that this record is kept in step with. Written by the sync.",
        "type": "string",
        "fieldType": "text",
        "groupName": _group(client, object_),
        "hasUniqueValue": True,
    }
    try:
        client.create_property(object_, body)
    except Refused as error:
        if error.status != 409:
            raise


def _group(client: HubSpotClient, object_: str) -> str:
    """The object's own property group, else the first there is."""
    names = [str(group.get("name")) for group in client.property_groups(object_)]
    usual = GROUPS.get(object_, "")
    return names[0] if names and usual not in names else usual


def _create_field(client: SalesforceClient, object_: str) -> None:
    metadata = {
        "label": "HubSpot Record ID",
        "description": "The id of the HubSpot record that this record was created from. Written by the sync.",
        "type": "Text",
        "length": FIELD_LENGTH,
        "externalId": True,
        "unique": True,
        "caseSensitive": False,
        "required": False,
    }
    try:
        client.tooling_create_custom_field(f"{object_}.{SALESFORCE_ID_FIELD}", metadata)
    except Refused as error:
        if error.code not in DUPLICATE_CODES:
            raise


def _grant(client: SalesforceClient, object_: str) -> None:
    """Permission set, field permission and assignment, each only if it is not there."""
    set_id = _one_id(client, f"SELECT Id FROM PermissionSet WHERE Name = '{PERMISSION_SET}'")
    if set_id is None:
        set_id = client.create_record(
            "PermissionSet",
            {"Name": PERMISSION_SET, "Label": "HubSpot Sync", "Description": "Fields used by the HubSpot sync."},
        )
    _grant_field(client, object_, set_id)
    user_id = client.identity().user_id
    assigned = f"PermissionSetId = '{soql_text(set_id)}' AND AssigneeId = '{soql_text(user_id)}'"
    if _one_id(client, f"SELECT Id FROM PermissionSetAssignment WHERE {assigned}") is None:
        _create_once(client, "PermissionSetAssignment", {"PermissionSetId": set_id, "AssigneeId": user_id})


def _grant_field(client: SalesforceClient, object_: str, set_id: str) -> None:
    field = f"{object_}.{SALESFORCE_ID_FIELD}"
    where = f"ParentId = '{soql_text(set_id)}' AND Field = '{soql_text(field)}'"
    found = _one_id(client, f"SELECT Id FROM FieldPermissions WHERE {where}")
    rights = {"PermissionsRead": True, "PermissionsEdit": True}
    if found is None:
        values = {"ParentId": set_id, "SobjectType": object_, "Field": field, **rights}
        _create_once(client, "FieldPermissions", values)
    else:
        client.update_record("FieldPermissions", found, rights)


def _create_once(client: SalesforceClient, object_: str, values: Mapping[str, Any]) -> None:
    try:
        client.create_record(object_, values)
    except Refused as error:
        if error.code not in DUPLICATE_CODES:
            raise


def _one_id(client: SalesforceClient, soql: str) -> str | None:
    for page in client.query(soql):
        for record in page:
            return str(record["Id"])
    return None


def _refused(item: SetupItem, error: ApiError) -> CrmSyncError:
    """A refusal in set-up is nearly always a missing right: say which, and what it was needed for."""
    explained = explain(error)
    if not isinstance(error, Refused) or error.status not in (400, 403, 404, 409):
        return explained
    right = (
        f"the scope crm.schemas.{item.object}.write"
        if item.crm == "hubspot"
        else "the permissions 'Customize Application' and 'Manage Profiles and Permission Sets'"
    )
    return ConfigError(
        f"{item.description} This failed: {error.message}",
        f"Give the sync {right}, or have an administrator do this by hand; then run `crm-sync setup` again.",
    )
