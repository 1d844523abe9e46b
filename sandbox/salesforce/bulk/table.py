"""The CSV of an ingest job: its rules, its columns understood, its rows saved one by one.

Owns: parsing and writing CSV, `#N/A`, relationship columns. Refuses: jobs and their states.
[Salesforce docs: Bulk API 2.0 CSV: values are not trimmed, an empty cell is ignored]
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sandbox.salesforce.bulk.jobs import DELIMITERS, Job
from sandbox.salesforce.collections import upsert_row
from sandbox.salesforce.errors import RowError
from sandbox.salesforce.records import check_id, key_field
from sandbox.salesforce.saving import Actor
from sandbox.salesforce.schema.fields import SObject

if TYPE_CHECKING:
    from sandbox.salesforce.organisation import SalesforceOrganisation

MAX_FIELD_CHARACTERS, MAX_HEADER_CHARACTERS = 32_000, 32_000
NULL = "#N/A"


def quote(value: str) -> str:
    escaped = value.replace('"', '""')
    return f'"{escaped}"'


class BadFile(Exception):
    """A CSV that fails the whole job; the text is its `errorMessage`."""


def read_rows(data: bytes, job: Job) -> Iterator[list[str]]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadFile("InvalidBatch : The CSV is not encoded in UTF-8") from None
    first = text.partition("\n")[0]
    if first and first.endswith("\r") != (job["lineEnding"] == "CRLF") and "\n" in text:
        message = f"LineEnding is invalid on user data. Current LineEnding setting is {job['lineEnding']}"
        raise BadFile(f"ClientInputError : {message}")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=DELIMITERS[job["columnDelimiter"]], strict=True)
    try:
        yield from (row for row in reader if row)
    except csv.Error as error:
        raise BadFile(f"InvalidBatch : Failed to parse CSV: {error}") from None


def join_values(values: list[str], job: Job) -> str:
    return DELIMITERS[job["columnDelimiter"]].join(quote(value) for value in values)


class Table:
    """A job's CSV: its columns understood, its rows ready to be saved."""

    def __init__(self, data: bytes, job: Job, organisation: SalesforceOrganisation, actor: Actor) -> None:
        self.job = job
        self.organisation = organisation
        self.actor = actor
        self.sobject: SObject = organisation.schema.objects[job["object"].lower()]
        reader = read_rows(data, job)
        self.header = next(reader, [])
        self.header_line = join_values(self.header, job)
        if len(self.header_line) > MAX_HEADER_CHARACTERS:
            raise BadFile("InvalidBatch : The header is longer than 32,000 characters")
        for name in self.header:
            self._check_column(name)
        self.key = None
        if job["operation"] == "upsert":
            self.key = key_field(self.sobject, actor.view, job["externalIdFieldName"])
            if self.key.name.lower() not in (name.lower() for name in self.header):
                raise BadFile(f"InvalidBatch : Field name not found : {self.key.name}")
        self.rows = list(reader)

    def _check_column(self, name: str) -> None:
        view = self.actor.view
        if view.find(self.sobject, name) is not None:
            return
        relationship = name.rpartition(":")[2].partition(".")[0].lower()
        known = {field.relationship.lower() for field in view.fields(self.sobject) if field.relationship}
        if "." not in name or relationship not in known:
            raise BadFile(f"InvalidBatch : Field name not found : {name}")

    def line(self, row: list[str]) -> str:
        return join_values(row, self.job)

    def id_of(self, row: list[str]) -> str | None:
        return next((v for n, v in zip(self.header, row, strict=False) if n.lower() == "id"), None)

    def key_of(self, row: list[str]) -> str | None:
        wanted = "id" if self.key is None else self.key.name.lower()
        return next((v for n, v in zip(self.header, row, strict=False) if n.lower() == wanted), None)

    def duplicates(self, rows: list[list[str]]) -> set[str]:
        """Keys that occur twice among rows that are saved together."""
        if self.job["operation"] == "insert":
            return set()
        seen: set[str] = set()
        twice: set[str] = set()
        for row in rows:
            key = (self.key_of(row) or "").strip().casefold()
            if key and key in seen:
                twice.add(key)
            seen.add(key)
        return twice

    def save(self, row: list[str], duplicates: set[str]) -> tuple[str, bool]:
        """Do the job's operation with one row: the record's id and whether it was created."""
        if len(row) != len(self.header):
            raise RowError("INVALID_FIELD", f"Found {len(row)} values for {len(self.header)} columns")
        operation, organisation = self.job["operation"], self.organisation
        values = self._values(row)
        actor = self.actor
        if operation == "insert":
            return organisation.saving.create(actor, self.sobject, values), True
        key = self.key_of(row)
        if not key:
            argument = "Id" if self.key is None else self.key.name
            raise RowError("MISSING_ARGUMENT", f"{argument} not specified in an {operation} call")
        if key.strip().casefold() in duplicates:
            name = "Duplicate id specified" if self.key is None else f"Duplicate external id specified: {key}"
            raise RowError("DUPLICATE_VALUE", name, [self.key.name] if self.key else [])
        if self.key is not None:
            result = upsert_row(organisation, actor, self.sobject, self.key, key, values)
            return str(result["id"]), bool(result["created"])
        record_id = check_id(self.sobject, key)
        if operation == "update":
            organisation.saving.update(actor, self.sobject, record_id, values)
        else:
            organisation.removal.delete(actor, self.sobject, record_id)
            if operation == "hardDelete":
                organisation.removal.purge(self.sobject, record_id)
        return record_id, False

    def _values(self, row: list[str]) -> dict[str, Any]:
        """A row's values: empty cells are left out, `#N/A` is null, dotted columns are references by key."""
        values: dict[str, Any] = {}
        for name, value in zip(self.header, row, strict=True):
            if value == "" or name.lower() == "id":
                continue
            if len(value) > MAX_FIELD_CHARACTERS:
                raise RowError("STRING_TOO_LONG", f"{name}: more than 32,000 characters", [name])
            if "." not in name:
                values[name] = None if value == NULL else value
                continue
            type_name, _, path = name.rpartition(":")
            relationship, _, key = path.partition(".")
            attributes = {"attributes": {"type": type_name}} if type_name else {}
            values[relationship] = None if value == NULL else {**attributes, key: value}
        return values
