"""What a person sees of a cycle while it runs: bars on a terminal, one plain line per step elsewhere.

Owns the display only. The cycle tells an Observer what it does; the default one says nothing. Reports come from the
reading threads as well, so displays must stand concurrent calls (rich's do; lines are single writes).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

from crm_sync.wording import CRM_NAMES

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import ProgressColumn, TaskID

    from crm_sync.clients import Clients
    from pipelines.source import Progress as ReadProgress
    from reverse_etl.report import Progress as PushProgress

STEPS = {
    "extract": "Reading both CRMs",
    "decide": "Deciding",
    "push": "Writing",
    "settle": "Settling",
    "publish": "Publishing",
}


class StopRequested(Exception):
    """An observer's way to end a cycle before its next step: nothing is undone, and the next cycle goes on."""


class Observer:
    """Told what a cycle does; this one keeps it to itself."""

    def using(self, clients: Clients) -> None:
        """The clients of this cycle, whose calls may be watched."""

    def step(self, name: str) -> None:
        """A step begins: extract, decide, push, settle or publish."""

    def read(self, progress: ReadProgress) -> None:
        """A page of an object has been read."""

    def pushed(self, progress: PushProgress) -> None:
        """A batch has been written."""

    def __enter__(self) -> Observer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """The cycle has ended, well or badly."""


class Lines(Observer):
    """One line per step and per finished stage of the push: for logs, which keep every line."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say

    def step(self, name: str) -> None:
        self._say(f"{name} ...")

    def pushed(self, progress: PushProgress) -> None:
        if progress.done >= progress.total:
            target = CRM_NAMES[progress.target]
            self._say(f"  {target} {progress.object} {progress.operation}: {progress.total:,} done")


class Terminal(Observer):
    """Bars with records, rate, time left, and the API calls made so far."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._bars: Bars | None = None
        self._tasks: dict[tuple[str, ...], TaskID] = {}
        self._step: TaskID | None = None
        self._clients: Clients | None = None

    def __enter__(self) -> Terminal:
        self._bars = _bars(self._stream)
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bars is not None:
            self._bars.stop()

    def using(self, clients: Clients) -> None:
        self._clients = clients

    def step(self, name: str) -> None:
        bars = self._started()
        for task in [self._step, *self._tasks.values()]:
            if task is not None:
                bars.remove_task(task)
        self._tasks.clear()
        self._step = bars.add_task(STEPS.get(name, name), total=None, note=self._note())

    def read(self, progress: ReadProgress) -> None:
        key = (progress.crm, progress.object)
        text = f"  {CRM_NAMES[progress.crm]} {progress.object}"
        self._show(key, text, progress.records, None, "read")

    def pushed(self, progress: PushProgress) -> None:
        key = (progress.target, progress.object, progress.operation)
        text = f"  {CRM_NAMES[progress.target]} {progress.object} {progress.operation}"
        self._show(key, text, progress.done, progress.total, "written")

    def _show(self, key: tuple[str, ...], text: str, done: int, total: int | None, verb: str) -> None:
        bars = self._started()
        if key not in self._tasks:
            self._tasks[key] = bars.add_task(text, total=total, note="")
        bars.update(self._tasks[key], completed=done, total=total, note=f"{done:,} {verb}")
        if self._step is not None:
            bars.update(self._step, note=self._note())

    def _note(self) -> str:
        if self._clients is None:
            return ""
        return f"API calls: HubSpot {self._clients.hubspot.calls:,}, Salesforce {self._clients.salesforce.calls:,}"

    def _started(self) -> Bars:
        assert self._bars is not None, "the display is used inside its with block"
        return self._bars


def _bars(stream: TextIO) -> Bars:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[note]}", markup=False),
        _rate_column(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(file=stream),
        transient=True,
    )


def _rate_column() -> ProgressColumn:
    from rich.progress import ProgressColumn, Task
    from rich.text import Text

    class Rate(ProgressColumn):
        """Records a second, where a task counts records."""

        def render(self, task: Task) -> Text:
            return Text(f"{task.speed:,.0f}/s" if task.speed and task.completed else "")

    return Rate()


@contextmanager
def display(stream: TextIO, say: Callable[[str], None], is_quiet: bool = False) -> Iterator[Observer]:
    """The display that fits the stream: bars on a terminal, lines elsewhere, nothing when quiet."""
    observer: Observer
    if is_quiet:
        observer = Observer()
    elif stream.isatty():
        observer = Terminal(stream)
    else:
        observer = Lines(say)
    with observer:
        yield observer
