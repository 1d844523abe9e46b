"""What a write does to a record: validation, uniqueness, defaults, derived values, history, log, index lag.

Owns: the rules of create, update and archive, the same for the API and for humans behind it.
Sources: [HubSpot docs: crm/contacts, crm/companies, crm/deals] and public captures of replies to creates.
Expects to run inside a transaction.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sandbox.faults import CURRENT
from sandbox.hubspot.catalog import PORTAL_ID
from sandbox.hubspot.errors import (
    InvalidValue,
    contact_exists,
    invalid_values,
    required_missing,
    value_taken,
)
from sandbox.hubspot.linking import End, Links
from sandbox.hubspot.metadata import Metadata
from sandbox.hubspot.object_types import ObjectType
from sandbox.hubspot.rendering import creation_version
from sandbox.hubspot.store import ARCHIVED, LIVE, Store, Stored, Version
from sandbox.hubspot.times import iso
from sandbox.hubspot.validation import Validator
from sandbox.organisation import Changes, Settings, WriteLog

FIRST_ID = 240_000_000_001
PHONES = ("phone", "mobilephone")


@dataclass(frozen=True)
class Author:
    """Who writes, and through what: kept in the log and in the history."""

    actor: str
    method: str
    source_type: str
    source_id: str
    user_id: int | None = None
    by_human: bool = False

    def through(self, method: str) -> Author:
        return replace(self, method=method)


@dataclass
class Rules:
    """What an administrator has set up beside the schema: triggers and property validation rules."""

    format_phone: bool = False
    patterns: tuple[tuple[str, str, str, str], ...] = ()
    """(object, property, regular expression a value must match, message)."""

    def problems(self, type_: str, values: Mapping[str, str]) -> list[InvalidValue]:
        return [
            InvalidValue(name, "VALIDATION_RULE", message)
            for object_, name, pattern, message in self.patterns
            if object_ == type_ and values.get(name) and not re.fullmatch(pattern, values[name])
        ]

    def triggered(self, values: Mapping[str, str]) -> dict[str, str]:
        """The values after triggers have run over them."""
        if not self.format_phone:
            return dict(values)
        return {name: _formatted_phone(v) if name in PHONES else v for name, v in values.items()}


class Writer:
    """Creates, changes and archives records."""

    def __init__(self, store: Store, metadata: Metadata, settings: Settings, log: WriteLog, rules: Rules) -> None:
        self.store = store
        self.metadata = metadata
        self.settings = settings
        self.log = log
        self.rules = rules
        self.links = Links(store, metadata.catalog)
        self._validator = Validator(metadata)

    def check(
        self,
        object_type: ObjectType,
        values: Mapping[str, Any],
        current: Mapping[str, str],
        by_human: bool = False,
    ) -> tuple[dict[str, str], list[InvalidValue]]:
        """The values to store and everything that is wrong with those sent."""
        cleaned, problems = self._validator.clean(object_type, values, current, by_human)
        cleaned = self.rules.triggered(cleaned)
        return cleaned, problems + self.rules.problems(object_type.name, cleaned)

    def cleaned(
        self,
        object_type: ObjectType,
        values: Mapping[str, Any],
        current: Mapping[str, str],
        by_human: bool = False,
    ) -> dict[str, str]:
        """The values to store; raises the 400 that lists what is wrong."""
        cleaned, problems = self.check(object_type, values, current, by_human)
        if problems:
            raise invalid_values(problems)
        return cleaned

    def create(
        self, object_type: ObjectType, values: Mapping[str, Any], author: Author, at: int | None = None
    ) -> Stored:
        """A new record. Raises ApiError when a value is bad, missing or taken."""
        cleaned = {
            name: value for name, value in self.cleaned(object_type, values, {}, author.by_human).items() if value != ""
        }
        self._check_required(object_type, cleaned)
        now = self.settings.now_ms() if at is None else at
        properties = _defaults(object_type, author, now) | cleaned
        record = Stored(object_type.name, self.store.next_id(FIRST_ID), properties, now, now)
        self._derive(record, set(properties), now)
        self._claim(object_type, record)
        self._save(record)
        changes = {name: (None, value) for name, value in cleaned.items()}
        self._log(record, author, "create", changes, at)
        return record

    def update(self, record: Stored, values: Mapping[str, Any], author: Author, at: int | None = None) -> set[str]:
        """Change a live record; returns the names of the sent properties. Writing the value that is there
        already moves the modification time (HubSpot does not say), but is neither logged nor kept."""
        object_type = self.metadata.catalog.types[record.type]
        cleaned = self.cleaned(object_type, values, record.properties, author.by_human)
        changes = {
            name: (record.properties.get(name), value)
            for name, value in cleaned.items()
            if (record.properties.get(name) or "") != value
        }
        now = self.settings.now_ms() if at is None else at
        record.properties |= {name: new for name, (_, new) in changes.items()}
        record.modified = now
        self._derive(record, set(changes), now)
        if changes:
            self._claim(object_type, record)
            self._keep_history(record, changes, author, now)
        self._save(record)
        self._log(record, author, "update", changes, at)
        return set(cleaned)

    def archive(self, record: Stored, author: Author, at: int | None = None) -> None:
        """Move a live record to the recycle bin; its unique values become free."""
        now = self.settings.now_ms() if at is None else at
        record.state, record.archived_at = ARCHIVED, now
        self.links.remove_all((record.type, record.id))
        self.store.set_unique(record.type, record.id, ())
        self._save(record)
        self._log(record, author, "archive", {"archived": (False, True)}, at)

    def restore(self, record: Stored, author: Author, at: int | None = None) -> None:
        """Bring an archived record back from the recycle bin [only in HubSpot's user interface]."""
        record.state, record.archived_at = LIVE, None
        record.modified = self.settings.now_ms() if at is None else at
        self._claim(self.metadata.catalog.types[record.type], record)
        self._save(record)
        self.links.restore_all((record.type, record.id))
        self._log(record, author, "restore", {"archived": (True, False)}, at)

    def note_activity(self, one: End, other: End) -> None:
        """An activity logged on a record moves that record's modification time, as one of its internal
        properties [HubSpot knowledge base: default contact properties]. It is nobody's edit, so not logged."""
        types = self.metadata.catalog.types
        for activity_end, end in ((one, other), (other, one)):
            if not types[activity_end[0]].is_activity or types[end[0]].is_activity:
                continue
            activity, record = self.store.get(*activity_end), self.store.get(*end)
            if activity is None or record is None or record.state != LIVE:
                continue
            if self.metadata.property(record.type, "notes_last_updated") is not None:
                record.properties["notes_last_updated"] = activity.properties.get("hs_timestamp", iso(activity.created))
            record.modified = max(record.modified, self.settings.now_ms())
            self._save(record)

    def erase(self, record: Stored, author: Author) -> None:
        """Forget a record and everything about it; it cannot be restored."""
        self.links.remove_all((record.type, record.id))
        self.store.erase(record.type, record.id)
        self._log(record, author, "archive", {"erased": (False, True)}, None)

    def log_changes(self, record: Stored, author: Author, operation: str, changes: Changes) -> None:
        """Log something that another room did to a record."""
        self._log(record, author, operation, changes, None)

    def save_silently(self, record: Stored) -> None:
        """Save a record that another room changed, and claim its unique values."""
        self.store.set_unique(record.type, record.id, self.identity(record))
        self._save(record)

    def identity(self, record: Stored) -> list[tuple[str, str]]:
        """The (property, value) pairs that no other live record may have."""
        properties = record.properties
        pairs = [
            (name, properties[name]) for name in self.metadata.unique_properties(record.type) if properties.get(name)
        ]
        return pairs + [("email", address) for address in addresses(record)]

    def derive_loaded(self, record: Stored) -> None:
        """Fill in the calculated values of a record that was loaded as it is."""
        self._derive(record, set(record.properties) - {"lifecyclestage"}, record.created)

    def _check_required(self, object_type: ObjectType, values: Mapping[str, str]) -> None:
        missing = [name for name in object_type.required if name not in values]
        if object_type.required_any and not any(name in values for name in object_type.required_any):
            missing += object_type.required_any
        if missing:
            raise required_missing(object_type, missing)

    def _claim(self, object_type: ObjectType, record: Stored) -> None:
        """Take the record's unique values, or refuse because another record has one."""
        pairs = self.identity(record)
        for name, value in pairs:
            holder = self.store.holder(record.type, name, value)
            if holder is None or holder == record.id:
                continue
            if name == "email":
                raise contact_exists(holder)
            raise value_taken(object_type, name, value, record.id, holder, PORTAL_ID)
        self.store.set_unique(record.type, record.id, pairs)

    def _keep_history(self, record: Stored, changes: Changes, author: Author, now: int) -> None:
        versions: list[tuple[str, Version]] = []
        for name, (old, new) in changes.items():
            if old is not None and not self.store.versions(record.type, record.id, name):
                versions.append((name, creation_version(record, old)))
            version = Version(new, now, author.source_type, author.source_id, author.user_id)
            versions.append((name, version))
        self.store.add_versions(record, versions)

    def _save(self, record: Stored) -> None:
        fault = CURRENT.get()
        lag = self.settings.index_lag_ms
        if fault is not None and fault.kind == "index_lag":
            lag = int(fault.number("delay_ms", 5000))
        if lag:
            self.store.keep_indexed(record.type, record.id, self.settings.now_ms() + lag)
        self.store.save(record)

    def _log(self, record: Stored, author: Author, operation: str, changes: Changes, at: int | None) -> None:
        if not changes:
            return
        moment = datetime.fromtimestamp(at / 1000, tz=UTC) if at is not None else None
        self.log.append(author.actor, author.method, record.type, str(record.id), operation, changes, moment)

    def _derive(self, record: Stored, changed: Iterable[str], now: int) -> None:
        """Calculated values follow the ones they are made of; they do not count as edits."""
        values, touched = record.properties, set(changed)
        if record.type == "contacts":
            _derive_contact(record, touched)
        if record.type == "deals" and touched & {"dealstage", "pipeline"}:
            stage = self.metadata.stage("deals", values.get("pipeline", "default"), values.get("dealstage", ""))
            if stage is not None:
                closed, probability = stage["metadata"]["isClosed"], stage["metadata"]["probability"]
                values["hs_is_closed"] = closed
                values["hs_is_closed_won"] = "true" if probability == "1.0" else "false"
                values["hs_deal_stage_probability"] = probability
        stage_name = values.get("lifecyclestage")
        if stage_name and "lifecyclestage" in touched:
            values[f"hs_lifecyclestage_{stage_name}_date"] = str(now)


def addresses(record: Stored) -> list[str]:
    """A contact's e-mail addresses, the primary one first, then the additional ones."""
    if record.type != "contacts":
        return []
    extra = record.properties.get("hs_additional_emails", "").split(";")
    mine = [record.properties.get("email", ""), *extra]
    return list(dict.fromkeys(address.strip().lower() for address in mine if address.strip()))


def _defaults(object_type: ObjectType, author: Author, now: int) -> dict[str, str]:
    """What HubSpot fills in on a create [captures of batch create replies]."""
    values = {
        "hs_object_source": author.source_type,
        "hs_object_source_id": author.source_id,
        "hs_object_source_label": author.source_type,
    }
    if author.user_id is not None:
        values["hs_object_source_user_id"] = str(author.user_id)
    if object_type.name in ("contacts", "companies"):
        values["lifecyclestage"] = "lead"
        values["hs_pipeline"] = f"{object_type.name}-lifecycle-pipeline"
    if object_type.name == "deals":
        values["pipeline"] = "default"
    return values


def _derive_contact(record: Stored, touched: set[str]) -> None:
    values = record.properties
    values["hs_all_contact_vids"] = str(record.id)
    if "email" in touched:
        values["hs_email_domain"] = values.get("email", "").partition("@")[2]
    if touched & {"email", "firstname", "lastname"}:
        name = " ".join(filter(None, (values.get("firstname"), values.get("lastname"))))
        values["hs_full_name_or_email"] = name or values.get("email", "")
    for source, target in (("phone", "phone_number"), ("mobilephone", "mobile_number")):
        if source in touched:
            digits = re.sub(r"\D", "", values.get(source, ""))
            values[f"hs_searchable_calculated_{target}"] = digits[-10:]


def _formatted_phone(text: str) -> str:
    """`(415) 555-0100` for ten digits, with or without a leading 1; anything else stays."""
    digits = re.sub(r"\D", "", text)
    if len(digits) == 11 and digits[0] == "1":
        digits = digits[1:]
    return f"({digits[:3]}) {digits[3:6]}-{digits[6:]}" if len(digits) == 10 else text
