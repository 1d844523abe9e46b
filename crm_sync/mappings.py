"""The seeds, read as the pipelines need them: which objects and properties to ask the CRMs for.

Owns the reading of `dbt_project/seeds/*.csv` outside dbt. Decides nothing about values: that is SQL's part.
What is wrong in the files is found by `crm_sync.mapping_checks`.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from crm_sync.errors import ConfigError

HUBSPOT_ID_PROPERTY = "salesforce_record_id"
SALESFORCE_ID_FIELD = "HubSpot_Record_ID__c"

#: A step of `to_hubspot` that changes no value: the push clears the property and then sets it, where HubSpot kept it.
CLEAR_FIRST = "clear_first"
LONGEST_VALUE = 10_000
_PRIORITY = re.compile(r"[0-9]{1,9}")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")

SEED_COLUMNS: dict[str, tuple[str, ...]] = {
    "object_mappings": (
        "object", "hubspot_object", "salesforce_object", "enabled", "priority", "match_hubspot_property",
        "match_salesforce_field", "match_rule", "create_in_hubspot", "create_in_salesforce",
        "on_hubspot_delete", "on_salesforce_delete",
    ),
    "field_mappings": (
        "object", "hubspot_property", "salesforce_field", "direction", "conflict_rule", "to_salesforce",
        "to_hubspot", "references_object", "default_in_hubspot", "default_in_salesforce",
    ),
    "value_mappings": ("object", "hubspot_property", "hubspot_value", "salesforce_value", "direction"),
    "stage_mappings": (
        "hubspot_pipeline", "hubspot_stage", "salesforce_record_type", "salesforce_stage", "direction",
    ),
    "owner_mappings": ("hubspot_owner_email", "salesforce_username"),
    "inclusion_rules": ("object", "side", "rule_group", "property", "operator", "value"),
    "conflict_resolutions": ("object", "hubspot_id", "salesforce_id", "hubspot_property", "winner"),
    "push_limits": ("target", "object", "operation", "max_records", "max_share"),
    "error_catalog": ("target", "error_code", "error_class", "retry_policy", "cause", "fix"),
}  # fmt: skip

# Read with every record of that CRM, mapped or not. HubSpot names its modification time differently on
# contacts than everywhere else [HubSpot docs: crm/search].
_HUBSPOT_SYSTEM = ("hs_object_id", "createdate", "hs_merged_object_ids")
_SALESFORCE_SYSTEM = (
    "Id", "CreatedDate", "LastModifiedDate", "LastModifiedById", "SystemModstamp", "IsDeleted", "MasterRecordId",
    "IsConverted", "ConvertedContactId",
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One CSV row with the place where a person finds it again. `line` counts as a text editor does."""

    file: str
    line: int
    values: dict[str, str]

    def __getitem__(self, column: str) -> str:
        return self.values.get(column, "")

    @property
    def place(self) -> str:
        return f"{self.file} line {self.line}"


@dataclass(frozen=True)
class ObjectMapping:
    """One row of object_mappings.csv."""

    object: str
    hubspot_object: str
    salesforce_object: str
    enabled: bool
    priority: int
    match_hubspot_property: str
    match_salesforce_field: str
    match_rule: str
    create_in_hubspot: bool
    create_in_salesforce: bool


@dataclass(frozen=True)
class FieldMapping:
    """One row of field_mappings.csv."""

    object: str
    hubspot_property: str
    salesforce_field: str
    direction: str
    references_object: str
    transforms: tuple[str, ...]
    conflict_rule: str

    @property
    def is_association(self) -> bool:
        return self.hubspot_property.startswith("associations.")

    @property
    def is_many_valued(self) -> bool:
        """Whether the field is that of a junction object: `OpportunityContactRole.ContactId`."""
        return "." in self.salesforce_field


