"""What doctor asks the CRMs: credentials, scopes and permissions, API limits, id fields, and their metadata.

Owns the calls, all of which read; the one exception are empty batches, which HubSpot refuses for lack of a scope
before it looks at them, and which write nothing by nature. Metadata is asked for once and handed to
`mapping_rows.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from crm_sync.clients import ApiError, Clients, RateLimited, Refused, Unauthorized, build_clients, explain
from crm_sync.config import Settings
from crm_sync.doctor.field_types import compatible_types
from crm_sync.doctor.findings import Finding, Metadata
from crm_sync.doctor.mapping_rows import examine_mappings
from crm_sync.errors import CrmSyncError
from crm_sync.mappings import Mappings
from crm_sync.setup import inspect_setup

T = TypeVar("T")
#: A call must not keep somebody waiting who wants to know whether it works at all.
PATIENCE_SECONDS = 20.0
BUSY_SHARE = 0.8


def examine_crms(settings: Settings, mappings: Mappings) -> Iterator[Finding]:
    """Findings on both CRMs, then on the mappings against them."""
    try:
        clients = build_clients(settings, max_elapsed_seconds=PATIENCE_SECONDS)
    except CrmSyncError as error:
        yield Finding("error", "credentials", error.message, error.remedy)
        return
    try:
        reachable = []
        for name, check in (("HubSpot", _hubspot_account), ("Salesforce", _salesforce_user)):
            finding = check(clients)
            yield finding
            reachable += [name] if finding.level == "ok" else []
        metadata = Metadata(fitting_types=compatible_types(settings.project.seeds_dir))
        if "HubSpot" in reachable:
            yield from _hubspot(clients, mappings, metadata)
        if "Salesforce" in reachable:
            yield from _salesforce(clients, mappings, metadata)
        if len(reachable) == 2:
            yield from _id_fields(clients, mappings)
        yield from examine_mappings(mappings, metadata)
    finally:
        clients.close()


# ---------------------------------------------------------------- credentials


def _hubspot_account(clients: Clients) -> Finding:
    account, failure = _asked(lambda: clients.hubspot.account_details(), "credentials")
    if failure:
        return failure
    assert account is not None
    return Finding("ok", "credentials", f"HubSpot account {account.get('portalId')} ({account.get('accountType')})")


def _salesforce_user(clients: Clients) -> Finding:
    identity, failure = _asked(lambda: clients.salesforce.identity(), "credentials")
    if failure:
        return failure
    assert identity is not None
    return Finding("ok", "credentials", f"Salesforce organisation {identity.organization_id}, user {identity.user_id}")


# ---------------------------------------------------------------- HubSpot


def _hubspot(clients: Clients, mappings: Mappings, metadata: Metadata) -> Iterator[Finding]:
    client = clients.hubspot
    probes: list[tuple[str, Callable[[], object]]] = []
    for name in mappings.hubspot_objects:
        probes.append((f"read {name}", lambda name=name: client.list_page(name, limit=1)))  # type: ignore[misc]
        probes.append((f"write {name}", lambda name=name: _empty_batch(clients, name)))  # type: ignore[misc]
    if mappings.list_names:
        probes.append(("read lists", lambda: next(iter(client.search_lists("")), None)))
    failures = [failure for _, probe in probes if (failure := _asked(probe, "scopes")[1])]
    yield from failures or [Finding("ok", "scopes", f"HubSpot lets the sync {', '.join(name for name, _ in probes)}")]
    for name in mappings.hubspot_objects:
        properties, failure = _asked(lambda name=name: client.properties(name), "scopes")  # type: ignore[misc]
        if failure:
            yield failure
        else:
            metadata.hubspot_properties[name] = {str(one.get("name")): one for one in properties or ()}
    metadata.owners, failure = _asked(lambda: list(client.owners()), "scopes")
    yield from [failure] if failure else []
    if "deals" in mappings.hubspot_objects:
        metadata.pipelines, failure = _asked(lambda: client.pipelines("deals"), "scopes")
        yield from [failure] if failure else []
    yield _limit("HubSpot", client.limits.daily_used, client.limits.daily_limit)


def _empty_batch(clients: Clients, object_: str) -> None:
    """An update of nothing: refused for lack of the write scope, else for being empty, which is the answer wanted."""
    try:
        clients.hubspot.batch(object_, "update", [])
    except Refused as error:
        if error.status == 403 or isinstance(error, (Unauthorized, RateLimited)):
            raise


# ---------------------------------------------------------------- Salesforce


def _salesforce(clients: Clients, mappings: Mappings, metadata: Metadata) -> Iterator[Finding]:
    client = clients.salesforce
    for name in mappings.salesforce_objects:
        described, failure = _asked(lambda name=name: client.describe(name), "permissions")  # type: ignore[misc]
        if failure:
            yield Finding(
                failure.level, "permissions", f"{name}: {failure.message}",
                "Give the integration user the object, or correct object_mappings.csv.",
            )  # fmt: skip
        else:
            metadata.salesforce_objects[name] = described or {}
            yield _object_rights(name, described or {})
    users_soql = "SELECT Id, Username, Email, IsActive FROM User"
    users, failure = _asked(lambda: [one for page in client.query(users_soql) for one in page], "permissions")
    metadata.users = users
    yield from [failure] if failure else []
    limits, failure = _asked(client.limits_report, "API limits")
    if failure:
        yield _limit("Salesforce", client.limits.daily_used, client.limits.daily_limit)
    else:
        requests = (limits or {}).get("DailyApiRequests") or {}
        maximum, remaining = requests.get("Max"), requests.get("Remaining")
        used = maximum - remaining if isinstance(maximum, int) and isinstance(remaining, int) else None
        yield _limit("Salesforce", used, maximum)


def _object_rights(name: str, described: dict[str, Any]) -> Finding:
    lacking = [verb for verb in ("queryable", "createable", "updateable") if not described.get(verb)]
    if lacking:
        words = ", ".join({"queryable": "read", "createable": "create", "updateable": "edit"}[one] for one in lacking)
        return Finding(
            "error", "permissions", f"The integration user may not {words} {name}.",
            f"Give it these rights on {name} by its profile or a permission set.",
        )  # fmt: skip
    return Finding("ok", "permissions", f"The integration user may read, create and edit {name}")


# ---------------------------------------------------------------- both


def _limit(crm: str, used: int | None, limit: int | None) -> Finding:
    if not limit or used is None:
        return Finding("ok", "API limits", f"{crm} does not tell its daily limit")
    share = used / limit
    text = f"{crm}: {used:,} of {limit:,} calls of the day used ({share:.0%})"
    if share >= BUSY_SHARE:
        return Finding("warning", "API limits", text, "See who else calls; run less often, or raise the limit.")
    return Finding("ok", "API limits", text)


def _id_fields(clients: Clients, mappings: Mappings) -> Iterator[Finding]:
    try:
        missing = inspect_setup(clients, mappings)
    except CrmSyncError as error:
        yield Finding("error", "id fields", error.message, error.remedy)
        return
    for item in missing:
        remedy = "Run: crm-sync setup" if item.is_appliable else "Do it by hand, then run: crm-sync setup"
        yield Finding("error", "id fields", f"Missing: {item.description}", remedy)
    if not missing:
        yield Finding("ok", "id fields", "Both CRMs have the id fields, and the sync may use them")


def _asked(call: Callable[[], T], area: str) -> tuple[T | None, Finding | None]:
    """The answer of a call, or the finding that it failed."""
    try:
        return call(), None
    except ApiError as error:
        explained = explain(error)
        return None, Finding("error", area, explained.message, explained.remedy)
    except CrmSyncError as error:
        return None, Finding("error", area, error.message, error.remedy)
