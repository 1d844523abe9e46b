"""A stand-in Salesforce organisation: REST, Tooling and Bulk 2.0 by their documented rules.

Owns: what Salesforce would answer. Refuses: to share code with the product's clients.
"""

from __future__ import annotations

from pathlib import Path

from starlette.types import ASGIApp

from sandbox.salesforce.app import create_app as _create_app
from sandbox.salesforce.organisation import SalesforceOrganisation

__all__ = ["create_app", "open_organisation"]


def open_organisation(path: Path) -> SalesforceOrganisation:
    """The organisation kept in an SQLite file, made new where there is none."""
    return SalesforceOrganisation(path)


def create_app(organisation: SalesforceOrganisation) -> ASGIApp:
    """The API of an organisation as an ASGI app."""
    return _create_app(organisation)