@dataclass(frozen=True)
class Mappings:
    """All seeds. Rows keep their place; the typed views hold enabled and well-formed rows only."""

    rows: dict[str, list[Row]]
    objects: list[ObjectMapping]
    fields: list[FieldMapping]
    content_hash: str

    @property
    def enabled(self) -> list[ObjectMapping]:
        return [mapping for mapping in self.objects if mapping.enabled]

    @property
    def hubspot_objects(self) -> list[str]:
        """API names of the HubSpot objects to read, parents before children, without repeats."""
        return list(dict.fromkeys(mapping.hubspot_object for mapping in self.enabled))

    @property
    def salesforce_objects(self) -> list[str]:
        """API names of the Salesforce objects to read, parents before children, without repeats."""
        return list(dict.fromkeys(mapping.salesforce_object for mapping in self.enabled))

    @property
    def salesforce_junctions(self) -> list[str]:
        """API names of the objects whose records stand for one member each of a many-valued reference."""
        return list(dict.fromkeys(f.salesforce_field.partition(".")[0] for f in self.fields if f.is_many_valued))

    @property
    def association_pairs(self) -> list[tuple[str, str]]:
        """(from, to) HubSpot objects whose associations some enabled field mapping uses."""
        by_name = {mapping.object: mapping for mapping in self.enabled}
        pairs = [
            (by_name[field.object].hubspot_object, field.hubspot_property.partition(".")[2])
            for field in self.fields
            if field.is_association and field.object in by_name
        ]
        return list(dict.fromkeys(pairs))

    @property
    def list_names(self) -> list[str]:
        """Names or ids of the HubSpot lists that inclusion rules refer to."""
        return sorted(
            {
                name.strip()
                for row in self.rows["inclusion_rules"]
                if row["operator"] == "in_list" and row["side"] == "hubspot"
                for name in row["value"].split(";")
                if name.strip()
            }
        )

    @property
    def transforms(self) -> list[str]:
        """Names of all transforms in use; dbt turns each into one branch of its case expression."""
        return sorted({name for field in self.fields for name in field.transforms})

    @property
    def conflict_rules(self) -> list[str]:
        return sorted({field.conflict_rule for field in self.fields if field.conflict_rule})

    def inclusion_properties(self, side: str, crm_object: str) -> set[str]:
        """What the inclusion rules of a side ask of this CRM's object."""
        names = {one.object for one in self.enabled if crm_object in (one.hubspot_object, one.salesforce_object)}
        return self._inclusion_properties(names, side)

    def hubspot_properties(self, hubspot_object: str) -> list[str]:
        """Every property that the sync needs of this HubSpot object, sorted, without `associations.*`."""
        mappings = [mapping for mapping in self.enabled if mapping.hubspot_object == hubspot_object]
        names = {mapping.object for mapping in mappings}
        wanted = {*_HUBSPOT_SYSTEM, HUBSPOT_ID_PROPERTY}
        wanted.add("lastmodifieddate" if hubspot_object == "contacts" else "hs_lastmodifieddate")
        wanted |= {f.hubspot_property for f in self.fields if f.object in names and not f.is_association}
        wanted |= {mapping.match_hubspot_property for mapping in mappings}
        wanted |= self._inclusion_properties(names, "hubspot")
        if any(mapping.match_rule == "email" for mapping in mappings):
            wanted.add("hs_additional_emails")
        if any(mapping.match_rule in ("domain", "name") for mapping in mappings):
            wanted.add("name")
        if "dealstage" in wanted:
            wanted.add("pipeline")
        return sorted(wanted - {""})

    def salesforce_fields(self, salesforce_object: str) -> list[str]:
        """Every field that the sync needs of this Salesforce object, sorted."""
        mappings = [mapping for mapping in self.enabled if mapping.salesforce_object == salesforce_object]
        names = {mapping.object for mapping in mappings}
        wanted = {*_SALESFORCE_SYSTEM, SALESFORCE_ID_FIELD}
        wanted |= {f.salesforce_field for f in self.fields if f.object in names and "." not in f.salesforce_field}
        wanted |= {mapping.match_salesforce_field for mapping in mappings}
        wanted |= self._inclusion_properties(names, "salesforce")
        if any(mapping.match_rule in ("domain", "name") for mapping in mappings):
            wanted.add("Name")
        if "StageName" in wanted:
            wanted.add("RecordTypeId")
        return sorted(wanted - {""})

    def _inclusion_properties(self, objects: set[str], side: str) -> set[str]:
        return {
            row["property"]
            for row in self.rows["inclusion_rules"]
            if row["object"] in objects and row["side"] == side and row["operator"] != "in_list"
        }


