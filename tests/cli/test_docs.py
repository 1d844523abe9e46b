"""The documentation holds: its commands exist with their options, those that only look run, its SQL answers, its links
lead somewhere. Commands are taken from shell blocks, from transcripts (`$ ...`) and from inline code.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import duckdb
import pytest
import yaml
from cli_world import REPOSITORY, CliWorld

from crm_sync.cli import main

PAGES = sorted([REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md", *(REPOSITORY / "docs").glob("*.md")])
MAKE_ARGUMENTS = {
    "sync": "sync",
    "plan": "plan",
    "status": "status",
    "check": "check",
    "doctor": "doctor",
    "dashboard": "dashboard",
}
#: Programs that the documentation may call besides make and crm-sync, and that are not run here.
OTHER_PROGRAMS = {"cp", "cd", "duckdb", "openssl", "pytest", "dbt", "ruff", "git", ".", "python", "sqlfluff"}
#: Commands that only look, in a moment.
QUICK = ("status", "explain", "errors", "conflicts", "check", "query")
BLOCK = re.compile(r"^```(?P<kind>\w*)\n(?P<text>.*?)^```", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Found:
    """A command in the documentation, and where."""

    page: str
    text: str

    @property
    def words(self) -> list[str]:
        try:
            return shlex.split(self.text, comments=True)
        except ValueError as error:
            raise AssertionError(f"{self.page}: {self.text}: {error}") from None


def _blocks(page: Path, *kinds: str) -> Iterator[str]:
    for match in BLOCK.finditer(page.read_text(encoding="utf-8")):
        if match["kind"] in kinds:
            yield match["text"]


def _lines(block: str) -> Iterator[str]:
    """The commands of a shell block; one may go over several lines, by a backslash or an open quote."""
    command = ""
    for line in block.replace("\\\n", " ").splitlines():
        command = f"{command}\n{line}" if command else line
        try:
            shlex.split(command, comments=True)
        except ValueError:
            continue
        if command.strip():
            yield command
        command = ""
    assert not command, command


def _transcribed(block: str) -> Iterator[str]:
    """The commands of a transcript: lines that begin with `$ `, with those that close a quote."""
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        lines = part.splitlines()
        count = 1
        while "\n".join(lines[:count]).count('"') % 2 and count < len(lines):
            count += 1
        yield "\n".join(lines[:count])


def _commands() -> list[Found]:
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for block in _blocks(page, "sh"):
            found += [
                Found(page.name, line) for line in block.splitlines() if line.strip() and "=" not in line.split()[0]
            ]
        for block in _blocks(page, ""):
            found += [Found(page.name, command) for command in _transcribed(block)]
        prose = BLOCK.sub("", text)
        codes = [" ".join(code.split()) for code in re.findall(r"`((?:\.venv/bin/)?crm-sync [^`]+|make [^`]+)`", prose)]
        found += [Found(page.name, code) for code in codes if "exited with code" not in code]
    return [one for one in found if one.words]


COMMANDS = _commands()
CRM_SYNC = [one for one in COMMANDS if one.words[0].removeprefix(".venv/bin/") == "crm-sync"]
MAKE = [one for one in COMMANDS if one.words[0] == "make"]


def _parse(words: list[str]) -> None:
    """Let click parse a command line, without running it. Raises a click error for what does not exist."""
    context = main.make_context("crm-sync", list(words))
    group: click.Group = main
    rest = [*context._protected_args, *context.args]
    while rest:
        name, command, rest = group.resolve_command(context, rest)
        assert command is not None
        context = command.make_context(name, rest, parent=context)
        if not isinstance(command, click.Group):
            return
        group, rest = command, [*context._protected_args, *context.args]


def _check(words: list[str]) -> None:
    # `crm-sync undo` or `crm-sync explain` in prose names a command; with arguments it must parse
    name = next((word for word in words if word in main.commands), None)
    bare = words[-1:] == [name]
    try:
        _parse(words)
    except click.MissingParameter:
        assert bare, words
    except click.exceptions.Exit:
        assert "--help" in words or "--version" in words


def test_there_are_commands_to_check() -> None:
    assert len(CRM_SYNC) > 30
    assert len(MAKE) > 30
    named = {word for one in CRM_SYNC for word in one.words if word in main.commands}
    named |= {MAKE_ARGUMENTS[word] for one in MAKE for word in one.words if word in MAKE_ARGUMENTS}
    assert named >= set(main.commands), set(main.commands) - named


@pytest.mark.parametrize("found", CRM_SYNC, ids=lambda one: f"{one.page}: {one.text}")
def test_a_documented_command_exists_with_its_options(found: Found) -> None:
    words = found.words[1:]
    if ">" in words:
        words = words[: words.index(">")]
    if words[-1:] == ["..."] and '"..."' not in found.text:
        words = words[:-1]
    _check(words)


@pytest.mark.parametrize("found", MAKE, ids=lambda one: f"{one.page}: {one.text}")
def test_a_documented_make_target_exists_and_its_arguments_parse(found: Found) -> None:
    targets = re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    words = [word for word in found.words[1:] if ">" not in word]
    named = [word for word in words if "=" not in word][:1]
    assert named[0] in targets or named == ["any"], found.text
    for word in words:
        if word.startswith("ARGS=") and named[0] in MAKE_ARGUMENTS and "…" not in word and "..." not in word:
            _check([MAKE_ARGUMENTS[named[0]], *shlex.split(word.removeprefix("ARGS="))])


def test_shell_blocks_call_known_programs_only() -> None:
    for found in COMMANDS:
        program = found.words[0].removeprefix(".venv/bin/")
        assert program in {"make", "crm-sync", *OTHER_PROGRAMS}, f"{found.page}: {found.text}"


@pytest.mark.parametrize(
    "found",
    [one for one in CRM_SYNC if set(one.words) & set(QUICK) and "..." not in one.text and "RUN" not in one.words],
    ids=lambda one: f"{one.page}: {one.text}",
)
def test_a_documented_command_that_only_looks_runs(synced: CliWorld, found: Found) -> None:
    words = [word for word in found.words[1:] if word not in ("--target", "prod")]
    if words in (["explain"], ["query"]):
        return
    result = synced.run(*[word.replace("jane@acme.com", "ada.brandt@acme.com") for word in words])
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(
    "path", sorted((REPOSITORY / ".github" / "workflows").glob("*.yml")), ids=lambda path: path.name
)
def test_workflows_call_commands_that_exist_and_pin_their_actions(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    jobs = yaml.safe_load(text)["jobs"]
    assert all("runs-on" in job for job in jobs.values())
    targets = re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    for job in jobs.values():
        for step in job["steps"]:
            assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", step.get("uses", "a/b@" + "0" * 40)), step
            for line in step.get("run", "").splitlines():
                if match := re.search(r"crm-sync (--target .*?)(?: [|>&2].*)?$", line):
                    _check(shlex.split(match[1]))
                if match := re.match(r"\s*make ([a-z-]+)", line):
                    assert match[1] in targets, line


# ---------------------------------------------------------------- SQL


def _statements() -> list[Found]:
    """SQL blocks, statement by statement. `queries.md` has a test of its own."""
    found = []
    for page in PAGES:
        if page.name == "queries.md":
            continue
        for block in _blocks(page, "sql"):
            lines = [line for line in block.splitlines() if not line.strip().startswith("--")]
            found += [Found(page.name, sql.strip()) for sql in "\n".join(lines).split(";") if sql.strip()]
    return found


STATEMENTS = _statements()


@pytest.mark.parametrize("found", STATEMENTS, ids=[f"{one.page} {number}" for number, one in enumerate(STATEMENTS)])
def test_documented_sql_answers(synced: CliWorld, found: Found) -> None:
    needs_warehouse = "raw_" in found.text or "staging." in found.text or "base_values" in found.text
    path = synced.warehouse if needs_warehouse else synced.health
    with duckdb.connect(str(path), read_only=True) as connection:
        connection.execute(found.text).fetchall()


# ---------------------------------------------------------------- links, variables


def _anchor(heading: str) -> str:
    kept = re.sub(r"[^\w\- ]", "", heading.strip().lower())
    return kept.replace(" ", "-")


def _anchors(page: Path) -> set[str]:
    text = BLOCK.sub("", page.read_text(encoding="utf-8"))
    return {_anchor(heading) for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    text = BLOCK.sub("", page.read_text(encoding="utf-8"))
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), f"{page.name}: {target}"
        if anchor:
            assert anchor in _anchors(file), f"{page.name}: {target}"


def test_every_page_is_reachable_from_the_readme() -> None:
    seen, waiting = set(), [REPOSITORY / "README.md"]
    while waiting:
        page = waiting.pop()
        seen.add(page)
        linked = re.findall(r"\]\(([^)\s#]+\.md)", page.read_text(encoding="utf-8"))
        waiting += [file for path in linked if (file := (page.parent / path).resolve()) not in seen]
    assert set((REPOSITORY / "docs").glob("*.md")) <= seen


def test_every_environment_variable_is_in_the_example_file() -> None:
    example = (REPOSITORY / ".env.example").read_text(encoding="utf-8")
    named = {
        name
        for path in (*PAGES, REPOSITORY / "crm_sync" / "config.py")
        for name in re.findall(r"\b((?:HUBSPOT|SALESFORCE|CRM_SYNC|WAREHOUSE)_[A-Z_]+[A-Z])\b", path.read_text("utf-8"))
    }
    given_to_commands = {"CRM_SYNC_ALERT_STATUS", "CRM_SYNC_ALERT_RUN"}
    in_ci = {"CRM_SYNC_ENABLED"}
    constants = {"HUBSPOT_URL", "SALESFORCE_URL"}
    assert {name for name in named if name not in example} <= given_to_commands | in_ci | constants
