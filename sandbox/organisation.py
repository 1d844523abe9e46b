"""What a stand-in CRM must offer so that one generic control app can serve both.

Owns: the `Organisation` protocol, the settings every CRM has, and the log of real changes of data.
Refuses: to know any CRM's API.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

import orjson

if TYPE_CHECKING:
    from sandbox.faults import FaultPlan

Record = dict[str, Any]
Changes = Mapping[str, tuple[Any, Any]]


class ControlError(Exception):
    """A request to the control app that cannot be done; becomes a JSON error with this HTTP status."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


@dataclass
class Settings:
    """How a stand-in CRM behaves beside its data; changed by `POST /settings`, back to these on restart."""

    rate_limits: bool = True
    latency_ms: float = 0
    latency_jitter_ms: float = 0
    index_lag_ms: int = 0
    clock_skew_ms: int = 0
    extra: dict[str, Any] = field(default_factory=dict)

    def now_ms(self) -> int:
        """The CRM's own clock: UTC milliseconds since the epoch, with the skew that was set."""
        return time.time_ns() // 1_000_000 + self.clock_skew_ms

    def now(self) -> datetime:
        """The CRM's own clock as an aware datetime."""
        return datetime.fromtimestamp(self.now_ms() / 1000, tz=UTC)

    def change(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Set the named settings (unknown ones go to `extra`, for the CRM's own) and return them all."""
        known = {f.name for f in fields(self)} - {"extra"}
        for name, value in values.items():
            if name in known:
                setattr(self, name, _number_like(name, value, getattr(Settings, name)))
            else:
                self.extra[name] = value
        return {name: getattr(self, name) for name in sorted(known)} | self.extra


def _number_like(name: str, value: Any, default: bool | int | float) -> bool | int | float:
    """A setting's new value, of the type of its default."""
    if isinstance(value, bool) is not isinstance(default, bool) or not isinstance(value, int | float):
        raise ControlError(f'The setting "{name}" cannot be {value!r}: it is like {default!r}.')
    return type(default)(value)


class WriteLog:
    """The log of real changes of data, made through the API or by a human: what a test counts.

    One row per record and operation; a write that changed nothing is not logged. Append inside the
    transaction of the write itself.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        connection.execute(
            "create table if not exists writes (seq integer primary key autoincrement, at text not null,"
            " actor text not null, method text not null, object text not null, record_id text not null,"
            " operation text not null, changes text not null)"
        )

    def append(
        self,
        actor: str,
        method: str,
        object_: str,
        record_id: str,
        operation: str,
        changes: Changes,
        at: datetime | None = None,
    ) -> None:
        """Log one change. `actor` is `api:<app or user>` or the human's user name; `method` is e.g.
        `PATCH /crm/v3/objects/{object}/{id}` or `control`; `operation` is create, update, archive,
        restore, merge or associate; `changes` maps a property or field to (old, new)."""
        moment = (at or datetime.now(UTC)).astimezone(UTC).isoformat(timespec="milliseconds")
        row = (moment, actor, method, object_, record_id, operation, orjson.dumps(dict(changes)).decode())
        self._connection.execute(
            "insert into writes (at, actor, method, object, record_id, operation, changes)"
            " values (?, ?, ?, ?, ?, ?, ?)",
            row,
        )

    def since(self, seq: int = 0) -> list[Record]:
        """Every logged change with a greater sequence number, oldest first."""
        rows = self._connection.execute(
            "select seq, at, actor, method, object, record_id, operation, changes from writes"
            " where seq > ? order by seq",
            (seq,),
        )
        names = ("seq", "at", "actor", "method", "object", "id", "operation")
        return [dict(zip(names, row, strict=False)) | {"changes": orjson.loads(row[7])} for row in rows]

    def clear(self) -> None:
        """Forget everything; sequence numbers start at 1 again."""
        self._connection.execute("delete from writes")
        self._connection.execute("delete from sqlite_sequence where name = 'writes'")


class CallCounter:
    """How many API requests arrived, by `METHOD /path-template`. In memory: gone with the process."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def add(self, endpoint: str) -> None:
        self._counts[endpoint] = self._counts.get(endpoint, 0) + 1

    def reset(self) -> None:
        self._counts.clear()

    def counts(self) -> dict[str, int]:
        """A copy, sorted by endpoint."""
        return dict(sorted(self._counts.items()))


class Organisation(Protocol):
    """One CRM account: its data, its metadata and what a human or a test may do to it behind the API.

    Every method that names something unknown raises `ControlError`. `values` are API names to values
    (None clears). `user` is the acting human's user name or e-mail (None: a default human), `at` the time of
    the act (None: now). Methods are called one at a time, from the thread that serves the API.
    """

    settings: Settings
    writes: WriteLog
    calls: CallCounter
    faults: FaultPlan

    @property
    def name(self) -> str:
        """`hubspot` or `salesforce`."""
        ...

    def is_new(self) -> bool:
        """True until the first `reset` or `load`: the database was made by this process and is empty."""
        ...

    def environment(self, base_url: str) -> dict[str, str]:
        """The environment variables a client needs to reach this organisation at `base_url`."""
        ...

    def reset(self, demo: bool) -> None:
        """Back to the demo data, or to an organisation with metadata and users only; logs are emptied."""
        ...

    def load(self, object_: str, records: Iterable[Record]) -> int:
        """Put records in as they are (ids, times and all), replacing those with the same id, unlogged."""
        ...

    def edit(
        self,
        object_: str,
        record_id: str,
        values: Mapping[str, Any],
        user: str | None = None,
        at: datetime | None = None,
    ) -> Record:
        """Change a record as a human would; returns it. Logged."""
        ...

    def create(
        self, object_: str, values: Mapping[str, Any], user: str | None = None, at: datetime | None = None
    ) -> Record:
        """Create a record as a human would; returns it with its id. Logged."""
        ...

    def delete(self, object_: str, record_id: str, user: str | None = None, at: datetime | None = None) -> None:
        """Move a record to the recycle bin as a human would. Logged."""
        ...

    def act(self, action: str, body: Mapping[str, Any]) -> Record:
        """A CRM's own further acts, e.g. `merge`, `restore`, `convert`: `POST /act/{action}`."""
        ...

    def record(self, object_: str, record_id: str) -> Record | None:
        """One record in full, deleted ones too; None when there never was one."""
        ...

    def records(self, object_: str) -> Iterable[Record]:
        """All records of an object that are not deleted, by id."""
        ...

    def change_metadata(self, change: Mapping[str, Any]) -> Record:
        """Hide, delete or rename a property or field, add a picklist value, switch a rule or trigger."""
        ...

    def close(self) -> None:
        """Close the database."""
        ...