def load_mappings(seeds_dir: Path) -> Mappings:
    """Read all seeds. Raises ConfigError for a file that is missing, unreadable or lacks a column."""
    rows = {name: list(_read_rows(seeds_dir / f"{name}.csv", columns)) for name, columns in SEED_COLUMNS.items()}
    enabled = {row["object"] for row in rows["object_mappings"] if _is_true(row["enabled"])}
    return Mappings(
        rows=rows,
        objects=[_object_mapping(row) for row in rows["object_mappings"]],
        fields=[
            _field_mapping(row)
            for row in rows["field_mappings"]
            if row["object"] in enabled and row["direction"] != "none"
        ],
        content_hash=_content_hash(seeds_dir),
    )


def _read_rows(path: Path, columns: Iterable[str]) -> Iterable[Row]:
    try:
        # utf-8-sig: spreadsheets write a byte-order mark
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            missing = [column for column in columns if column not in (reader.fieldnames or [])]
            if missing:
                raise ConfigError(
                    f"{path.name}: the column {', '.join(missing)} is missing.",
                    f"The first line must hold the columns: {','.join(columns)}",
                )
            for values in reader:
                if None in values:
                    raise ConfigError(
                        f"{path.name} line {reader.line_num}: more values than columns.",
                        'A value that contains a comma must stand in double quotes: "a, b".',
                    )
                cleaned = {key: (value or "").strip() for key, value in values.items()}
                if any(len(value) > LONGEST_VALUE or _CONTROL.search(value) for value in cleaned.values()):
                    raise ConfigError(
                        f"{path.name} line {reader.line_num}: a value is very long or holds control characters.",
                        "Look for an unclosed quote; else type the value anew.",
                    )
                if any(cleaned.values()):
                    yield Row(path.name, reader.line_num, cleaned)
    except FileNotFoundError:
        raise ConfigError(
            f"The seed {path.name} is missing.",
            f"Restore it in {path.parent.name}/ with its columns: {','.join(columns)}",
        ) from None
    except OSError as error:
        raise ConfigError(f"{path.name} cannot be read: {error.strerror}.", "Make it a readable file.") from None
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{path.name} is not UTF-8 (byte {error.start}).", "Save it as 'CSV UTF-8' in the spreadsheet."
        ) from None
    except csv.Error as error:
        raise ConfigError(f"{path.name} is not a valid CSV file: {error}.", "Look for an unclosed quote.") from None


def _object_mapping(row: Row) -> ObjectMapping:
    return ObjectMapping(
        object=row["object"],
        hubspot_object=row["hubspot_object"],
        salesforce_object=row["salesforce_object"],
        enabled=_is_true(row["enabled"]),
        priority=int(row["priority"]) if _PRIORITY.fullmatch(row["priority"]) else 1,
        match_hubspot_property=row["match_hubspot_property"],
        match_salesforce_field=row["match_salesforce_field"],
        match_rule=row["match_rule"],
        create_in_hubspot=_is_true(row["create_in_hubspot"]),
        create_in_salesforce=_is_true(row["create_in_salesforce"]),
    )


def _field_mapping(row: Row) -> FieldMapping:
    chains = (row["to_salesforce"], row["to_hubspot"])
    return FieldMapping(
        object=row["object"],
        hubspot_property=row["hubspot_property"],
        salesforce_field=row["salesforce_field"],
        direction=row["direction"] or "prefer_salesforce",
        references_object=row["references_object"],
        transforms=tuple(
            step.strip() for chain in chains for step in chain.split("|") if step.strip() not in ("", CLEAR_FIRST)
        ),
        conflict_rule=row["conflict_rule"],
    )


def _is_true(text: str) -> bool:
    return text.lower() in ("true", "yes", "1")


def _content_hash(seeds_dir: Path) -> str:
    digest = hashlib.sha256()
    for name in SEED_COLUMNS:
        digest.update(name.encode())
        digest.update((seeds_dir / f"{name}.csv").read_bytes())
    return digest.hexdigest()
