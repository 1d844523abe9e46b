"""The page as `crm-sync dashboard` writes and serves it."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
import uvicorn
from browser import Browser, Open
from click.testing import CliRunner, Result
from health_examples import degraded, healthy
from health_file import HealthFile

from crm_sync.cli import main
from crm_sync.dashboard.server import HOST, create_app

Run = Callable[..., Result]


@pytest.fixture
def health(tmp_path: Path) -> Path:
    return healthy().save(tmp_path / "sandbox_health.duckdb")


@contextmanager
def serving(health: Path) -> Iterator[str]:
    """A server of the health file, whose pages ask ten times a second."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        listener.listen()
        server = uvicorn.Server(uvicorn.Config(create_app(health, "sandbox", every_ms=100), log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield f"http://{HOST}:{listener.getsockname()[1]}/"
        finally:
            server.should_exit = True
            thread.join(10)


@pytest.fixture
def address(health: Path) -> Iterator[str]:
    with serving(health) as address:
        yield address


def publish(file: HealthFile, health: Path, status: str) -> None:
    """As a cycle does: write anew, then rename."""
    os.replace(file.save(health.with_suffix(".new"), status), health)


def test_only_what_is_new_is_sent(address: str, health: Path) -> None:
    first = requests.get(f"{address}data.json", timeout=10)
    assert first.json()["banner"]["state"] == "active"
    again = requests.get(f"{address}data.json", headers={"If-None-Match": first.headers["ETag"]}, timeout=10)
    assert (again.status_code, again.content) == (304, b"")
    publish(degraded(), health, "degraded")
    newer = requests.get(f"{address}data.json", headers={"If-None-Match": first.headers["ETag"]}, timeout=10)
    assert newer.json()["banner"]["state"] == "degraded"
    assert newer.headers["ETag"] != first.headers["ETag"]


def test_names_of_other_sites_are_refused(address: str) -> None:
    answer = requests.get(address, headers={"Host": "crm.example.com"}, timeout=10)
    assert answer.status_code == 400
    good = requests.get(address, timeout=10)
    assert good.headers["X-Frame-Options"] == "DENY"
    assert good.headers["Cache-Control"] == "no-store"


def test_a_broken_file_is_a_message_and_no_trace(address: str, health: Path) -> None:
    health.write_bytes(b"broken" * 1_000)
    answer = requests.get(address, timeout=10)
    assert answer.status_code == 503
    assert "cannot be read" in answer.text
    assert "Traceback" not in answer.text


def test_an_open_page_follows_the_cycles_and_keeps_its_filters(address: str, open_page: Open, health: Path) -> None:
    page = open_page(address)
    assert page.js("document.querySelector('.banner-headline').innerText") == "Healthy"
    page.js("document.getElementById('filter-text').focus()")
    page.type("weber")
    page.wait_for("location.hash === '#text=weber'")
    publish(degraded(), health, "degraded")
    page.wait_for("document.querySelector('.banner-headline').innerText === '14 records are refused'")
    assert page.js("document.querySelector('#errors .tally').innerText") == "1 of 14"
    assert page.js("document.getElementById('filter-text').value") == "weber"
    assert page.js("document.activeElement.id") == "filter-text"
    assert page.js("document.title").startswith("14 records are refused")
    assert not page.js("document.getElementById('silent').checkVisibility()")


def test_an_open_page_says_when_the_server_is_gone(browser: Browser, health: Path) -> None:
    with serving(health) as address:
        page = browser.open(address)
        assert not page.js("document.getElementById('silent').checkVisibility()")
    page.wait_for("document.getElementById('silent').checkVisibility()")
    assert page.js("document.getElementById('silent').innerText").startswith("The server does not answer")
    page.close()


# ---------------------------------------------------------------- the command


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("WAREHOUSE_PATH", str(tmp_path / "sandbox.duckdb"))
    return lambda *arguments: CliRunner().invoke(main, ["dashboard", *arguments], prog_name="crm-sync")


def test_the_page_is_written_beside_the_health_file(run: Run, health: Path, tmp_path: Path) -> None:
    result = run()
    assert result.exit_code == 0, result.output
    page = (tmp_path / "sandbox_health.html").read_text(encoding="utf-8")
    assert result.output.strip() == f"Written: {tmp_path / 'sandbox_health.html'}"
    assert "1,023 linked pairs are kept in step" in page
    assert not list(tmp_path.glob("*.new"))


def test_a_place_of_ones_own_and_standard_output(run: Run, health: Path, tmp_path: Path) -> None:
    assert run("--out", str(tmp_path / "deep" / "page.html")).exit_code == 0
    printed = run("--out", "-").stdout
    written = (tmp_path / "deep" / "page.html").read_text(encoding="utf-8")
    assert printed.startswith("<!doctype html>")
    assert len(printed) == len(written)


def test_before_the_first_cycle_there_is_a_page_too(run: Run, tmp_path: Path) -> None:
    result = run()
    assert result.exit_code == 0
    assert "No cycle has run yet" in result.stderr
    assert "No sync has run yet" in (tmp_path / "sandbox_health.html").read_text(encoding="utf-8")


def test_what_cannot_be_done_is_one_message_with_its_remedy(run: Run, health: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    refused = run("--out", str(tmp_path / "file" / "page.html"))
    assert (refused.exit_code, refused.stderr.count("\n")) == (2, 2)
    assert "Name another place: --out FILE" in refused.stderr
    both = run("--serve", "--out", "page.html")
    assert both.exit_code == 2
    assert "takes no --out" in both.stderr
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        busy = run("--serve", "--port", str(taken.getsockname()[1]))
    assert busy.exit_code == 2
    assert "--port 0" in busy.stderr
    health.write_bytes(b"broken" * 1_000)
    broken = run()
    assert broken.exit_code == 2
    assert "Traceback" not in broken.output
