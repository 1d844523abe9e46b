"""Bulk API 2.0."""

from __future__ import annotations

from sandbox.salesforce.web import Endpoint


def endpoints() -> list[Endpoint]:
    return []
