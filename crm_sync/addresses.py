"""Where people look at a CRM's records: the beginning of their addresses in the browser.

Owns what is asked and remembered of it. HubSpot is asked once for the account's number (one call, of which the journal
keeps the answer); Salesforce has told its own with the token. What a CRM does not tell stays unknown: a page then names
records without linking to them.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping

import duckdb

from crm_sync.clients import ApiError, Clients

log = logging.getLogger(__name__)

#: HubSpot's own objects by their type ids, of which addresses are made. [HubSpot docs: crm/understanding-the-crm]
_HUBSPOT_TYPES = {
    "contacts": "0-1", "companies": "0-2", "deals": "0-3", "tickets": "0-5", "tasks": "0-27", "notes": "0-46",
    "meetings": "0-47", "calls": "0-48", "emails": "0-49",
}  # fmt: skip
_TYPE_ID = re.compile(r"\d+-\d+")
_HUBSPOT = re.compile(r"https://[a-z0-9][a-z0-9.-]*\.hubspot\.com/contacts/\d+/record/")
_SALESFORCE = re.compile(r"https://[A-Za-z0-9][A-Za-z0-9.-]*/")
_KNOWN = """
select crm.key, arg_max(crm.value ->> '$.address', runs.started_at)
from journal.runs as runs cross join lateral json_each(runs.api_calls) as crm
where runs.api_calls is not null and crm.value ->> '$.address' is not null
group by crm.key
"""


def known_addresses(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """By CRM, what earlier runs have noted."""
    return dict(connection.execute(_KNOWN).fetchall())


def ask_addresses(clients: Clients, known: Mapping[str, str]) -> dict[str, str]:
    """By CRM, with what is not known yet asked for. A CRM that does not answer is not worth failing for."""
    found = dict(known)
    try:
        found["salesforce"] = f"{clients.salesforce.identity().instance_url.rstrip('/')}/"
        if "hubspot" not in found:
            details = clients.hubspot.account_details()
            domain = details.get("uiDomain") or "app.hubspot.com"
            found["hubspot"] = f"https://{domain}/contacts/{details.get('portalId')}/record/"
    except ApiError as error:
        log.debug("addresses of records are not known: %s", type(error).__name__)
    return {crm: address for crm, address in found.items() if _is_sound(crm, address)}


def record_addresses(known: Mapping[str, str], hubspot_objects: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """By CRM and object mapping: to what a record's id is appended. `hubspot_objects`: the HubSpot object of each."""
    sound = {crm: address for crm, address in known.items() if _is_sound(crm, address)}
    types = {
        object_: _HUBSPOT_TYPES.get(name) or (name if _TYPE_ID.fullmatch(name) else None)
        for object_, name in hubspot_objects.items()
    }
    return {
        "hubspot": {object_: f"{sound['hubspot']}{type_}/" for object_, type_ in types.items() if type_}
        if "hubspot" in sound
        else {},
        "salesforce": dict.fromkeys(hubspot_objects, sound["salesforce"]) if "salesforce" in sound else {},
    }


def _is_sound(crm: str, address: str) -> bool:
    """Whether it is an address of that CRM: what a CRM has answered becomes a link that people follow."""
    return (_HUBSPOT if crm == "hubspot" else _SALESFORCE).fullmatch(address) is not None
