"""The query resources over HTTP: `query`, `queryAll` and the pages after the first.

Owns: parameters and headers. Refuses: SOQL itself (`query` and `soql` do it).
[Salesforce docs: REST API query, queryAll, headers_queryoptions]
"""

from __future__ import annotations

import re

from sandbox.salesforce.errors import SoqlError
from sandbox.salesforce.query import MAX_BATCH, MIN_BATCH
from sandbox.salesforce.web import Call, Endpoint, Reply


def endpoints() -> list[Endpoint]:
    return [
        Endpoint("GET", "/query", _query),
        Endpoint("GET", "/query/", _query),
        Endpoint("GET", "/queryAll", _query_all),
        Endpoint("GET", "/queryAll/", _query_all),
        Endpoint("GET", "/query/{locator}", _more),
        Endpoint("GET", "/queryAll/{locator}", _more),
    ]


def batch_size(call: Call) -> int:
    """The page size asked for, within its bounds; the setting `max_page_size` makes pages smaller still, as the
    real server may."""
    match = re.search(r"batchSize\s*=\s*(\d+)", call.headers.get("sforce-query-options", ""), re.IGNORECASE)
    wanted = max(MIN_BATCH, min(MAX_BATCH, int(match[1]))) if match else MAX_BATCH
    return min(wanted, int(call.organisation.settings.extra.get("max_page_size", MAX_BATCH)))


def _query(call: Call) -> Reply:
    return _first(call, all_rows=False)


def _query_all(call: Call) -> Reply:
    return _first(call, all_rows=True)


def _first(call: Call, all_rows: bool) -> Reply:
    soql = call.query.get("q", "")
    if not soql.strip():
        raise SoqlError("MALFORMED_QUERY", "unexpected token: '<EOF>'")
    return Reply(call.organisation.queries.first_page(soql, call.reader, all_rows, batch_size(call)))


def _more(call: Call) -> Reply:
    return Reply(call.organisation.queries.next_page(call.path["locator"], call.reader))
