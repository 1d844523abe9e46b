"""What can be wrong in the seeds without asking a CRM: names, codes, references, duplicates.

Everything found is reported at once, each with file, line and remedy, so that an analyst corrects a file in
one go. Checks against live metadata (does the property exist, do the types fit) are SQL: `mapping_problems`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from crm_sync.errors import ConfigError
from crm_sync.mappings import CLEAR_FIRST, Mappings, Row

DIRECTIONS = ("prefer_salesforce", "always_salesforce", "prefer_hubspot", "always_hubspot", "two_way", "none")
VALUE_DIRECTIONS = ("both", "to_salesforce", "to_hubspot")
MATCH_RULES = ("email", "domain", "name", "exact")
CONFLICT_RULES = ("most_recent", "hubspot", "salesforce", "longest", "largest", "smallest", "union", "review")
OPERATORS = (
    "is_any_of", "is_none_of", "contains", "contains_none_of", "is_known", "is_unknown", "equals", "not_equals",
    "greater_than", "less_than", "before", "after", "in_list",
)  # fmt: skip
OPERATIONS = ("create", "update", "archive", "clear", "associate")
BOOLEANS = ("true", "false", "yes", "no", "1", "0")
_MACRO = re.compile(r"{%-?\s*macro\s+(transform|conflict_rule)_(\w+)\s*\(")
_WHOLE = re.compile(r"[0-9]{1,12}")
_SHOWN = 20
_LONGEST_MESSAGE = 300
LONGEST_CHAIN = 5  # as many steps as int_value_images has


@dataclass(frozen=True)
class Problem:
    """One mistake: where, what, and what to do."""

    place: str
    message: str
    remedy: str

    def __str__(self) -> str:
        message = self.message if len(self.message) <= _LONGEST_MESSAGE else f"{self.message[:_LONGEST_MESSAGE]}..."
        return f"{self.place}: {message} {self.remedy}"


def macro_names(macros_dir: Path) -> dict[str, set[str]]:
    """Names of the transforms and conflict rules that exist as macros, ours and the user's own."""
    names: dict[str, set[str]] = {"transform": set(), "conflict_rule": set()}
    for path in sorted(macros_dir.rglob("*.sql")):
        for kind, name in _MACRO.findall(path.read_text(encoding="utf-8")):
            names[kind].add(name)
    return names


def check_mappings(mappings: Mappings, macros_dir: Path) -> list[Problem]:
    """All mistakes that the files alone show."""
    macros = macro_names(macros_dir)
    return [
        *_codes(mappings, macros),
        *_references(mappings),
        *_duplicates(mappings),
        *_contradictions(mappings),
    ]


def require_valid(mappings: Mappings, macros_dir: Path) -> None:
    """Raise ConfigError (exit 2) listing every mistake, or return."""
    raise_problems(check_mappings(mappings, macros_dir))


def raise_problems(problems: list[Problem]) -> None:
    """Turn problems into one ConfigError; return if there are none."""
    if not problems:
        return
    lines = [str(problem) for problem in problems[:_SHOWN]]
    if len(problems) > _SHOWN:
        lines.append(f"... and {len(problems) - _SHOWN} more.")
    noun = "mistake" if len(problems) == 1 else "mistakes"
    raise ConfigError(
        f"{len(problems)} {noun} in the mapping files:\n  " + "\n  ".join(lines),
        "Nothing was pushed. Correct the rows named above in dbt_project/seeds/ and run again.",
    )


def _code(row: Row, column: str, allowed: tuple[str, ...], blank: bool) -> Iterator[Problem]:
    value = row[column]
    if (value == "" and not blank) or (value != "" and value not in allowed):
        shown = f"'{value}' is not a {column}." if value else f"{column} is blank."
        yield Problem(row.place, shown, f"Use one of: {', '.join(allowed)}{' or leave it blank' if blank else ''}.")


