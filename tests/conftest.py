"""Shares the suite out among processes (`pytest -n auto`): what has to stay together, and what is dear comes first."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

TESTS = Path(__file__).parent
#: Folders whose tests run whole cycles or processes. What is left for the end is cheap: so all processes end alike.
DEAR = ("scenarios", "properties", "faults", "cli", "dbt")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: DEAR.index(_folder(item)) if _folder(item) in DEAR else len(DEAR))


def _folder(item: pytest.Item) -> str:
    return item.path.relative_to(TESTS).parts[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """A file stays in one process, since its fixtures are dear, and so does the whole folder of the command line, which
    looks at one synced world; of the scenarios only those of a group do.

    `--dist loadgroup` would do, but for pytest 9.2, which no longer lets xdist mark a test's id.
    """
    from xdist.scheduler import LoadScopeScheduling

    class ByFileOrGroup(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            if "cli" in Path(file).parts:
                return "cli"
            if "scenarios" not in Path(file).parts:
                return file
            group = re.search(r"\[in (\w+)\]$", nodeid)
            return group[1] if group else nodeid

    config.option.loadscopereorder = False  # the order above stands
    return ByFileOrGroup(config, log)
