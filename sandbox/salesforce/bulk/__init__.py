"""Bulk API 2.0: ingest and query jobs.

Owns: jobs, their states and results. Refuses: Bulk API 1. [Salesforce docs: Bulk API 2.0 guide]
"""

from __future__ import annotations

from sandbox.salesforce.bulk import ingest, query
from sandbox.salesforce.web import Endpoint


def endpoints() -> list[Endpoint]:
    return [*ingest.endpoints(), *query.endpoints()]