def _codes(mappings: Mappings, macros: dict[str, set[str]]) -> Iterator[Problem]:
    rows = mappings.rows
    for row in rows["object_mappings"]:
        yield from _code(row, "enabled", BOOLEANS, blank=False)
        yield from _code(row, "match_rule", MATCH_RULES, blank=True)
        for column in ("create_in_hubspot", "create_in_salesforce"):
            yield from _code(row, column, BOOLEANS, blank=True)
        for column in ("on_hubspot_delete", "on_salesforce_delete"):
            yield from _code(row, column, ("ignore", "delete"), blank=True)
        yield from _number(row, "priority", whole=True)
        for column in ("object", "hubspot_object", "salesforce_object"):
            if not row[column]:
                yield Problem(row.place, f"{column} is blank.", "Every object mapping names its two objects.")
        if row["match_rule"] and not (row["match_hubspot_property"] and row["match_salesforce_field"]):
            yield Problem(
                row.place,
                f"match_rule {row['match_rule']} has no property to match.",
                "Fill match_hubspot_property and match_salesforce_field, or clear match_rule.",
            )
    for row in rows["field_mappings"]:
        yield from _code(row, "direction", DIRECTIONS, blank=True)
        known = (*CONFLICT_RULES, *sorted(macros["conflict_rule"] - set(CONFLICT_RULES)))
        yield from _code(row, "conflict_rule", known, blank=True)
        for column in ("to_salesforce", "to_hubspot"):
            yield from _transforms(row, column, macros["transform"])
        for column, default in (
            ("hubspot_property", "default_in_salesforce"),
            ("salesforce_field", "default_in_hubspot"),
        ):
            if not row[column] and not row[default]:
                remedy = f"Every field mapping names both fields, or a constant in {default}."
                yield Problem(row.place, f"{column} is blank.", remedy)
    for name in ("value_mappings", "stage_mappings"):
        for row in rows[name]:
            yield from _code(row, "direction", VALUE_DIRECTIONS, blank=True)
    for row in rows["inclusion_rules"]:
        yield from _code(row, "side", ("hubspot", "salesforce"), blank=False)
        yield from _code(row, "operator", OPERATORS, blank=False)
        if row["operator"] not in ("is_known", "is_unknown") and not row["value"]:
            yield Problem(row.place, f"{row['operator']} needs a value.", "Several values are separated by ';'.")
        if row["operator"] != "in_list" and not row["property"]:
            yield Problem(row.place, "property is blank.", "Name the property that the rule looks at.")
        if row["operator"] == "in_list" and row["side"] == "salesforce":
            yield Problem(row.place, "in_list needs the side hubspot.", "Salesforce has no lists of this kind.")
    for row in rows["conflict_resolutions"]:
        yield from _code(row, "winner", ("hubspot", "salesforce"), blank=False)
        if not row["hubspot_id"] and not row["salesforce_id"]:
            yield Problem(row.place, "the record's id is blank.", "Fill hubspot_id, salesforce_id or both.")
        mapped = {field["hubspot_property"] for field in rows["field_mappings"] if field["object"] == row["object"]}
        if row["hubspot_property"] not in mapped:
            yield Problem(
                row.place,
                f"'{row['hubspot_property']}' is not a mapped property of {row['object'] or 'the object'}.",
                "Use a hubspot_property of field_mappings.csv.",
            )
    for row in rows["push_limits"]:
        yield from _code(row, "target", ("hubspot", "salesforce", "*"), blank=True)
        yield from _code(row, "operation", (*OPERATIONS, "*"), blank=True)
        yield from _number(row, "max_records", whole=True)
        yield from _number(row, "max_share", whole=False)
    for row in rows["error_catalog"]:
        yield from _code(row, "target", ("hubspot", "salesforce"), blank=False)
        yield from _code(row, "retry_policy", ("on_change", "daily", "never", "retry"), blank=False)


def _transforms(row: Row, column: str, known: set[str]) -> Iterator[Problem]:
    steps = [part.strip() for part in row[column].split("|") if part.strip()]
    if CLEAR_FIRST in steps and (column != "to_hubspot" or row["hubspot_property"].startswith("associations.")):
        yield Problem(
            row.place,
            f"{CLEAR_FIRST} stands in {column} of {row['hubspot_property']}.",
            "It is for HubSpot properties, and stands in to_hubspot.",
        )
    steps = [step for step in steps if step != CLEAR_FIRST]  # it changes no value
    if len(steps) > LONGEST_CHAIN:
        yield Problem(
            row.place,
            f"{column} has {len(steps)} transforms, at most {LONGEST_CHAIN} are applied.",
            "Combine some of them in a macro transform_<name> of your own.",
        )
    for step in steps:
        if step not in known:
            yield Problem(
                row.place,
                f"'{step}' is not a transform.",
                f"Use one of: {', '.join(sorted(known))}; or add the macro transform_{step}.",
            )


def _number(row: Row, column: str, whole: bool) -> Iterator[Problem]:
    value = row[column]
    if value == "":
        return
    if whole and not _WHOLE.fullmatch(value):
        yield Problem(row.place, f"{column} '{value}' is not a whole number.", "Use digits only.")
    if not whole:
        try:
            fits = 0 <= float(value) <= 1
        except ValueError:
            fits = False
        if not fits:
            yield Problem(row.place, f"{column} '{value}' is not a share.", "Use a number between 0 and 1.")


