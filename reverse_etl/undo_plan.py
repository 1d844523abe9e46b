"""Plans an undo: the operations that put back what a run wrote, where nobody has edited it since.

Owns the rules of an undo. A field goes back to what it held before the run, if it still holds what the run left there;
a record that the run created is archived, if nobody but this sync has touched it and no other record refers to it; a
record that an undo has archived is created anew. Everything else is skipped and listed. Writes nothing to a CRM: the
operations take the same way as those of any push.

After an undo both sides differ while neither counts as edited, since the base takes what each of them then holds. So
the next sync leaves the field alone until somebody edits either side, or its mapping changes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any

import duckdb
import orjson

from crm_sync.clients.errors import Refused, ServerTrouble
from crm_sync.clients.salesforce import SalesforceClient, soql_text
from reverse_etl.batches import parts_of
from reverse_etl.operations import (
    ARCHIVE,
    ASSOCIATE,
    ASSOCIATION_PREFIX,
    CREATE,
    HUBSPOT,
    HUBSPOT_ID_PROPERTY,
    SALESFORCE,
    SALESFORCE_ID_FIELD,
    UPDATE,
    Current,
    Operation,
    Reference,
    is_set,
    members_of,
)
from reverse_etl.undo_journal import Past, Write, read_past
from reverse_etl.values import instant, salesforce_id_18, same_value
from reverse_etl.writers import Writer

_Read = tuple[list[tuple[Write, Current | None]], list[tuple[Write, str]]]

#: What the ids of an undo's operations begin with: `base_values` knows an undone value by it.
OPERATION_PREFIX = "undo-"
_IDS_PER_QUERY = 200


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something that the run wrote and that is left as it is."""

    target: str
    crm_object: str
    record_id: str
    fields: tuple[str, ...]
    reason: str


@dataclass
class UndoPlan:
    """What an undo writes. `stamps` take an archived record's id off its counterpart, once it is archived."""

    operations: list[Operation] = field(default_factory=list)
    stamps: list[Operation] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    unchanged: int = 0

    @property
    def parents(self) -> list[Operation]:
        """Archives that come last: Salesforce deletes what refers to them along with them."""
        return [one for one in self.operations if one.operation == ARCHIVE and one.target == SALESFORCE]

    @property
    def first(self) -> list[Operation]:
        parents = {one.operation_id for one in self.parents}
        return [one for one in self.operations if one.operation_id not in parents]


def plan_undo(
    connection: duckdb.DuckDBPyConnection,
    writers: Mapping[str, Writer],
    salesforce: SalesforceClient,
    run_id: str,
    undo_run_id: str,
) -> UndoPlan:
    """Read what the run's records hold now, and decide what goes back. Raises ApiError when a CRM does not answer."""
    past = read_past(connection, run_id)
    planner = _Planner(past, writers, salesforce, undo_run_id)
    return planner.plan()


