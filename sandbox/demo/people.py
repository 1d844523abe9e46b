"""The sales team of the demo organisations: HubSpot owners and Salesforce users, as reps who play in both.

Owns: who the humans are. Both stand-ins have them even when they hold no records. Owners and users belong
together by e-mail; each side also has one person whom the other does not know.
"""

from __future__ import annotations

from typing import Any

from sandbox.demo.ids import salesforce_id

_REPS = (
    # first name, last name, mailbox, in HubSpot, in Salesforce, active in Salesforce
    ("Maya", "Okafor", "maya.okafor", True, True, True),
    ("Jonas", "Lindqvist", "jonas.lindqvist", True, True, True),
    ("Priya", "Raman", "priya.raman", True, True, True),
    ("Tomás", "Herrera", "tomas.herrera", True, True, True),
    ("Aiko", "Tanabe", "aiko.tanabe", True, True, True),
    ("Walter", "Quist", "walter.quist", True, True, False),  # left: inactive in Salesforce only
    ("Greta", "Solberg", "greta.solberg", True, False, False),  # marketing: HubSpot only
    ("Dmitri", "Volkov", "dmitri.volkov", False, True, True),  # channel sales: Salesforce only
)
COMPANY_DOMAIN = "demo.example"

HUBSPOT_OWNERS: list[dict[str, Any]] = [
    {
        "id": str(71_200_101 + index * 17),
        "userId": 9_480_200 + index * 31,
        "email": f"{mailbox}@{COMPANY_DOMAIN}",
        "firstName": first,
        "lastName": last,
    }
    for index, (first, last, mailbox, in_hubspot, _, _) in enumerate(_REPS)
    if in_hubspot
] + [
    {
        "id": "71199940",
        "userId": 9_479_900,
        "email": f"rosa.delgado@{COMPANY_DOMAIN}",
        "firstName": "Rosa",
        "lastName": "Delgado",
        "archived": True,
    }
]
"""Owners as the owners API returns them; one is archived."""

INTEGRATION_USER_ID = salesforce_id("005", 1)
"""The Salesforce user whom the sync's writes are attributed to; no human."""


def _user(number: int, first: str, last: str, mailbox: str, is_active: bool) -> dict[str, Any]:
    return {
        "Id": salesforce_id("005", number),
        "Username": f"{mailbox}@{COMPANY_DOMAIN}",
        "Email": f"{mailbox}@{COMPANY_DOMAIN}",
        "FirstName": first,
        "LastName": last,
        "Name": f"{first} {last}".strip(),
        "IsActive": is_active,
        "UserType": "Standard",
    }


SALESFORCE_USERS: list[dict[str, Any]] = [
    _user(1, "", "Integration User", "integration", True),
    *(
        _user(index + 2, first, last, mailbox, is_active)
        for index, (first, last, mailbox, _, in_salesforce, is_active) in enumerate(_REPS)
        if in_salesforce
    ),
]
"""Salesforce User records: the integration user first, then the reps."""


def owner_id(mailbox: str) -> str:
    """The HubSpot owner id of a rep, by the part of the e-mail before the `@`."""
    email = f"{mailbox}@{COMPANY_DOMAIN}"
    return next(str(owner["id"]) for owner in HUBSPOT_OWNERS if owner["email"] == email)


def user_id(mailbox: str) -> str:
    """The Salesforce user id of a rep, by the part of the user name before the `@`."""
    username = f"{mailbox}@{COMPANY_DOMAIN}"
    return next(str(user["Id"]) for user in SALESFORCE_USERS if user["Username"] == username)
