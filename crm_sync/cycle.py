"""One cycle: extract, decide, push, settle, publish. Owns the order of the steps, and nothing else.

Each step reads only what the step before it wrote. Whatever fails ends the run with its exit code, is kept in
`journal.runs`, and leaves everything that was completed in place for the next run.
"""

from __future__ import annotations

import logging
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import duckdb

from crm_sync.addresses import ask_addresses, known_addresses
from crm_sync.budget import Budget, apply_budgets, read_budgets
from crm_sync.call_count import CallCount
from crm_sync.clients import ApiError, Clients, build_clients, explain
from crm_sync.config import Settings
from crm_sync.errors import ConfigError, CrmSyncError, CycleFailed, GuardStop, Paused, Unexpected
from crm_sync.extraction_guard import DEFAULT_SHARE, require_whole
from crm_sync.landed_checks import require_id_fields, require_mapped_fields
from crm_sync.lock import cycle_lock
from crm_sync.mapping_checks import require_valid
from crm_sync.mappings import Mappings, load_mappings
from crm_sync.news import is_quiet, nothing_is_new, rules_and_metadata_are_known
from crm_sync.pausing import require_running
from crm_sync.plan import Plan, read_plan
from crm_sync.progress import Observer, StopRequested
from crm_sync.publish import publish
from crm_sync.saved_plan import SavedPlan
from crm_sync.setup import inspect_setup
from crm_sync.transform import Transformer
from crm_sync.warehouse import has_table
from crm_sync.wording import REBUILT
from pipelines import ExtractReport, FieldInConflict, Schedule, extract, read_evidence
from reverse_etl.journal import Journal, new_run_id
from reverse_etl.push import push, resolve_unknown
from reverse_etl.report import PushReport
from reverse_etl.salesforce import BULK_THRESHOLD
from reverse_etl.undo import Undone, require_undoable, undo

log = logging.getLogger(__name__)


@dataclass
class CycleResult:
    """What a cycle did, for the summary."""

    run_id: str
    command: str
    status: str = "running"
    extracted: ExtractReport | None = None
    #: What the next push writes; left out by a cycle that only writes it.
    plan: Plan | None = None
    #: The decision stands: all models are up to date.
    is_decided: bool = False
    pushed: PushReport | None = None
    undone: Undone | None = None
    is_rebuilt: bool = False
    #: Nothing had changed since the last decision, which therefore stands.
    is_unchanged: bool = False
    steps: dict[str, float] = field(default_factory=dict)
    api_calls: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class CycleOptions:
    """What a person asked of this cycle."""

    command: str = "sync"
    pushes: bool = True
    full: bool = False
    #: Read metadata, archived records and list members in this run, however young those in the warehouse are.
    rereads: bool = True
    #: Compare everything by id and time in this run, whether or not it is due.
    reconcile: bool = False
    accepted: Sequence[str] = ()
    #: A plan that was looked at and agreed to: exactly this is written, or nothing.
    approved: SavedPlan | None = None
    #: The run whose writes are put back, in place of extracting and deciding.
    undoes: str | None = None


def run_cycle(settings: Settings, options: CycleOptions, observer: Observer | None = None) -> CycleResult:
    """Run one cycle. Raises a CrmSyncError subclass with the exit code of the contract when it cannot complete."""
    mappings = load_mappings(settings.project.seeds_dir)
    require_valid(mappings, settings.project.macros_dir)
    with cycle_lock(settings.warehouse_path):
        cycle = _Cycle(settings, options, mappings, observer or Observer())
        try:
            cycle.run()
        except StopRequested:
            cycle.end_early()
            raise
        except CrmSyncError as error:
            cycle.end_badly(error)
            raise
        except ApiError as error:
            explained = explain(error)
            cycle.end_badly(explained)
            raise explained from error
        except (duckdb.Error, OSError) as error:
            failure = _warehouse_trouble(settings, error)
            cycle.end_badly(failure)
            raise failure from error
        except Exception as error:
            log.debug("unexpected", exc_info=True)
            mistake = _unexpected(error)
            cycle.end_badly(mistake)
            raise mistake from error
        return cycle.result