class _Planner:
    """One plan while it is made."""

    def __init__(self, past: Past, writers: Mapping[str, Writer], salesforce: SalesforceClient, run_id: str) -> None:
        self._past = past
        self._writers = writers
        self._salesforce = salesforce
        self._run_id = run_id
        self._plan = UndoPlan()
        #: The new link of each record that is created anew, by target and the id that it had.
        self._reborn: dict[tuple[str, str], str] = {}
        self._archived: set[tuple[str, str]] = set()

    def plan(self) -> UndoPlan:
        creates = [one for one in self._past.writes if one.operation == CREATE]
        created = {(one.target, one.record_id) for one in creates}
        changes = [one for one in self._past.writes if one.operation in (UPDATE, ASSOCIATE)]
        self._create_again([one for one in self._past.writes if one.operation == ARCHIVE])
        self._archive(creates)
        self._restore([one for one in changes if (one.target, one.record_id) not in created])
        return self._plan

    # ------------------------------------------------------------ fields

    def _restore(self, writes: Sequence[Write]) -> None:
        for write, current in self._read([_joined(group) for group in _grouped(writes)]):
            if current is None:
                self._skip(write, tuple(sorted(write.changes)), "the record is gone")
                continue
            is_stamp = write.target == HUBSPOT and write.changes.keys() == {HUBSPOT_ID_PROPERTY}
            if is_stamp:
                self._restore_stamp(write, current)
            else:
                self._restore_fields(write, current)

    def _restore_fields(self, write: Write, current: Current) -> None:
        back: dict[str, str | None] = {}
        edited: list[str] = []
        for name, left in write.left.items():
            now = current.values.get(name)
            if name not in write.previous or name == HUBSPOT_ID_PROPERTY:
                continue
            if _is_same(name, now, write.previous[name]):
                self._plan.unchanged += 1
            elif _is_same(name, now, left):
                back[name] = write.previous[name]
            else:
                edited.append(name)
        if edited:
            self._skip(write, tuple(sorted(edited)), "edited since")
        if back:
            self._plan.operations.append(self._operation(write, write.operation, back, current))

    def _restore_stamp(self, write: Write, current: Current) -> None:
        """The id of the counterpart stays on a record as long as the two are linked."""
        before = write.previous.get(HUBSPOT_ID_PROPERTY)
        left = write.left[HUBSPOT_ID_PROPERTY]
        if not _is_same(HUBSPOT_ID_PROPERTY, current.values.get(HUBSPOT_ID_PROPERTY), left):
            return
        if (SALESFORCE, left or "") in self._archived:
            self._plan.stamps.append(self._operation(write, UPDATE, {HUBSPOT_ID_PROPERTY: before}, current))
        elif (SALESFORCE, before or "") in self._reborn:
            self._plan.operations.append(self._operation(write, UPDATE, {HUBSPOT_ID_PROPERTY: before}, current))

    # ------------------------------------------------------------ records

    def _archive(self, creates: Sequence[Write]) -> None:
        """Children before parents: a parent that a kept record refers to stays as well."""
        alive = [(write, current) for write, current in self._read(creates) if current is not None]
        self._plan.unchanged += len(creates) - len(alive)
        kept: list[tuple[Write, Current]] = []
        for write, current in alive:
            if self._is_touched(write, current):
                self._skip(write, (), "edited since it was created")
            else:
                kept.append((write, current))
        for object_ in sorted({write.object for write, _ in kept}, key=self._past.push_order, reverse=True):
            group = [(write, current) for write, current in kept if write.object == object_]
            referring = self._referred([write for write, _ in group])
            for write, current in group:
                if write.record_id in referring:
                    self._skip(write, (), "other records refer to it")
                    continue
                self._archived.add((write.target, write.record_id))
                archive = self._operation(write, ARCHIVE, {}, current)
                order = -self._past.push_order(write.object)
                seen = {
                    name: value for name, value in current.values.items() if name in write.left and not is_set(name)
                }
                self._plan.operations.append(replace(archive, push_order=order, source_values="{}", previous=seen))

    def _is_touched(self, write: Write, current: Current) -> bool:
        """Whether anybody but this sync has changed a record since it was created."""
        left = self._past.left_in(write.target, write.record_id)
        if not all(_is_same(name, current.values.get(name), value) for name, value in left.items()):
            return True
        if current.modified_by is not None:
            return salesforce_id_18(current.modified_by) != salesforce_id_18(self._salesforce.identity().user_id)
        last = self._past.last_written.get((write.target, write.record_id))
        return last is None or current.modified_at is None or current.modified_at > last

    def _referred(self, writes: Sequence[Write]) -> set[str]:
        """Those of the Salesforce records that a record refers to which is not archived along: Salesforce deletes
        an account's contacts with it."""
        ids = [write.record_id for write in writes if write.target == SALESFORCE]
        found: set[str] = set()
        for child, child_field in self._past.children(writes[0].object) if ids else ():
            for start in range(0, len(ids), _IDS_PER_QUERY):
                values = ",".join(f"'{soql_text(record_id)}'" for record_id in ids[start : start + _IDS_PER_QUERY])
                soql = f"SELECT Id, {child_field} FROM {child} WHERE {child_field} IN ({values})"
                for page in self._salesforce.query(soql):
                    found |= {
                        str(record[child_field])
                        for record in page
                        if (SALESFORCE, str(record["Id"])) not in self._archived
                    }
        return found

    def _create_again(self, archives: Sequence[Write]) -> None:
        """Create anew what an undo has archived. Records that were deleted for another reason come back from the
        recycle bin only: no API of either CRM restores them."""
        for archive in archives:
            create = self._past.creation(archive.target, archive.record_id)
            if create is None or not self._past.has_living_source(create):
                self._skip(archive, (), "it was deleted; restore it from the recycle bin, and the sync resumes it")
            else:
                self._reborn[archive.target, archive.record_id] = _hash(create.link_id, self._run_id)
        for target, record_id in self._reborn:
            create = self._past.creation(target, record_id)
            assert create is not None
            values = {name: value for name, value in self._past.sent_to(target, record_id).items() if value is not None}
            values.pop(HUBSPOT_ID_PROPERTY, None)
            values.pop(SALESFORCE_ID_FIELD, None)
            sets = {name: value for name, value in values.items() if is_set(name) and target == SALESFORCE}
            own = {name: value for name, value in values.items() if name not in sets}
            blank = Current({}, None)
            create = replace(create, record_id="", source_values=self._past.source_values_of(target, record_id))
            self._plan.operations.append(self._operation(create, CREATE, own, blank))
            if sets:
                self._plan.operations.append(self._operation(create, ASSOCIATE, sets, blank))

    # ------------------------------------------------------------ operations

    def _operation(self, write: Write, kind: str, values: Mapping[str, str | None], current: Current) -> Operation:
        link_id = self._reborn.get((write.target, write.record_id), write.link_id)
        if kind in (CREATE, ASSOCIATE) and not write.record_id:
            link_id = _hash(write.link_id, self._run_id)
        references = {
            name: link for name, value in values.items() if (link := self._reborn_link(write.target, name, value))
        }
        is_new = not write.record_id
        return Operation(
            operation_id=OPERATION_PREFIX + _hash(self._run_id, write.target, write.link_id, write.record_id, kind),
            target=write.target,
            object=write.object,
            push_order=self._past.push_order(write.object),
            operation=kind,
            crm_object=write.crm_object,
            record_id=write.record_id or None,
            link_id=link_id,
            hubspot_id=None if is_new and write.target == HUBSPOT else write.hubspot_id,
            salesforce_id=None if is_new and write.target == SALESFORCE else write.salesforce_id,
            changes={name: value for name, value in values.items() if name not in references},
            previous={} if is_new else {name: current.values.get(name) for name in values},
            source_values=_picked(write.source_values, values) if not is_new else write.source_values,
            references={name: Reference(link, "") for name, link in references.items()},
            all_fields=self._past.all_fields(write.target, write.object),
            field_types=self._past.field_types(write.target, write.object),
            snapshot_modified_at=current.modified_at,
            human_modified_at=self._human_time(write, current),
        )

    def _reborn_link(self, target: str, name: str, value: str | None) -> str | None:
        """The link of the new record where a value is the id of one that is created anew."""
        side = SALESFORCE if name == HUBSPOT_ID_PROPERTY else target
        return self._reborn.get((side, value)) if value else None

    def _human_time(self, write: Write, current: Current) -> datetime | None:
        """When somebody else last edited the record: this sync's own writes do not count."""
        before = self._past.human_time(write.target, write.record_id)
        if current.modified_by is not None:
            is_own = salesforce_id_18(current.modified_by) == salesforce_id_18(self._salesforce.identity().user_id)
            return before if is_own else instant(current.values.get("LastModifiedDate"))
        last = self._past.last_written.get((write.target, write.record_id))
        is_own = current.modified_at is None or (last is not None and current.modified_at <= last)
        return before if is_own else current.modified_at

    def _read(self, writes: Iterable[Write]) -> Iterator[tuple[Write, Current | None]]:
        """What the records of some writes hold now, in every field that the writes set."""
        groups: dict[tuple[str, str], list[Write]] = {}
        for write in writes:
            groups.setdefault((write.target, write.crm_object), []).append(write)
        for (target, _), group in groups.items():
            writer = self._writers[target]
            parts = parts_of(group, writer.check_size(UPDATE))
            with ThreadPoolExecutor(writer.at_once) as threads:
                for read, refused in threads.map(partial(self._read_part, writer), parts):
                    for write, reason in refused:
                        self._skip(write, tuple(sorted(write.changes)), reason)
                    yield from read

    def _read_part(self, writer: Writer, writes: Sequence[Write]) -> _Read:
        """What some records hold, and those that the CRM refuses to show. Runs in a thread."""
        try:
            current = writer.current([self._reading(write) for write in writes])
        except Refused as refusal:
            if isinstance(refusal, ServerTrouble) or type(refusal) is not Refused:
                raise
            if len(writes) == 1:
                return [], [(writes[0], refusal.message)]
            middle = len(writes) // 2
            first, second = (self._read_part(writer, half) for half in (writes[:middle], writes[middle:]))
            return first[0] + second[0], first[1] + second[1]
        return [(write, current.get(write.record_id)) for write in writes], []

    def _reading(self, write: Write) -> Operation:
        names = write.left.keys() | self._past.left_in(write.target, write.record_id).keys()
        fields = names if write.operation == CREATE else write.left.keys()
        return Operation(
            operation_id=write.attempt_id,
            target=write.target,
            object=write.object,
            push_order=0,
            operation=write.operation,
            crm_object=write.crm_object,
            record_id=write.record_id,
            link_id=write.link_id,
            hubspot_id=write.hubspot_id,
            salesforce_id=write.salesforce_id,
            changes=dict.fromkeys(fields),
        )

    def _skip(self, write: Write, fields: tuple[str, ...], reason: str) -> None:
        self._plan.skipped.append(Skipped(write.target, write.crm_object, write.record_id, fields, reason))


