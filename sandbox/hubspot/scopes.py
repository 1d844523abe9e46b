"""Which scope a call needs, and the 403 of an app that lacks it.

Owns: the scope of each endpoint. Setting `scopes`: the list of granted scopes (null, the default: all); setting
`scopes_form`: `errors` or `context`, the two forms in which the missing scope has been seen in published replies.
Sources: [HubSpot docs: scopes]; the two bodies: HubSpot/hubspot-api-nodejs issues 50 and 268, published captures.
"""

from __future__ import annotations

from collections.abc import Sequence

from sandbox.hubspot.errors import ApiError
from sandbox.hubspot.object_types import ObjectType
from sandbox.organisation import Settings

_TEXT = (
    "This app hasn't been granted all required scopes to make this call. Read more about required scopes here: "
    "https://developers.hubspot.com/scopes."
)
_READS = ("/search", "/batch/read")


def required_scopes(method: str, template: str, kinds: Sequence[ObjectType]) -> list[str]:
    """The scopes of a call; `kinds` are the object types in its path."""
    is_read = method == "GET" or template.endswith(_READS)
    verb = "read" if is_read else "write"
    if template.startswith(("/crm/v3/schemas", "/crm-object-schemas")):
        return [f"crm.schemas.custom.{verb}"]
    if template.startswith("/crm/v3/lists"):
        return [f"crm.lists.{verb}"]
    if template.startswith("/crm/v3/owners"):
        return ["crm.objects.owners.read"]
    area = "schemas" if template.startswith(("/crm/v3/properties", "/crm/v3/pipelines")) else "objects"
    return list(dict.fromkeys(f"crm.{area}.{_family(kind)}.{verb}" for kind in kinds))


def _family(kind: ObjectType) -> str:
    """Activities fall under the scopes of contacts."""
    return "custom" if kind.is_custom else "contacts" if kind.is_activity else kind.name


def check_scopes(settings: Settings, method: str, template: str, kinds: Sequence[ObjectType]) -> None:
    """The 403 when the app lacks a scope that the call needs."""
    granted = settings.extra.get("scopes")
    if granted is None:
        return
    missing = [scope for scope in required_scopes(method, template, kinds) if scope not in granted]
    if not missing:
        return
    context = {"requiredGranularScopes": missing}
    links = {"scopes": "https://developers.hubspot.com/scopes"}
    if settings.extra.get("scopes_form") == "context":
        raise ApiError(403, _TEXT, "MISSING_SCOPES", context=context, links=links)
    detail = {"message": "One or more of the following scopes are required.", "context": context}
    raise ApiError(403, _TEXT, "MISSING_SCOPES", errors=[detail], links=links)
