"""The banner in plain words: how the sync is, in one sentence, and the one thing to do next.

Owns the wording and the order of urgency. Looks at nothing but what it is given.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

Row = dict[str, Any]
# A schedule of four times an hour that has been silent this long has stopped.
SILENT_AFTER = timedelta(hours=24)


def banner(
    status: Row | None,
    last_run: Row | None,
    error_groups: Sequence[Row],
    issue_groups: Sequence[Row],
    held: int,
    target: str,
    now: datetime,
) -> dict[str, Any]:
    """State, headline, sentence, remedy and command, and a note when nothing has run for a day."""
    command = f"crm-sync --target {target}"
    if status is None:
        return _words(
            "never",
            "No sync has run yet",
            "There is no health file of this target, or nothing in it.",
            "Run the first cycle. In doubt, look at its plan first: it writes nothing.",
            f"make plan TARGET={target}",
        )
    words = _of_state(status, last_run, error_groups, issue_groups, held, command)
    words["note"] = _silence(status, words["state"], now)
    return words


def _of_state(
    status: Row,
    last_run: Row | None,
    error_groups: Sequence[Row],
    issue_groups: Sequence[Row],
    held: int,
    command: str,
) -> dict[str, Any]:
    state = status["status"]
    if state == "paused":
        return _words(
            state,
            "Paused by a person",
            f"Nothing has been written since {_moment(status['paused_since'])}.",
            "Resume the sync when what it was paused for is done. Edits made meanwhile are not lost.",
            f"{command} resume",
        )
    if state == "failed":
        return _failed(status, last_run, command)
    pairs = f"{status['linked_records']:,} linked pairs are kept in step"
    if state == "degraded":
        return _degraded(status, error_groups, issue_groups, pairs, command)
    remedy, hint = _most_frequent_issue(issue_groups, held, command)
    return _words(state, "Healthy", f"{pairs}; no CRM refuses a record.", remedy, hint)


def _failed(status: Row, last_run: Row | None, command: str) -> dict[str, Any]:
    exit_code = (last_run or {}).get("exit_code")
    message = (status["last_run_message"] or "The newest run left no message.").strip()
    if exit_code == 3:
        return _words(
            "failed",
            "Stopped before anything was pushed",
            message,
            "Read the plan. If so much is meant to change, accept the limit; if not, correct the mapping.",
            f"{command} plan",
        )
    if exit_code == 2:
        return _words(
            "failed", "The newest sync could not start", message, "Correct what the message names, then check it.",
            f"{command} check",
        )  # fmt: skip
    return _words(
        "failed",
        "The newest sync did not complete",
        message,
        "Run it again: it continues where it stopped, and writes nothing twice.",
        f"{command} sync",
    )


def _degraded(
    status: Row, error_groups: Sequence[Row], issue_groups: Sequence[Row], pairs: str, command: str
) -> dict[str, Any]:
    refused, suspended = status["open_errors"], status["suspended_mappings"]
    if refused:
        headline = f"{refused:,} {'record is' if refused == 1 else 'records are'} refused"
        worst = _summed(error_groups, "error_code")[0] if error_groups else None
        remedy = f"{worst['fix']}." if worst else "Read the open errors."
        if worst and len({group["error_code"] for group in error_groups}) > 1:
            remedy = f"Begin with {worst['error_code']} ({_records(worst['records'])}): {remedy}"
        sentence = f"{pairs}; the records below are not, and are tried again as their error allows."
        return _words("degraded", headline, sentence, remedy, f"{command} errors")
    if suspended:
        headline = f"{suspended:,} field {'mapping is' if suspended == 1 else 'mappings are'} suspended"
        fix = next((group["fix"] for group in issue_groups if group["issue_type"] == "suspended_mapping"), "")
        return _words("degraded", headline, f"{pairs}, without these fields.", f"{fix}.", f"{command} check")
    return _words(
        "degraded",
        "Some writes were left for the next run",
        f"{pairs}; a record had changed meanwhile, or a CRM gave no answer.",
        "Nothing: the next run tries again.",
        f"{command} sync",
    )


def _most_frequent_issue(issue_groups: Sequence[Row], held: int, command: str) -> tuple[str | None, str | None]:
    if held:
        waits = "conflict waits" if held == 1 else "conflicts wait"
        return f"{held:,} {waits} for a person: edit either side, or say which side holds.", f"{command} review"
    worst = _summed(issue_groups, "issue_type")
    if not worst:
        return None, None
    label = worst[0]["issue_type"].replace("_", " ")
    return f"Data quality, most frequent ({label}, {_records(worst[0]['records'])}): {worst[0]['fix']}.", None


def _silence(status: Row, state: str, now: datetime) -> str | None:
    if state == "paused" or not status["last_success_at"]:
        return None
    last = datetime.strptime(status["last_success_at"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    if now - last < SILENT_AFTER:
        return None
    days = (now - last).days
    return f"No sync has succeeded for {days} {'day' if days == 1 else 'days'}: is its schedule still on?"


def _summed(groups: Sequence[Row], key: str) -> list[Row]:
    """Groups of one key put together over objects and directions, most records first."""
    summed: dict[str, Row] = {}
    for group in groups:
        kept = summed.setdefault(group[key], {**group, "records": 0})
        kept["records"] += group["records"]
    return sorted(summed.values(), key=lambda group: -group["records"])


def _words(state: str, headline: str, sentence: str, remedy: str | None, command: str | None) -> dict[str, Any]:
    return {
        "state": state,
        "headline": headline,
        "sentence": sentence,
        "remedy": remedy,
        "command": command,
        "note": None,
    }


def _records(count: int) -> str:
    return f"{count:,} {'record' if count == 1 else 'records'}"


def _moment(text: str | None) -> str:
    return f"{text[:10]} {text[11:16]} UTC" if text else "an unknown time"
