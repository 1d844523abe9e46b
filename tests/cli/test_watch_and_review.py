"""A person settles what waits, and `watch` carries it out; it stops when told to, and backs off from trouble."""

from __future__ import annotations

import os
import signal
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cli_world import ADA, NO_WIZARDS, CliWorld

from crm_sync import transform
from crm_sync.errors import CycleFailed, GuardStop
from crm_sync.resolutions import resolve
from crm_sync.watch import LONGEST_WAIT_SECONDS, Watch
from sandbox import control


def test_what_a_person_decides_is_carried_out_by_the_next_cycle(synced: CliWorld, tmp_path: Path) -> None:
    world = synced.with_own_warehouse(tmp_path)
    resolutions = (world.seeds / "conflict_resolutions.csv").read_bytes()
    resolved = world.run("review", "--record", "ada.brandt@acme.com", "--field", "mobilephone", "--resolve", "hubspot")
    assert resolved.exit_code == 0, resolved.output
    assert f"contact,{ADA[0]},{ADA[1]},mobilephone,hubspot," in resolved.output
    assert world.run("check").exit_code == 0
    control.change_metadata(world.state_dir, "salesforce", **{**NO_WIZARDS, "on": False})
    try:
        retried = world.run("review", "--object", "company", "--retry")
        assert "1 refused records are due again" in retried.output, retried.output
        parsed = len(transform._MANIFESTS)
        watched = world.run("watch", "--every", "1s", "--cycles", "3")
    finally:
        control.change_metadata(world.state_dir, "salesforce", **NO_WIZARDS)
        (world.seeds / "conflict_resolutions.csv").write_bytes(resolutions)
    assert watched.exit_code == 0, watched.output
    assert len(transform._MANIFESTS) == parsed  # dbt had parsed the project for the world's own syncs
    first, second, third = watched.output.splitlines()
    assert "2 writes" in first
    assert "HubSpot -> Salesforce after" in first
    assert "API calls" in first
    assert "nothing to write" in second
    assert "nothing to write" in third
    assert "4 API calls" in third  # three searches in HubSpot, one composite call in Salesforce
    assert control.show(world.state_dir, "salesforce", "Contact", ADA[1])["MobilePhone"] == "+49 30 1"
    assert world.query("select count(*) from sync_health.sync_errors where status = 'open'") == [(0,)]
    assert "No refused records" in world.run("review").output


@pytest.mark.parametrize(("mark", "line_end"), [("", "\n"), ("\ufeff", "\r\n")])
def test_a_resolution_keeps_the_files_form_and_replaces_its_forerunner(
    tmp_path: Path, mark: str, line_end: str
) -> None:
    path = tmp_path / "conflict_resolutions.csv"
    header = "object,hubspot_id,salesforce_id,hubspot_property,winner,comment"
    path.write_bytes(f'{mark}{header}{line_end}contact,9,003,email,hubspot,"kept, too"{line_end}'.encode())
    conflict = {"object": "contact", "hubspot_id": "1", "salesforce_id": "003A", "hubspot_property": "phone"}
    for winner in ("hubspot", "salesforce"):
        resolve(tmp_path, conflict, winner, datetime(2026, 11, 24, tzinfo=UTC))
    text = path.read_bytes().decode()
    assert text.startswith(mark + header + line_end)
    assert text.split(line_end)[1:] == [
        'contact,9,003,email,hubspot,"kept, too"',
        'contact,1,003A,phone,salesforce,"crm-sync review, 2026-11-24 00:00:00 UTC"',
        "",
    ]


# ---------------------------------------------------------------- the loop itself


class _NobodyListens:
    def succeeded(self, result: object) -> None:
        """Nothing to tell."""

    def failed(self, error: object) -> None:
        """Nobody to tell."""


def _watch(load: object, every: float, cycles: int | None, lines: list[str]) -> Watch:
    return Watch(load, every, cycles, lines.append, _NobodyListens())  # type: ignore[arg-type]


def test_a_signal_ends_the_watch_before_the_next_step(synced: CliWorld, tmp_path: Path) -> None:
    world = synced.with_own_warehouse(tmp_path)
    control.edit(world.state_dir, "hubspot", "contacts", ADA[0], {"city": "Stopville"})
    control.change_settings(world.state_dir, "hubspot", latency_ms=30)
    log = control.write_log(world.state_dir, "salesforce")
    timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGTERM))
    timer.start()
    try:
        watched = world.run("watch", "--every", "1s")
    finally:
        timer.cancel()
        control.change_settings(world.state_dir, "hubspot", latency_ms=0)
    assert watched.exit_code == 0, watched.output
    assert "Stopping after the present step ..." in watched.output
    assert "Stopped; the next run continues" in watched.output
    assert control.write_log(world.state_dir, "salesforce") == log
    import duckdb

    with duckdb.connect(str(world.warehouse), read_only=True) as connection:
        row = connection.execute("select command, status from journal.runs order by started_at desc limit 1").fetchone()
    assert row == ("watch", "planned")


def test_trouble_makes_the_waits_longer_up_to_a_quarter_of_an_hour() -> None:
    lines: list[str] = []

    def load() -> object:
        raise CycleFailed("Salesforce cannot be reached.", "Check the network.")

    watch = _watch(load, 60, 1, lines)
    waits = []
    for _ in range(6):
        assert watch.run() == 1
        waits.append(watch._wait())
    assert waits == [120, 240, 480, 900, 900, 900]
    assert waits[-1] == LONGEST_WAIT_SECONDS
    assert "failed (exit code 1): Salesforce cannot be reached." in lines[0]
    assert "next try in" in lines[1]


def test_an_interval_longer_than_the_longest_wait_is_kept() -> None:
    def load() -> object:
        raise GuardStop("Too much.", "Accept it.")

    watch = _watch(load, 3600, 1, [])
    watch.run()
    assert watch._wait() == 3600


def test_a_signal_while_waiting_ends_the_watch_at_once() -> None:
    lines: list[str] = []

    def load() -> object:
        raise CycleFailed("down")

    timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGTERM))
    timer.start()
    assert _watch(load, 600, None, lines).run() == 0
    assert lines[-1].startswith("Stopped;")
