"""A stand-in HubSpot account: `open_organisation` for its data, `create_app` for its API.

Written from HubSpot's public documentation and public captures of its replies alone; sandbox/README.md says
what is modelled and what is not.
"""

from sandbox.hubspot.app import create_app
from sandbox.hubspot.organisation import HubSpotOrganisation, open_organisation

__all__ = ["HubSpotOrganisation", "create_app", "open_organisation"]
