"""Health files and the pages made of them; one browser for all tests of a process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from browser import HOW_TO_INSTALL, Browser, CannotStart, Open, Page, find_chromium
from health_examples import degraded, healthy
from health_file import NOW, HealthFile

from crm_sync.dashboard.document import read_document
from crm_sync.dashboard.page import render_page


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Three pages as files: in good order, with records refused, and before the first run."""
    folder = tmp_path_factory.mktemp("pages")
    return {
        "healthy": write_page(healthy().save(folder / "healthy_health.duckdb")),
        "degraded": write_page(degraded().save(folder / "degraded_health.duckdb", "degraded")),
        "never": write_page(folder / "never_health.duckdb"),
    }


def write_page(health: Path, cap: int = 2_000) -> Path:
    path = health.with_suffix(".html")
    path.write_text(render_page(read_document(health, "sandbox", NOW, cap)), encoding="utf-8")
    return path


@pytest.fixture
def page_of(tmp_path: Path) -> Callable[..., Path]:
    """The page of a health file that a test has made up."""

    def make(file: HealthFile, status: str = "active", cap: int = 2_000) -> Path:
        return write_page(file.save(tmp_path / "sandbox_health.duckdb", status), cap)

    return make


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    executable = find_chromium()
    if executable is None:
        pytest.skip(HOW_TO_INSTALL)
    try:
        browser = Browser(executable, tmp_path_factory.mktemp("profile"))
    except CannotStart as error:
        pytest.skip(f"{error}; {HOW_TO_INSTALL}")
    yield browser
    browser.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Open]:
    """Opens pages, and at the end of each test looks whether one of them complained or asked for anything else."""
    opened: list[tuple[Page, str]] = []

    def open_(where: Path | str, anchor: str = "", **how: object) -> Page:
        url = where if isinstance(where, str) else where.as_uri()
        page = browser.open(url + anchor, **how)
        opened.append((page, url))
        return page

    yield open_
    for page, url in opened:
        page.close()
        assert page.complaints == [], "the console stays silent"
        strangers = [asked for asked in page.requests if not asked.startswith((url, "data:image/svg+xml"))]
        assert strangers == [], "a page asks nobody but where it came from"
