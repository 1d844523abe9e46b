"""An explanation of a record as lines: see explain.py for what is in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from crm_sync.wording import CRM_NAMES, held_words, moment, plain, reason_words, value_shown

_LINK_STATUS = {
    "linked": "linked",
    "hubspot_deleted": "the HubSpot record was deleted; nothing is written until it is restored",
    "salesforce_deleted": "the Salesforce record was deleted; nothing is written until it is restored",
    "both_deleted": "both records were deleted",
    "superseded": "another link has taken its place",
}
_QUIET = ("agreed", "unchanged")
_OUTCOMES = {None: "not known yet", "blocked": "waits for its parent", "stale": "left: somebody had edited it since"}


def explanation_lines(document: dict[str, Any], with_agreed: bool = True) -> Iterator[str]:
    """Lines for one link or unlinked record. Without `with_agreed`, fields that agree and were never decided on are
    only counted."""
    if document["link"] is None:
        yield from _alone(document)
    else:
        yield from _link(document, with_agreed)
    yield from _pushes(document["pushes"])
    yield from _next(document)
    yield ""


def _link(document: dict[str, Any], with_agreed: bool) -> Iterator[str]:
    link = document["link"]
    yield f"{link['object']}: HubSpot {link['hubspot_id']} = Salesforce {link['salesforce_id']}"
    status = _LINK_STATUS.get(link["status"], link["status"])
    yield f"  {status}; matched by {link['matched_by']} at {moment(link['linked_at'])} (run {link['run_id']})"
    yield from _scope(document["scope"])
    fields = document["fields"]
    shown = [one for one in fields if with_agreed or one["winner"] or one["change_state"] not in _QUIET]
    for field in shown:
        yield ""
        yield from _field(field)
    if len(shown) < len(fields):
        yield ""
        yield f"  {len(fields) - len(shown)} more fields agree and were never decided on (--all shows them)."


def _scope(scope: list[dict[str, Any]]) -> Iterator[str]:
    for row in scope:
        is_in = "in scope, it may write" if row["is_included"] else "out of scope, it may not write"
        yield f"  {CRM_NAMES[row['side']]} record: {is_in} ({row['deciding_rule']})"


def _field(field: dict[str, Any]) -> Iterator[str]:
    rule = f", conflict rule {field['conflict_rule']}" if field["conflict_rule"] else ""
    yield f"  {field['hubspot_property']} <-> {field['salesforce_field']}  [{field['direction']}{rule}]"
    for side in ("hubspot", "salesforce"):
        base = value_shown(field[f"base_{side}_value"]) if field["based_at"] else "none yet"
        edited = f", edited {moment(field[f'{side}_edited_at'])}" if field[f"{side}_edited_at"] else ""
        yield f"      {CRM_NAMES[side]:<10} {value_shown(field[f'{side}_value'])}  (base {base}{edited})"
    winner = field["winner"]
    won = {"both": "merged", None: "no winner"}.get(winner, f"{CRM_NAMES.get(winner or '', '')} won")
    yield f"      {won}: {reason_words(field['reason'])} [{field['reason']}]"
    details = [f"decided {moment(field['decided_at'])} in run {field['run_id']}"]
    if field["evidence"]:
        details.append(f"times of the {field['evidence']}")
    yield f"      {'; '.join(details)}"
    if field["held_reason"]:
        yield f"      held back: {held_words(field['held_reason'])} [{field['held_reason']}]"


def _alone(document: dict[str, Any]) -> Iterator[str]:
    side = CRM_NAMES[document["side"]]
    yield f"{document['object']}: {side} {document['record_id']}, not linked"
    yield from _scope(document["scope"])
    for issue in document["matching"]:
        yield f"  {issue['issue_type']}: {issue['detail']}"


def _pushes(pushes: list[dict[str, Any]]) -> Iterator[str]:
    if pushes:
        yield ""
        yield "  Written so far, newest first:"
    for push in pushes:
        outcome = _OUTCOMES.get(push["outcome"], push["outcome"])
        code = f" {push['error_code']}: {plain(push['message'])}" if push["error_code"] else ""
        place = CRM_NAMES[push["target"]]
        at = moment(push["attempted_at"])
        yield f"    {at}  {push['operation']} in {place}: {outcome}{code}  (run {push['run_id']})"
        for name, value in sorted(push["changes"].items()):
            if push["operation"] == "create":
                yield f"        {name}  {value_shown(value)}"
            else:
                yield f"        {name}  {value_shown(push['previous'].get(name))} -> {value_shown(value)}"


def _next(document: dict[str, Any]) -> Iterator[str]:
    yield ""
    yield "  Next:"
    said = False
    for operation in document["next"]:
        said = True
        names = ", ".join(sorted(operation["changes"])) or "its references"
        yield f"    the next sync would {_verb(operation['operation'])} in {CRM_NAMES[operation['target']]}: {names}"
    for error in document["errors"]:
        said = True
        yield f"    {CRM_NAMES[error['target']]} refuses it: {error['error_code']}: {plain(error['message'])}"
        yield f"      {_retry(error)}"
        yield f"      fix: {error['fix']}"
    for issue in document["issues"]:
        said = True
        yield f"    held back: {issue['issue_type']}: {issue['field'] or 'the record'}: {plain(issue['detail'])}"
        yield f"      fix: {issue['fix']}"
    if not said:
        is_dead = document["link"] is not None and document["link"]["status"] != "linked"
        is_out = document["link"] is None and all(not row["is_included"] for row in document["scope"])
        if is_dead:
            yield "    nothing, until the record is restored"
        elif is_out:
            yield "    nothing: the record is out of scope"
        else:
            yield "    nothing: what the newest cycle saw is in step"


def _verb(operation: str) -> str:
    return {"associate": "update the associations", "archive": "move it to the recycle bin"}.get(
        operation, f"{operation} it"
    )


def _retry(error: dict[str, Any]) -> str:
    tried = f"tried {error['attempts']} times; " if error["attempts"] > 1 else ""
    if error["next_retry_at"]:
        return f"{tried}tried again at {moment(error['next_retry_at'])}, or now with: crm-sync review --retry"
    words = {
        "on_change": "tried again when the record or its mapping changes",
        "retry": "tried again in the next cycle",
        "daily": "tried again once a day",
        "never": "not tried again by itself",
    }
    return f"{tried}{words[error['retry_policy']]}, or now with: crm-sync review --retry"
