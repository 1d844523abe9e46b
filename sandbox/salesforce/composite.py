"""Composite: several requests in one, with references between them; and batch, without.

Owns: `/composite`, `/composite/batch` and `/composite/graph`. Refuses: the subrequests' own work (the dispatcher).
[Salesforce docs: REST API composite, batch, graph: composite is one call, each request of a batch counts]
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from sandbox.salesforce.errors import ApiError, ParserError
from sandbox.salesforce.web import Call, Dispatcher, Endpoint, Reply

MAX_SUBREQUESTS, MAX_QUERIES, MAX_GRAPHS, MAX_NODES = 25, 5, 75, 500
MAX_NODE_KINDS, MAX_DEPTH, MAX_GRAPH_FAILURES = 15, 15, 14
_REFERENCE = re.compile(r"@\{([A-Za-z]\w*)((?:\.\w+|\[\d+\])*)\}")
_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")


def endpoints(dispatcher: Dispatcher) -> list[Endpoint]:
    composite = _Composite(dispatcher)
    return [
        Endpoint("POST", "/composite", composite.composite, can_be_nested=False),
        Endpoint("POST", "/composite/", composite.composite, can_be_nested=False),
        Endpoint("POST", "/composite/batch", composite.batch, can_be_nested=False),
        Endpoint("POST", "/composite/graph", composite.graph, can_be_nested=False),
    ]


class _Undo(Exception):
    """Leaves a savepoint so that it is rolled back."""


class _Composite:
    def __init__(self, dispatcher: Dispatcher) -> None:
        self.dispatcher = dispatcher

    def composite(self, call: Call) -> Reply:
        body = call.json_object()
        requests = body.get("compositeRequest") or []
        _check_count(requests, MAX_SUBREQUESTS)
        queries = sum(bool(re.search(r"/query|/composite/sobjects", str(each.get("url")))) for each in requests)
        if queries > MAX_QUERIES:
            message = f"Limit of {MAX_QUERIES} query or collections subrequests exceeded"
            raise ApiError("LIMIT_EXCEEDED", message)
        results, _ = self._run(call, requests, bool(body.get("allOrNone", False)))
        return Reply({"compositeResponse": results})

    def graph(self, call: Call) -> Reply:
        graphs = call.json_object().get("graphs") or []
        _check_count(graphs, MAX_GRAPHS)
        if sum(len(graph.get("compositeRequest") or []) for graph in graphs) > MAX_NODES:
            raise ApiError("LIMIT_EXCEEDED", f"Limit of {MAX_NODES} nodes exceeded")
        answers = []
        failures = 0
        for graph in graphs:
            _check_count(graph.get("compositeRequest"), MAX_NODES)
            _check_graph(graph["compositeRequest"])
            if failures > MAX_GRAPH_FAILURES:
                results, succeeded = [_halted(each) for each in graph["compositeRequest"]], False
            else:
                results, succeeded = self._run(call, graph["compositeRequest"], all_or_none=True)
            failures += not succeeded
            answers.append(
                {
                    "graphId": graph.get("graphId"),
                    "graphResponse": {"compositeResponse": results},
                    "isSuccessful": succeeded,
                }
            )
        return Reply({"graphs": answers})

    def batch(self, call: Call) -> Reply:
        body = call.json_object()
        requests = body.get("batchRequests") or []
        _check_count(requests, MAX_SUBREQUESTS)
        halt = bool(body.get("haltOnError", False))
        results: list[dict[str, Any]] = []
        has_errors = False
        for index, each in enumerate(requests):
            if halt and has_errors:
                halted = {"errorCode": "BATCH_PROCESSING_HALTED", "message": "Batch processing halted per request"}
                results.append({"statusCode": 412, "result": [halted]})
                continue
            if index:  # the request itself has been counted as one
                call.organisation.limits.count()
            url = str(each.get("url", ""))
            reply = self.dispatcher.nested(call, str(each.get("method", "GET")), url, {}, each.get("richInput"))
            has_errors = has_errors or reply.status >= 400
            results.append({"statusCode": reply.status, "result": reply.body})
        return Reply({"hasErrors": has_errors, "results": results})

    def _run(self, call: Call, requests: list[dict[str, Any]], all_or_none: bool) -> tuple[list[dict[str, Any]], bool]:
        """The results of dependent subrequests, and whether all succeeded."""
        results: list[dict[str, Any]] = []
        succeeded = True
        try:
            with call.organisation.store.savepoint():
                succeeded = self._each(call, requests, results, all_or_none)
                if all_or_none and not succeeded:
                    raise _Undo
        except _Undo:
            halted = "The transaction was rolled back since another operation in the same transaction failed."
            for result in results:
                if result["httpStatusCode"] < 400:
                    result["body"] = [{"errorCode": "PROCESSING_HALTED", "message": halted}]
                    result["httpStatusCode"] = 400
                    result["httpHeaders"] = {}
        return results, succeeded

    def _each(
        self, call: Call, requests: list[dict[str, Any]], results: list[dict[str, Any]], all_or_none: bool
    ) -> bool:
        answered: dict[str, Any] = {}
        failed: set[str] = set()
        for each in requests:
            reference = str(each.get("referenceId") or "")
            if not reference or reference in answered or reference in failed:
                raise ApiError("INVALID_INPUT", f"Duplicate or missing referenceId: {reference}")
            reply = self._one(call, each, answered, failed, halted=all_or_none and bool(failed))
            if reply.status >= 400:
                failed.add(reference)
            else:
                answered[reference] = reply.body
            headers = {name: value for name, value in reply.headers.items() if name == "Location"}
            results.append(
                {
                    "body": reply.body,
                    "httpHeaders": headers,
                    "httpStatusCode": reply.status,
                    "referenceId": reference,
                }
            )
        return not failed

    def _one(
        self, call: Call, each: Mapping[str, Any], answered: Mapping[str, Any], failed: set[str], halted: bool
    ) -> Reply:
        if halted:
            message = "The transaction was rolled back since another operation in the same transaction failed."
            return Reply([{"errorCode": "PROCESSING_HALTED", "message": message}], 400)
        try:
            url = _fill(str(each.get("url", "")), answered, failed, in_url=True)
            body = _fill(each.get("body"), answered, failed)
        except ApiError as error:
            return Reply(error.body(), error.status)
        headers = {str(name): str(value) for name, value in (each.get("httpHeaders") or {}).items()}
        return self.dispatcher.nested(call, str(each.get("method", "GET")), str(url), headers, body)


def _check_count(requests: Any, most: int) -> None:
    if not isinstance(requests, list) or not requests:
        raise ApiError("INVALID_INPUT", "At least 1 subrequest is required")
    if not all(isinstance(each, dict) for each in requests):
        raise ParserError("Cannot deserialize instance of subrequest from VALUE_STRING value")
    if len(requests) > most:
        raise ApiError("LIMIT_EXCEEDED", f"The limit of {most} subrequests was exceeded: {len(requests)}")


def _check_graph(requests: list[dict[str, Any]]) -> None:
    """400 for a graph of too many kinds of nodes, or too deep. [Salesforce docs: composite graph limits]"""
    paths = [re.search(r"(?:/(v\d+\.0))?/sobjects/(\w+)", str(each.get("url"))) for each in requests]
    kinds = {(match[1], match[2].lower()) for match in paths if match}
    if len(kinds) > MAX_NODE_KINDS:
        raise ApiError("LIMIT_EXCEEDED", f"Limit of {MAX_NODE_KINDS} different nodes exceeded")
    depths: dict[str, int] = {}
    for each in requests:
        text = f"{each.get('url')} {each.get('body')}"
        parents = [depths.get(match[1], 0) for match in _REFERENCE.finditer(text)]
        depths[str(each.get("referenceId"))] = depth = 1 + max(parents, default=0)
        if depth > MAX_DEPTH:
            raise ApiError("LIMIT_EXCEEDED", f"Limit of graph depth {MAX_DEPTH} exceeded")


def _halted(each: Mapping[str, Any]) -> dict[str, Any]:
    message = "Processing was halted because too many graphs failed."
    body = [{"errorCode": "PROCESSING_HALTED", "message": message}]
    reference = each.get("referenceId")
    return {"body": body, "httpHeaders": {}, "httpStatusCode": 400, "referenceId": reference}


def _fill(value: Any, answered: Mapping[str, Any], failed: set[str], in_url: bool = False) -> Any:
    """Put earlier answers in the place of `@{reference.path}`, at any depth."""
    if isinstance(value, dict):
        return {name: _fill(each, answered, failed) for name, each in value.items()}
    if isinstance(value, list):
        return [_fill(each, answered, failed) for each in value]
    if not isinstance(value, str):
        return value
    whole = _REFERENCE.fullmatch(value)
    if whole:
        return _look_up(whole, answered, failed)

    def replacement(match: re.Match[str]) -> str:
        found = str(_look_up(match, answered, failed))
        return quote(found, safe="") if in_url else found

    return _REFERENCE.sub(replacement, value)


def _look_up(match: re.Match[str], answered: Mapping[str, Any], failed: set[str]) -> Any:
    reference, path = match[1], match[2]
    if reference in failed:
        message = f"The request can't be processed because the referenced request {reference} failed."
        raise ApiError("PROCESSING_HALTED", message)
    found: Any = answered.get(reference)
    try:
        for name, index in _STEP.findall(path):
            found = found[int(index)] if index else found[name]
    except (KeyError, IndexError, TypeError):
        found = None
    if found is None:
        raise ApiError("PROCESSING_HALTED", f"Invalid reference specified. No value for {match[0][2:-1]} found")
    return found