class _Cycle:
    """One cycle while it runs."""

    def __init__(self, settings: Settings, options: CycleOptions, mappings: Mappings, observer: Observer) -> None:
        self._settings = settings
        self._options = options
        self._mappings = mappings
        self._observer = observer
        self._transformer = Transformer(settings, mappings)
        self._begun = False
        self._undoes = ""
        self._budgets: dict[str, Budget] = {}
        self._addresses: dict[str, str] = {}
        self._began = _now()
        self.result = CycleResult(new_run_id(_now()), options.command)

    # ------------------------------------------------------------ the order

    def run(self) -> None:
        self._begin()
        clients = build_clients(self._settings)
        apply_budgets(clients, self._budgets)
        self._observer.using(clients)
        try:
            if self._options.undoes is None:
                self._carry_over(clients)
            else:
                with self._step("undo"):
                    self._undo(clients)
        finally:
            self._count_calls(clients)
            clients.close()
        self._finish()
        with self._step("settle"):
            self._settle()
        with self._step("publish"):
            publish(self._settings.warehouse_path, self._settings.health_path)
        self._fail_if_a_crm_failed()

    def _carry_over(self, clients: Clients) -> None:
        with self._step("extract"):
            self._extract(clients)
        with self._step("decide"):
            self._decide(clients)
        if self._options.approved is not None and self.result.plan is not None:
            self._options.approved.require_same(self.result.plan)
        if self._options.pushes:
            with self._step("push"):
                self._push(clients)

    def _begin(self) -> None:
        with self._warehouse() as connection:
            # a plan writes to no CRM, and an undo is what many pause for
            if self._options.pushes and self._options.undoes is None:
                require_running(connection)
            journal = Journal(connection)
            _refuse_other_target(connection, self._settings.target)
            if self._options.undoes is not None:
                self._undoes = require_undoable(connection, self._options.undoes)
            journal.close_abandoned(_now())
            calls = CallCount(self._settings.warehouse_path)
            journal.record_calls(*calls.left_behind())
            journal.begin_run(
                self.result.run_id,
                command=self._options.command,
                target_name=self._settings.target,
                started_at=_now(),
                git_sha=_git_sha(self._settings),
                mapping_hash=self._transformer.rules_hash,
            )
            self._addresses = known_addresses(connection)
            count = calls.of_run(self.result.run_id)
            self._budgets = read_budgets(connection, self._settings.project, self._options.accepted, _now(), count)
        self._begun = True
        for budget in self._budgets.values():
            budget.require_some()

    def _extract(self, clients: Clients) -> None:
        with self._warehouse() as connection:
            is_new = not has_table(connection, "raw_hubspot", "reads")
        if is_new and (missing := inspect_setup(clients, self._mappings)):
            raise ConfigError(
                "The CRMs lack what the sync needs:\n  " + "\n  ".join(item.description for item in missing),
                f"Run: crm-sync --target {self._settings.target} setup",
            )
        with self._warehouse() as connection:
            resolve_unknown(connection, clients, journal=Journal(connection))
            is_quiet_so_far = is_quiet(connection, self._transformer.rules_hash, self._began)
        variable = self._settings.project.variable
        self.result.extracted = extract(
            self._settings,
            self._mappings,
            clients,
            on_progress=self._observer.read,
            full=self._options.full,
            association_refresh=timedelta(minutes=variable("association_refresh_minutes", 60)),
            schedule=self._schedule(is_quiet=is_quiet_so_far),
            now=_now(),
        )
        self._addresses = ask_addresses(clients, self._addresses)
        with self._warehouse() as connection:
            require_whole(connection, self._options.accepted, variable("max_shrink_share", DEFAULT_SHARE))
            require_id_fields(connection, self._mappings)

    def _schedule(self, *, is_quiet: bool) -> Schedule:
        """What is not urgent waits while the API budget is short. With something to decide already, metadata is read
        at once: whatever is decided and pushed goes by metadata of this run."""
        variable = self._settings.project.variable
        minutes = {
            name: 0 if self._options.rereads else variable(f"{name}_refresh_minutes", default)
            for name, default in (("metadata", 60), ("deletes", 5))
        }
        frugal = Schedule(
            reconcile_now=self._options.reconcile,
            metadata=timedelta(minutes=minutes["metadata"] if is_quiet else 0),
            sweeps=timedelta(minutes=minutes["deletes"]),
        )
        if any(budget.is_short for budget in self._budgets.values()):
            return frugal
        return replace(
            frugal,
            reconcile=_interval(hours=variable("reconcile_hours", 168)),
            computed=_interval(hours=variable("calculated_refresh_minutes", 60) / 60),
        )

    def _decide(self, clients: Clients) -> None:
        decided_at = _now()
        with self._warehouse() as connection:
            is_known = rules_and_metadata_are_known(connection, self._transformer.rules_hash)
            if is_known and nothing_is_new(connection, self._began):
                self.result.plan, self.result.is_unchanged, self.result.is_decided = Plan(()), True, True
                return
        if is_known:
            self._transformer.decide_again()
        else:
            self._transformer.decide()
        with self._warehouse() as connection:
            require_mapped_fields(connection, self._mappings)
            conflicts = _conflicts_by_record_time(connection, self.result.run_id)
        if conflicts:
            read_evidence(self._settings.warehouse_path, clients, conflicts, _now())
            self._transformer.decide_conflicts()
        with self._warehouse() as connection:
            Journal(connection).mark_decided(self.result.run_id, decided_at)
            if not self._options.pushes or self._options.approved is not None:
                self.result.plan = read_plan(connection)
            self.result.is_decided = True
            self.result.is_rebuilt = _is_rebuilt(connection)

    def _push(self, clients: Clients) -> None:
        extracted = self.result.extracted
        assert extracted is not None
        variable = self._settings.project.variable
        with self._warehouse() as connection:
            self.result.pushed = push(
                connection,
                clients,
                run_id=self.result.run_id,
                journal=Journal(connection),
                limits=[row.values for row in self._mappings.rows["push_limits"]],
                accepted=self._options.accepted,
                on_progress=self._observer.pushed,
                verify_after_seconds=variable("verify_after_seconds", 0),
                bulk_threshold=int(variable("salesforce_bulk_threshold", BULK_THRESHOLD)),
                snapshot_at={"hubspot": extracted.loaded_at, "salesforce": extracted.loaded_at},
            )

    def _undo(self, clients: Clients) -> None:
        with self._warehouse() as connection:
            self.result.undone = undo(
                connection,
                clients,
                run_id=self._undoes,
                undo_run_id=self.result.run_id,
                journal=Journal(connection),
                limits=[row.values for row in self._mappings.rows["push_limits"]],
                accepted=self._options.accepted,
                pushes=self._options.pushes,
                bulk_threshold=int(self._settings.project.variable("salesforce_bulk_threshold", BULK_THRESHOLD)),
            )
        self.result.pushed = self.result.undone.report

    def _settle(self) -> None:
        pushed = self.result.pushed
        if pushed is not None and (pushed.counts or pushed.resolved):
            settled_at = _now()
            self._transformer.settle()
            with self._warehouse() as connection:
                Journal(connection).mark_decided(self.result.run_id, settled_at)
        elif not self.result.is_unchanged:  # what the health models show of the runs themselves are views
            self._transformer.report()

    # ------------------------------------------------------------ endings

    def _finish(self) -> None:
        pushed, message = self.result.pushed, REBUILT if self.result.is_rebuilt else None
        if pushed is None:
            self.result.status, exit_code = "planned", 0
        elif pushed.failures:
            failure = _worst(pushed)
            self.result.status, exit_code = _STATUSES.get(failure.exit_code, "failed"), failure.exit_code
            message = failure.message
        elif any(pushed.records(outcome) for outcome in ("rejected", "retryable", "unknown")):
            self.result.status, exit_code = "degraded", 0
        else:
            self.result.status, exit_code = "succeeded", 0
        self._close_run(self.result.status, exit_code, message)

    def _fail_if_a_crm_failed(self) -> None:
        pushed = self.result.pushed
        if pushed is not None and pushed.failures:
            raise _worst(pushed)

    def end_early(self) -> None:
        """Somebody asked to stop, and nothing has been written yet: what was read stays, the next cycle decides it."""
        self.result.status = "planned"
        self._close_run(self.result.status, 0, "Stopped on request before anything was written.")

    def end_badly(self, error: CrmSyncError) -> None:
        """Keep the failure in the journal and show it to readers, as far as the warehouse lets us."""
        if not self._begun:
            return
        if self.result.is_rebuilt:
            error.message = f"{error.message}\n{REBUILT}"
        self.result.status = _STATUSES.get(error.exit_code, "failed")
        try:
            self._close_run(self.result.status, error.exit_code, error.message)
            with self._warehouse() as connection:
                has_decided = has_table(connection, "sync_health", "sync_status")
            if self.result.is_decided and not self.result.is_unchanged:
                self._transformer.report()
            if has_decided or self.result.is_decided:
                publish(self._settings.warehouse_path, self._settings.health_path)
        except (CrmSyncError, duckdb.Error, OSError):
            # the first failure is the one to report
            return

    def _close_run(self, status: str, exit_code: int, message: str | None) -> None:
        pushed = self.result.pushed
        with self._warehouse() as connection:
            journal = Journal(connection)
            journal.record_steps(self.result.run_id, self.result.steps)
            journal.finish_run(
                self.result.run_id,
                status=status,
                exit_code=exit_code,
                finished_at=_now(),
                message=message,
                counts=pushed.as_rows() if pushed else None,
                api_calls=self.result.api_calls or None,
            )

    # ------------------------------------------------------------ helpers

    def _count_calls(self, clients: Clients) -> None:
        read = {"hubspot": 0, "salesforce": 0}
        if self.result.extracted is not None:
            for one in self.result.extracted.objects:
                read[one.crm] += one.records
        pushed = self.result.pushed
        written = {crm: pushed.records("succeeded", crm) if pushed else 0 for crm in read}
        for crm, api in (("hubspot", clients.hubspot.api), ("salesforce", clients.salesforce.api)):
            self.result.api_calls[crm] = {
                "calls": api.calls,
                "records": read[crm] + written[crm],
                "daily_limit": api.limits.daily_limit,
                "daily_used": api.limits.daily_used,
                "address": self._addresses.get(crm),
                **(pushed.purposes.get(crm, {}) if pushed else {}),
            }

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        self._observer.step(name)
        started = monotonic()
        try:
            yield
        finally:
            self.result.steps[name] = round(monotonic() - started, 3)

    @contextmanager
    def _warehouse(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with duckdb.connect(str(self._settings.warehouse_path)) as connection:
            connection.execute("set TimeZone = 'UTC'; set enable_progress_bar = false")
            yield connection


#: How a run ends that a guard or a pause has stopped.
_STATUSES = {GuardStop.exit_code: "stopped", Paused.exit_code: "paused"}


def _worst(pushed: PushReport) -> CrmSyncError:
    """The failure to end with: a CRM in trouble before a budget that is spent."""
    failures = [explain(error) for error in pushed.failures.values()]
    return min(failures, key=lambda failure: failure.exit_code)


def _unexpected(error: Exception) -> Unexpected:
    """A mistake of ours in one line: its place, and no text of the error, which may hold data of records."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{Path(trace.tb_frame.f_code.co_filename).name} line {trace.tb_lineno}" if trace else "an unknown place"
    return Unexpected(
        f"The cycle met something unexpected: {type(error).__name__} in {place}.",
        "Nothing undecided was written, and the next run continues. Run again with -vv for details, and report it.",
    )


def _warehouse_trouble(settings: Settings, error: Exception) -> CycleFailed:
    return CycleFailed(
        f"The warehouse {settings.warehouse_path.name} could not be read or written: {str(error).splitlines()[0]}",
        "Look at the disk's free space and the file's permissions. Nothing is lost: the next run continues.",
    )


def _refuse_other_target(connection: duckdb.DuckDBPyConnection, target: str) -> None:
    other = connection.execute(
        "select target_name from journal.runs where target_name <> ? limit 1", [target]
    ).fetchone()
    if other:
        raise ConfigError(
            f"This warehouse belongs to the target {other[0]}, not to {target}.",
            "Set WAREHOUSE_PATH to another file; two targets must never share bases and links.",
        )


def _conflicts_by_record_time(connection: duckdb.DuckDBPyConnection, run_id: str) -> list[FieldInConflict]:
    """Conflicts new in this run that only the records' times speak of yet, and whose winner hangs on a time, or on a
    person who will want to know it."""
    rows = connection.execute(
        "select distinct mappings.hubspot_object, decisions.hubspot_id, decisions.hubspot_property,"
        " mappings.salesforce_object, decisions.salesforce_id, decisions.salesforce_field"
        " from merging.field_decisions as decisions"
        " inner join staging.stg_field_mappings as mappings using (object, hubspot_property, salesforce_field)"
        " semi join sync_health.field_conflicts as conflicts"
        " using (link_id, hubspot_property, salesforce_field, run_id)"
        " where decisions.run_id = ? and decisions.change_state = 'conflict' and decisions.evidence = 'record'"
        " and decisions.direction not like 'always%' and decisions.conflict_rule not in"
        " ('hubspot', 'salesforce', 'longest', 'largest', 'smallest', 'union')",
        [run_id],
    ).fetchall()
    return [FieldInConflict(*row) for row in rows]


def _is_rebuilt(connection: duckdb.DuckDBPyConnection) -> bool:
    """Links found by stored ids in a warehouse that has never written: it was lost and is rebuilt (DESIGN 8.9)."""
    row = connection.execute(
        "select exists (from matching.links where matched_by = 'stored_id') and not exists (from journal.push_attempts)"
    ).fetchone()
    return bool(row and row[0])


def _git_sha(settings: Settings) -> str | None:
    """The commit of the checkout, so that every decision can be traced to its mapping rows."""
    try:
        done = subprocess.run(
            ["git", "-C", str(settings.project.root), "rev-parse", "HEAD"], capture_output=True, text=True, timeout=5
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None if done.returncode == 0 else None


def _interval(hours: float) -> timedelta | None:
    """How often something is done; 0 is never."""
    return timedelta(hours=hours) if hours > 0 else None


def _now() -> datetime:
    return datetime.now(UTC)
