"""Values of records that scenarios have in common."""

from __future__ import annotations

from typing import Any


def email(name: str) -> str:
    return f"{name}@northwind-traders.io"


def hubspot_person(name: str, **values: Any) -> dict[str, Any]:
    """A HubSpot contact that the default rules let write to Salesforce."""
    return {"firstname": "Ada", "lastname": name, "email": email(name), "lifecyclestage": "customer", **values}


def salesforce_person(name: str, **values: Any) -> dict[str, Any]:
    return {"FirstName": "Ada", "LastName": name, "Email": email(name), **values}


def hubspot_company(name: str, domain: str | None, owner: str, **values: Any) -> dict[str, Any]:
    """A HubSpot company that the default rules let write to Salesforce: it has an owner."""
    return {"name": name, "domain": domain, "hubspot_owner_id": owner, **values}


def hubspot_deal(name: str, stage: str = "qualifiedtobuy", **values: Any) -> dict[str, Any]:
    return {
        "dealname": name, "dealstage": stage, "pipeline": "default", "amount": "1000",
        "closedate": "2026-12-01T00:00:00Z", **values,
    }  # fmt: skip


def salesforce_deal(name: str, stage: str = "Qualification", **values: Any) -> dict[str, Any]:
    return {"Name": name, "StageName": stage, "Amount": 1000, "CloseDate": "2026-12-01", **values}
