"""What is shown while a cycle runs: bars where there is a terminal, lines where there is a log."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any, cast

from crm_sync.progress import Lines, Observer, Terminal, display
from pipelines.source import Progress as ReadProgress
from reverse_etl.report import Progress as PushProgress


class _Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def _cycle(observer: Observer) -> None:
    clients: Any = SimpleNamespace(hubspot=SimpleNamespace(calls=17), salesforce=SimpleNamespace(calls=1_204))
    observer.using(cast(Any, clients))
    observer.step("extract")
    observer.read(ReadProgress("hubspot", "contacts", 1_500, is_full=True))
    observer.step("push")
    observer.pushed(PushProgress("salesforce", "contact", "create", 200, 400))
    observer.pushed(PushProgress("salesforce", "contact", "create", 400, 400))


def test_a_log_gets_a_line_per_step_and_finished_stage() -> None:
    lines: list[str] = []
    with display(io.StringIO(), lines.append) as observer:
        assert isinstance(observer, Lines)
        _cycle(observer)
    assert lines == ["extract ...", "push ...", "  Salesforce contact create: 400 done"]


def test_a_terminal_gets_bars_with_records_and_calls_and_is_left_clean(monkeypatch: Any) -> None:
    monkeypatch.setenv("COLUMNS", "140")
    monkeypatch.setenv("TERM", "xterm-256color")
    screen = _Screen()
    with display(screen, lambda line: None) as observer:
        assert isinstance(observer, Terminal)
        _cycle(observer)
    shown = screen.getvalue()
    assert "Writing" in shown
    assert "API calls: HubSpot 17, Salesforce 1,204" in shown
    assert "Salesforce contact create" in shown
    assert "400 written" in shown
    assert shown.endswith("\x1b[2K")  # the bars are gone when the summary comes


def test_quiet_says_nothing() -> None:
    lines: list[str] = []
    with display(io.StringIO(), lines.append, is_quiet=True) as observer:
        _cycle(observer)
    assert lines == []
