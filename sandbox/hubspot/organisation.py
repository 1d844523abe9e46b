"""The stand-in HubSpot account as a whole: its rooms put together, and what humans do to it behind the API.

Owns: `sandbox.organisation.Organisation` for HubSpot. Values of `edit`, `create` and `load` may also hold
`associations.companies`: the id of the primary company (None removes it).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from sandbox.database import open_database, transaction
from sandbox.faults import FaultPlan
from sandbox.hubspot import administration
from sandbox.hubspot.auth import PRIVATE_APP_TOKEN, Authenticator
from sandbox.hubspot.catalog import PORTAL_ID
from sandbox.hubspot.errors import ApiError
from sandbox.hubspot.limits import RateLimiter
from sandbox.hubspot.loading import load_records
from sandbox.hubspot.merging import merge
from sandbox.hubspot.metadata import Metadata
from sandbox.hubspot.misbehaving import FAULT_KINDS, LOGIN_PATHS
from sandbox.hubspot.object_types import ObjectType
from sandbox.hubspot.rendering import Renderer
from sandbox.hubspot.requests import record_id as parse_id
from sandbox.hubspot.store import ARCHIVED, LIVE, Store, Stored
from sandbox.hubspot.times import to_ms
from sandbox.hubspot.writing import Author, Rules, Writer
from sandbox.organisation import CallCounter, ControlError, Organisation, Record, Settings, WriteLog

PRIMARY_COMPANY = "associations.companies"
DEFAULT_HUMAN = "maya.okafor@demo.example"


def open_organisation(path: Path) -> HubSpotOrganisation:
    """Open the account kept in this SQLite file; a new file becomes an account with metadata only."""
    return HubSpotOrganisation(path)


class HubSpotOrganisation:
    """One HubSpot account. The rooms of the API use its parts; the control app uses its methods."""

    name = "hubspot"

    def __init__(self, path: Path) -> None:
        self.connection = open_database(path)
        self.settings = Settings()
        self.writes = WriteLog(self.connection)
        self.calls = CallCounter()
        self.faults = FaultPlan(self.settings, FAULT_KINDS, LOGIN_PATHS)
        self.store = Store(self.connection)
        self.metadata = Metadata(self.connection)
        self.rules = Rules()
        self.writer = Writer(self.store, self.metadata, self.settings, self.writes, self.rules)
        self.renderer = Renderer(self.store, self.metadata, PORTAL_ID)
        self.authenticator = Authenticator(self.connection, self.settings)
        self.limiter = RateLimiter(self.settings)
        with transaction(self.connection):
            self.metadata.install()
        self._read_rules()

    def close(self) -> None:
        self.connection.close()

    def is_new(self) -> bool:
        return self.store.meta("in_use") is None

    def environment(self, base_url: str) -> dict[str, str]:
        return {"HUBSPOT_BASE_URL": base_url, "HUBSPOT_ACCESS_TOKEN": PRIVATE_APP_TOKEN}

    # whole organisation -----------------------------------------------------------------------------------

    def reset(self, demo: bool) -> None:
        with transaction(self.connection):
            self.store.clear()
            self.metadata.reset()
            self.writes.clear()
            self._read_rules()
            if demo:
                from sandbox.demo import hubspot_records

                for object_, records in hubspot_records().items():
                    self.load(object_, records)
            self.store.set_meta("in_use", "yes")
        self.calls.reset()
        self.limiter.reset()
        self.authenticator.is_revoked = False

    def load(self, object_: str, records: Iterable[Record]) -> int:
        with transaction(self.connection):
            self.store.set_meta("in_use", "yes")
            return load_records(self.writer, object_, records)

    def change_metadata(self, change: Mapping[str, Any]) -> Record:
        with self._act():
            reply = administration.change_metadata(self, change)
            self._write_rules()
            return reply

    # what humans do ---------------------------------------------------------------------------------------

    def edit(
        self,
        object_: str,
        record_id: str,
        values: Mapping[str, Any],
        user: str | None = None,
        at: datetime | None = None,
    ) -> Record:
        """As `Organisation.edit`. With `at`, the modification time becomes exactly that, even if it is
        before the present one."""
        with self._act():
            record = self._live(object_, record_id)
            plain = {name: _cleared(value) for name, value in values.items() if name != PRIMARY_COMPANY}
            author = self._human(user)
            if plain:
                self.writer.update(record, plain, author, to_ms(at) if at else None)
            self._set_company(record, values, author)
            return self._shown(record.type, record.id)

    def create(
        self, object_: str, values: Mapping[str, Any], user: str | None = None, at: datetime | None = None
    ) -> Record:
        with self._act():
            plain = {name: value for name, value in values.items() if name != PRIMARY_COMPANY}
            author = self._human(user)
            self.store.set_meta("in_use", "yes")
            record = self.writer.create(self._type(object_), plain, author, to_ms(at) if at else None)
            self._set_company(record, values, author)
            return self._shown(record.type, record.id)

    def delete(self, object_: str, record_id: str, user: str | None = None, at: datetime | None = None) -> None:
        with self._act():
            self.writer.archive(self._live(object_, record_id), self._human(user), to_ms(at) if at else None)

    def act(self, action: str, body: Mapping[str, Any]) -> Record:
        """`merge` {object, master, losers, user} (or {object, id, into, user}), `restore` {object, id, user},
        `expire_tokens` {}."""
        with self._act():
            author = self._human(body.get("user"))
            if action == "merge":
                return self._merge(body, author)
            if action == "restore":
                record = self._any(str(body.get("object")), str(body.get("id")))
                if record.state != ARCHIVED:
                    raise ControlError(f"{record.type} {record.id} is not archived.")
                self.writer.restore(record, author)
                return self._shown(record.type, record.id)
            if action == "expire_tokens":
                self.authenticator.expire_tokens()
                return {"ok": True}
            raise ControlError(f'Unknown action "{action}": use merge, restore or expire_tokens.', 404)

    # looking ----------------------------------------------------------------------------------------------

    def record(self, object_: str, record_id: str) -> Record | None:
        number = parse_id(record_id)
        type_ = self._type(object_).name
        if number is None or self.store.get(type_, number) is None:
            return None
        return self._shown(type_, number)

    def records(self, object_: str) -> Iterable[Record]:
        type_ = self._type(object_).name
        return [self._full(record) for record in self.store.all(type_)]

    # inside -----------------------------------------------------------------------------------------------

    @contextmanager
    def _act(self) -> Iterator[None]:
        """One act of a human: all of it or nothing; an API refusal becomes a control error."""
        try:
            with transaction(self.connection):
                yield
        except ApiError as error:
            raise ControlError(error.message, error.status) from error

    def _human(self, user: str | None) -> Author:
        """The author of a human's act; users are named by e-mail or by the part before the `@`."""
        name = user or DEFAULT_HUMAN
        for owner in self.metadata.owners():
            if name in (owner["email"], owner["email"].partition("@")[0], owner["id"]):
                user_id = owner["userIdIncludingInactive"]
                return Author(owner["email"], "control", "CRM_UI", f"userId:{user_id}", user_id, by_human=True)
        return Author(name, "control", "CRM_UI", f"user:{name}", None, by_human=True)

    def _type(self, object_: str) -> ObjectType:
        found = self.metadata.catalog.find(object_)
        if found is None:
            raise ControlError(f'Unknown object "{object_}": use one of {", ".join(self.metadata.catalog.types)}.')
        return found

    def _any(self, object_: str, record_id: str) -> Stored:
        type_, number = self._type(object_).name, parse_id(record_id)
        record = self.store.get(type_, number) if number is not None else None
        if record is None:
            raise ControlError(f"There is no {object_} {record_id}.", 404)
        return record

    def _live(self, object_: str, record_id: str) -> Stored:
        record = self._any(object_, record_id)
        if record.state != LIVE:
            raise ControlError(f"{object_} {record_id} is archived or merged.", 409)
        return record

    def _merge(self, body: Mapping[str, Any], author: Author) -> Record:
        object_ = str(body.get("object"))
        survivor = self._live(object_, str(body.get("master") or body.get("into")))
        for loser_id in body.get("losers") or [body.get("id")]:
            survivor = merge(self.writer, survivor, self._live(object_, str(loser_id)), author)
        return self._shown(survivor.type, survivor.id)

    def _set_company(self, record: Stored, values: Mapping[str, Any], author: Author) -> None:
        if PRIMARY_COMPANY not in values:
            return
        company = values[PRIMARY_COMPANY]
        company_id = self._live("companies", str(company)).id if company else None
        changes = self.writer.links.set_primary_company((record.type, record.id), company_id)
        self.writer.log_changes(record, author, "associate", changes)

    def _shown(self, type_: str, record_id: int) -> Record:
        record = self.store.get(type_, record_id)
        assert record is not None
        return self._full(record)

    def _full(self, record: Stored) -> Record:
        """A record with all its values and associations, as the control port shows it."""
        reply = self.renderer.record(record, ())
        reply["properties"] = self.renderer.all_properties(record)
        del reply["url"]
        pairs: dict[tuple[str, int], list[int]] = {}
        for to_type, to_id, type_id in self.store.associations_of(record.type, record.id):
            pairs.setdefault((to_type, to_id), []).append(type_id)
        reply["associations"] = [
            {"object": to_type, "id": str(to_id), "types": types} for (to_type, to_id), types in pairs.items()
        ]
        if record.merged_into is not None:
            reply["mergedInto"] = str(record.merged_into)
        return reply

    def _read_rules(self) -> None:
        kept = orjson.loads(self.store.meta("rules") or "{}")
        self.rules.format_phone = bool(kept.get("format_phone", False))
        self.rules.patterns = tuple(tuple(item) for item in kept.get("patterns", ()))

    def _write_rules(self) -> None:
        kept = {"format_phone": self.rules.format_phone, "patterns": self.rules.patterns}
        self.store.set_meta("rules", orjson.dumps(kept).decode())


if TYPE_CHECKING:
    # The type checker's proof that the account can be controlled.
    _organisation: Organisation = HubSpotOrganisation(Path())


def _cleared(value: Any) -> Any:
    """A human clears a value by None; inside, that is the empty text."""
    return "" if value is None else value
