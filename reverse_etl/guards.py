"""Push limits: how much one run may write before somebody has to agree.

Checks `push_limits.csv` (handed over as rows) over the whole diff before the first call of a push, and raises
GuardStop naming every limit that would be exceeded. Writes nothing, and makes no call.

One limit binds each target, object and operation: the row that names most of the three. A blank or `*` means any,
a blank limit is none, so a specific row can loosen a general one. Where several rows name equally many, all bind.
`update` counts associations too; `clear` counts, for the field where they are most, the records in which a field
that held something becomes blank.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import duckdb

from crm_sync.acceptance import is_accepted
from crm_sync.errors import ConfigError, GuardStop
from reverse_etl.diffs import DECIDED, diff_table, existing_targets
from reverse_etl.operations import ASSOCIATE, UPDATE

_ANY = ("", "*")
_MOST_DIGITS = 12


@dataclass(frozen=True, slots=True)
class PushLimit:
    """One row of push_limits.csv; None means any, or no limit."""

    target: str | None
    object: str | None
    operation: str | None
    max_records: int | None
    max_share: float | None

    @property
    def specificity(self) -> int:
        return sum(part is not None for part in (self.target, self.object, self.operation))

    def covers(self, volume: Volume) -> bool:
        """Whether this row speaks of the target, object and operation."""
        wanted = ((self.target, volume.target), (self.object, volume.object), (self.operation, volume.operation))
        return all(own is None or own == other for own, other in wanted)


@dataclass(frozen=True, slots=True)
class Volume:
    """How many records one kind of operation is about to write."""

    target: str
    object: str
    operation: str
    records: int
    field: str | None = None

    @property
    def name(self) -> str:
        return f"{self.target}.{self.object}.{self.operation}"


def parse_limits(rows: Iterable[Mapping[str, str | None]]) -> list[PushLimit]:
    """The rows of push_limits.csv; raises ConfigError for a limit that is no number."""
    return [
        PushLimit(
            target=_name(row.get("target")),
            object=_name(row.get("object")),
            operation=_name(row.get("operation")),
            max_records=_count(row),
            max_share=_share(row),
        )
        for row in rows
    ]


def check_limits(
    connection: duckdb.DuckDBPyConnection,
    limits: Iterable[Mapping[str, str | None]],
    accepted: Collection[str],
    linked_counts: Mapping[str, int],
    schema: str = DECIDED,
) -> None:
    """Raise GuardStop when the diff exceeds a limit that is not among the accepted ones.

    `limits` are the rows of push_limits.csv; `accepted` holds `all`, or names such as `salesforce.contact.create`.
    """
    known = parse_limits(limits)
    breaches = {
        volume.name: breach
        for volume in volumes(connection, schema)
        if not is_accepted(volume.name, accepted)
        for breach in _breaches(volume, known, linked_counts.get(volume.object, 0))
    }
    if breaches:
        arguments = " ".join(f"--accept {name}" for name in breaches)
        raise GuardStop(
            "Nothing was pushed, because this run would exceed a push limit:\n"
            + "\n".join(f"  {name}: {breach}" for name, breach in breaches.items()),
            f"Look at `crm-sync plan`. If that is what you want, run again with {arguments} "
            "(or --accept all), or raise the limit in push_limits.csv.",
        )


def volumes(connection: duckdb.DuckDBPyConnection, schema: str = DECIDED) -> list[Volume]:
    """What the diff tables would write, by target, object and operation, clears included."""
    found: list[Volume] = []
    for target in existing_targets(connection, schema):
        table = diff_table(schema, target)
        counted = connection.execute(
            f"""
            select
                object,
                case operation when '{ASSOCIATE}' then '{UPDATE}' else operation end as operation,
                count(distinct link_id) as records
            from {table}
            group by all
            order by all
            """
        ).fetchall()
        cleared = connection.execute(
            f"""
            select
                object,
                max(records) as records,
                arg_max(field, records) as field
            from (
                select diffs.object, changes.key as field, count(distinct diffs.link_id) as records
                from {table} as diffs, json_each(diffs.changes) as changes
                where diffs.operation <> 'create'
                    and coalesce(trim(changes.value ->> '$'), '') = ''
                    and coalesce(trim(diffs.previous ->> ('/' || replace(replace(changes.key, '~', '~0'), '/', '~1'))), '') <> ''
                group by all
            )
            group by all
            order by all
            """  # noqa: E501
        ).fetchall()
        found += [Volume(target, *row) for row in counted]
        found += [Volume(target, object_, "clear", records, field) for object_, records, field in cleared]
    return found


def count_linked(connection: duckdb.DuckDBPyConnection, run_id: str | None = None) -> dict[str, int]:
    """The linked records of each object at the start of a run: without the links that it has found itself. Without a
    run, all there are."""
    rows = connection.execute(
        "select object, count(*) from matching.links where status = 'linked' and ($run is null or run_id is distinct"
        " from $run) group by object",
        {"run": run_id},
    ).fetchall()
    return dict(rows)


def _breaches(volume: Volume, limits: list[PushLimit], linked: int) -> list[str]:
    covering = [limit for limit in limits if limit.covers(volume)]
    best = max((limit.specificity for limit in covering), default=0)
    binding = [limit for limit in covering if limit.specificity == best]
    what = f"{volume.records} records" + (f" would lose their {volume.field}" if volume.field else "")
    found = []
    for limit in binding:
        if limit.max_records is not None and volume.records > limit.max_records:
            found.append(f"{what}, at most {limit.max_records} are allowed")
        if limit.max_share is not None and volume.records > limit.max_share * linked:
            found.append(f"{what}, at most {limit.max_share:.0%} of the {linked} linked ones are allowed")
    return found[:1]


def _name(value: str | None) -> str | None:
    name = (value or "").strip()
    return None if name in _ANY else name


def _count(row: Mapping[str, str | None]) -> int | None:
    raw = (row.get("max_records") or "").strip()
    if not raw:
        return None
    if not raw.isascii() or not raw.isdigit() or len(raw) > _MOST_DIGITS:
        raise _bad_limit(row, "max_records", raw, "a whole number")
    return int(raw)


def _share(row: Mapping[str, str | None]) -> float | None:
    raw = (row.get("max_share") or "").strip()
    if not raw:
        return None
    try:
        share = float(raw)
    except ValueError:
        raise _bad_limit(row, "max_share", raw, "a number from 0 to 1") from None
    if not 0 <= share <= 1:
        raise _bad_limit(row, "max_share", raw, "a number from 0 to 1")
    return share


def _bad_limit(row: Mapping[str, str | None], column: str, raw: str, wanted: str) -> ConfigError:
    place = ",".join((row.get(name) or "") for name in ("target", "object", "operation"))
    return ConfigError(
        f"push_limits.csv, row {place}: {column} is {raw!r}.", f"Write {wanted}, or leave it blank for no limit."
    )
