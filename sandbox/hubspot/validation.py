"""Turning a written value into the one that HubSpot stores, or saying why it cannot be stored.

Owns: formats per property type. Sources: [HubSpot docs: crm/properties], error texts from public captures.
Refuses: to look at other records (uniqueness is writing.py's).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sandbox.hubspot.errors import InvalidValue
from sandbox.hubspot.metadata import Metadata
from sandbox.hubspot.object_types import ObjectType
from sandbox.hubspot.standard import LIFECYCLE_STAGES, Definition
from sandbox.hubspot.times import iso, iso_date, parse_iso, parse_ms

TEXT_LIMIT = 65_536
DAY_MS = 86_400_000
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)")
_EMAIL = re.compile(r"[^\s@,;<>\"]+@[^\s@,;<>\"]+\.[^\s@,;<>\".]{2,}")
_STAGE_ORDER = {value: order for order, (value, _) in enumerate(LIFECYCLE_STAGES)}
HUMAN_WRITABLE = frozenset({"hs_additional_emails"})


class Validator:
    """Checks the properties of one write against the account's metadata."""

    def __init__(self, metadata: Metadata) -> None:
        self._metadata = metadata

    def clean(
        self,
        object_type: ObjectType,
        values: Mapping[str, Any],
        current: Mapping[str, str],
        by_human: bool = False,
    ) -> tuple[dict[str, str], list[InvalidValue]]:
        """The values to store (`""` clears) and everything that is wrong with those sent.

        A JSON null says nothing and is left out: only `""` clears [HubSpot docs: crm/objects]. A lifecycle
        stage that would go backwards is dropped silently, unless a human sets it.
        """
        cleaned: dict[str, str] = {}
        problems: list[InvalidValue] = []
        for name, value in values.items():
            if value is None:
                continue
            try:
                cleaned[name] = self._clean_one(object_type, name, _as_text(value), current, by_human)
            except InvalidValue as problem:
                problems.append(problem)
        if object_type.name == "deals" and {"dealstage", "pipeline"} & cleaned.keys():
            problems += self._stage_problems(cleaned, current)
        if not by_human and _goes_backwards(cleaned.get("lifecyclestage"), current.get("lifecyclestage")):
            del cleaned["lifecyclestage"]
        return cleaned, problems

    def _clean_one(
        self, object_type: ObjectType, name: str, text: str, current: Mapping[str, str], by_human: bool
    ) -> str:
        definition = self._metadata.property(object_type.name, name)
        if definition is None:
            raise InvalidValue(name, "PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist')
        if definition["modificationMetadata"]["readOnlyValue"] and not (by_human and name in HUMAN_WRITABLE):
            message = f'"{name}" is a read only property; its value cannot be set.'
            raise InvalidValue(name, "READ_ONLY_VALUE", message)
        text = text.strip()
        if text == "":
            return ""
        if name == "email":
            return _email(name, text)
        match definition["type"]:
            case "number":
                return _number(name, text)
            case "bool":
                return _option(name, text.lower(), ["true", "false"])
            case "date":
                return _date(name, text)
            case "datetime":
                return _datetime(name, text)
            case "enumeration":
                return self._enumeration(definition, text, current.get(name, ""))
        if len(text) > TEXT_LIMIT:
            raise InvalidValue(name, "INVALID_STRING", f"{name} is longer than {TEXT_LIMIT} characters.")
        return text

    def _enumeration(self, definition: Definition, text: str, current: str) -> str:
        name = definition["name"]
        if definition.get("referencedObjectType") == "OWNER":
            owner = self._metadata.owner(text)
            if owner is None:
                raise InvalidValue(name, "INVALID_OWNER_ID", f"Owner with id {text} does not exist.")
            return text
        if definition["externalOptions"]:
            return text
        allowed = [option["value"] for option in definition["options"]]
        if definition["fieldType"] != "checkbox":
            return _option(name, text, allowed)
        chosen = [_option(name, part.strip(), allowed) for part in text.split(";") if part.strip()]
        if text.startswith(";"):
            chosen = [*(part for part in current.split(";") if part), *chosen]
        return ";".join(dict.fromkeys(chosen))

    def _stage_problems(self, cleaned: Mapping[str, str], current: Mapping[str, str]) -> list[InvalidValue]:
        """A deal's stage must be one of its pipeline's; the pipeline is `default` unless said otherwise."""
        pipeline_id = cleaned.get("pipeline") or current.get("pipeline") or "default"
        stage_id = cleaned.get("dealstage") or current.get("dealstage")
        pipeline = self._metadata.pipeline("deals", pipeline_id)
        if pipeline is None:
            known = ", ".join(item["id"] for item in self._metadata.pipelines("deals"))
            message = f"{pipeline_id} was not one of the allowed options: [{known}]"
            return [InvalidValue("pipeline", "INVALID_OPTION", message)]
        if stage_id is None or self._metadata.stage("deals", pipeline_id, stage_id):
            return []
        stages = ", ".join(stage["id"] for stage in pipeline["stages"])
        message = (
            f"{stage_id} is not a valid pipeline stage ID. Valid options are: pipelineId={pipeline_id} : [{stages}]"
        )
        return [InvalidValue("dealstage", "INVALID_OPTION", message)]


def _as_text(value: Any) -> str:
    """Writes accept JSON numbers and booleans; they are kept as text [HubSpot docs: crm/properties]."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _goes_backwards(new: str | None, old: str | None) -> bool:
    """Whether a lifecycle stage would move against the order of stages."""
    if not new or not old:
        return False
    return _STAGE_ORDER.get(new, 0) < _STAGE_ORDER.get(old, 0)


def _email(name: str, text: str) -> str:
    if not _EMAIL.fullmatch(text):
        raise InvalidValue(name, "INVALID_EMAIL", f"Email address {text} is invalid")
    return text.lower()


def _number(name: str, text: str) -> str:
    if not _NUMBER.fullmatch(text):
        raise InvalidValue(name, "INVALID_INTEGER", f"{text} was not a valid number.")
    return text


def _option(name: str, text: str, allowed: list[str]) -> str:
    if text not in allowed:
        message = f"{text} was not one of the allowed options: [{', '.join(allowed)}]"
        raise InvalidValue(name, "INVALID_OPTION", message)
    return text


def _date(name: str, text: str) -> str:
    ms = parse_ms(text)
    if ms is None:
        ms = parse_iso(text)
    if ms is None:
        raise InvalidValue(name, "INVALID_DATE", f"{text} was not a valid date.")
    if ms % DAY_MS:
        seconds, millis = divmod(ms % DAY_MS, 1000)
        hours, minutes, seconds = seconds // 3600, seconds // 60 % 60, seconds % 60
        clock = f"{hours}:{minutes}:{seconds}.{millis}"
        raise InvalidValue(name, "INVALID_DATE", f"{text} is at {clock} UTC, not midnight!")
    return iso_date(ms)


def _datetime(name: str, text: str) -> str:
    ms = parse_ms(text)
    if ms is None:
        ms = parse_iso(text)
    if ms is None:
        raise InvalidValue(name, "INVALID_LONG", f"{text} was not a valid long.")
    return iso(ms)
