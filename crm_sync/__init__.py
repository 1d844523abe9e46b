"""Two-way HubSpot-Salesforce sync: the command line, the order of the steps, settings and API clients."""

__version__ = "0.1.0"