def _references(mappings: Mappings) -> Iterator[Problem]:
    objects = {row["object"] for row in mappings.rows["object_mappings"]}
    known = ", ".join(sorted(objects))
    for name in ("field_mappings", "value_mappings", "inclusion_rules", "conflict_resolutions", "push_limits"):
        for row in mappings.rows[name]:
            if row["object"] not in objects and not (name == "push_limits" and row["object"] in ("", "*")):
                yield Problem(row.place, f"'{row['object']}' is not an object.", f"object_mappings.csv has: {known}.")
    hubspot_object = {row["object"]: row["hubspot_object"] for row in mappings.rows["object_mappings"]}
    for row in mappings.rows["field_mappings"]:
        is_association = row["hubspot_property"].startswith("associations.")
        if is_association and not row["references_object"]:
            yield Problem(row.place, "an association needs references_object.", f"Use one of: {known}.")
        if "." in row["salesforce_field"]:
            yield from _many_valued(row, hubspot_object.get(row["object"], ""))
        for reference in _names(row["references_object"]):
            if reference not in objects:
                yield Problem(row.place, f"references_object '{reference}' is not an object.", f"Use one of: {known}.")
            elif is_association and hubspot_object[reference] != row["hubspot_property"].partition(".")[2]:
                yield Problem(
                    row.place,
                    f"{row['hubspot_property']} does not lead to {reference} ({hubspot_object[reference]}).",
                    f"Write associations.{hubspot_object[reference]} or another references_object.",
                )


def _many_valued(row: Row, hubspot_object: str) -> Iterator[Problem]:
    """A junction object's field: the members are associations, and there is no primary among them."""
    if not row["hubspot_property"].startswith("associations."):
        yield Problem(
            row.place,
            f"{row['salesforce_field']} belongs to a junction object.",
            "Map it to associations.<HubSpot object>, or name a field of the object itself.",
        )
    elif hubspot_object in ("contacts", "deals") and row["hubspot_property"] == "associations.companies":
        yield Problem(
            row.place,
            f"associations.companies of {hubspot_object} is the primary company, a single one.",
            "Map it to a lookup field of the object itself.",
        )


def _names(text: str) -> list[str]:
    """Several names that are separated by `;`."""
    return [name.strip() for name in text.split(";") if name.strip()]


def _duplicates(mappings: Mappings) -> Iterator[Problem]:
    keys = {
        "object_mappings": ("object",),
        "field_mappings": ("object", "hubspot_property", "salesforce_field"),
        "value_mappings": ("object", "hubspot_property", "hubspot_value", "salesforce_value"),
        "stage_mappings": ("hubspot_pipeline", "hubspot_stage", "salesforce_record_type", "salesforce_stage"),
        "owner_mappings": ("hubspot_owner_email",),
        "inclusion_rules": ("object", "side", "rule_group", "property", "operator", "value"),
        "conflict_resolutions": ("object", "hubspot_id", "salesforce_id", "hubspot_property"),
        "push_limits": ("target", "object", "operation"),
        "error_catalog": ("target", "error_code"),
    }
    for name, columns in keys.items():
        first: dict[tuple[str, ...], Row] = {}
        for row in mappings.rows[name]:
            key = tuple(row[column] for column in columns)
            if key in first:
                yield Problem(row.place, f"repeats line {first[key].line}.", "Remove one of the two rows.")
            else:
                first[key] = row


def _contradictions(mappings: Mappings) -> Iterator[Problem]:
    """Two rows that would both write one field, two mappings that would both create one kind of record."""
    writers: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for row in mappings.rows["field_mappings"]:
        if row["direction"] not in ("none", "always_salesforce"):
            writers[row["object"], "salesforce", row["salesforce_field"]].append(row)
        if row["direction"] not in ("none", "always_hubspot"):
            writers[row["object"], "hubspot", row["hubspot_property"]].append(row)
    for (_, side, field), rows in writers.items():
        if not field:  # constants have no source
            continue
        # one Salesforce field may refer to records of several objects, a row for each (Task.WhatId)
        referred = {row["references_object"] for row in rows}
        if side == "salesforce" and "" not in referred and len(referred) == len(rows):
            continue
        for row in rows[1:]:
            yield Problem(
                row.place,
                f"{field} would be written by line {rows[0].line} as well.",
                f"Give one of the two rows the direction always_{'hubspot' if side == 'hubspot' else 'salesforce'}"
                " or none.",
            )
    creators: dict[str, Row] = {}
    for row in mappings.rows["object_mappings"]:
        if row["enabled"].lower() not in ("true", "yes", "1"):
            continue
        if row["create_in_salesforce"].lower() in ("true", "yes", "1"):
            other = creators.setdefault(row["hubspot_object"], row)
            if other is not row:
                yield Problem(
                    row.place,
                    f"{row['object']} and {other['object']} would both be created for one HubSpot record.",
                    "Set create_in_salesforce to false on one of them.",
                )
