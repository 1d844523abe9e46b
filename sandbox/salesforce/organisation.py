"""One Salesforce organisation: its parts put together, and what a human or a test may do to it.

Owns: the `Organisation` protocol for Salesforce. Refuses: HTTP. Methods run one at a time, on the thread that
serves the API. Loading in bulk is in `loading`, changes of metadata in `administration`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sandbox.demo.people import INTEGRATION_USER_ID
from sandbox.faults import FaultPlan
from sandbox.organisation import CallCounter, ControlError, Record, Settings
from sandbox.salesforce import administration
from sandbox.salesforce.auth import CLIENT_ID, CLIENT_SECRET, Auth
from sandbox.salesforce.bulk.jobs import Jobs
from sandbox.salesforce.errors import ApiError
from sandbox.salesforce.ids import is_id, to_18
from sandbox.salesforce.limits import Limits
from sandbox.salesforce.loading import load_records, load_standard_data
from sandbox.salesforce.misbehaving import FAULT_KINDS, LOGIN_PATHS
from sandbox.salesforce.permissions import Permissions
from sandbox.salesforce.query import Queries
from sandbox.salesforce.removal import Removal
from sandbox.salesforce.rules import Rules
from sandbox.salesforce.saving import Actor, Saving
from sandbox.salesforce.schema.catalog import Schema
from sandbox.salesforce.schema.fields import Field, SObject
from sandbox.salesforce.store import Row, Store
from sandbox.salesforce.validation import wrong_in_row
from sandbox.serving import open_database

DEFAULT_HUMAN = "maya.okafor@demo.example"


class SalesforceOrganisation:
    """See `sandbox.organisation.Organisation`."""

    name = "salesforce"

    def __init__(self, path: Path) -> None:
        self.settings = Settings()
        self.calls = CallCounter()
        self.faults = FaultPlan(self.settings, FAULT_KINDS, LOGIN_PATHS)
        self.limits = Limits(self.settings)
        self.schema = Schema()
        self.store = Store(open_database(path), self.schema)
        self.writes = self.store.writes
        self.integration_user_id = INTEGRATION_USER_ID
        self.rules = Rules(self.store)
        self.permissions = Permissions(self.store)
        self.saving = Saving(self.store, self.rules, self.permissions)
        self.removal = Removal(self.store, self.saving)
        self.queries = Queries(self.store)
        self.auth = Auth(self)
        self.bulk_jobs = Jobs(self)
        self._restore()

    def _restore(self) -> None:
        """Bring schema, tables and rules in line with what the database remembers."""
        for change in self.store.document("schema_changes") or []:
            administration.apply_schema_change(self.schema, change)
        with self.store.savepoint():
            self.store.build()
        self.rules.restore()
        self.hide_records()
        self.permissions.forget()
        if self.user(self.integration_user_id) is None:
            self._load_standard_data()

    def _load_standard_data(self) -> None:
        with self.store.savepoint():
            load_standard_data(self.store, self.now())

    # --- the protocol

    def close(self) -> None:
        self.store.connection.close()

    def is_new(self) -> bool:
        return self.store.document("in_use") is None

    def environment(self, base_url: str) -> dict[str, str]:
        return {
            "SALESFORCE_LOGIN_URL": base_url,
            "SALESFORCE_CLIENT_ID": CLIENT_ID,
            "SALESFORCE_CLIENT_SECRET": CLIENT_SECRET,
        }

    def reset(self, demo: bool) -> None:
        with self.store.savepoint():
            self.store.clear()
            self.bulk_jobs.clear()
        self.schema.reset()
        self._restore()
        self.calls.reset()
        self.limits.reset()
        if demo:
            from sandbox.demo import salesforce_records

            for object_, records in salesforce_records().items():
                self.load(object_, records)
        self._use()

    def load(self, object_: str, records: Iterable[Record]) -> int:
        sobject = self.object(object_)
        with self._refusals(), self.store.savepoint():
            count = load_records(self.store, sobject, records, self.now(), self.user_for(None)["Id"])
        self.permissions.forget()
        self._use()
        return count

    def edit(
        self,
        object_: str,
        record_id: str,
        values: Mapping[str, Any],
        user: str | None = None,
        at: datetime | None = None,
    ) -> Record:
        sobject, long_id = self.object(object_), to_18(record_id)
        self._existing(sobject, long_id)
        with self._refusals(), self.store.savepoint():
            self.saving.update(self.human(user, at), sobject, long_id, _typed(values))
        return self._existing(sobject, long_id)

    def create(
        self, object_: str, values: Mapping[str, Any], user: str | None = None, at: datetime | None = None
    ) -> Record:
        sobject = self.object(object_)
        with self._refusals(), self.store.savepoint():
            record_id = self.saving.create(self.human(user, at), sobject, _typed(values))
        self._use()
        return self._existing(sobject, record_id)

    def delete(self, object_: str, record_id: str, user: str | None = None, at: datetime | None = None) -> None:
        sobject, long_id = self.object(object_), to_18(record_id)
        self._existing(sobject, long_id)
        with self._refusals(), self.store.savepoint():
            self.removal.delete(self.human(user, at), sobject, long_id)

    def act(self, action: str, body: Mapping[str, Any]) -> Record:
        with self._refusals():
            return administration.act(self, action, body)

    def change_metadata(self, change: Mapping[str, Any]) -> Record:
        with self._refusals():
            return administration.change_metadata(self, change)

    def record(self, object_: str, record_id: str) -> Record | None:
        return self.store.row(self.object(object_), to_18(record_id))

    def records(self, object_: str) -> Iterable[Record]:
        sobject = self.object(object_)
        condition = '"IsDeleted" = 0' if sobject.has_recycle_bin else "1"
        return sorted(self.store.rows_where(sobject, condition), key=lambda row: str(row["Id"]))

    # --- parts of it

    def now(self) -> datetime:
        return self.settings.now()

    def stamp_time(self) -> datetime:
        """The time that a save is stamped with: `commit_lag_ms` before it can be seen, as a long transaction's."""
        return self.now() - timedelta(milliseconds=float(self.settings.extra.get("commit_lag_ms", 0)))

    def object(self, name: str) -> SObject:
        sobject = self.schema.find(name)
        if sobject is None:
            raise ControlError(f'Salesforce has no object "{name}".', 404)
        return sobject

    def user(self, user_id: str) -> Row | None:
        return self.store.row(self.schema.objects["user"], to_18(user_id))

    def user_named(self, name: str) -> Row | None:
        """A user by user name, e-mail or id."""
        if is_id(name):
            return self.user(name)
        condition = '"Username" = ? or "Email" = ?'
        return next(self.store.rows_where(self.schema.objects["user"], condition, (name, name)), None)

    def user_for(self, name: str | None) -> Row:
        """The human named, or the default one."""
        user = self.user_named(name or DEFAULT_HUMAN)
        if user is None:
            raise ControlError(f'There is no Salesforce user "{name or DEFAULT_HUMAN}".', 404)
        return user

    def username(self, user_id: str) -> str:
        user = self.user(user_id)
        return user_id if user is None else str(user["Username"])

    def human(self, user: str | None, at: datetime | None = None) -> Actor:
        """A human as the author of writes: sees every field, passes alerts."""
        row = self.user_for(user)
        moment = at or self.stamp_time()
        view = self.permissions.full_view
        return Actor(row["Id"], row["Username"], "control", view, moment, is_human=True, wrong_type=wrong_in_row)

    def hide_records(self) -> None:
        """Bring what the API user may see in line with the rules."""
        self.permissions.hidden_records = frozenset(self.rules.state.invisible_records)
        self.permissions.forget()

    def schema_changed_at(self) -> datetime:
        """When an administrator last changed the schema."""
        text = self.store.document("schema_changed_at")
        return datetime.fromisoformat(text) if text else datetime(2024, 1, 8, 9, tzinfo=UTC)

    def add_field(self, sobject: SObject, field: Field, metadata: Mapping[str, Any]) -> None:
        """A new custom field, as Tooling made it."""
        change = {"change": "add", "object": sobject.name, "field": field.name, "metadata": dict(metadata)}
        administration.change_schema(self, change)

    def change_field(self, object_name: str, name: str, metadata: Mapping[str, Any]) -> None:
        change = {"change": "alter", "object": object_name, "field": name, "metadata": dict(metadata)}
        administration.change_schema(self, change)

    def delete_field(self, object_name: str, name: str) -> None:
        administration.change_schema(self, {"change": "delete", "object": object_name, "field": name})

    def field_metadata(self, object_name: str, name: str) -> dict[str, Any] | None:
        """The Tooling `Metadata` that a custom field was last given."""
        found = None
        for change in self.store.document("schema_changes") or []:
            if change["object"] == object_name and change["field"] == name and change.get("metadata"):
                found = change["metadata"]
        return found

    def _existing(self, sobject: SObject, record_id: str) -> Record:
        record = self.store.row(sobject, record_id)
        if record is None:
            raise ControlError(f"There is no {sobject.name} {record_id}.", 404)
        return record

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        """What Salesforce refuses, told to the control app."""
        try:
            yield
        except ApiError as error:
            raise ControlError(f"{error.code}: {error.message}", error.status) from error

    def _use(self) -> None:
        if self.is_new():
            with self.store.savepoint():
                self.store.put_document("in_use", True)


def _typed(values: Mapping[str, Any]) -> dict[str, Any]:
    """What a human typed: an empty input clears, whatever the type of the field."""
    return {name: None if value == "" else value for name, value in values.items()}
