"""A CRM's error status and body to one exception with code and message.

Owns the shapes of the error bodies: HubSpot's object with optional `category`, `errors`, `context`, `policyName`;
Salesforce's array of `{errorCode, message}`; the OAuth endpoints' `{error, error_description}`. Every part may be
missing. Refuses nothing: a body of any other shape becomes a Refused with the status and the start of its text.

Sources: HubSpot docs: error handling, usage guidelines; HubSpot/hubspot-api-nodejs issues 50 and 268 (missing
scopes, two forms); Salesforce REST guide: status codes and error responses.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from crm_sync.clients.errors import RateLimited, Refused, ServerTrouble, Unauthorized

LONGEST_MESSAGE = 1000
TROUBLE_STATUSES = frozenset({423, 477})


def refusal(status: int, body: Any, headers: Mapping[str, str], *, crm: str, request: str) -> Refused:
    """The exception for an answer whose status the caller did not expect."""
    code, message = _code_and_message(body)
    scopes = sorted(set(_missing_scopes(body))) if status == 403 else []
    if scopes:
        code = "MISSING_SCOPES"
        message = f"the token lacks the scopes {', '.join(scopes)}"
    details: dict[str, Any] = {
        "status": status,
        "code": code,
        "body": body,
        "headers": headers,
        "crm": crm,
        "request": request,
    }
    message = message or f"answered with status {status}"
    if status == 429 or code == "REQUEST_LIMIT_EXCEEDED":
        return RateLimited(message, policy=_policy(status, body, message), **details)
    if status == 401:
        return Unauthorized(message, **details)
    if status >= 500 or status in TROUBLE_STATUSES:
        return ServerTrouble(message, **details)
    return Refused(message, **details)


def _code_and_message(body: Any) -> tuple[str, str]:
    if isinstance(body, list) and body and isinstance(body[0], dict):
        return _text(body[0].get("errorCode")), _clip(_text(body[0].get("message")))
    if isinstance(body, dict):
        if isinstance(body.get("error"), str):
            return body["error"], _clip(_text(body.get("error_description")))
        return _hubspot_code(body), _clip(_text(body.get("message")))
    return "", _clip(_text(body))


def _hubspot_code(body: Mapping[str, Any]) -> str:
    details = body.get("errors")
    for detail in details if isinstance(details, list) else ():
        if isinstance(detail, dict) and isinstance(detail.get("code"), str):
            return str(detail["code"])
    for key in ("category", "errorType", "policyName", "status"):
        value = body.get(key)
        if isinstance(value, str) and value and value != "error":
            return value
    return ""


def _missing_scopes(body: Any) -> Iterator[str]:
    if not isinstance(body, dict):
        return
    contexts = [body.get("context")]
    details = body.get("errors")
    contexts += [detail.get("context") for detail in details if isinstance(detail, dict)] if details else []
    for context in contexts:
        if isinstance(context, dict):
            for key in ("requiredGranularScopes", "requiredScopes"):
                value = context.get(key)
                yield from (scope for scope in value if isinstance(scope, str)) if isinstance(value, list) else ()


def _policy(status: int, body: Any, message: str) -> str:
    if status == 429:
        name = body.get("policyName") if isinstance(body, dict) else None
        if isinstance(name, str) and name:
            return name
        if "daily" in message.lower():
            return "DAILY"
        return "SECONDLY" if "secondly limit" in message.lower() else "TEN_SECONDLY_ROLLING"
    return "CONCURRENT" if "concurrent" in message.lower() else "DAILY"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _clip(text: str) -> str:
    return text if len(text) <= LONGEST_MESSAGE else text[:LONGEST_MESSAGE] + " ..."
