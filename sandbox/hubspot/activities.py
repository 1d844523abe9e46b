"""The properties of activities: tasks, notes, meetings, calls and e-mails.

Owns: definitions only. Sources: [HubSpot docs: crm/tasks, crm/notes, crm/meetings, crm/calls, crm/email]; the options
of a task's status beyond those of the docs' text are the ones that its samples and interface show (a guess).
"""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.hubspot.standard import Definition, common, definition, titled

TASK_STATUSES = ("NOT_STARTED", "IN_PROGRESS", "WAITING", "COMPLETED", "DEFERRED")
CALL_STATUSES = (
    "BUSY", "CALLING_CRM_USER", "CANCELED", "COMPLETED", "CONNECTING", "FAILED", "IN_PROGRESS", "MISSED", "NO_ANSWER",
    "QUEUED", "RINGING",
)  # fmt: skip
MEETING_OUTCOMES = ("SCHEDULED", "COMPLETED", "RESCHEDULED", "NO_SHOW", "CANCELED")
EMAIL_STATUSES = ("BOUNCED", "FAILED", "SCHEDULED", "SENDING", "SENT")
EMAIL_DIRECTIONS = ("EMAIL", "INCOMING_EMAIL", "FORWARDED_EMAIL")


def _text(group: str, name: str, label: str, field_type: str = "text") -> Definition:
    return definition(name, label, "string", field_type, group)


def _choice(group: str, name: str, label: str, values: Iterable[str]) -> Definition:
    return definition(name, label, "enumeration", "select", group, options=titled(values))


def _time(group: str, name: str, label: str) -> Definition:
    return definition(name, label, "datetime", "date", group)


def _number(group: str, name: str, label: str) -> Definition:
    return definition(name, label, "number", "number", group)


def _activity(group: str, *own: Definition) -> list[Definition]:
    shared = (
        _time(group, "hs_timestamp", "Activity date"),
        definition("hs_attachment_ids", "Attached file IDs", "enumeration", "checkbox", group, external=True),
    )
    return [*shared, *own, *common(group, "hs_lastmodifieddate", "hs_createdate")]


PROPERTIES: dict[str, list[Definition]] = {
    "tasks": _activity(
        "task",
        _text("task", "hs_task_subject", "Task Title"),
        _text("task", "hs_task_body", "Notes", "html"),
        _choice("task", "hs_task_status", "Task Status", TASK_STATUSES),
        _choice("task", "hs_task_priority", "Priority", ("NONE", "LOW", "MEDIUM", "HIGH")),
        _choice("task", "hs_task_type", "Task Type", ("EMAIL", "CALL", "TODO")),
        _text("task", "hs_task_reminders", "Reminders"),
        definition("hs_task_completion_date", "Completed at", "datetime", "date", "task", read_only=True),
    ),
    "notes": _activity("note", _text("note", "hs_note_body", "Note body", "html")),
    "meetings": _activity(
        "meeting",
        _text("meeting", "hs_meeting_title", "Meeting name"),
        _text("meeting", "hs_meeting_body", "Meeting description", "html"),
        _text("meeting", "hs_internal_meeting_notes", "Internal meeting notes", "html"),
        _text("meeting", "hs_meeting_location", "Location"),
        _text("meeting", "hs_meeting_external_url", "External URL"),
        _time("meeting", "hs_meeting_start_time", "Meeting start time"),
        _time("meeting", "hs_meeting_end_time", "Meeting end time"),
        _choice("meeting", "hs_meeting_outcome", "Meeting outcome", MEETING_OUTCOMES),
    ),
    "calls": _activity(
        "call",
        _text("call", "hs_call_title", "Call Title"),
        _text("call", "hs_call_body", "Call notes", "html"),
        _choice("call", "hs_call_direction", "Call direction", ("INBOUND", "OUTBOUND")),
        _choice("call", "hs_call_status", "Call status", CALL_STATUSES),
        definition("hs_call_disposition", "Call outcome", "enumeration", "select", "call", external=True),
        _number("call", "hs_call_duration", "Call duration"),
        _text("call", "hs_call_from_number", "From number"),
        _text("call", "hs_call_to_number", "To number"),
        _text("call", "hs_call_recording_url", "Recording URL"),
    ),
    "emails": _activity(
        "email",
        _text("email", "hs_email_subject", "Email subject"),
        _text("email", "hs_email_text", "Text body", "textarea"),
        _text("email", "hs_email_html", "HTML body", "html"),
        _text("email", "hs_email_headers", "Headers", "textarea"),
        _choice("email", "hs_email_direction", "Email Direction", EMAIL_DIRECTIONS),
        _choice("email", "hs_email_status", "Email send status", EMAIL_STATUSES),
    ),
}

GROUPS: dict[str, tuple[tuple[str, str], ...]] = {
    "tasks": (("task", "Task Information"),),
    "notes": (("note", "Note Information"),),
    "meetings": (("meeting", "Meeting Information"),),
    "calls": (("call", "Call Information"),),
    "emails": (("email", "Email Information"),),
}
