"""Takes back what set-up has made: the id fields of both CRMs and the permission set.

Owns `inspect_removal`, which only reads, and `apply_removal`. Touches a field only where it looks as set-up makes it,
so that somebody's own field of the same name stays. Records keep everything else; HubSpot keeps an archived property
for 90 days, Salesforce a deleted field for 15, each in its own recycle bin.

Sources: HubSpot docs: crm/properties (DELETE archives); Salesforce Tooling API guide (CustomField DELETE).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from crm_sync.clients import ApiError, Clients, HubSpotClient, Refused, SalesforceClient, explain
from crm_sync.clients.salesforce import soql_text
from crm_sync.errors import ConfigError, CrmSyncError
from crm_sync.mappings import HUBSPOT_ID_PROPERTY, SALESFORCE_ID_FIELD, Mappings
from crm_sync.setup import PERMISSION_SET


@dataclass(frozen=True)
class RemovalItem:
    """One thing that set-up has made and that is still there."""

    kind: Literal["property", "field", "permission_set"]
    object: str
    record_id: str
    description: str


def inspect_removal(clients: Clients, mappings: Mappings) -> list[RemovalItem]:
    """Everything to take away, in the order in which it has to go."""
    try:
        return [
            *(item for name in mappings.hubspot_objects for item in _property(clients.hubspot, name)),
            *(item for name in mappings.salesforce_objects for item in _field(clients.salesforce, name)),
            *_permission_set(clients.salesforce),
        ]
    except ApiError as error:
        raise explain(error) from error


def apply_removal(clients: Clients, items: Sequence[RemovalItem]) -> None:
    """Take it away. What is gone by now is no error."""
    for item in items:
        try:
            if item.kind == "property":
                clients.hubspot.delete_property(item.object, HUBSPOT_ID_PROPERTY)
            elif item.kind == "field":
                clients.salesforce.tooling_delete_custom_field(item.record_id)
            else:
                _remove_permission_set(clients.salesforce, item.record_id)
        except ApiError as error:
            raise _refused(item, error) from error


def _property(client: HubSpotClient, object_: str) -> Iterator[RemovalItem]:
    for found in client.properties(object_):
        is_ours = found.get("type") == "string" and found.get("hasUniqueValue") and not found.get("hubspotDefined")
        if found.get("name") == HUBSPOT_ID_PROPERTY and is_ours:
            text = f"Archive the property {HUBSPOT_ID_PROPERTY} on HubSpot {object_}, with the ids it holds."
            yield RemovalItem("property", object_, HUBSPOT_ID_PROPERTY, text)


def _field(client: SalesforceClient, object_: str) -> Iterator[RemovalItem]:
    name = SALESFORCE_ID_FIELD.removesuffix("__c")
    soql = (
        f"SELECT Id FROM CustomField WHERE TableEnumOrId = '{soql_text(object_)}' "
        f"AND DeveloperName = '{soql_text(name)}'"
    )
    for record in client.tooling_query(soql):
        text = f"Delete the field {object_}.{SALESFORCE_ID_FIELD} in Salesforce, with the ids it holds."
        yield RemovalItem("field", object_, str(record["Id"]), text)


def _permission_set(client: SalesforceClient) -> Iterator[RemovalItem]:
    for page in client.query(f"SELECT Id FROM PermissionSet WHERE Name = '{PERMISSION_SET}'"):
        for record in page:
            text = f"Delete the permission set {PERMISSION_SET} in Salesforce, with its assignments."
            yield RemovalItem("permission_set", "PermissionSet", str(record["Id"]), text)


def _remove_permission_set(client: SalesforceClient, set_id: str) -> None:
    """Assignments first: Salesforce keeps a permission set that somebody has."""
    where = f"PermissionSetId = '{soql_text(set_id)}'"
    for page in client.query(f"SELECT Id FROM PermissionSetAssignment WHERE {where}"):
        for record in page:
            client.delete_record("PermissionSetAssignment", str(record["Id"]))
    client.delete_record("PermissionSet", set_id)


def _refused(item: RemovalItem, error: ApiError) -> CrmSyncError:
    explained = explain(error)
    if not isinstance(error, Refused) or error.status not in (400, 403, 404):
        return explained
    rights: Mapping[str, str] = {
        "property": f"the scope crm.schemas.{item.object}.write",
        "field": "the permission 'Customize Application'",
        "permission_set": "the permission 'Manage Profiles and Permission Sets'",
    }
    return ConfigError(
        f"{item.description} This failed: {error.message}",
        f"Give the sync {rights[item.kind]}, or let an administrator do this by hand; then run it again.",
    )