def _grouped(writes: Sequence[Write]) -> list[list[Write]]:
    """The writes to each record of one kind, oldest first."""
    groups: dict[tuple[str, str, str, str], list[Write]] = {}
    for write in writes:
        key = (write.target, write.link_id, write.record_id, write.operation)
        groups.setdefault(key, []).append(write)
    return list(groups.values())


def _joined(writes: Sequence[Write]) -> Write:
    """Several writes to one record as one: what was there before the first, what the last left."""
    first = writes[0]
    for later in writes[1:]:
        first = replace(
            first,
            changes={**first.changes, **later.changes},
            previous={**later.previous, **first.previous},
            left={**first.left, **later.left},
            source_values=orjson.dumps(
                {**orjson.loads(first.source_values), **orjson.loads(later.source_values)}
            ).decode(),
        )
    return first


def _is_same(name: str, left: str | None, right: str | None) -> bool:
    if is_set(name) and not name.startswith(ASSOCIATION_PREFIX):
        return members_of(left) == members_of(right)
    return same_value(left, right) or (is_set(name) and members_of(left) == members_of(right))


def _picked(document: str, names: Mapping[str, Any]) -> str:
    members = orjson.loads(document or "{}")
    return orjson.dumps({name: value for name, value in members.items() if name in names}).decode()


def _hash(*parts: str) -> str:
    return hashlib.md5("|".join(parts).encode(), usedforsecurity=False).hexdigest()
